/**
 * Simulates a night of a fleet: the real dispatcher, the real samples and the real health rules run on a virtual clock, against simulated
 * machines and a simulated forge.
 */
import type { HealthResult } from '../../src/decide/health.ts'
import type { Fleet, Issue, IssueRef, Time } from '../../src/core/nouns.ts'
import type { Ledger } from '../../src/core/ledger.ts'
import type { Notice } from '../../src/core/events.ts'
import type { PeriodReport } from '../../src/core/period-report.ts'
import type { GroupCost } from '../../src/core/price.ts'
import type { Session } from '../../src/observe/session.ts'
import type { SimulatedAgent } from '../../src/simulate/agent.ts'
import type { Habits } from '../../src/simulate/habits.ts'
import { seeded } from '../../src/core/random.ts'
// burn loads these modules when it needs them first. The virtual clock does not wait for that.
import '../../src/host/config-file.ts'
import '../../src/llm/prices.ts'
import { periodicJobs, runDueJobs } from '../../src/cycle/periodic.ts'
import { groupCosts, groupings, type Grouping } from '../../src/decide/costs.ts'
import { judgeHealth } from '../../src/decide/health.ts'
import { periodReport } from '../../src/decide/period-report.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { readHealthFacts } from '../../src/observe/health.ts'
import { readReportFacts } from '../../src/observe/period.ts'
import { readUsage } from '../../src/observe/usage.ts'
import { withLeases } from '../../src/observe/session.ts'
import { VirtualClock } from '../../src/simulate/clock.ts'
import { Dispatcher } from '../../src/simulate/dispatcher.ts'
import { World, type Receipt } from '../../src/simulate/world.ts'
import { fleetOf, issuesOf } from '../simulate/storm.ts'
import { NightMoney } from './night-money.ts'
import { scarce } from './judge-backlog.ts'
import { withMoney } from './money-models.ts'
import { writePast, type PastMove } from './past.ts'
import { sessionOf, simulatedKinds } from './sessions.ts'
import { inject, JobClock, type Trouble } from './troubles.ts'
import { Truth } from './truth.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

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
  readonly money: NightMoney
  readonly receipts: readonly Receipt[]
  readonly world: World
  readonly report: PeriodReport
  /** The begin of the simulation, and a report from there to the end. */
  readonly began: Time
  readonly whole: PeriodReport
  /** The moves of dispatches in the two weeks before. */
  readonly past: readonly PastMove[]
  /** All issues, in the order of their creation. */
  readonly issues: readonly Issue[]
  /** The rows of `burn costs` for the period, by grouping. */
  readonly costs: ReadonlyMap<Grouping, readonly GroupCost[]>
  /** The warnings about budgets that burn recorded. */
  readonly warned: readonly { readonly subject: string; readonly at: Time }[]
  /** The number of comments about the budget of each issue that has the label. */
  readonly escalated: ReadonlyMap<IssueRef, number>
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
  /** Returns the troubles; null for a quiet night. In a quiet night all prices are known. */
  readonly troublesOf: ((seed: number, fleet: Fleet, since: Time, until: Time) => Trouble[]) | null
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
  const declared = fleetOf(machines, panes, { idle_timeout: 10 * minute, max_attempts: 3 })
  const { fleet: rich, models } = withMoney(declared, input.troublesOf === null)
  const fleet = withScarceRepo(rich, panes)
  const [since, until] = [start + input.before * hour, start + (input.before + input.hours) * hour]
  const troubles = input.troublesOf?.(seed, fleet, since, until) ?? []
  const ledger = await openLedger(input.ledger, { random: seeded(seed) })
  const ids = fleet.machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers)).map(({ id }) => ({ id, drawn: false }))
  // Events are in the order of their times.
  await ledger.recordWorkers(ids, start - 16 * day)
  const past = await writePast(
    ledger,
    ids.slice(0, 4).map(({ id }) => id),
    { until, seed },
  )
  const issues = [...issuesOf(Math.ceil(machines * panes * (input.before + input.hours) * 3) + 40), ...scarceIssues(machines)]
  const truth: Truth = new Truth(
    () => world,
    () => clock.now(),
  )
  const habits = troubles.length === 0 ? quiet : eventful
  const receipts: Receipt[] = []
  const onChange = (agent: SimulatedAgent) => (truth.agentChanged(agent), money.agentChanged(agent))
  const plan = { fleet, habits, seed, onChange, onReceipt: (receipt: Receipt) => void receipts.push(receipt) }
  const world: World = new World(plan, issues, clock, ledger)
  const jobs = new JobClock(world, start)
  const money: NightMoney = new NightMoney({ fleet, models, world, seed, skew: (machine) => jobs.skew.get(machine) ?? 0 })
  truth.observe(fleet)
  const notices: Notice[] = []
  const dispatcher = new Dispatcher({
    name: 'dispatcher',
    fleet,
    world,
    ledger,
    random: seeded(seed),
    callbacks: { onCycle: () => {}, onNotice: (notice) => void notices.push(notice) },
    kindOf: simulatedKinds(),
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
      money,
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
  const atEnd = { ...session, clock: { now: () => until, sleep: () => new Promise<void>(() => {}) } }
  const report = periodReport(await readReportFacts(atEnd, since, until))
  const whole = periodReport(await readReportFacts(atEnd, start, until))
  const { records, lanes, costFor } = await readUsage(session, { since, until })
  const costs = new Map(groupings.map((by) => [by, groupCosts(records, by, lanes, costFor)]))
  const warned = await ledger.events({ kinds: ['budget.warned'], limit: 1e6 })
  const escalated = new Map([...world.forge.labelled.keys()].map((issue) => [issue, commentsAboutBudgets(issue, world)]))
  return {
    fleet,
    since,
    until,
    troubles,
    truth,
    money,
    receipts,
    world,
    report,
    whole,
    began: start,
    past,
    issues,
    costs,
    warned,
    escalated,
    probes,
    notices,
    session,
    run,
    ledger,
  }
}

const commentsAboutBudgets = (issue: IssueRef, { forge }: World) =>
  forge.commentsOn(issue).filter(({ body }) => body.includes('budget')).length

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

/** The number of issues of the scarce repo for each machine. */
const scarceCount = 6

/** Returns the fleet in which the last worker of each machine serves only the scarce repo. */
function withScarceRepo(fleet: Fleet, panes: number): Fleet {
  const machines = fleet.machines.map((machine) => ({
    ...machine,
    windows: machine.windows.map((window) => ({
      ...window,
      workers: window.workers.map((worker) => (worker.pane === panes ? { ...worker, repos: [scarce] } : worker)),
    })),
  }))
  return { ...fleet, machines }
}

function scarceIssues(machines: number): Issue[] {
  return issuesOf(machines * scarceCount).map((issue, index) => {
    const number = 50_000 + index
    return { ...issue, repo: scarce, ref: `${scarce}#${number}`, number, created_at: number, updated_at: number }
  })
}
