/** What became of the dispatches that are under way, from what was seen: closed, in review, lost, stale. */
import type { Reason } from '../core/reasons.ts'
import type { MoveAction } from '../core/actions.ts'
import type { UnderWayState } from '../core/fleet-state.ts'
import type { LiveDispatch } from '../core/ledger/claims.ts'
import type { Dispatch } from '../core/lifecycle.ts'
import type { Change, Time, WorkerId } from '../core/nouns.ts'
import { agentKey } from '../core/incarnation.ts'
import { machineOf, repoOf } from '../core/refs.ts'
import { sprintWorkers } from '../core/sprint.ts'
import { belongs, changesByDispatch } from './changes.ts'
import { closedText, takenBackText } from './prompts.ts'
import type { RecoveryPlan } from './trouble.ts'
import { hasPendingResume, recoveryPlans } from './trouble.ts'

/** A step as it is decided. */
type Step = Pick<MoveAction, 'from' | 'to' | 'reason' | 'change_url' | 'told'>

/** Returns the steps of dispatches that this state calls for. */
export function dispatchMoves(seen: UnderWayState): MoveAction[] {
  const changeOf = changesByDispatch(seen.changes)
  const crashed = new Set(seen.sprints.flatMap(({ id, lease_until }) => (lease_until <= seen.now ? [id] : [])))
  const known: Known = { crashed, courses: recoveryPlans(seen) }
  return seen.dispatches.flatMap((dispatch) => {
    const change = changeOf(dispatch)
    const step = stepOf(dispatch, seen, change, known)
    if (step === null) return []
    const { id, kind, issue, worker } = dispatch
    const tell = toTell(dispatch, step, seen, change)
    return [{ do: 'move', id, kind, issue, worker, ...step, ...(tell === null ? {} : { tell }) }]
  })
}

/**
 * What the agent that got the prompt is told about the end of its dispatch while it may still work: that its issue was closed or done by a
 * change that is not from its branch, or that it was taken back in trouble. The text reaches that agent only, so an agent that cannot be
 * looked at now is told too.
 */
function toTell(dispatch: LiveDispatch, { to }: Step, seen: UnderWayState, change: Change | undefined): string | null {
  const { id, kind, state, incarnation } = dispatch
  if (kind !== 'work' || state !== 'handed' || incarnation === null || isGone(dispatch, seen)) return null
  const byItself = change !== undefined && change.state !== 'closed' && (change.dispatch_id === id || isTurnOver(dispatch, seen))
  if (to === 'done') return byItself ? null : closedText(dispatch)
  // It would go on once it can: somebody else may have the issue by then.
  return to === 'released' ? takenBackText(dispatch) : null
}

/** What is looked up for each dispatch. */
interface Known {
  /** Sprints whose process is gone. */
  readonly crashed: ReadonlySet<string>
  /** Workers in trouble that every issue would meet. */
  readonly courses: ReadonlyMap<WorkerId, RecoveryPlan>
}

function stepOf(dispatch: LiveDispatch, seen: UnderWayState, change: Change | undefined, { crashed, courses }: Known): Step | null {
  const { id, state } = dispatch
  if (state !== 'claimed' && state !== 'handed' && state !== 'review') return null
  if (seen.closed.has(dispatch.issue)) {
    const its = change !== undefined && isWorkOf(dispatch, change) ? change.url : dispatch.change_url
    return { from: ['claimed', 'handed', 'review'], to: 'done', reason: { code: 'issue_closed' }, change_url: its }
  }
  const reviewed = change === undefined ? null : stepBy(change, dispatch, seen)
  if (reviewed !== null) return reviewed
  if (crashed.has(id) && state === 'claimed') return { from: ['claimed'], to: 'released', reason: { code: 'sprint_gone', begun: false } }
  if (state !== 'handed') return null
  // What it pushed is seen as its change: with none, all that it did is in its workspace, on its own machine.
  if (crashed.has(id))
    return isAsked(dispatch, seen) ? { from: ['handed'], to: 'lost', reason: { code: 'sprint_gone', begun: true } } : null
  if (isGone(dispatch, seen)) return { from: ['handed'], to: 'lost', reason: { code: 'holder_gone' } }
  return stepOfQuiet(dispatch, seen, courses.get(dispatch.worker))
}

function stepBy(change: Change, dispatch: LiveDispatch, seen: UnderWayState): Step | null {
  const { id, state } = dispatch
  const { name, url: change_url } = change
  if (!belongs(change, dispatch))
    return { from: ['review'], to: 'released', reason: { code: 'change_unlinked', change: name }, change_url: null }
  if (change.state === 'open' && state !== 'review' && (state === 'claimed' ? change.dispatch_id !== id : !isWorkOf(dispatch, change)))
    return { from: ['claimed', 'handed'], to: 'released', reason: { code: 'change_open', change: name } }
  if (!isWorkOf(dispatch, change)) return null
  if (change.state === 'merged' && state !== 'claimed')
    return { from: ['handed', 'review'], to: 'done', reason: { code: 'change_merged' }, change_url }
  // While its agent may still work, a change that is not from its branch may be somebody else's: the issue stays with the agent.
  const over = change.dispatch_id === id || isGone(dispatch, seen) || isTurnOver(dispatch, seen)
  if (change.state === 'open' && state === 'handed' && over)
    return { from: ['handed'], to: 'review', reason: { code: 'change_for_review' }, change_url }
  if (change.state === 'closed' && state === 'review')
    return { from: ['review'], to: 'failed', reason: { code: 'change_rejected' }, change_url }
  return null
}

/** How long an agent must have been seen with nothing to do before its turn counts as over, milliseconds. */
const quietFor = 60_000

/** The turn that its prompt began is over: its agent has nothing to do. */
function isTurnOver({ worker, incarnation, handed_at }: LiveDispatch, seen: UnderWayState): boolean {
  const record = seen.states.get(worker)
  if (record?.state !== 'idle' || seen.incarnations.get(worker) !== incarnation) return false
  return seen.now - Math.max(handed_at ?? 0, record.since) >= quietFor
}

/** An agent may have opened the change from any branch. A sprint that has not ended opens its own, and from its own branch. */
function isWorkOf({ id, worker, state }: LiveDispatch, { dispatch_id }: Change): boolean {
  return dispatch_id === id || state === 'review' || !worker.startsWith(`${sprintWorkers}/`)
}

/** What its agent's silence means for it: all that it was told is over where it has long had nothing to do, or its turn failed. */
function stepOfQuiet(dispatch: LiveDispatch, seen: UnderWayState, course: RecoveryPlan | undefined): Step | null {
  const { id, handed_at, worker } = dispatch
  const { idle_timeout } = seen.fleet.dispatch
  const record = seen.states.get(worker)
  if (idle_timeout === null || record === undefined || !canBeTold(dispatch, seen)) return null
  if (course !== undefined) {
    const { trouble, until } = course
    if (until === null || seen.now < Math.max(until, (handed_at ?? 0) + idle_timeout) || hasPendingResume(dispatch, seen)) return null
    return {
      told: seen.resumes.get(id)?.length ?? 0,
      from: ['handed'],
      to: 'released',
      reason: { code: 'trouble_lasts', kind: trouble.kind, evidence: trouble.evidence },
    }
  }
  const quiet = seen.now - Math.max(handed_at ?? 0, record.since)
  if ((record.state !== 'idle' && record.state !== 'error') || quiet < idle_timeout) return null
  const minutes = Math.floor(quiet / 60_000)
  const reason: Reason =
    record.state === 'idle' ? { code: 'turn_quiet', minutes } : { code: 'turn_failed', ...failureOf(worker, seen), minutes }
  return { from: ['handed'], to: 'failed', reason }
}

function failureOf(worker: WorkerId, seen: UnderWayState): { readonly kind: string | null; readonly evidence: string | null } {
  const reading = seen.workers.find((sight) => sight.worker.id === worker)?.reading
  return { kind: reading?.detail ?? null, evidence: reading?.evidence ?? null }
}

/**
 * Work that its agent has for certain, as far as its machine and its forge could be asked. Questions bring no change, and are over when
 * they are answered.
 */
export function canBeTold(dispatch: LiveDispatch, seen: UnderWayState): boolean {
  const { id, kind, state, worker, incarnation } = dispatch
  const same = incarnation !== null && seen.incarnations.get(worker) === incarnation
  return kind === 'work' && state === 'handed' && same && isAsked(dispatch, seen) && !seen.unproven.has(id)
}

/** Its repo's changes are known: the forge could be asked. */
function isAsked({ issue }: LiveDispatch, seen: UnderWayState): boolean {
  return seen.writers.has(repoOf(issue)) && !seen.repos_down.has(repoOf(issue))
}

/** The agent that was given the prompt is proven to have ended. One that is not found may still work. */
function isGone({ worker, incarnation }: LiveDispatch, { ended }: UnderWayState): boolean {
  return incarnation !== null && ended.has(agentKey(machineOf(worker), incarnation))
}

/** Handed for longer than the policy allows, with no change for review: for a person to look at. It keeps its worker. */
export function isStale(dispatch: Pick<Dispatch, 'kind' | 'state' | 'handed_at'>, staleAfter: number, now: Time): boolean {
  return dispatch.kind === 'work' && dispatch.state === 'handed' && dispatch.handed_at !== null && now - dispatch.handed_at > staleAfter
}
