/**
 * Starts the fleet of the soak: panes on a private tmux server, half of them over ssh if wanted. Each has a stand-in agent with its own
 * habit.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Session } from '../../src/observe/session.ts'
import type { Sshd } from '../support/sshd.ts'
import { systemClock } from '../../src/cli/clock.ts'
import { openSession } from '../../src/cli/wire.ts'
import { christen } from '../../src/operate/christen.ts'
import { bringUp } from '../../src/operate/up-down.ts'
import { endServer } from '../support/tmux.ts'
import { habits, type Habit } from './habits.ts'

/** One line of a stand-in agent's log. It is the ground truth of the soak. */
export interface LogLine {
  readonly at: number
  readonly event: string
  readonly text?: string
  readonly kind?: string
}

/** The fleet of the soak. */
export interface SoakFleet {
  readonly session: Session
  readonly socket: string
  readonly workers: readonly string[]
  /** Returns the log of all agents that a worker's pane ever had, oldest line first. */
  log(worker: string): readonly LogLine[]
  pane(worker: string): string
  habit(worker: string): Habit
  tmux(...words: readonly string[]): string
  /** Starts an agent in each pane whose agent has ended. */
  startAgents(): Promise<void>
  close(): Promise<void>
}

/** Starts the fleet. `ssh`: the server for the half of the panes that is reached over ssh; null for none. */
export async function openFleet(panes: number, ssh: Sshd | null): Promise<SoakFleet> {
  const dir = mkdtempSync(join(tmpdir(), 'burn-soak-'))
  const socket = `burn-soak-${process.pid}`
  for (const name of ['home', 'issues/app']) mkdirSync(join(dir, name), { recursive: true })
  const names = Array.from({ length: panes }, (_, index) => `A${index}`)
  const habitOf = (index: number) => habits[index % habits.length] as Habit
  const workers = Object.fromEntries(
    names.map((name, index) => {
      const { kind, command, busy_input_mode } = habitOf(index)
      const agent = { kind, command: [...command, '--log', join(dir, `${name}-%d.jsonl`)], hooks: false }
      return [name, { agent: busy_input_mode === undefined ? agent : { ...agent, busy_input_mode } }]
    }),
  )
  const half = ssh === null ? panes : Math.ceil(panes / 2)
  const window = (some: readonly string[]) => ({
    name: 'W',
    panes: some.length,
    names: some,
    repos: ['app'],
    workers: Object.fromEntries(some.map((name) => [name, workers[name]])),
  })
  const far =
    ssh === null
      ? {}
      : {
          far: {
            host: ssh.host,
            ssh: { port: ssh.port, options: ssh.options },
            socket: `${socket}-far`,
            windows: [window(names.slice(half))],
          },
        }
  const spec = {
    name: 'soak',
    session: 'S',
    socket,
    dir: join(dir, 'w'),
    ledger: `sqlite:${dir}/l.db`,
    forge: { kind: 'folder', path: dir, owner: 'soak' },
    machines: { near: { windows: [window(names.slice(0, half))] }, ...far },
  }
  writeFileSync(join(dir, 'spec.json'), JSON.stringify(spec))
  const wiring = { clock: systemClock, env: {}, home: join(dir, 'home'), cwd: dir, notify: () => {} }
  const { session, close } = await openSession({ spec: join(dir, 'spec.json') }, wiring)
  const all = session.fleet.machines.flatMap(({ windows }) => windows.flatMap((each) => each.workers))
  const socketOf = (worker: string) => (worker.startsWith('far/') ? `${socket}-far` : socket)
  const tmux = (on: string, ...words: readonly string[]) =>
    execFileSync('tmux', ['-u', '-L', on, ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trimEnd()
  const ids = new Map<string, string>()
  const logs = new Map(all.map(({ id, name }) => [id, new Log(dir, name)]))
  const fleet: SoakFleet = {
    session,
    socket,
    workers: all.map(({ id }) => id),
    log: (worker) => logs.get(worker)?.lines() ?? [],
    pane: (worker) => ids.get(worker) ?? '',
    habit: (worker) => habitOf(Number(/\d+$/.exec(worker)?.[0])),
    tmux: (worker, ...words) => tmux(socketOf(worker), ...words),
    startAgents: async () => {
      await christen(all, session, new AbortController().signal, {
        parallel: 8,
        dryRun: false,
        hooks: false,
        fresh: false,
        onWithoutHooks: () => {},
        onOutcome: () => {},
      })
    },
    close: async () => {
      await close()
      for (const each of [socket, `${socket}-far`]) endServer(each)
      rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  await bringUp(session.fleet.machines, session, { dryRun: false, prune: false })
  for (const worker of fleet.workers) {
    const row = fleet
      .tmux(worker, 'list-panes', '-s', '-F', '#{@burn_worker} #{pane_id}')
      .split('\n')
      .find((each) => each.startsWith(`${worker} `))
    ids.set(worker, row?.split(' ')[1] ?? '')
  }
  await fleet.startAgents()
  return fleet
}

/** Reads the log files of a worker's agents, one file per process. It reads each line once. */
class Log {
  readonly #dir: string
  readonly #name: string
  readonly #read = new Map<string, number>()
  readonly #lines: LogLine[] = []

  constructor(dir: string, name: string) {
    this.#dir = dir
    this.#name = name
  }

  /** Returns all lines so far, oldest first. */
  lines(): readonly LogLine[] {
    for (const file of readdirSync(this.#dir)) {
      if (!file.startsWith(`${this.#name}-`) || !file.endsWith('.jsonl')) continue
      const from = this.#read.get(file) ?? 0
      const path = join(this.#dir, file)
      if (statSync(path).size === from) continue
      const bytes = readFileSync(path).subarray(from)
      const end = bytes.lastIndexOf(0x0a) + 1
      this.#read.set(file, from + end)
      for (const line of bytes.subarray(0, end).toString('utf8').split('\n')) if (line !== '') this.#lines.push(JSON.parse(line) as LogLine)
    }
    return this.#lines
  }
}
