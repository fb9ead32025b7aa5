/** Drives the real command line, as a person would. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Stage } from './stage.ts'
import { killGroup, spawnPiped, runProcess, type PipedChild } from '../src/host/exec.ts'

const longest = 60_000
/** How long a command that was asked to stop may finish what it began, milliseconds. */
const grace = 5_000

/** The words as a person types them. */
export const typed = (words: readonly string[]) =>
  `burn ${words.map((word) => (/^[\w@%+=:,./#-]+$/.test(word) && !word.startsWith('#') ? word : `'${word}'`)).join(' ')}`

/** Runs one command to its end, or until `stop`, and returns what it printed. Throws with what it said where its exit code is not 0. */
export async function burn(stage: Stage, words: readonly string[], stop: AbortSignal): Promise<string> {
  let out = ''
  let failure: string | null = null
  const running = start(stage, words, (why) => (failure = why))
  running.child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  const interrupt = () => void running.stop()
  stop.addEventListener('abort', interrupt)
  const timer = setTimeout(interrupt, longest)
  await running.ended
  clearTimeout(timer)
  stop.removeEventListener('abort', interrupt)
  if (failure !== null) throw new Error(`${failure}${out}`)
  return out
}

/** A command that goes on, and prints a JSON object a line. */
export interface Running {
  /** Asks it to stop, as Ctrl-C does, and waits until it has. */
  stop(): Promise<void>
}

/** `onFailure` is told when it ends with another exit code than 0, and was not asked to end. */
export function follow<T>(stage: Stage, words: readonly string[], onLine: (value: T) => void, onFailure: (why: string) => void): Running {
  const running = start(stage, words, onFailure)
  createInterface({ input: running.child.stdout }).on('line', (line) => onLine(JSON.parse(line) as T))
  return running
}

function start(
  stage: Stage,
  words: readonly string[],
  onFailure: (why: string) => void,
): Running & { readonly child: PipedChild; readonly ended: Promise<void> } {
  const child = spawnPiped([process.execPath, stage.command, ...words, '--spec', stage.spec], { env: stage.env, cwd: stage.dir })
  let said = ''
  let asked = false
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const ended = new Promise<void>((done) => {
    child.once('error', (error) => (onFailure(error.message), done()))
    child.once('close', (code) => {
      if (!asked && code !== 0) onFailure(`${typed(words)} ended with ${code ?? 'a signal'}: ${said.trim()}\n`)
      done()
    })
  })
  const stop = async () => {
    asked = true
    child.kill('SIGINT')
    const timer = setTimeout(() => killGroup(child), grace)
    await ended
    clearTimeout(timer)
  }
  return { child, ended, stop }
}

/** Ends the tmux server of the demo, by its own socket, and removes what tmux may leave of that. */
export async function endServer({ socket, env }: Pick<Stage, 'socket' | 'env'>, uid: number): Promise<void> {
  // Exit code 1 says that there is none: that is what was wanted.
  await runProcess(['tmux', '-L', socket, 'kill-server'], { timeout_ms: 5_000, env })
  rmSync(join(env['TMUX_TMPDIR'] ?? '/tmp', `tmux-${uid}`, socket), { force: true })
}

/** What a person types to look into a worker's window while the fleet is up. */
export function lookInto({ socket, session }: Stage, window: string, inside: boolean): string {
  return `${inside ? 'TMUX= ' : ''}tmux -L ${socket} attach -t ${session}:${window}`
}

/** The command line from this checkout, for a person to type. */
export const command = join('bin', 'burn')
