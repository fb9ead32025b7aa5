/**
 * A fleet of six real agents that share one person's home, three of them without hooks. Everything is below one folder, and burn's own code
 * drives it.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { OpenSession } from '../../src/cli/command.ts'
import type { Delivery } from '../../src/core/lifecycle.ts'
import type { WorkerReport } from '../../src/decide/report.ts'
import type { Program } from './programs.ts'
import { systemClock } from '../../src/cli/clock.ts'
import { openSession } from '../../src/cli/wire.ts'
import { deliver } from '../../src/deliver/deliver.ts'
import { leaseLength } from '../../src/observe/session.ts'
import { status } from '../../src/observe/state.ts'
import { offline, writeHome } from './programs.ts'

/** The workers with hooks. */
export const hooked = ['A', 'B', 'C']
/** The workers without hooks. */
export const bare = ['D', 'E', 'F']
/** All workers. */
export const names = [...hooked, ...bare]

/** The paths and addresses of one check. `home` is also the home of the checking process. */
export interface Place {
  readonly root: string
  readonly home: string
  readonly socket: string
  readonly bin: string
  readonly url: string
}

/** Returns the directory of a worker. */
export const dirOf = ({ home }: Place, name: string) => join(home, 'work', name)

/** Writes the files of the fleet and opens it. No agent is started yet. */
export async function openFleet(program: Program, place: Place): Promise<OpenSession> {
  const { root, home, socket, bin, url } = place
  const dirs = names.map((name) => dirOf(place, name))
  for (const dir of dirs) execFileSync('git', ['init', '-q', dir])
  mkdirSync(join(root, 'forge/issues/app'), { recursive: true })
  const setting = program.setting(url, home, dirs)
  writeHome(home, setting)
  // The Node of the login shell may be too old for the program.
  const PATH = [dirname(process.execPath), process.env['PATH']].join(delimiter)
  const agent = { kind: program.kind, command: [bin, ...setting.args], env: { PATH, ...offline, ...setting.env, HOME: home } }
  if (program.first !== undefined)
    execFileSync(bin, program.first, { cwd: dirs[0], env: { ...process.env, ...agent.env }, stdio: 'ignore', timeout: 120_000 })
  const withoutHooks = { ...agent, hooks: false, env: { ...agent.env, ...setting.bare_env } }
  const worker = (name: string) => ({ dir: dirOf(place, name), agent: bare.includes(name) ? withoutHooks : agent })
  const workers = Object.fromEntries(names.map((name) => [name, worker(name)]))
  const window = { name: 'W', panes: names.length, repos: ['app'], names, workers }
  const spec = {
    name: 'real',
    session: 'R',
    socket,
    ledger: `sqlite:${root}/l.db`,
    forge: { kind: 'folder', path: join(root, 'forge'), owner: 'real' },
    machines: { box: { windows: [window] } },
  }
  const file = join(root, 'fleet-spec.json')
  writeFileSync(file, JSON.stringify(spec))
  const notify = ({ subject, text }: { subject: string; text: string }) => console.error(`${subject}: ${text}`)
  return openSession({ spec: file }, { clock: systemClock, env: {}, home, cwd: root, notify })
}

/**
 * Plans one text for each of these workers, passes the ids to `planned`, and delivers all at once. Returns the deliveries in the same
 * order.
 */
export async function send(
  { session }: OpenSession,
  texts: ReadonlyMap<string, string>,
  planned: (id: string, name: string) => void = () => {},
): Promise<Delivery[]> {
  const wanted = [...texts].map(([name, text]) => ({ id: session.newId(), kind: 'send' as const, worker: `box/W/${name}`, text }))
  for (const { id, worker } of wanted) planned(id, worker.slice(-1))
  await session.ledger.planDeliveries(wanted, session.owner, Date.now() + leaseLength, Date.now())
  await deliver(session.fleet.machines, session, AbortSignal.timeout(150_000), { timeout: 60_000, placed_timeout: 60_000 })
  const ended = await session.ledger.deliveries({ ids: wanted.map(({ id }) => id) })
  return wanted.map(({ id }) => ended.find((each) => each.id === id)).filter((each) => each !== undefined)
}

/** Returns the report of `burn status` for each worker, by name. */
export async function look({ session }: OpenSession): Promise<ReadonlyMap<string, WorkerReport>> {
  const report = await status(session.fleet.machines, session)
  return new Map(
    report.machines.flatMap(({ windows }) => windows.flatMap(({ workers }) => workers.map((each) => [each.id.slice(-1), each] as const))),
  )
}

/** Waits until `holds` is true for each of these workers. Returns the reports of those for which it never was. */
export async function settle(
  open: OpenSession,
  some: readonly string[],
  holds: (worker: WorkerReport) => boolean,
  limit = 60_000,
): Promise<ReadonlyMap<string, WorkerReport>> {
  const left = new Set(some)
  for (const end = performance.now() + limit; ; await sleep(200)) {
    const seen = await look(open)
    for (const name of left) {
      const worker = seen.get(name)
      if (worker !== undefined && holds(worker)) left.delete(name)
    }
    if (left.size === 0 || performance.now() > end) return new Map([...seen].filter(([name]) => left.has(name)))
  }
}
