/** Decides which live dispatches change their state: done, in review, failed, lost or released. */
import type { Reason } from '../core/reasons.ts'
import type { MoveAction } from '../core/actions.ts'
import type { UnderWayState } from '../core/fleet-state.ts'
import type { LiveDispatch } from '../core/ledger/claims.ts'
import type { Dispatch } from '../core/lifecycle.ts'
import type { ChangeSnapshot } from '../core/change-loop.ts'
import type { Change, Time, WorkerId } from '../core/nouns.ts'
import { agentKey } from '../core/incarnation.ts'
import { machineOf, repoOf } from '../core/refs.ts'
import { sprintWorkers } from '../core/sprint.ts'
import { isClosedWithBase } from './change.ts'
import { belongs, changesByDispatch } from './changes.ts'
import { holderGuard, mayContinue } from './continuations.ts'
import { closedText, takenBackText } from './prompts.ts'
import type { RecoveryPlan } from './trouble.ts'
import { hasPendingResume, recoveryPlans } from './trouble.ts'

/** A state change of a dispatch, without the id of the dispatch. */
type Step = Pick<MoveAction, 'from' | 'to' | 'reason' | 'change_url' | 'resumes_seen' | 'holder' | 'handed_at'>

/** Returns the state changes of all live dispatches, in this state of the fleet. */
export function dispatchMoves(seen: UnderWayState): MoveAction[] {
  const changeOf = changesByDispatch(seen.changes)
  const crashed = new Set(seen.sprints.flatMap(({ id, lease_until }) => (lease_until <= seen.now ? [id] : [])))
  const idsOf = (holds: (change: ChangeSnapshot) => boolean) =>
    new Set(seen.reviews.flatMap(({ dispatch, snapshot }) => (holds(snapshot) ? [dispatch.id] : [])))
  const rejected = idsOf((each) => each.change.change.state === 'closed' && !isClosedWithBase(each))
  const without_base = idsOf(isClosedWithBase)
  const known: Known = { crashed, rejected, without_base, plans: recoveryPlans(seen) }
  return seen.dispatches.flatMap((dispatch) => {
    const change = changeOf(dispatch)
    const step = stepOf(dispatch, seen, change, known)
    if (step === null) return []
    const { id, kind, issue, worker } = dispatch
    const tell = endText(dispatch, step, seen, change)
    return [{ do: 'move', id, kind, issue, worker, ...step, ...(tell === null ? {} : { tell }) }]
  })
}

/**
 * Returns the text that tells an agent about the end of its dispatch; null if the agent needs no text. The agent needs one if it may still
 * be working on the issue: the issue was closed, a change from another branch solved the issue, or burn released the issue because the
 * worker is in trouble. Only that agent can get the text, so burn plans the text even if burn does not find the agent now.
 */
function endText(dispatch: LiveDispatch, { to }: Step, seen: UnderWayState, change: Change | undefined): string | null {
  const { id, kind, state, incarnation } = dispatch
  if (kind !== 'work' || state !== 'handed' || incarnation === null || isGone(dispatch, seen)) return null
  const isItsOwnEnd = change !== undefined && change.state !== 'closed' && (change.dispatch_id === id || isTurnOver(dispatch, seen))
  if (to === 'done') return isItsOwnEnd ? null : closedText(dispatch)
  // Without this text, the agent would continue the issue when its trouble ends. By then another worker may have the issue.
  return to === 'released' ? takenBackText(dispatch) : null
}

/** Facts about all dispatches. burn computes them once per cycle. */
interface Known {
  /** Sprints whose process is gone: their lease has expired. */
  readonly crashed: ReadonlySet<string>
  /** Dispatches whose change somebody closed without a merge. */
  readonly rejected: ReadonlySet<string>
  /** Dispatches whose change the forge closed because its base branch was deleted. A person is called, see `decide/change`. */
  readonly without_base: ReadonlySet<string>
  /** The plans for workers in trouble. */
  readonly plans: ReadonlyMap<WorkerId, RecoveryPlan>
}

function stepOf(dispatch: LiveDispatch, seen: UnderWayState, change: Change | undefined, known: Known): Step | null {
  const { crashed, plans } = known
  const { id, state } = dispatch
  if (state !== 'claimed' && state !== 'handed' && state !== 'review') return null
  if (seen.closed.has(dispatch.issue)) {
    const own = change !== undefined && isWorkOf(dispatch, change) ? change : null
    // A merge usually closes the issue at the same moment.
    const code = own?.state === 'merged' ? 'change_merged' : 'issue_closed'
    return { from: ['claimed', 'handed', 'review'], to: 'done', reason: { code }, change_url: own?.url ?? dispatch.change_url }
  }
  const isWithoutBase = change?.state === 'closed' && known.without_base.has(id)
  const byChange = change === undefined || isWithoutBase ? null : stepByChange(change, dispatch, seen)
  if (byChange !== null) return byChange
  // The base exists again, but the change is still closed.
  if (state === 'review' && known.rejected.has(id)) return { from: ['review'], to: 'failed', reason: { code: 'change_rejected' } }
  if (state === 'handed' && dispatch.change_url !== null && !crashed.has(id)) return stepInFollowUp(dispatch, seen, known)
  if (crashed.has(id) && state === 'claimed') return { from: ['claimed'], to: 'released', reason: { code: 'sprint_gone', begun: false } }
  if (state !== 'handed') return null
  if (crashed.has(id) && dispatch.change_url !== null)
    return { from: ['handed'], to: 'review', reason: { code: 'sprint_gone', begun: true } }
  // burn found no change of the sprint, so the sprint did not push its work. The work is only in the workspace, on the machine of the
  // sprint.
  if (crashed.has(id))
    return areChangesKnown(dispatch, seen) ? { from: ['handed'], to: 'lost', reason: { code: 'sprint_gone', begun: true } } : null
  if (isGone(dispatch, seen))
    return mayContinue(dispatch, seen)
      ? null
      : { from: ['handed'], to: 'lost', reason: { code: 'holder_gone' }, ...holderGuard(dispatch, seen) }
  return stepIfQuiet(dispatch, seen, plans.get(dispatch.worker))
}

/**
 * Returns the state change of a dispatch whose agent has a follow-up: its change is open. If the turn ends or fails, or the agent ends, the
 * dispatch returns to `review`, and `decide/change` decides again. The dispatch fails if somebody closed the change during the turn: the
 * forge reports that only once.
 */
function stepInFollowUp(dispatch: LiveDispatch, seen: UnderWayState, { rejected, plans }: Known): Step | null {
  const guard = { handed_at: dispatch.handed_at }
  const back = (reason: Reason): Step =>
    rejected.has(dispatch.id)
      ? { from: ['handed'], to: 'failed', reason: { code: 'change_rejected' }, ...guard }
      : { from: ['handed'], to: 'review', reason, ...guard }
  if (isGone(dispatch, seen)) return back({ code: 'holder_gone' })
  // While burn types the text, the agent is idle, but its turn has not begun.
  if (seen.arriving.has(dispatch.id)) return null
  if (isTurnOver(dispatch, seen)) return back({ code: 'change_for_review' })
  const quiet = stepIfQuiet(dispatch, seen, plans.get(dispatch.worker))
  return quiet === null ? null : { ...quiet, ...back(quiet.reason) }
}

function stepByChange(change: Change, dispatch: LiveDispatch, seen: UnderWayState): Step | null {
  const { id, state } = dispatch
  const { name, url: change_url } = change
  if (!belongs(change, dispatch))
    return { from: ['review'], to: 'released', reason: { code: 'change_unlinked', change: name }, change_url: null }
  if (change.state === 'open' && state !== 'review' && (state === 'claimed' ? change.dispatch_id !== id : !isWorkOf(dispatch, change)))
    return { from: ['claimed', 'handed'], to: 'released', reason: { code: 'change_open', change: name } }
  if (!isWorkOf(dispatch, change)) return null
  if (change.state === 'merged' && state !== 'claimed')
    return { from: ['handed', 'review'], to: 'done', reason: { code: 'change_merged' }, change_url }
  // Somebody else may have opened a change from another branch. If the agent may still be working, the dispatch stays `handed`.
  // After a follow-up the change is open already: see `stepInFollowUp`.
  const isOver = dispatch.change_url === null && (change.dispatch_id === id || isGone(dispatch, seen) || isTurnOver(dispatch, seen))
  if (change.state === 'open' && state === 'handed' && isOver)
    return { from: ['handed'], to: 'review', reason: { code: 'change_for_review' }, change_url }
  if (change.state === 'closed' && state === 'review')
    return { from: ['review'], to: 'failed', reason: { code: 'change_rejected' }, change_url }
  return null
}

/** burn regards a turn as ended when the agent has been idle for this time (ms). */
const turnOverAfter = 60_000

/** Returns true if the turn that the prompt started has ended: the same agent has been idle for `turnOverAfter`. */
function isTurnOver({ worker, incarnation, handed_at }: LiveDispatch, seen: UnderWayState): boolean {
  const record = seen.states.get(worker)
  if (record?.state !== 'idle' || seen.incarnations.get(worker) !== incarnation) return false
  return seen.now - Math.max(handed_at ?? 0, record.since) >= turnOverAfter
}

/**
 * Returns true if a change can be the work of a dispatch. An agent may open a change from any branch; a sprint opens a change from its own
 * branch.
 */
function isWorkOf({ id, worker, state }: LiveDispatch, { dispatch_id }: Change): boolean {
  return dispatch_id === id || state === 'review' || !worker.startsWith(`${sprintWorkers}/`)
}

/**
 * Returns the state change of a dispatch whose agent has been idle or in an error for `idle_timeout`, or did not recover from trouble; null
 * if no state change is due.
 */
function stepIfQuiet(dispatch: LiveDispatch, seen: UnderWayState, plan: RecoveryPlan | undefined): Step | null {
  const { id, handed_at, worker } = dispatch
  const { idle_timeout } = seen.fleet.dispatch
  const record = seen.states.get(worker)
  if (idle_timeout === null || record === undefined || !canBeTold(dispatch, seen)) return null
  if (plan !== undefined) {
    const { trouble, until } = plan
    if (until === null || seen.now < Math.max(until, (handed_at ?? 0) + idle_timeout) || hasPendingResume(dispatch, seen)) return null
    return {
      resumes_seen: seen.resumes.get(id)?.length ?? 0,
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
  const reading = seen.workers.find((snapshot) => snapshot.worker.id === worker)?.reading
  return { kind: reading?.detail ?? null, evidence: reading?.evidence ?? null }
}

/**
 * Returns true if burn may send an agent a follow-up about its dispatch. The dispatch must be of the kind `work`, and the forge must have
 * answered about the repo. The same agent must be alive and have the prompt, and burn must type no other text about the dispatch. A council
 * question gets no follow-up: it needs no change, and ends with the answer.
 */
export function canBeTold(dispatch: LiveDispatch, seen: UnderWayState): boolean {
  const { id, kind, state, worker, incarnation } = dispatch
  const same = incarnation !== null && seen.incarnations.get(worker) === incarnation
  return (
    kind === 'work' && state === 'handed' && same && areChangesKnown(dispatch, seen) && !seen.unproven.has(id) && !seen.arriving.has(id)
  )
}

/** Returns true if the forge answered about the changes of the dispatch's repo. */
function areChangesKnown({ issue }: LiveDispatch, seen: UnderWayState): boolean {
  return seen.writers.has(repoOf(issue)) && !seen.repos_down.has(repoOf(issue))
}

/** Returns true if burn has proof that the agent that got the prompt has ended. An agent that burn does not find may still be working. */
function isGone({ worker, incarnation }: LiveDispatch, { ended }: UnderWayState): boolean {
  return incarnation !== null && ended.has(agentKey(machineOf(worker), incarnation))
}

/**
 * Returns true if a dispatch has been in the state `handed` for longer than `staleAfter` (ms). Such a dispatch has no change for review.
 * The worker keeps the dispatch, and a person should look at it.
 */
export function isStale(dispatch: Pick<Dispatch, 'kind' | 'state' | 'handed_at'>, staleAfter: number, now: Time): boolean {
  return dispatch.kind === 'work' && dispatch.state === 'handed' && dispatch.handed_at !== null && now - dispatch.handed_at > staleAfter
}
