/** What the benchmarks run on: a folder of their own, a private tmux server of 112 panes, stand-in agents. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { endServer } from '../test/support/tmux.ts'

export const root = resolve(import.meta.dirname, '..')
export const bundle = join(root, 'dist/start.mjs')
/** Panes of the ten windows of examples/timmy. */
export const sizes = [14, 12, 12, 10, 12, 8, 14, 14, 10, 6]

export interface Rig {
  readonly dir: string
  socket: string
  /** Runs the bundled command; returns what it printed. */
  burn(...words: readonly string[]): Promise<string>
  /** Runs it in the background: `said` waits until it has printed what matches, `kill` ends it by SIGKILL. */
  start(...words: readonly string[]): { said(what: RegExp): Promise<void>; kill(): Promise<void> }
  writeSpec(machine?: object, more?: object): void
  /** How many prompts the agents wrote down that they received. */
  received(): number
  close(): void
}

/** `panes`: how many each window has. */
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

/** Runs a program to its end. Throws with what it said where it failed outright. */
export function command(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const [program = '', ...words] = argv
  const child = spawn(program, words, { env: { ...process.env, NO_COLOR: '1', ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  return new Promise((done, fail) => {
    child.once('close', (code) => (code === 0 || code === 3 ? done(out) : fail(new Error(`${argv.join(' ')} ended with ${code}: ${err}`))))
  })
}

function background(argv: readonly string[], env: Readonly<Record<string, string>>): ReturnType<Rig['start']> {
  const [program = '', ...words] = argv
  const child = spawn(program, words, { env: { ...process.env, NO_COLOR: '1', ...env }, stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = new Promise<void>((done) => child.once('close', () => done()))
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  return {
    said: (what) => until(() => what.test(out)),
    kill: () => {
      child.kill('SIGKILL')
      return ended
    },
  }
}

export function tmux(socket: string, ...words: readonly string[]): string {
  return execFileSync('tmux', ['-u', '-L', socket, ...words], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
}

/** Ends a server and waits until all of its panes' processes are gone: they would compete with what is measured next. */
export async function endWholly(socket: string): Promise<void> {
  const { stdout } = spawnSync('tmux', ['-L', socket, 'list-panes', '-a', '-F', '#{pid} #{pane_pid}'], { encoding: 'utf8' })
  endServer(socket)
  const pids = new Set(stdout.split(/\s+/).filter((pid) => pid !== ''))
  await until(() => [...pids].every((pid) => !existsSync(`/proc/${pid}`)))
}

/** Looks every few milliseconds until it holds; gives up after a minute. */
export async function until(holds: () => boolean): Promise<void> {
  for (const end = performance.now() + 60_000; !holds(); await sleep(2))
    if (performance.now() > end) throw new Error('it did not happen in a minute')
}
