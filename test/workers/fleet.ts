/** The fleet of `npm run workers`: 100 workers with stand-in agents on one tmux server, a folder forge, and a command that can be killed. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { bundle } from '../../scripts/bundle.ts'
import { ifCode } from '../../src/core/errors.ts'
import { jsonLines } from '../support/json-lines.ts'
import { standIn, writeIssues } from '../support/fleet.ts'
import { endServer, socketName } from '../support/tmux.ts'

/** A record of a stand-in agent. */
export interface AgentEvent {
  readonly event: string
  readonly number?: number
  readonly outcome?: string
  readonly path?: string
  readonly clone?: string
  readonly commit?: string
}

/** The number of windows. */
const windowCount = 10

/** The number of runs of a command that may fail one after another, at 4 s each. */
const maxFailures = 12

/** A fleet in a temporary folder, with its own tmux server. */
export class WorkerFleet {
  readonly dir = mkdtempSync(join(tmpdir(), 'burn-workers-'))
  readonly socket = socketName()
  readonly ledger = `sqlite:${this.dir}/l.db`
  readonly #windows: readonly string[]
  readonly #perWindow: number
  readonly #random: () => number
  readonly #running = new Set<ChildProcess>()
  /** The number of commands that `burnWithKills` killed. */
  kills = 0

  constructor(workers: number, random: () => number) {
    this.#windows = Array.from({ length: windowCount }, (_, index) => `W${index}`)
    this.#perWindow = Math.max(1, Math.round(workers / windowCount))
    this.#random = random
  }

  get windows(): readonly string[] {
    return this.#windows
  }

  async make(issues: number): Promise<void> {
    mkdirSync(join(this.dir, 'home'))
    mkdirSync(join(this.dir, 'agents'))
    await bundle(join(this.dir, 'burn'))
    this.#makeRepo()
    this.writeSpec(this.#windows)
    writeIssues(
      this.dir,
      'app',
      Array.from({ length: issues }, (_, index) => ({
        title: `Add file ${index + 1}`,
        body: `Please add a file \`f${index + 1}.txt\` that says:\n\n\`\`\`text\n${index + 1}\n\`\`\`\n`,
      })),
    )
  }

  #makeRepo(): void {
    const git = (...words: string[]) => execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...words], { stdio: 'ignore' })
    git('init', '--bare', '-b', 'main', join(this.dir, 'app.git'))
    git('clone', join(this.dir, 'app.git'), join(this.dir, 'first'))
    git('-C', join(this.dir, 'first'), 'commit', '--allow-empty', '-m', 'First')
    git('-C', join(this.dir, 'first'), 'push', 'origin', 'HEAD:main')
  }

  /** The number of workers. */
  get size(): number {
    return this.#windows.length * this.#perWindow
  }

  /** Writes a spec with these windows. */
  writeSpec(windows: readonly string[]): void {
    const spec = {
      name: 'workers',
      session: 'WORKERS',
      socket: this.socket,
      dir: join(this.dir, 'w'),
      ledger: this.ledger,
      forge: { kind: 'folder', path: this.dir },
      agent: standIn(this.dir, '--turn', resolve('test/workers/turn.mjs')),
      dispatch: { interval: '2s', depth: 1 },
      machines: { box: { cores: 8, windows: windows.map((name) => ({ name, panes: this.#perWindow, repos: ['app'] })) } },
    }
    writeFileSync(join(this.dir, 'spec.json'), JSON.stringify(spec))
  }

  /** Starts a command. */
  start(words: readonly string[]): ChildProcess {
    const env = { PATH: process.env['PATH'] ?? '', HOME: join(this.dir, 'home'), BURN_SPEC: join(this.dir, 'spec.json'), NO_COLOR: '1' }
    const child = spawn(process.execPath, [join(this.dir, 'burn/start.mjs'), ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#running.add(child)
    child.once('exit', () => this.#running.delete(child))
    return child
  }

  /** Runs a command to its end. Returns its exit code (null if it was killed) and its output. `killAfter`: the time (ms) of a SIGKILL. */
  async burn(words: readonly string[], killAfter?: number): Promise<{ readonly code: number | null; readonly out: string }> {
    const child = this.start(words)
    let out = ''
    child.stdout?.on('data', (chunk) => (out += String(chunk)))
    child.stderr?.on('data', (chunk) => (out += String(chunk)))
    const timer = killAfter === undefined ? null : setTimeout(() => child.kill('SIGKILL'), killAfter)
    const code = await new Promise<number | null>((done) => child.once('close', done))
    if (timer !== null) clearTimeout(timer)
    return { code, out }
  }

  /**
   * Runs a command until it succeeds. Kills its first runs, each at a random time of at most `longest` ms. A run may fail until the leases of
   * killed runs have expired, after 30 s. Throws if a command fails for longer.
   */
  async burnWithKills(words: readonly string[], kills: number, longest: number): Promise<void> {
    for (let left = kills, failures = 0; ; left--) {
      const { code, out } = await this.burn(words, left > 0 ? 200 + this.#random() * longest : undefined)
      if (code === 0 && !out.includes('another process')) return
      if (code === null) this.kills++
      else if (++failures > maxFailures) throw new Error(`burn ${words.join(' ')} failed with code ${code}: ${out.slice(-2000)}`)
      else await sleep(4_000)
    }
  }

  /** Runs a dispatcher and kills it at random times, until `stop` is aborted. Then ends it with SIGTERM. */
  async dispatchWithKills(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const child = this.start(['dispatch', '--cycles', '0'])
      const ended = new Promise((done) => child.once('close', done))
      child.stdout?.resume()
      child.stderr?.resume()
      await sleep(6_000 + this.#random() * 14_000, undefined, { signal: stop }).catch(ifCode(['ABORT_ERR'], undefined))
      if (!stop.aborted) this.kills++
      child.kill(stop.aborted ? 'SIGTERM' : 'SIGKILL')
      await ended
    }
  }

  /** Returns the logs of the agents, one list for each agent process. */
  logs(): (readonly AgentEvent[])[] {
    return readdirSync(join(this.dir, 'agents')).map((name) => jsonLines<AgentEvent>(join(this.dir, 'agents', name)))
  }

  /** Returns the command lines of processes that name the folder of this fleet, without the tmux server. */
  processes(): string[] {
    const found = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    return found.flatMap((pid) => {
      const text = readText(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()
      return text.includes(this.dir) ? [`${pid}: ${text.slice(0, 200)}`] : []
    })
  }

  /** Ends the processes that still run, and deletes the folder. */
  async close(): Promise<void> {
    for (const child of this.#running) child.kill('SIGKILL')
    endServer(this.socket)
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Returns the text of a file in /proc; empty if the process has ended. */
function readText(path: string): string {
  try {
    return existsSync(path) ? readFileSync(path, 'utf8') : ''
  } catch {
    return ''
  }
}
