/** Drives the real command line, as a person would. */
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Stage } from './stage.ts'
import { killGroup, open, run } from '../src/host/exec.ts'

const main = resolve(import.meta.dirname, '../src/cli/main.ts')
const longest = 60_000
/** How long a command that was asked to stop may finish what it began, milliseconds. */
const grace = 5_000

/** The words as a person types them. */
export const typed = (words: readonly string[]) => `burn ${words.map((word) => (/^[\w@%+=:,./#-]+$/.test(word) && !word.startsWith('#') ? word : `'${word}'`)).join(' ')}`

const argv = ({ spec }: Stage, words: readonly string[]) => [process.execPath, main, ...words, '--spec', spec]

/** Runs one command to its end and returns what it printed. Throws with what it said where its exit code is not 0. */
export async function burn(stage: Stage, words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(argv(stage, words), { timeout_ms: longest, env: stage.env, cwd: stage.dir })
  if (code !== 0) throw new Error(`${typed(words)} ended with ${code ?? 'a signal'}:\n${stdout}${stderr}`)
  return stdout
}

/** A command that goes on, and prints a JSON object a line. */
export interface Running {
  /** Asks it to stop, as Ctrl-C does, and waits until it has. Returns what it said on stderr. */
  stop(): Promise<string>
}

/** `onEnd` is told when it ends without having been asked to. */
export function follow<T>(stage: Stage, words: readonly string[], onLine: (value: T) => void, onEnd: (why: string) => void): Running {
  const child = open(argv(stage, words), { env: stage.env, cwd: stage.dir })
  let said = ''
  let asked = false
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  createInterface({ input: child.stdout }).on('line', (line) => onLine(JSON.parse(line) as T))
  const ended = new Promise<void>((done) => {
    child.once('error', (error) => (onEnd(error.message), done()))
    child.once('close', (code) => {
      if (!asked) onEnd(`${typed(words)} ended with ${code ?? 'a signal'}: ${said.trim()}`)
      done()
    })
  })
  return {
    async stop() {
      asked = true
      child.kill('SIGINT')
      const timer = setTimeout(() => killGroup(child), grace)
      await ended
      clearTimeout(timer)
      return said
    },
  }
}

/** Ends the tmux server of the demo, by its own socket, and removes what tmux may leave of that. */
export async function endServer({ socket, env }: Stage): Promise<void> {
  // Exit code 1 says that there is none: that is what was wanted.
  await run(['tmux', '-L', socket, 'kill-server'], { timeout_ms: 5_000, env })
}

/** What a person types to look into a worker's window while the fleet is up. */
export function lookInto({ socket, session }: Stage, window: string, inside: boolean): string {
  return `${inside ? 'TMUX= ' : ''}tmux -L ${socket} attach -t ${session}:${window}`
}

/** The command line from this checkout, for a person to type. */
export const command = join('bin', 'burn')
