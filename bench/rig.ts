/** The fleet of the benchmarks: a temporary folder, a private tmux server of 112 panes and stand-in agents. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { endServer } from '../test/support/tmux.ts'

/** The root folder of the project. */
export const root = resolve(import.meta.dirname, '..')
/** The path of the bundled command `burn`. */
export const bundle = join(root, 'dist/start.mjs')
/** Panes per window, as in examples/timmy. */
export const sizes = [14, 12, 12, 10, 12, 8, 14, 14, 10, 6]

/** A fleet for benchmarks. */
export interface Rig {
  readonly dir: string
  socket: string
  /** Runs the bundled command, and returns its output. */
  burn(...words: readonly string[]): Promise<string>
  /** Starts the bundled command in the background. `printed` waits until the output matches `what`; `kill` ends the process with SIGKILL. */
  start(...words: readonly string[]): { printed(what: RegExp): Promise<void>; kill(): Promise<void> }
  writeSpec(machine?: object, more?: object): void
  /** Returns the number of prompts in the logs of the stand-in agents. */
  received(): number
  close(): void
}

/** Creates the fleet. `panes`: the number of panes per window. */
export function openRig(panes: readonly number[] = sizes): Rig {
  const dir = mkdtempSync(join(tmpdir(), 'burn-bench-'))
  const socket = `burn-bench-${process.pid}-${panes.length}`
  for (const name of ['agents', 'home', 'issues/app']) mkdirSync(join(dir, name), { recursive: true })
  const spec = join(dir, 'fleet-spec.json')
  const rig: Rig = {
    dir,
    socket,
    burn: (...words) => command([process.execPath, bundle, ...words], { BURN_SPEC: spec, HOME: join(dir, 'home') }),
    start: (...words) => background([process.execPath, bundle, ...words], { BURN_SPEC: spec, HOME: join(dir, 'home') }),
    writeSpec: (machine = {}, more = {}) => writeFileSync(spec, JSON.stringify(specOf(dir, rig.socket, panes, machine, more))),
    received: () => countReceived(join(dir, 'agents')),
    close: () => {
      endServer(rig.socket)
      rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  rig.writeSpec()
  return rig
}

function specOf(dir: string, socket: string, sizesOf: readonly number[], machine: object, more: object): object {
  const agent = join(root, 'test/stand-ins/agent/agent.mjs')
  const command = [process.execPath, agent, '--log', join(dir, 'agents/%p-%d.jsonl'), '--turn-ms', '1', '--busy-mode', 'queue']
  const windows = sizesOf.map((panes, index) => ({ name: `W${index}`, panes, repos: ['app'] }))
  return {
    name: 'bench',
    session: 'B',
    socket,
    dir: join(dir, 'w'),
    ledger: `sqlite:${dir}/l.db`,
    forge: { kind: 'folder', path: dir, owner: 'bench' },
    agent: { kind: 'hermes', command, busy_input_mode: 'queue' },
    dispatch: { depth: 1 },
    machines: { box: { cores: 16, windows, ...machine } },
    ...more,
  }
}

function countReceived(dir: string): number {
  return readdirSync(dir).reduce((sum, name) => sum + readFileSync(join(dir, name), 'utf8').split('"event":"received"').length - 1, 0)
}

/** Runs a program, and returns its output. Throws an error with the program's messages if the exit code is neither 0 nor 3. */
export function command(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const [program = '', ...words] = argv
  const child = spawn(program, words, { env: { ...process.env, NO_COLOR: '1', ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  return new Promise((done, fail) => {
    child.once('close', (code) => (code === 0 || code === 3 ? done(out) : fail(new Error(`${argv.join(' ')} exited with ${code}: ${err}`))))
  })
}

function background(argv: readonly string[], env: Readonly<Record<string, string>>): ReturnType<Rig['start']> {
  const [program = '', ...words] = argv
  const child = spawn(program, words, { env: { ...process.env, NO_COLOR: '1', ...env }, stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = new Promise<void>((done) => child.once('close', () => done()))
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  return {
    printed: (what) => until(() => what.test(out)),
    kill: () => {
      child.kill('SIGKILL')
      return ended
    },
  }
}

/** Runs tmux on a socket, and returns its output. */
export function tmux(socket: string, ...words: readonly string[]): string {
  return execFileSync('tmux', ['-u', '-L', socket, ...words], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
}

/**
 * Ends a tmux server, and waits until the processes of its panes have ended. Otherwise these processes would disturb the next measurement.
 */
export async function endServerAndPanes(socket: string): Promise<void> {
  const { stdout } = spawnSync('tmux', ['-L', socket, 'list-panes', '-a', '-F', '#{pid} #{pane_pid}'], { encoding: 'utf8' })
  endServer(socket)
  const pids = new Set(stdout.split(/\s+/).filter((pid) => pid !== ''))
  await until(() => [...pids].every((pid) => !existsSync(`/proc/${pid}`)))
}

/** Polls every 2 ms until `holds` returns true. Throws after a minute. */
export async function until(holds: () => boolean): Promise<void> {
  for (const end = performance.now() + 60_000; !holds(); await sleep(2))
    if (performance.now() > end) throw new Error('a condition did not hold within a minute')
}
