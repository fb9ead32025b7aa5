/**
 * One cycle of the loop: refresh, settle, read the queues, assign, check for claims of other fleets and ledgers, apply. A cycle plans its
 * actions from one state of the fleet, and then carries them out. A dry run ends after the plan.
 */
import type { FleetState, UnderWayState } from '../core/fleet-state.ts'
import type { Session } from '../observe/session.ts'
import type { Backlog, IssueRecord, BackedOff } from '../core/ledger/backlog.ts'
import type { IssueRef, Machine, RepoRef } from '../core/nouns.ts'
import { actionsOf } from '../core/actions.ts'
import { freeWorkers, withAgents } from '../decide/route.ts'
import { repoOf, reposOf } from '../core/refs.ts'
import { assign } from '../decide/assign.ts'
import { planDelegations, type DelegationPlan } from '../claim/plan-delegations.ts'
import { areFree, checkClaims } from '../claim/check.ts'
import { refresh, withIssues } from '../observe/state.ts'
import { apply, type Applied, type CyclePlan } from './apply.ts'
import { settle } from '../decide/settle.ts'

/** The queues after a cycle or a dry run. */
export interface QueueStatus {
  /** Issues and repos that burn backs off from. */
  readonly resting: readonly BackedOff[]
  readonly backlog: Backlog
}

/** The plan and the results of one cycle, and the queues after it. */
export interface CycleResult extends CyclePlan, Applied, QueueStatus {}

/**
 * Runs one cycle: plans actions, carries them out and returns the results. After `stop` or `drain`, it claims nothing new. Throws if the
 * ledger fails.
 */
export async function cycle(machines: readonly Machine[], session: Session, stop: AbortSignal, drain = stop): Promise<CycleResult> {
  const planned = await planCycle(machines, session)
  return { ...planned, ...(await apply(planned, machines, session, { stop, drain })), ...(await readQueueStatus(session)) }
}

/**
 * Returns the actions of the next cycle without carrying them out. Refreshes the caches of the forge and the machines. With `started`, plans
 * as if each worker already had an agent. Throws if the ledger fails.
 */
export async function dryCycle(machines: readonly Machine[], session: Session, started = false): Promise<CyclePlan & QueueStatus> {
  return { ...(await planCycle(machines, session, { quiet: true, started })), ...(await readQueueStatus(session)) }
}

async function readQueueStatus({ ledger, clock }: Session): Promise<QueueStatus> {
  return { resting: await ledger.backoffs(clock.now()), backlog: await ledger.backlog() }
}

/** Plans the actions of a cycle. It refreshes the caches of the forge and the machines, and changes nothing else. */
async function planCycle(machines: readonly Machine[], session: Session, { quiet = false, started = false } = {}): Promise<CyclePlan> {
  // A fleet without panes has only the repos of its sprints and of delegation.
  const { sprint, delegation } = session.fleet
  const served = reposOf({ machines, sprint, delegation })
  const refreshed = await refresh(machines, session, { quiet, served })
  const settled = settle(refreshed)
  const state = started ? withAgents(settled.state) : settled.state
  const delegated = await planDelegations(state, session)
  const assigned = await assignIssues(state, delegated, session)
  return { actions: [...settled.actions, ...delegated.actions, ...assigned.actions], state: assigned.state }
}

/**
 * Maximum number of times that a cycle repeats the assignment. It repeats the assignment if another fleet or ledger had claimed an assigned
 * issue.
 */
const maxReassignments = 4

/**
 * Assigns issues to free workers until no assigned issue has a claim of another fleet or ledger. Drops assignments that burn did not check
 * for such claims. Leaves out issues that burn assigns to somebody on the forge in this cycle.
 */
async function assignIssues(settled: UnderWayState, delegated: DelegationPlan, session: Session): Promise<CyclePlan> {
  const { writers, claims } = delegated.state
  let state: FleetState = { ...settled, writers, issues: [], login: null, claims }
  const checked = new Set<IssueRef>(claims.keys())
  const leaving = new Set(actionsOf(delegated.actions, 'delegate').flatMap(({ step, issue }) => (step === 'assigned' ? [issue] : [])))
  for (let rounds = 0; ; rounds++) {
    const workers = freeWorkers(state)
    const candidates = await readCandidates(state, workers.freeSlots(), session)
    const staying = candidates.filter(({ issue }) => !leaving.has(issue.ref))
    const loaded = await withIssues(state, staying, session)
    const actions = assign(loaded, workers)
    const wanted = actionsOf(actions, 'claim').map(({ issue }) => issue)
    const fresh = wanted.filter(({ ref }) => !checked.has(ref))
    if (fresh.length === 0) return { actions, state: loaded }
    if (rounds > maxReassignments)
      return { actions: actions.filter((each) => each.do !== 'claim' || checked.has(each.issue.ref)), state: loaded }
    state = await checkClaims(fresh, loaded, session)
    for (const { ref } of fresh) checked.add(ref)
    if (state.writers === loaded.writers && areFree(fresh, state)) return { actions, state }
  }
}

/**
 * Reads the issues without a verdict, and the first issues of each repo's queue. `limits` has the number of free slots by repo. Issues that
 * another fleet or ledger claimed do not count against the limit.
 */
function readCandidates({ claims, freed }: FleetState, limits: Map<RepoRef, number>, { ledger }: Session): Promise<readonly IssueRecord[]> {
  for (const [ref, check] of claims) {
    const limit = check.state === 'free' ? undefined : limits.get(repoOf(ref))
    if (limit !== undefined) limits.set(repoOf(ref), limit + 1)
  }
  return ledger.candidates(
    limits,
    freed.map(({ issue }) => issue),
  )
}
