/**
 * Keeps the fleet's comments on the forge up to date with the ledger. Each dispatch has one comment. burn writes it after the claim, and
 * edits it when the state of the dispatch changes.
 */
import type { Reason } from '../core/reasons.ts'
import type { Dispatch } from '../core/lifecycle.ts'
import type { Comment, IssueRef, Worker, WorkerId } from '../core/nouns.ts'
import type { Session } from '../observe/session.ts'
import type { RefusalScope } from '../decide/backoff.ts'
import { BurnError, codeOf, isLedgerFailure } from '../core/errors.ts'
import { repoOf } from '../core/refs.ts'
import { markerOf } from '../core/marker.ts'
import { councilComment, workComment } from '../decide/comment.ts'
import { classifyRefusal, backOff, type Refusal } from './refusal.ts'
import { mapConcurrently, batchCalls } from '../core/concurrency.ts'
import { sentence } from '../decide/wording.ts'

const maxConcurrent = 16

/** One comment on the forge. It belongs to one work dispatch, or to all dispatches of one council question. */
interface FleetComment {
  readonly issue: IssueRef
  /** The dispatches, sorted by id. The marker of the comment names the first dispatch. */
  readonly dispatches: readonly [Dispatch, ...Dispatch[]]
  readonly comment_id: string | null
}

function groupByComment(dispatches: readonly Dispatch[]): FleetComment[] {
  const groups = new Map<string, [Dispatch, ...Dispatch[]]>()
  for (const dispatch of dispatches) {
    const key = dispatch.kind === 'council' ? `council ${dispatch.issue}` : dispatch.id
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [dispatch])
    else group.push(dispatch)
  }
  return [...groups.values()].map((group) => {
    // TypeScript does not infer that a sorted group is never empty.
    const sorted = group.toSorted((a, b) => (a.id < b.id ? -1 : 1)) as [Dispatch, ...Dispatch[]]
    return { issue: sorted[0].issue, dispatches: sorted, comment_id: sorted.find((d) => d.comment_id !== null)?.comment_id ?? null }
  })
}

/** A claim whose first comment the forge refused. The caller must release it, and must not start work on the issue. */
export interface RefusedClaim {
  readonly id: string
  readonly scope: RefusalScope
  readonly reason: Reason
}

/** Maximum time (ms) that burn retries the first comment of a claim if the cause of the failure is unknown. */
export const firstCommentTimeout = 15 * 60_000

/**
 * Writes and edits pending comments, and returns the claims whose comment the forge refused. `fresh` has the ids of the dispatches that
 * this cycle claimed: they cannot have a comment yet. For other dispatches, burn first looks for a comment, because an earlier write may
 * have succeeded even if burn got no response. If the whole forge fails, the next cycle retries. If the forge refuses because of the issue,
 * the repo or the token, burn backs off from the issue or repo. Throws if the ledger fails.
 */
export async function syncComments(fresh: ReadonlySet<string>, session: Session): Promise<readonly RefusedClaim[]> {
  const { ledger, fleet } = session
  const pending = await ledger.pendingComments(session.owner)
  if (pending.length === 0) return []
  const refused = await refusedSubjects(session)
  const due = groupByComment(pending).filter(
    ({ comment_id, issue }) => comment_id === null || !(refused.has(issue) || refused.has(repoOf(issue))),
  )
  const workers = new Map(
    fleet.machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers.map((w) => [w.id, w] as const))),
  )
  const holdersOf = batchCalls((ids: readonly string[]) => ledger.leaseOwners(ids))
  const failed: (Failed & FleetComment)[] = []
  const written = await mapConcurrently(due, maxConcurrent, async (comment) => {
    try {
      return await syncComment(comment, { fresh, holdersOf, workers }, session)
    } catch (thrown) {
      if (isLedgerFailure(thrown)) throw thrown
      const { saved, ...failure } = await afterFailure(comment, thrown, session)
      if (saved.length === 0) failed.push({ ...failure, ...comment })
      return saved
    }
  })
  const saved = written.flat()
  if (saved.length > 0) await ledger.saveComments(saved, session.clock.now())
  return await reportFailures(failed, session)
}

/**
 * Returns the issues and repos that burn backs off from because the forge refused a write. burn edits no comments on these issues and in
 * these repos. Other back-offs do not stop edits.
 */
async function refusedSubjects({ ledger, clock }: Session): Promise<ReadonlySet<string>> {
  const backoffs = await ledger.backoffs(clock.now())
  return new Set(backoffs.filter(({ why }) => why.code === 'forge_refuses').map(({ subject }) => subject))
}

interface Failed {
  readonly refusal: Refusal
  /**
   * True if burn releases the claim: the forge refuses its comment permanently, or has refused it for longer than `firstCommentTimeout`.
   */
  readonly giveUp: boolean
}

async function afterFailure(
  comment: FleetComment,
  thrown: unknown,
  { forge, fleet, clock }: Session,
): Promise<Failed & { readonly saved: Saved[] }> {
  const [first] = comment.dispatches
  const isLate = comment.comment_id === null && clock.now() - first.claimed_at >= firstCommentTimeout
  const refusal = await classifyRefusal(thrown, comment.issue, forge, isLate)
  if (comment.comment_id !== null || refusal.permanent || !isLate || refusal.scope === 'forge')
    return { refusal, giveUp: refusal.permanent, saved: [] }
  // The last write may have succeeded even if burn got no response.
  const comments = await forge.comments(comment.issue).catch((second: unknown) => {
    if (codeOf(second).startsWith('forge_')) return []
    throw second
  })
  const own = ownComment(comments, fleet.name, first.id)
  const saved =
    own === null
      ? []
      : comment.dispatches.map((d) => ({ id: d.id, comment_id: own.id, comment_state: markerOf(own.body)?.state ?? d.state }))
  return { refusal, giveUp: true, saved }
}

/** Reports the comments that burn could not write, stores one back-off for each issue or repo, and returns the claims to release. */
async function reportFailures(failed: readonly (Failed & FleetComment)[], session: Session): Promise<RefusedClaim[]> {
  const backoffs = new Map<string, string | null>()
  const refused: RefusedClaim[] = []
  for (const { issue, refusal, giveUp, comment_id, dispatches } of failed) {
    const { scope, why } = refusal
    // Edits are not urgent. Without a back-off, every cycle would retry an edit that always fails.
    const backsOff = giveUp || comment_id !== null
    const subject = scope === 'issue' ? issue : repoOf(issue)
    if (backsOff && !backoffs.has(subject)) backoffs.set(subject, await backOff(refusal, issue, session))
    const rests = (backsOff ? backoffs.get(subject) : null) ?? null
    session.notify({ kind: 'issue.comment_failed', subject: issue, payload: { why, rests } })
    if (!giveUp || comment_id !== null) continue
    for (const { id, state } of dispatches) if (state === 'claimed') refused.push({ id, scope, reason: { code: 'comment_refused', why } })
  }
  return refused
}

/**
 * Releases claims whose comment the forge refused, and returns the dispatches that changed their state. These dispatches do not count as
 * attempts.
 */
export async function releaseClaims(refused: readonly RefusedClaim[], { ledger, clock }: Session): Promise<readonly Dispatch[]> {
  if (refused.length === 0) return []
  return ledger.moveDispatches(
    refused.map(({ id, reason }) => ({ id, from: ['claimed'], to: 'released', reason })),
    clock.now(),
  )
}

type HoldersOf = (ids: readonly string[]) => Promise<ReadonlyMap<string, { readonly lease_owner: string | null }>>

type Saved = { readonly id: string; readonly comment_id: string; readonly comment_state: string }

async function syncComment(
  comment: FleetComment,
  {
    fresh,
    holdersOf,
    workers,
  }: { readonly fresh: ReadonlySet<string>; readonly holdersOf: HoldersOf; readonly workers: ReadonlyMap<WorkerId, Worker> },
  session: Session,
): Promise<Saved[]> {
  const { forge, fleet, clock, notify } = session
  const [first] = comment.dispatches
  const reason = sentence(first.state_reason)
  const facts = {
    fleet: fleet.name,
    branch_prefix: fleet.dispatch.branch_prefix,
    issue: { ref: comment.issue },
    dispatch: first,
    worker: workers.get(first.worker) ?? null,
    reason,
    now: clock.now(),
  }
  const body = first.kind === 'council' ? councilComment(fleet.name, comment.dispatches, workers) : workComment(facts)
  const known =
    comment.comment_id ?? (fresh.has(first.id) ? null : (ownComment(await forge.comments(comment.issue), fleet.name, first.id)?.id ?? null))
  if (known === null) {
    if (!(await stillHolds(comment, holdersOf, session))) return []
    const { id } = await forge.comment(comment.issue, body)
    return comment.dispatches.map((d) => ({ id: d.id, comment_id: id, comment_state: d.state }))
  }
  try {
    await forge.editComment(comment.issue, known, body)
  } catch (thrown) {
    if (!(thrown instanceof BurnError) || thrown.code !== 'forge_not_found') throw thrown
    // A person deleted the comment. burn does not write it again. burn records the comment as up to date, so that no later cycle retries.
    notify({ kind: 'issue.comment_deleted', subject: comment.issue, payload: {} })
  }
  return comment.dispatches.map((d) => ({ id: d.id, comment_id: known, comment_state: d.state }))
}

/** Returns true if this process still has the claim. A process that slept longer than its lease must not write a second first comment. */
async function stillHolds({ dispatches }: FleetComment, holdersOf: HoldersOf, { owner }: Session): Promise<boolean> {
  const ids = dispatches.map(({ id }) => id)
  const claims = await holdersOf(ids)
  return ids.some((id) => claims.get(id)?.lease_owner === owner)
}

/** Returns the first comment that has the fleet's marker for a dispatch, in any state; null if there is none. */
function ownComment(comments: readonly Comment[], fleet: string, dispatch: string): Comment | null {
  const own = comments.find(({ body }) => {
    const marker = markerOf(body)
    return marker?.fleet === fleet && marker.dispatch === dispatch
  })
  return own ?? null
}
