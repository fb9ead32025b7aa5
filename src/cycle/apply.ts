/** Carries a plan out. Each action happens only if its guard still holds, so that several dispatchers can do so side by side. */
import type { Action, ActionsByKind, ApproveAction, MoveAction, TellAction } from '../core/actions.ts'
import type { ChangesFacet, FleetState, ReposFacet } from '../core/fleet-state.ts'
import type { DispatchMove } from '../core/ledger/claims.ts'
import type { PlannedText } from '../core/ledger/deliveries.ts'
import type { Delivery, Dispatch } from '../core/lifecycle.ts'
import type { IssueRef, Machine } from '../core/nouns.ts'
import type { Session } from '../observe/session.ts'
import type { Reason } from '../core/reasons.ts'
import { actionsByKind, assertExhaustive } from '../core/actions.ts'
import { encodeReason } from '../core/reasons.ts'
import { recordBackoff } from '../claim/refusal.ts'
import { claimPanes } from '../claim/claim.ts'
import { releaseClaims, syncComments } from '../claim/comments.ts'
import { releaseLostClaims } from '../claim/first-claim.ts'
import { deliver } from '../deliver/deliver.ts'
import { leaseLength } from '../observe/session.ts'

/** A delivery that waits for a person (a question is open, somebody is typing) keeps a cycle this long; the next one goes on with it. */
const deliveryTimeout = 2_000

/** What to do, in the order in which it is carried out, and what it was decided from. */
export interface CyclePlan {
  readonly actions: readonly Action[]
  readonly state: FleetState
}

export interface Applied {
  readonly claimed: readonly Dispatch[]
  /** Steps of dispatches that were under way: done, in review, lost, or given back because the forge does not take their comment. */
  readonly settled: readonly Dispatch[]
  /** Deliveries of this process, as they now are. */
  readonly deliveries: readonly Delivery[]
}

/** On `stop` nothing new is claimed, and what was begun is seen through. */
export async function apply(
  { actions, state }: CyclePlan,
  machines: readonly Machine[],
  session: Session,
  stop: AbortSignal,
): Promise<Applied> {
  const { ledger, clock, owner } = session
  const { move, tell, approve, judge, wait, leave, claim, ...rest } = actionsByKind(actions)
  assertExhaustive(rest)
  const settled = await applyMoves(move, state, session)
  await applyTells(tell, session)
  // An issue that changed since it was read: its approval no longer holds, so it is decided about anew.
  const stale = await applyApprovals(approve, session)
  await applyVerdicts({ judge: judge.filter(({ issue }) => !stale.has(issue)), wait, leave }, state, session)
  const claims = stop.aborted ? [] : claim.filter(({ issue }) => !stale.has(issue.ref))
  const claimed = await claimPanes(claims, session)
  await ledger.takeOverDeliveries(owner, clock.now() + leaseLength, clock.now())
  const refused = await releaseClaims(await syncComments(new Set(claimed.map(({ id }) => id)), session), session)
  const unsure = await releaseLostClaims(state, session)
  const deliveries = await deliver(machines, session, stop, { timeout: deliveryTimeout, placed_timeout: deliveryTimeout, unsure })
  // Nothing happened since: nothing more is to be said.
  const quiet = claimed.length + deliveries.length + settled.length + refused.length + unsure.size === 0
  const late = quiet ? [] : await releaseClaims(await syncComments(new Set(), session), session)
  return { claimed, settled: [...settled, ...refused, ...late], deliveries }
}

/** Moves dispatches; then what there was of changes has been acted on. Returns the dispatches that moved. */
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
  if (changes_at.size > 0) await ledger.saveChangesSeen(changes_at)
  return moved
}

/** Plans further texts. Those that another process planned first are left out. */
async function applyTells(actions: readonly TellAction[], { ledger, clock, owner, newId, notify }: Session): Promise<void> {
  const tells = new Map(actions.map((tell) => [newId(), tell]))
  if (tells.size === 0) return
  const now = clock.now()
  const planned = await ledger.plan([...tells].map(toText), owner, now + leaseLength, now)
  for (const { id } of planned) {
    const tell = tells.get(id)
    if (tell?.kind === 'correction') notify({ kind: 'issue.mangled', subject: tell.issue, payload: { reason: tell.reason } })
  }
}

function toMove({ id, from, to, reason, change_url, told, tell }: MoveAction, { newId }: Session): DispatchMove {
  return {
    id,
    from,
    to,
    reason,
    ...(change_url === undefined ? {} : { change_url }),
    ...(told === undefined ? {} : { told }),
    ...(tell === undefined ? {} : { tell: { id: newId(), text: tell } }),
  }
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
    await ledger.saveWaiting(new Map(wait.map(({ repo, reason }) => [repo, reason])))
  for (const { issue, reason, backoff: rests } of leave) {
    const kept = rests === null ? null : await recordBackoff(rests, session)
    session.notify({ kind: 'issue.unclaimed', subject: issue, payload: { reason, rests: kept } })
  }
}

/** Returns the issues that changed since they were read. */
export async function applyApprovals(due: readonly ApproveAction[], { ledger, clock }: Session): Promise<ReadonlySet<IssueRef>> {
  if (due.length === 0) return new Set()
  const saved = new Set(await ledger.saveApprovals(due, clock.now()))
  return new Set(due.flatMap(({ issue }) => (saved.has(issue) ? [] : [issue])))
}

function isSame(a: Reason, b: Reason | undefined): boolean {
  return b !== undefined && encodeReason(a) === encodeReason(b)
}
