/** Simulates hours of a fleet in seconds: the real loop, deciders and ledger run against a simulated world. */
import type { Fleet, Issue, IssueRef, Machine, Time } from '../core/nouns.ts'
import type { Ledger, ViewLedger } from '../core/ledger.ts'
import type { CycleResult } from '../cycle/cycle.ts'
import type { Engine } from '../ledger/engine.ts'
import type { Notice } from '../core/events.ts'
import type { SimulatedMerge } from './changes.ts'
import type { Faults } from './faults.ts'
import { activeStates } from '../core/lifecycle.ts'
import { seeded } from '../core/random.ts'
import { openEngine } from '../ledger/open.ts'
import { createStore } from '../ledger/store.ts'
import { simulatedScreen } from './agent.ts'
import { VirtualClock } from './clock.ts'
import { Dispatcher } from './dispatcher.ts'
import { faultsOf } from './faults.ts'
import { World, type WorldPlan } from './world.ts'

/** The input of a simulation. */
export interface Plan extends WorldPlan {
  readonly issues: readonly Issue[]
  readonly start: Time
  /** Maximum simulated time (ms). */
  readonly longest: number
  readonly faults: Faults
  /** Number of concurrent dispatchers. */
  readonly dispatchers: number
  /**
   * Share of `longest`, in [0, 1], after which no fault begins, so that the fleet can recover. If the share is 1, faults begin until the
   * end.
   */
  readonly calm?: number
  /** Stops the simulation when this signal is aborted. */
  readonly stop?: AbortSignal
  readonly onSample?: (sample: BacklogSample) => void
  readonly onNotice?: (notice: Notice) => void
  /** Called for each id that a dispatcher creates, with the simulated time. */
  readonly onId?: (id: string, at: Time) => void
  /** Called for each merge by burn, before it takes place. */
  readonly onMerge?: (merge: SimulatedMerge) => void
  /** Called when burn calls a person for an issue. */
  readonly onEscalation?: (issue: IssueRef, world: World) => void
  /** Called after each cycle of any dispatcher. If the function throws, the simulation ends with this error. */
  readonly onStep?: (world: World, engine: Engine) => Promise<void>
}

/** The backlog when a cycle of a dispatcher ended. */
export interface BacklogSample {
  readonly at: Time
  /** Open issues of the fleet: queued, in work or in review. */
  readonly open: number
  /** Number of working agents. */
  readonly working: number
}

/** The result of a simulation. */
export interface Simulated {
  readonly world: World
  readonly ledger: Ledger
  readonly engine: Engine
  /** Number of issues for workers, not counting questions for the council. */
  readonly issues: number
  readonly samples: readonly BacklogSample[]
  readonly began: Time
  readonly ended: Time
  readonly cycles: number
  /** Whether all work has ended. No delivery is active, and each issue is closed, given up, or blocked by an issue that burn gave up. */
  readonly finished: boolean
}

/** Runs a simulation, and returns its result. The caller must close the ledger in the result. Throws the error that `onStep` throws. */
export async function simulate(plan: Plan): Promise<Simulated> {
  const { seed, start, longest } = plan
  const clock = new VirtualClock(start)
  const fleet = { ...plan.fleet, machines: plan.fleet.machines.map(withSimulatedAgents), templates: builtIn, retention: null }
  const engine = await openEngine('sqlite::memory:', { random: seeded(seed) })
  const ledger = createStore(engine)
  const workers = fleet.machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers))
  await ledger.recordWorkers(
    workers.map(({ id }) => ({ id, drawn: false })),
    start,
  )
  const issues = plan.issues.filter((issue) => isWork(issue, fleet))
  const world = new World({ ...plan, fleet }, issues, clock, ledger)
  if (plan.onMerge !== undefined) world.forge.onMerge = plan.onMerge
  const { onEscalation } = plan
  if (onEscalation !== undefined) world.forge.onEscalation = (issue) => onEscalation(issue, world)
  const agents = world.agents()
  const samples: BacklogSample[] = []
  let failure: unknown = null
  let finished = false
  const random = seeded(seed)
  const callbacks = {
    onNotice: plan.onNotice ?? (() => {}),
    onId: plan.onId,
    onCycle: async ({ backlog }: CycleResult) => {
      const sample = { at: clock.now(), open: backlog.eligible + backlog.unjudged, working: agents.filter(({ working }) => working).length }
      samples.push(sample)
      plan.onSample?.(sample)
      try {
        await plan.onStep?.(world, engine)
      } catch (thrown) {
        failure ??= thrown
      }
      if (sample.open === world.forge.waitingForBlockers() && (await hasNoActiveDelivery(ledger))) finished = true
    },
  }
  const dispatchers = Array.from(
    { length: plan.dispatchers },
    (_, index) => new Dispatcher({ name: `dispatcher${index + 1}`, fleet, world, ledger, random: seeded(seed + index), callbacks }),
  )
  for (const dispatcher of dispatchers) dispatcher.start()
  void world.releaseStale()
  scheduleFaults(plan, world, dispatchers, random)
  await clock.run(() => finished || failure !== null || plan.stop?.aborted === true || clock.now() - start >= longest)
  if (failure !== null) {
    await ledger.close()
    throw failure
  }
  return { world, ledger, engine, issues: issues.length, samples, began: start, ended: clock.now(), cycles: samples.length, finished }
}

/** Whether no delivery is active. Deliveries can outlast their issues: a change can close an issue while its delivery is active. */
async function hasNoActiveDelivery(ledger: ViewLedger): Promise<boolean> {
  const { deliveries } = await ledger.cycleView()
  return deliveries.every(({ state }) => !activeStates.includes(state))
}

/** Whether an issue is for workers. Other issues are questions for the council, which only a person closes. */
function isWork({ labels }: Issue, { dispatch }: Fleet): boolean {
  const council = new Set(dispatch.council_labels.map((label) => label.toLowerCase()))
  return !labels.some((label) => council.has(label.toLowerCase()))
}

const builtIn = { work: null, identity: null, council: null }

/** Returns a machine whose workers have simulated agents. The screen of such an agent is minimal. */
function withSimulatedAgents(machine: Machine): Machine {
  const agent = { kind: 'custom', command: [], model: null, provider: null, hooks: false, env: {}, custom: simulatedScreen } as const
  const windows = machine.windows.map((window) => ({
    ...window,
    workers: window.workers.map((worker) => ({ ...worker, agent: { ...agent, busy_input_mode: 'queue' as const } })),
  }))
  return { ...machine, windows }
}

/** Schedules the first fault of each kind. Each fault schedules the next one of its kind. */
function scheduleFaults(
  { faults, start, longest, calm = 1 }: Plan,
  world: World,
  dispatchers: readonly Dispatcher[],
  random: () => number,
): void {
  for (const [kind, mean] of faults) {
    const coming = faultsOf(kind, mean, start, seeded(Math.floor(random() * 2 ** 32)))
    const next = () => {
      const fault = coming.next().value
      if (fault === undefined || fault.at - start > longest * calm) return
      world.clock.at(fault.at, () => {
        if (kind === 'dispatcher' || kind === 'suspend' || kind === 'clock')
          dispatchers[Math.floor(fault.whom * dispatchers.length)]?.injectFault(fault)
        else world.injectFault(fault)
        next()
      })
    }
    next()
  }
}
