/**
 * Simulates a night of a fleet: the real dispatcher, the real samples and the real health rules run on a virtual clock, against simulated
 * machines and a simulated forge.
 */
import type { HealthResult } from '../../src/decide/health.ts'
import type { Fleet, Time } from '../../src/core/nouns.ts'
import type { Ledger } from '../../src/core/ledger.ts'
import type { Notice } from '../../src/core/events.ts'
import type { PeriodReport } from '../../src/core/period-report.ts'
import type { Session } from '../../src/observe/session.ts'
import type { Habits } from '../../src/simulate/habits.ts'
import { paneAgentCache } from '../../src/agents/index.ts'
import { newId } from '../../src/core/ids.ts'
import { seeded } from '../../src/core/random.ts'
import { periodicJobs, runDueJobs } from '../../src/cycle/periodic.ts'
import { judgeHealth } from '../../src/decide/health.ts'
import { periodReport } from '../../src/decide/period-report.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { readHealthFacts } from '../../src/observe/health.ts'
import { readReportFacts } from '../../src/observe/period.ts'
import { withLeases } from '../../src/observe/session.ts'
import { simulatedScreen } from '../../src/simulate/agent.ts'
import { VirtualClock } from '../../src/simulate/clock.ts'
import { Dispatcher } from '../../src/simulate/dispatcher.ts'
import { machinesOver } from '../../src/simulate/machines.ts'
import { World } from '../../src/simulate/world.ts'
import { fleetOf, issuesOf } from '../simulate/storm.ts'
import { inject, JobClock, type Trouble } from './troubles.ts'
import { Truth } from './truth.ts'

const minute = 60_000
const hour = 60 * minute

/** The size of a night. */
export interface NightSize {
  readonly machines: number
  readonly panes: number
  /** Hours before the period of the report, and hours of the period. */
  readonly before: number
  readonly hours: number
}

/** A judgement of all health rules at one time. */
export interface Probe {
  readonly at: Time
  readonly results: readonly HealthResult[]
}

/** A night that is over. */
export interface Night {
  readonly fleet: Fleet
  readonly since: Time
  readonly until: Time
  readonly troubles: readonly Trouble[]
  readonly truth: Truth
  readonly world: World
  readonly report: PeriodReport
  readonly probes: readonly Probe[]
  readonly notices: readonly Notice[]
  readonly session: Session
  /** Waits for `work` while simulated time passes. */
  readonly run: <T>(work: Promise<T>) => Promise<T>
  readonly ledger: Ledger
}

/** How a night is made. `ledger`: the URL of the ledger. */
export interface NightInput extends NightSize {
  readonly seed: number
  readonly ledger: string
  readonly troublesOf: (seed: number, fleet: Fleet, since: Time, until: Time) => Trouble[]
}

const turns = { seen: [9, 14, 18, 22, 25, 28, 33, 40, 48, 61, 75].map((minutes) => minutes * minute) }
const reviews = { seen: [4, 9, 17, 33, 58, 95, 140].map((minutes) => minutes * minute) }
/** The habits of a night with troubles: some turns open no change, and some changes are rejected. */
const eventful: Habits = { turn: turns, review: reviews, changes: 0.95, merged: 0.94 }
/** The habits of a quiet night: every turn opens a change, and every change is merged. */
const quiet: Habits = { turn: turns, review: reviews, changes: 1, merged: 1 }

/** Simulates a night. The caller closes the ledger. */
export async function simulateNight(input: NightInput): Promise<Night> {
  const { seed, machines, panes } = input
  const start = Date.UTC(2026, 10, 26, 18)
  const clock = new VirtualClock(start)
  const fleet = withScreens(fleetOf(machines, panes, { idle_timeout: 10 * minute, max_attempts: 3 }))
  const [since, until] = [start + input.before * hour, start + (input.before + input.hours) * hour]
  const troubles = input.troublesOf(seed, fleet, since, until)
  const ledger = await openLedger(input.ledger, { random: seeded(seed) })
  const ids = fleet.machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers)).map(({ id }) => ({ id, drawn: false }))
  await ledger.recordWorkers(ids, start)
  const issues = issuesOf(Math.ceil(machines * panes * (input.before + input.hours) * 3) + 40)
  const truth: Truth = new Truth(
    () => world,
    () => clock.now(),
  )
  const habits = troubles.length === 0 ? quiet : eventful
  const world: World = new World({ fleet, habits, seed, onChange: (agent) => truth.agentChanged(agent) }, issues, clock, ledger)
  const jobs = new JobClock(world, start)
  truth.observe(fleet)
  const notices: Notice[] = []
  const dispatcher = new Dispatcher({
    name: 'dispatcher',
    fleet,
    world,
    ledger,
    random: seeded(seed),
    callbacks: { onCycle: () => {}, onNotice: (notice) => void notices.push(notice) },
  })
  const session = sessionOf('cron', { fleet, ledger, world, clock, seed }, (notice) => void notices.push(notice))
  const probes: Probe[] = []
  let cronStops = 0
  for (const trouble of troubles)
    inject(trouble, {
      fleet,
      world,
      truth,
      dispatcher,
      jobs,
      stopCron: (to) => (cronStops = to),
      release: (id) => release(id, ledger, clock),
    })
  dispatcher.start()
  void sampleFromCron(session, () => clock.now() < cronStops, probes)
  await clock.run(() => clock.now() >= until)
  const run = async <T>(work: Promise<T>): Promise<T> => {
    let over = false
    const ended = work.finally(() => (over = true))
    ended.catch(() => undefined as void)
    await clock.run(() => over)
    return ended
  }
  const report = periodReport(
    await readReportFacts({ ...session, clock: { now: () => until, sleep: () => new Promise(() => {}) } }, since, until),
  )
  return { fleet, since, until, troubles, truth, world, report, probes, notices, session, run, ledger }
}

/** Samples every 5 minutes, as cron does with `burn job run collect`, and judges the health after each sample. */
async function sampleFromCron(session: Session, isStopped: () => boolean, probes: Probe[]): Promise<never> {
  const { clock, fleet } = session
  const jobs = periodicJobs.filter(({ name }) => name === 'collect')
  for (;;) {
    await clock.sleep(fleet.telemetry.interval)
    if (!isStopped()) await withLeases(session, () => runDueJobs(jobs, fleet.machines, session))
    probes.push({ at: clock.now(), results: judgeHealth(await readHealthFacts(session)) })
  }
}

async function release(id: string, ledger: Ledger, clock: VirtualClock): Promise<void> {
  const reason = { code: 'released_by_person', forced: false } as const
  await ledger.moveDispatches([{ id, from: ['claimed', 'handed'], to: 'released', reason }], clock.now())
}

interface SessionParts {
  readonly fleet: Fleet
  readonly ledger: Ledger
  readonly world: World
  readonly clock: VirtualClock
  readonly seed: number
}

/** Returns the session of a process. */
export function sessionOf(owner: string, { fleet, ledger, world, clock, seed }: SessionParts, notify: Session['notify']): Session {
  const random = seeded(seed + 1)
  let last = 0
  return {
    fleet,
    ledger,
    forge: world.forge,
    machines: machinesOver(world.machines, { before: () => clock.sleep(20), after: async () => {} }),
    clock,
    owner,
    newId: () => newId((last = Math.max(clock.now(), last + 1)), random),
    kindOf: paneAgentCache(),
    readTemplate: () => Promise.reject(new Error('a simulated fleet has no templates')),
    notify,
    secrets: async () => ({ known: [], unread: 0 }),
    trackedBy: async () => null,
    countCommits: async () => null,
    restart: async () => new Map(),
    resolveConflict: async () => 'a simulation has no git',
    calledByCi: async () => [],
    channel: () => Promise.reject(new Error('a simulated fleet has no channels')),
  }
}

/** Gives all workers simulated agents. */
function withScreens(fleet: Fleet): Fleet {
  const agent = { kind: 'custom', command: [], model: null, provider: null, hooks: false, env: {}, custom: simulatedScreen } as const
  const machines = fleet.machines.map((machine) => {
    const windows = machine.windows.map((window) => {
      const workers = window.workers.map((worker) => ({ ...worker, agent: { ...agent, busy_input_mode: 'queue' as const } }))
      return { ...window, workers }
    })
    return { ...machine, windows }
  })
  return { ...fleet, machines }
}
