/** What became of the dispatches that are under way, from what was seen: closed, in review, lost, stale. */
import type { DispatchMove, LiveDispatch } from '../core/ledger.ts'
import type { Dispatch } from '../core/lives.ts'
import type { Change, Time } from '../core/nouns.ts'
import { repoOf } from '../core/refs.ts'
import { sprintWorkers } from '../core/sprint.ts'
import { belongs, changesByDispatch } from './changes.ts'
import { closedText, givenBackText } from './prompts.ts'
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
    const text = toTell(dispatch, move, view, change)
    return [text === null ? move : { ...move, tell: { id: newId(), text } }]
  })
}

/**
 * What the agent that got the prompt is told about the end of its dispatch while it may still work: that its issue was closed, but not by its own change, or
 * that the change of somebody else, with which its dispatch was in review, has ended. The text reaches that agent only, so an agent that cannot be looked at
 * now is told too.
 */
function toTell(dispatch: LiveDispatch, { to }: DispatchMove, view: View, change: Change | undefined): string | null {
  const { id, kind, state, worker, incarnation } = dispatch
  if (kind !== 'work' || incarnation === null || isGone(dispatch, view)) return null
  if (to === 'done' && state === 'handed' && (change === undefined || change.state === 'closed')) return closedText(dispatch)
  const others = state === 'review' && to !== 'done' && change !== undefined && change.dispatch_id !== id
  return others && view.states.get(worker)?.state !== 'idle' ? givenBackText(dispatch, change.name) : null
}

function settle(dispatch: LiveDispatch, view: View, change: Change | undefined, crashed: ReadonlySet<string>): DispatchMove | null {
  const { id, state } = dispatch
  if (state !== 'claimed' && state !== 'handed' && state !== 'review') return null
  if (view.closed.has(dispatch.issue)) {
    const its = change !== undefined && isWorkOf(dispatch, change) ? change.url : dispatch.change_url
    return { id, from: ['claimed', 'handed', 'review'], to: 'done', reason: 'its issue is closed', change_url: its }
  }
  const reviewed = change === undefined ? null : settleBy(change, dispatch)
  if (reviewed !== null) return reviewed
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

function settleBy(change: Change, dispatch: LiveDispatch): DispatchMove | null {
  const { id, state } = dispatch
  const { name, url: change_url } = change
  if (!belongs(change, dispatch))
    return { id, from: ['review'], to: 'released', reason: `its change ${name} no longer closes the issue`, change_url: null }
  if (change.state === 'open' && state !== 'review' && (state === 'claimed' ? change.dispatch_id !== id : !isWorkOf(dispatch, change)))
    return { id, from: ['claimed', 'handed'], to: 'released', reason: `change ${name} is open` }
  if (!isWorkOf(dispatch, change)) return null
  if (change.state === 'merged' && state !== 'claimed')
    return { id, from: ['handed', 'review'], to: 'done', reason: 'its change was merged', change_url }
  if (change.state === 'open' && state === 'handed')
    return { id, from: ['handed'], to: 'review', reason: 'a change is open for review', change_url }
  if (change.state === 'closed' && state === 'review')
    return { id, from: ['review'], to: 'failed', reason: 'its change was closed without being merged', change_url }
  return null
}

/** An agent may have opened the change from any branch. A sprint that has not ended opens its own, and from its own branch. */
function isWorkOf({ id, worker, state }: LiveDispatch, { dispatch_id }: Change): boolean {
  return dispatch_id === id || state === 'review' || !worker.startsWith(`${sprintWorkers}/`)
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
