/**
 * Carries out the actions of a plan. burn carries out an action only if its guard still holds, so that several dispatchers can run
 * concurrently.
 */
import type { Action, ActionsByKind, ApproveAction, DelegateAction, MoveAction, TellAction } from '../core/actions.ts'
import type { ChangesFacet, FleetState, ReposFacet } from '../core/fleet-state.ts'
import type { DispatchMove } from '../core/ledger/claims.ts'
import type { PlannedText } from '../core/ledger/deliveries.ts'
import type { Delivery, Dispatch } from '../core/lifecycle.ts'
import type { IssueRef, Machine } from '../core/nouns.ts'
import type { Session } from '../observe/session.ts'
import type { Reason } from '../core/reasons.ts'
import type { SteeringResult } from '../core/steering.ts'
import { actionsByKind, assertExhaustive } from '../core/actions.ts'
import { counted } from '../core/text.ts'
import { encodeReason } from '../core/reasons.ts'
import { recordBackoff } from '../claim/refusal.ts'
import { applyDelegations, type DoneDelegation } from '../claim/delegate.ts'
import { claimPanes } from '../claim/claim.ts'
import { escalate, newEscalations } from '../claim/escalate.ts'
import { runJob } from '../jobs/run.ts'
import { releaseClaims, syncComments } from '../claim/comments.ts'
import { releaseLostClaims } from '../claim/first-claim.ts'
import { applySteering } from './steering.ts'
import { applyChanges } from './changes.ts'
import { deliver } from '../deliver/deliver.ts'
import { leaseLength } from '../observe/session.ts'

/**
 * Maximum time (ms) that a cycle waits for a delivery, for example while a person types in its pane. The next cycle continues the delivery.
 */
const deliveryTimeout = 2_000

/** The actions of a cycle in their order, and the state of the fleet that they are based on. */
export interface CyclePlan {
  readonly actions: readonly Action[]
  readonly state: FleetState
}

/** The results of a cycle. */
export interface Applied {
  /** The commands of comments that burn carried out or refused. */
  readonly steered: readonly SteeringResult[]
  readonly claimed: readonly Dispatch[]
  /**
   * Dispatches that changed their state: they are done, in review or lost, or burn released them because the forge refused their comment.
   */
  readonly settled: readonly Dispatch[]
  /** The deliveries of this process that changed, in their new states. */
  readonly deliveries: readonly Delivery[]
  /** The reasons that burn does not type texts now, by the id of the delivery. Contains also deliveries whose wait has ended since. */
  readonly delayed: ReadonlyMap<string, Reason>
  /** The steps of delegations that took effect. */
  readonly delegated: readonly DoneDelegation[]
}

/**
 * Carries out a plan and returns its results. After `stop`, burn claims nothing new, but completes the deliveries that are in a composer.
 * After `drain`, burn claims nothing new. Throws if the ledger fails.
 */
export async function apply(
  { actions, state }: CyclePlan,
  machines: readonly Machine[],
  session: Session,
  { stop, drain }: { readonly stop: AbortSignal; readonly drain: AbortSignal },
): Promise<Applied> {
  const { ledger, clock, owner } = session
  const noNewWork = AbortSignal.any([stop, drain])
  const {
    change,
    steer,
    hold,
    end_hold,
    note,
    escalate: escalations,
    inherit,
    move,
    tell,
    approve,
    judge,
    wait,
    leave,
    claim,
    delegate,
    ...rest
  } = actionsByKind(actions)
  assertExhaustive(rest)
  const steered = await applySteering(steer, state, session)
  await applyHolds({ hold, end_hold }, session)
  await ledger.noteEvents(note, clock.now())
  const fresh = await newEscalations(escalations, session)
  if (fresh.length > 0) await runJob({ name: 'escalate', period: null }, session, () => escalate(fresh, session))
  await ledger.inherit(inherit, clock.now())
  const settled = await applyMoves(move, state, session)
  await applyTells(tell, session)
  await applyChanges(change, session)
  // If an issue changed after burn read it, burn drops its decisions about this issue. The next cycle decides again.
  const stale = await applyApprovals(approve, session)
  await applyVerdicts({ judge: judge.filter(({ issue }) => !stale.has(issue)), wait, leave }, state, session)
  const delegated = await delegateIssues(delegate, session, noNewWork)
  const claims = noNewWork.aborted ? [] : claim.filter(({ issue }) => !stale.has(issue.ref))
  const claimed = await claimPanes(claims, session)
  await ledger.takeOverDeliveries(owner, clock.now() + leaseLength, clock.now())
  const refused = await releaseClaims(await syncComments(new Set(claimed.map(({ id }) => id)), session), session)
  const unsure = await releaseLostClaims(state, session)
  const delayed = new Map<string, Reason>()
  const onWait = (id: string, why: Reason) => void delayed.set(id, why)
  const deliveries = await deliver(machines, session, stop, { timeout: deliveryTimeout, placed_timeout: deliveryTimeout, unsure, onWait })
  // If no dispatch or delivery changed, all comments are still up to date since the first `syncComments`.
  const isQuiet = claimed.length + deliveries.length + settled.length + refused.length + unsure.size === 0
  const refusedLater = isQuiet ? [] : await releaseClaims(await syncComments(new Set(), session), session)
  return { steered, claimed, settled: [...settled, ...refused, ...refusedLater], deliveries, delayed, delegated }
}

/** Carries out the steps of delegations as the job `delegate`, which only one process at a time runs. Returns the steps that took effect. */
export async function delegateIssues(
  actions: readonly DelegateAction[],
  session: Session,
  stop: AbortSignal,
): Promise<readonly DoneDelegation[]> {
  if (actions.length === 0) return []
  const ran = await runJob(
    { name: 'delegate', period: null },
    session,
    () => applyDelegations(actions, session, stop),
    (steps) => counted(steps.length, 'step'),
  )
  return ran.ran ? ran.result : []
}

/**
 * Changes the states of dispatches, and returns the dispatches that changed. Then saves the time up to which burn has processed the forge's
 * changes.
 */
export async function applyMoves(
  moves: readonly MoveAction[],
  { changes_at }: Pick<ChangesFacet, 'changes_at'>,
  session: Session,
): Promise<readonly Dispatch[]> {
  const { ledger, clock } = session
  const moved =
    moves.length === 0
      ? []
      : await ledger.moveDispatches(
          moves.map((move) => toMove(move, session)),
          clock.now(),
        )
  if (changes_at.size > 0) await ledger.saveChangeCursors(changes_at)
  return moved
}

/** Begins and ends holds. The ledger skips holds that another process changed first. */
async function applyHolds({ hold, end_hold }: Pick<ActionsByKind, 'hold' | 'end_hold'>, { ledger, clock }: Session): Promise<void> {
  const begun = hold.map(({ do: _do, ...each }) => ({ ...each, actor: 'burn' }))
  if (begun.length > 0) await ledger.saveHolds(begun, clock.now())
  if (end_hold.length > 0) await ledger.removeHolds(end_hold, clock.now())
}

/** Plans follow-up texts about dispatches. The ledger skips texts that another process planned first. */
async function applyTells(actions: readonly TellAction[], { ledger, clock, owner, newId, notify }: Session): Promise<void> {
  const tells = new Map(actions.map((tell) => [newId(), tell]))
  if (tells.size === 0) return
  const now = clock.now()
  const planned = await ledger.planDeliveries([...tells].map(toText), owner, now + leaseLength, now)
  for (const { id } of planned) {
    const tell = tells.get(id)
    if (tell?.kind === 'correction') notify({ kind: 'issue.mangled', subject: tell.issue, payload: { reason: tell.reason } })
  }
}

/** Returns the transition with all its guards. */
function toMove({ do: _do, kind: _kind, issue: _issue, worker: _worker, tell, ...move }: MoveAction, { newId }: Session): DispatchMove {
  return { ...move, ...(tell === undefined ? {} : { follow_up: { id: newId(), text: tell } }) }
}

function toText([id, { kind, dispatch, issue, worker, incarnation, text, before }]: readonly [string, TellAction]): PlannedText {
  return { id, kind, worker, text, incarnation, about: { dispatch, issue, before } }
}

async function applyVerdicts(
  { judge, wait, leave }: Pick<ActionsByKind, 'judge' | 'wait' | 'leave'>,
  { waits }: Pick<ReposFacet, 'waits'>,
  session: Session,
): Promise<void> {
  const { ledger } = session
  if (judge.length > 0) await ledger.saveVerdicts(judge, session.clock.now())
  if (wait.length !== waits.size || wait.some(({ repo, reason }) => !isSame(reason, waits.get(repo))))
    await ledger.saveWaitReasons(new Map(wait.map(({ repo, reason }) => [repo, reason])))
  for (const { issue, reason, backoff } of leave) {
    const rests = backoff === null ? null : await recordBackoff(backoff, session)
    session.notify({ kind: 'issue.unclaimed', subject: issue, payload: { reason, rests } })
  }
}

/** Saves approvals. Returns the issues whose approval burn could not save, because the issue changed after burn read it. */
export async function applyApprovals(actions: readonly ApproveAction[], { ledger, clock }: Session): Promise<ReadonlySet<IssueRef>> {
  if (actions.length === 0) return new Set()
  const saved = new Set(await ledger.saveApprovals(actions, clock.now()))
  return new Set(actions.flatMap(({ issue }) => (saved.has(issue) ? [] : [issue])))
}

function isSame(a: Reason, b: Reason | undefined): boolean {
  return b !== undefined && encodeReason(a) === encodeReason(b)
}
