/** What a cycle would do now: refresh, settle, read the queues' fronts, assign, check the claims of others. A dry run ends here. */
import type { Action } from '../core/actions.ts'
import type { FleetState, UnderWayState } from '../core/fleet-state.ts'
import type { IssueRecord } from '../core/ledger/backlog.ts'
import type { IssueRef, Machine, RepoRef } from '../core/nouns.ts'
import type { Session } from '../observe/session.ts'
import { actionsOf } from '../core/actions.ts'
import { repoOf } from '../core/refs.ts'
import { areFree, checkClaims } from '../claim/check.ts'
import { assign } from '../decide/assign.ts'
import { settle } from '../decide/deciders.ts'
import { openDesks } from '../decide/route.ts'
import { refresh, withIssues } from '../observe/state.ts'

/** How often slots are assigned anew in a cycle whose issues turned out to be others'. */
const mostReassigned = 4

export interface CyclePlan {
  /** In the order in which they are carried out. */
  readonly actions: readonly Action[]
  /** What they were decided from. */
  readonly state: FleetState
}

/** Carries nothing out: only what is kept of forge and machines is brought up to date. */
export async function planCycle(machines: readonly Machine[], session: Session, { quiet = false } = {}): Promise<CyclePlan> {
  const looked = await refresh(machines, session, { quiet })
  const settled = settle(looked)
  const given = await assignFree(settled.state, session)
  return { actions: [...settled.actions, ...given.actions], state: given.state }
}

/** Assigns, and assigns slots anew that were meant for what others have. What nobody looked at is not claimed. */
async function assignFree(settled: UnderWayState, session: Session): Promise<CyclePlan> {
  let state: FleetState = await withIssues(settled, [], session)
  const checked = new Set<IssueRef>()
  for (let again = 0; ; again++) {
    const front = await withIssues(state, await readFront(state, session), session)
    const actions = assign(front)
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

/** What is to be judged, and as much of each queue as there is room for, beside what others have of it. */
function readFront(state: FleetState, { ledger }: Session): Promise<readonly IssueRecord[]> {
  const most = openDesks(state).free()
  for (const [ref, check] of state.claims) if (check.state !== 'free') addTo(most, repoOf(ref))
  return ledger.front(
    most,
    state.freed.map(({ issue }) => issue),
  )
}

function addTo(most: Map<RepoRef, number>, repo: RepoRef): void {
  const known = most.get(repo)
  if (known !== undefined) most.set(repo, known + 1)
}
