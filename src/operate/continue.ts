/** Passes the dispatches of agents that ended to the agents that continue their conversations, right after these agents started. */
import type { AgentRecord } from '../core/agent-record.ts'
import type { StatusState } from '../core/fleet-state.ts'
import type { Dispatch } from '../core/lifecycle.ts'
import type { Worker, WorkerId } from '../core/nouns.ts'
import type { Session } from '../observe/session.ts'
import { hasElapsed } from '../core/elapsed.ts'
import { continuations, mayContinue, type ContinuationFacts } from '../decide/continuations.ts'
import { endedAgents } from '../observe/agents.ts'
import { saveNewReadings } from '../observe/save-readings.ts'
import { readStatus } from '../observe/state.ts'

/** Maximum time (ms) to wait until the agents report their conversations. Afterwards a dispatcher notices the reports. */
const reportTimeout = 30_000
const pollPause = 500

/** The dispatches of a worker after its agent was started again. */
export interface Continued {
  readonly worker: WorkerId
  /** The dispatches that the new agent has, because it provably continues the conversation. */
  readonly continued: readonly Dispatch[]
  /** The dispatches of earlier agents, which the new agent has not inherited (yet). */
  readonly left: readonly Dispatch[]
  /** True if the new agent may still inherit the dispatches in `left`. */
  readonly waits: boolean
}

/**
 * Waits until the agents of these workers have reported their conversations, and passes the dispatches to them. Returns the result for each
 * worker that has dispatches. Throws if the ledger fails.
 */
export async function continueDispatches(workers: readonly Worker[], session: Session, stop: AbortSignal): Promise<readonly Continued[]> {
  const names = new Set(workers.map(({ machine }) => machine))
  const machines = session.fleet.machines.filter(({ name }) => names.has(name))
  const ids = new Set(workers.map(({ id }) => id))
  const began = session.clock.now()
  for (;;) {
    const { live, facts } = await read(machines, ids, session)
    const due = continuations(facts)
    await session.ledger.inherit(due, session.clock.now())
    const results = resultsOf(live, facts)
    const isDone = due.length === 0 && results.every(({ waits }) => !waits)
    if (isDone || stop.aborted || (due.length === 0 && hasElapsed(began, reportTimeout, session.clock.now()))) return results
    if (due.length === 0) await session.clock.sleep(pollPause, stop)
  }
}

async function read(
  machines: Session['fleet']['machines'],
  ids: ReadonlySet<WorkerId>,
  session: Session,
): Promise<{ readonly live: readonly Dispatch[]; readonly facts: ContinuationFacts }> {
  const view = await session.ledger.view()
  const live = view.dispatches.filter(({ worker, incarnation }) => ids.has(worker) && incarnation !== null)
  if (live.length === 0) return { live, facts: nothing }
  const state: StatusState = await readStatus(machines, session)
  await saveNewReadings(state, session)
  const ended = await endedAgents(live, state.snapshots, session)
  return { live, facts: { ...state, dispatches: live, ended } }
}

const nothing: ContinuationFacts = {
  dispatches: [],
  agents: new Map(),
  holders: new Map(),
  incarnations: new Map(),
  ended: new Set(),
  now: 0,
}

function resultsOf(live: readonly Dispatch[], facts: ContinuationFacts): Continued[] {
  return [...Map.groupBy(live, ({ worker }) => worker)].map(([worker, own]) => {
    const heir: AgentRecord | undefined = facts.agents.get(worker)
    const continued = own.filter(({ incarnation }) => heir !== undefined && incarnation === heir.incarnation)
    const left = own.filter((dispatch) => !continued.includes(dispatch))
    return { worker, continued, left, waits: left.some((dispatch) => heir?.conversation === null && mayContinue(dispatch, facts)) }
  })
}
