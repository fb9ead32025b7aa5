/** What became of the dispatches that are under way, from what was seen: closed, in review, lost, stale. */
import type { DispatchMove, LiveDispatch } from '../core/ledger.ts'
import type { Dispatch } from '../core/lives.ts'
import type { Change, Time } from '../core/nouns.ts'
import { repoOf } from '../core/refs.ts'
import { belongs, changesByDispatch } from './changes.ts'
import { closedText } from './prompts.ts'
import type { View } from '../core/view.ts'

const itsProcess = 'the process that ran its sprint is gone'

/** The steps that this view calls for. `newId` names the texts that go with them. */
export function planSettle(view: View, newId: () => string): DispatchMove[] {
  const changeOf = changesByDispatch(view.changes)
  const crashed = new Set(view.sprints.flatMap(({ id, lease_until }) => (lease_until <= view.now ? [id] : [])))
  return view.dispatches.flatMap((dispatch) => {
    const change = changeOf(dispatch)
    const move = settle(dispatch, view, change, crashed)
    if (move === null) return []
    const told = move.to === 'done' && isClosedUnderAgent(dispatch, view, change)
    return [told ? { ...move, tell: { id: newId(), text: closedText(dispatch) } } : move]
  })
}

/**
 * Its issue was closed while the agent that got the prompt may still work on it: not after its own change, which ends its work or closed the issue. The text
 * reaches that agent only, so an agent that cannot be looked at now is told too.
 */
function isClosedUnderAgent(dispatch: LiveDispatch, view: View, change: Change | undefined): boolean {
  if (dispatch.kind !== 'work' || dispatch.state !== 'handed' || dispatch.incarnation === null) return false
  return (change === undefined || change.state === 'closed') && !isGone(dispatch, view)
}

function settle(dispatch: LiveDispatch, view: View, change: Change | undefined, crashed: ReadonlySet<string>): DispatchMove | null {
  const { id, state } = dispatch
  if (state !== 'claimed' && state !== 'handed' && state !== 'review') return null
  if (view.closed.has(dispatch.issue)) {
    return {
      id,
      from: ['claimed', 'handed', 'review'],
      to: 'done',
      reason: 'its issue is closed',
      change_url: change?.url ?? dispatch.change_url,
    }
  }
  if (change !== undefined && !belongs(change, dispatch)) {
    return { id, from: ['review'], to: 'released', reason: `its change ${change.name} no longer closes the issue`, change_url: null }
  }
  if (state === 'claimed' && change?.state === 'open' && change.dispatch_id !== id) {
    return { id, from: ['claimed'], to: 'released', reason: `change ${change.name} is open` }
  }
  if (change?.state === 'merged' && state !== 'claimed') {
    return { id, from: ['handed', 'review'], to: 'done', reason: 'its change was merged', change_url: change.url }
  }
  if (state === 'handed' && change?.state === 'open') {
    return { id, from: ['handed'], to: 'review', reason: 'a change is open for review', change_url: change.url }
  }
  if (state === 'review' && change?.state === 'closed') {
    return { id, from: ['review'], to: 'failed', reason: 'its change was closed without being merged', change_url: change.url }
  }
  if (crashed.has(id) && state === 'claimed') return { id, from: ['claimed'], to: 'released', reason: `${itsProcess} before it began` }
  if (state !== 'handed') return null
  // What it pushed is seen as its change: with none, all that it did is in its workspace, on its own machine.
  if (crashed.has(id)) return isAsked(dispatch, view) ? { id, from: ['handed'], to: 'lost', reason: itsProcess } : null
  if (isGone(dispatch, view)) return { id, from: ['handed'], to: 'lost', reason: 'the agent that held it is gone' }
  const idle = idleFor(dispatch, view)
  const { ended_after } = view.fleet.dispatch
  if (ended_after === null || idle < ended_after) return null
  const reason = `its turn ended without a change for review: the agent has had nothing to do for ${Math.floor(idle / 60_000)} minutes`
  return { id, from: ['handed'], to: 'failed', reason }
}

/**
 * How long the agent that holds it has been seen with nothing to do, milliseconds: all that it was told is over then. 0 where that is not known: where
 * nobody can say whether the text arrived, where its machine or its forge could not be asked, and for questions, which bring no change.
 */
function idleFor(dispatch: LiveDispatch, view: View): number {
  const { id, kind, worker, handed_at, incarnation } = dispatch
  const record = view.states.get(worker)
  const same = incarnation !== null && view.incarnations.get(worker) === incarnation
  if (kind !== 'work' || !isAsked(dispatch, view) || !same || view.unproven.has(id) || record?.state !== 'idle') return 0
  return Math.max(0, view.now - Math.max(handed_at ?? 0, record.since))
}

/** Its repo's changes are known: the forge could be asked in this view. */
function isAsked({ issue }: LiveDispatch, view: View): boolean {
  return view.writers.has(repoOf(issue)) && !view.repos_down.has(repoOf(issue))
}

/** The agent that was given the prompt is proven to have ended. One that is not found may still work. */
function isGone({ incarnation }: LiveDispatch, { ended }: View): boolean {
  return incarnation !== null && ended.has(incarnation)
}

/** Handed for longer than the policy allows, with no change for review: for a person to look at. It keeps its worker. */
export function isStale(dispatch: Pick<Dispatch, 'kind' | 'state' | 'handed_at'>, staleAfter: number, now: Time): boolean {
  return dispatch.kind === 'work' && dispatch.state === 'handed' && dispatch.handed_at !== null && now - dispatch.handed_at > staleAfter
}
