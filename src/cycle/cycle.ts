/**
 * The loop: refresh, settle, read the queues' fronts, assign, check the claims of others, apply. A cycle plans its actions from one state of the fleet, then carries
 * them out; a dry run ends after the plan.
 */
import type { FleetState, UnderWayState } from '../core/fleet-state.ts'
import type { Session } from '../observe/session.ts'
import type { Backlog, IssueRecord, BackedOff } from '../core/ledger/backlog.ts'
import type { IssueRef, Machine, RepoRef } from '../core/nouns.ts'
import { actionsOf } from '../core/actions.ts'
import { freeWorkers } from '../decide/route.ts'
import { repoOf } from '../core/refs.ts'
import { assign } from '../decide/assign.ts'
import { areFree, checkClaims } from '../claim/check.ts'
import { refresh, withIssues } from '../observe/state.ts'
import { apply, type Applied, type CyclePlan } from './apply.ts'
import { settle } from '../decide/settle.ts'

/** How the fleet stands after a cycle, or as a dry run sees it. */
export interface Outlook {
  /** Issues and repos that are left alone for now. */
  readonly resting: readonly BackedOff[]
  readonly backlog: Backlog
}

export interface CycleResult extends CyclePlan, Applied, Outlook {}

export async function cycle(machines: readonly Machine[], session: Session, stop: AbortSignal): Promise<CycleResult> {
  const planned = await planCycle(machines, session)
  return { ...planned, ...(await apply(planned, machines, session, stop)), ...(await outlook(session)) }
}

/** The same actions, and none of them is carried out. */
export async function dryCycle(machines: readonly Machine[], session: Session): Promise<CyclePlan & Outlook> {
  return { ...(await planCycle(machines, session, { quiet: true })), ...(await outlook(session)) }
}

async function outlook({ ledger, clock }: Session): Promise<Outlook> {
  return { resting: await ledger.backoffs(clock.now()), backlog: await ledger.backlog() }
}

/** Carries nothing out: only what is kept of forge and machines is brought up to date. */
async function planCycle(machines: readonly Machine[], session: Session, { quiet = false } = {}): Promise<CyclePlan> {
  const looked = await refresh(machines, session, { quiet })
  const settled = settle(looked)
  const given = await assignFree(settled.state, session)
  return { actions: [...settled.actions, ...given.actions], state: given.state }
}

/** How often slots are assigned anew in a cycle whose issues turned out to be others'. */
const mostReassigned = 4

/** Assigns, and assigns slots anew that were meant for what others have. What nobody looked at is not claimed. */
async function assignFree(settled: UnderWayState, session: Session): Promise<CyclePlan> {
  let state: FleetState = { ...settled, issues: [], login: null, claims: new Map() }
  const checked = new Set<IssueRef>()
  for (let again = 0; ; again++) {
    const desks = freeWorkers(state)
    const front = await withIssues(state, await readFront(state, desks.freeSlots(), session), session)
    const actions = assign(front, desks)
    const wanted = actionsOf(actions, 'claim').map(({ issue }) => issue)
    const fresh = wanted.filter(({ ref }) => !checked.has(ref))
    if (fresh.length === 0) return { actions, state: front }
    if (again > mostReassigned)
      return { actions: actions.filter((each) => each.do !== 'claim' || checked.has(each.issue.ref)), state: front }
    state = await checkClaims(fresh, front, session)
    for (const { ref } of fresh) checked.add(ref)
    if (state.writers === front.writers && areFree(fresh, state)) return { actions, state }
  }
}

/** What is to be judged, and as much of each queue as there is room for (`most`), beside what others have of it. */
function readFront({ claims, freed }: FleetState, most: Map<RepoRef, number>, { ledger }: Session): Promise<readonly IssueRecord[]> {
  for (const [ref, check] of claims) {
    const room = check.state === 'free' ? undefined : most.get(repoOf(ref))
    if (room !== undefined) most.set(repoOf(ref), room + 1)
  }
  return ledger.candidates(
    most,
    freed.map(({ issue }) => issue),
  )
}
