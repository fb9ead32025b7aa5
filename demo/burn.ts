/** Runs the real command line, as a person would. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { DemoSetup } from './setup.ts'
import { killGroup, spawnPiped, runProcess, type PipedChild } from '../src/host/exec.ts'

/** Maximum duration of a command (ms). */
const timeout = 60_000
/** Time (ms) after an interrupt in which a command may finish its step. Then the demo kills the command. */
const stopTimeout = 5_000

/** Returns the command line that a person would type. */
export const typed = (words: readonly string[]) =>
  `burn ${words.map((word) => (/^[\w@%+=:,./#-]+$/.test(word) && !word.startsWith('#') ? word : `'${word}'`)).join(' ')}`

/** Runs a command to its end, or until `stop`, and returns its output. Throws an error with its output if the exit code is not 0. */
export async function burn(setup: DemoSetup, words: readonly string[], stop: AbortSignal): Promise<string> {
  let out = ''
  let failure: string | null = null
  const running = start(setup, words, (why) => (failure = why))
  running.child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  const interrupt = () => void running.stop()
  stop.addEventListener('abort', interrupt)
  const timer = setTimeout(interrupt, timeout)
  await running.ended
  clearTimeout(timer)
  stop.removeEventListener('abort', interrupt)
  if (failure !== null) throw new Error(`${failure}${out}`)
  return out
}

/** A command that runs in the background. */
export interface Running {
  /** Interrupts the command, as Ctrl-C does, and waits until the command ends. */
  stop(): Promise<void>
}

/** Runs a command that prints JSON lines. Calls `onFailure` if the command fails by itself: with an exit code that is not 0. */
export function follow<T>(
  setup: DemoSetup,
  words: readonly string[],
  onLine: (value: T) => void,
  onFailure: (why: string) => void,
): Running {
  const running = start(setup, words, onFailure)
  createInterface({ input: running.child.stdout }).on('line', (line) => onLine(JSON.parse(line) as T))
  return running
}

function start(
  setup: DemoSetup,
  words: readonly string[],
  onFailure: (why: string) => void,
): Running & { readonly child: PipedChild; readonly ended: Promise<void> } {
  const child = spawnPiped([process.execPath, setup.command, ...words, '--spec', setup.spec], { env: setup.env, cwd: setup.dir })
  let errors = ''
  let isStopped = false
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const ended = new Promise<void>((done) => {
    child.once('error', (error) => (onFailure(error.message), done()))
    child.once('close', (code) => {
      if (!isStopped && code !== 0) onFailure(`${typed(words)} ended with ${code ?? 'a signal'}: ${errors.trim()}\n`)
      done()
    })
  })
  const stop = async () => {
    isStopped = true
    child.kill('SIGINT')
    const timer = setTimeout(() => killGroup(child), stopTimeout)
    await ended
    clearTimeout(timer)
  }
  return { child, ended, stop }
}

/** Ends the tmux server of the demo, and removes its socket if tmux left it. */
export async function endServer({ socket, env }: Pick<DemoSetup, 'socket' | 'env'>, uid: number): Promise<void> {
  // tmux exits with 1 if there is no server.
  await runProcess(['tmux', '-L', socket, 'kill-server'], { timeout_ms: 5_000, env })
  rmSync(join(env['TMUX_TMPDIR'] ?? '/tmp', `tmux-${uid}`, socket), { force: true })
}

/** Returns the command that attaches to a window. `inside`: the person's terminal is a tmux pane. */
export function attachCommand({ socket, session }: DemoSetup, window: string, inside: boolean): string {
  return `${inside ? 'TMUX= ' : ''}tmux -L ${socket} attach -t ${session}:${window}`
}

/** The command of this checkout, for a person to type. */
export const command = join('bin', 'burn')
