/** The troubles of a simulated night: what happens, to whom, when and for how long. The seed decides. */
import type { Fleet, Time, WorkerId } from '../../src/core/nouns.ts'
import type { Launch } from '../../src/core/pane-host.ts'
import type { ScheduledJob } from '../../src/core/scheduled-job.ts'
import type { Dispatcher } from '../../src/simulate/dispatcher.ts'
import type { World } from '../../src/simulate/world.ts'
import type { Truth } from './truth.ts'
import { machineOf } from '../../src/core/refs.ts'
import { seeded } from '../../src/core/random.ts'
import type { NightMoney } from './night-money.ts'

const minute = 60_000
const hour = 60 * minute

/** The kinds of troubles. */
export type TroubleKind =
  | 'dead'
  | 'question'
  | 'limit'
  | 'account limit'
  | 'costly'
  | 'mute'
  | 'login'
  | 'hang'
  | 'hopeless'
  | 'unreachable'
  | 'forge'
  | 'dispatcher'
  | 'blackout'
  | 'job missed'
  | 'job failing'
  | 'disk'
  | 'clock'
  | 'leftover'

/** A trouble of the night. */
export interface Trouble {
  readonly kind: TroubleKind
  readonly at: Time
  /** The end; the end of the night if nobody ends the trouble. */
  readonly to: Time
  /** A worker, a machine, an account, an issue, or `fleet`. */
  readonly target: string
}

/** The parts of the night that a trouble changes. */
export interface Parts {
  readonly fleet: Fleet
  readonly world: World
  readonly truth: Truth
  readonly dispatcher: Dispatcher
  readonly jobs: JobClock
  readonly money: NightMoney
  /** Stops the sampling from cron until a time. */
  readonly stopCron: (until: Time) => void
  /** Releases a dispatch, as a person does with `burn issue release`. */
  readonly release: (id: string) => Promise<void>
}

/** In the order of their choice, those of machines first: how many troubles of each kind a night has, their shortest and longest duration, and whether the last one outlasts the night. */
const kinds: Readonly<Record<TroubleKind, readonly [count: number, shortest: number, longest: number, remains: boolean]>> = {
  'account limit': [3, 30 * minute, 70 * minute, false],
  limit: [1, 30 * minute, 60 * minute, false],
  unreachable: [3, 4 * minute, 50 * minute, true],
  disk: [1, 90 * minute, 100 * minute, true],
  clock: [1, 60 * minute, 100 * minute, false],
  leftover: [1, 60 * minute, 100 * minute, true],
  dead: [24, 1 * minute, 40 * minute, true],
  question: [24, 1 * minute, 90 * minute, true],
  login: [3, 20 * minute, 60 * minute, true],
  mute: [3, 60 * minute, 100 * minute, false],
  hang: [2, 150 * minute, 200 * minute, true],
  hopeless: [1, 14 * hour, 14 * hour, true],
  costly: [3, 14 * hour, 14 * hour, true],
  forge: [2, 10 * minute, 40 * minute, false],
  dispatcher: [2, 25 * minute, 40 * minute, false],
  blackout: [1, 30 * minute, 40 * minute, false],
  'job missed': [2, 150 * minute, 200 * minute, true],
  'job failing': [2, 60 * minute, 100 * minute, false],
}

/** Returns the troubles of the night from `since` until `until`. Two troubles of one target never overlap, with an hour between them. */
export function troublesOf(seed: number, fleet: Pick<Fleet, 'machines' | 'accounts'>, since: Time, until: Time, share = 1): Trouble[] {
  const random = seeded(seed)
  const found: Trouble[] = []
  const isFree = (target: string, at: Time, to: Time) =>
    found.every((each) => !overlaps(each.target, target, fleet) || each.at > to + hour || each.to < at - hour)
  for (const [kind, [count, shortest, longest, remains]] of Object.entries(kinds) as [TroubleKind, (typeof kinds)[TroubleKind]][]) {
    const wanted = Math.ceil(count * share)
    for (let index = 0, tries = 0; index < wanted && tries < 500; tries++) {
      const lasts = Math.min(shortest + random() * (longest - shortest), (until - since) / 2)
      const isLong = aboutIssues.includes(kind)
      const at = isLong ? since : since + random() * (until - since - lasts - hour / 2)
      const last = remains && index === wanted - 1
      const begin = last && !isLong ? until - Math.max(lasts, longest * 0.7) : at
      const target = targetOf(kind, fleet, (until - since) / hour, random)
      const end = last ? until + hour : at + lasts
      if (begin < since || target === undefined || (!isLong && !isFree(target, begin, end))) continue
      // A provider tells the reset by the minute.
      const to = kind === 'account limit' ? Math.ceil(end / minute) * minute : Math.round(end)
      found.push({ kind, at: Math.round(begin), to, target })
      index += 1
    }
  }
  return found.toSorted((a, b) => a.at - b.at)
}

const aboutIssues: readonly TroubleKind[] = ['hopeless', 'costly']
const aboutFleet: readonly TroubleKind[] = ['forge', 'dispatcher', 'blackout']

function targetOf(
  kind: TroubleKind,
  { machines, accounts }: Pick<Fleet, 'machines' | 'accounts'>,
  hours: number,
  random: () => number,
): string | undefined {
  const any = <T>(all: readonly T[]) => all[Math.floor(random() * all.length)]
  const workers = machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers))
  if (['dead', 'question', 'login', 'hang'].includes(kind)) return any(workers)?.id
  if (kind === 'mute') return any(workers.filter(({ agent }) => agent.kind !== 'custom'))?.id
  if (kind === 'account limit') return any(accounts.filter((account) => account.workers.length > 0))?.name
  if (kind === 'job missed' || kind === 'job failing') return `${any(machines)!.name} job`
  if (kind === 'hopeless') return 'o/a#1'
  // The first issues of the queue are given before the period begins.
  if (kind === 'costly') return issueRef(Math.round(workers.length * (2.2 + random() * hours * 0.8)))
  return aboutFleet.includes(kind) ? 'fleet' : any(machines)?.name
}

/** Returns an issue by its place in the queue. */
const issueRef = (number: number) => `${['o/a', 'o/b', 'o/c'][(number - 1) % 3]}#${number}`

function overlaps(some: string, other: string, { accounts }: Pick<Fleet, 'accounts'>): boolean {
  const isFleet = (target: string) => target === 'fleet'
  if (isFleet(some) || isFleet(other)) return isFleet(some) && isFleet(other)
  if (some.endsWith(' job') || other.endsWith(' job') || some.includes('#') || other.includes('#')) return some === other
  const placesOf = (target: string) => accounts.find(({ name }) => name === target)?.workers ?? [target]
  return placesOf(some).some((a) => placesOf(other).some((b) => a === b || machineOf(a) === b || machineOf(b) === a))
}

/** Schedules the begin and the end of a trouble. */
export function inject(trouble: Trouble, parts: Parts): void {
  const { clock } = parts.world
  const { begin, end } = effectOf(trouble, parts)
  clock.at(trouble.at, begin)
  clock.at(trouble.to, end)
}

interface Effect {
  begin(): void
  end(): void
}

function effectOf({ kind, target, at, to }: Trouble, parts: Parts): Effect {
  const { world, dispatcher, jobs, money } = parts
  const members = parts.fleet.accounts.find(({ name }) => name === target)?.workers ?? []
  const machine = world.machines.get(target)
  const agent = world.machines.get(machineOf(target))?.agentOf(target)
  const report = (facts: object) => machine !== undefined && (machine.reported = { ...machine.reported, ...facts })
  switch (kind) {
    case 'dead':
      return { begin: () => agent!.die(), end: () => void restart(target, world) }
    case 'question':
      return { begin: () => agent!.ask(true), end: () => agent!.alive && agent!.ask(false) }
    case 'limit':
      return { begin: () => world.refusals.set(target, 'HTTP 429: usage limit reached'), end: () => world.refusals.delete(target) }
    case 'account limit':
      return {
        begin: () => members.forEach((worker) => world.refusals.set(worker, `HTTP 429: usage limit reached, ${resetText(to)}`)),
        end: () => members.forEach((worker) => world.refusals.delete(worker)),
      }
    case 'costly':
      return { begin: () => money.costly.add(target), end: () => {} }
    case 'mute':
      return {
        begin: () => money.mute.set(target, null),
        end: () => void (money.mute.get(target) === null || endHang(target, parts), money.mute.delete(target)),
      }
    case 'login':
      return { begin: () => world.refusals.set(target, 'HTTP 401: the login has ended'), end: () => world.refusals.delete(target) }
    case 'hang':
      return { begin: () => (agent!.hangs = true), end: () => void endHang(target, parts) }
    case 'hopeless':
      return { begin: () => world.hopeless.add(target), end: () => {} }
    case 'unreachable':
      return { begin: () => machine!.reach(false), end: () => machine!.reach(true) }
    case 'forge':
      return { begin: () => world.injectFault({ kind: 'forge', at, whom: 0, how: 0, lasts: to - at }), end: () => {} }
    case 'dispatcher':
      return { begin: () => dispatcher.injectFault({ kind: 'dispatcher', at, whom: 0, how: 0, lasts: to - at }), end: () => {} }
    case 'blackout':
      return {
        begin: () => (dispatcher.injectFault({ kind: 'dispatcher', at, whom: 0, how: 0, lasts: to - at }), parts.stopCron(to)),
        end: () => {},
      }
    case 'job missed':
      return { begin: () => jobs.stop(target.replace(' job', ''), to), end: () => {} }
    case 'job failing':
      return { begin: () => jobs.fail(target.replace(' job', ''), to), end: () => {} }
    case 'disk':
      return { begin: () => report({ disk_free: 3e9 }), end: () => report({ disk_free: 50e9 }) }
    case 'clock':
      return { begin: () => (jobs.skew.set(target, 5 * minute), undefined), end: () => void jobs.skew.delete(target) }
    case 'leftover':
      return { begin: () => jobs.leftovers.add(target), end: () => void jobs.leftovers.delete(target) }
  }
}

/** Returns the time of a reset, in one of the forms in which providers tell it. */
function resetText(at: Time): string {
  const iso = new Date(at).toISOString()
  return [`it resets at ${iso.slice(0, 16)}Z`, `"resets_at": ${at / 1000}`, `resets ${iso.slice(11, 16)} (UTC)`][(at / minute) % 3]!
}

/** A person sees the turn without end, releases its issues, and restarts the agent. */
async function endHang(worker: WorkerId, { world, truth, release }: Parts): Promise<void> {
  const agent = world.machines.get(machineOf(worker))!.agentOf(worker)!
  for (const { id } of agent.queue) {
    truth.released(id)
    await release(id)
  }
  agent.die()
  restart(worker, world)
}

/** Starts the agent of a worker again, if it is dead. */
function restart(worker: WorkerId, world: World): void {
  const machine = world.machines.get(machineOf(worker))!
  const agent = machine.agentOf(worker)!
  const pane = agent.facts({ window_id: '@1' })
  if (!agent.alive) machine.start({ pane, command: [] } as unknown as Launch)
}

/** Runs an hourly job on each machine, as a scheduler of the machine does, and keeps its record. */
export class JobClock {
  readonly skew = new Map<string, number>()
  readonly leftovers = new Set<string>()
  readonly #stopped = new Map<string, Time>()
  readonly #failing = new Map<string, Time>()
  readonly #last = new Map<string, { started: Time; ok: boolean }>()
  readonly #world: World

  constructor(world: World, start: Time) {
    this.#world = world
    for (const name of world.machines.keys()) {
      this.#last.set(name, { started: start - hour, ok: true })
      this.#patch(name)
    }
    this.#tick(start)
  }

  stop(machine: string, until: Time): void {
    this.#stopped.set(machine, until)
  }

  fail(machine: string, until: Time): void {
    this.#failing.set(machine, until)
  }

  #tick(at: Time): void {
    this.#world.clock.at(at, () => {
      for (const name of this.#world.machines.keys())
        if ((this.#stopped.get(name) ?? 0) <= at) this.#last.set(name, { started: at, ok: (this.#failing.get(name) ?? 0) <= at })
      this.#tick(at + hour)
    })
  }

  /** Adds the jobs, the clock and the leftovers of a machine to its facts. */
  #patch(name: string): void {
    const machine = this.#world.machines.get(name)!
    machine.reported = { load: 2, cores: 16, memory_total: 64e9, memory_free: 40e9, disk_total: 100e9, disk_free: 50e9 }
    const facts = machine.facts.bind(machine)
    machine.facts = () => {
      const found = facts()
      if (found === null) return null
      const left = { pid: 9_000_001, parent: 1, memory: 200e6, command: 'agent', worker: `${name}/LANE/W1`, socket: '/tmp/tmux-0/s' }
      const processes = [...(found.processes ?? []), ...(this.leftovers.has(name) ? [left] : [])]
      return { ...found, processes, clock: found.clock! + (this.skew.get(name) ?? 0), jobs: { zone: 'UTC', jobs: [this.#job(name)] } }
    }
  }

  #job(name: string): ScheduledJob {
    const { started, ok } = this.#last.get(name)!
    return {
      scheduler: 'systemd',
      name: 'backup.timer',
      schedule: { every: hour },
      next: null,
      last: { started, ok, result: ok ? '' : 'exit code 1' },
    }
  }
}
