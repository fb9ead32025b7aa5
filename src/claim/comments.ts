/** Keeps the fleet's comments on the forge as the ledger says they should be: one a dispatch, written once, then edited. */
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

const atOnce = 16

/** One comment on the forge: a work dispatch's, or that of all dispatches of one council question. */
interface FleetComment {
  readonly issue: IssueRef
  /** The first one's id is in the marker. */
  readonly dispatches: readonly [Dispatch, ...Dispatch[]]
  readonly comment_id: string | null
}

function threads(dispatches: readonly Dispatch[]): FleetComment[] {
  const groups = new Map<string, [Dispatch, ...Dispatch[]]>()
  for (const dispatch of dispatches) {
    const key = dispatch.kind === 'council' ? `council ${dispatch.issue}` : dispatch.id
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [dispatch])
    else group.push(dispatch)
  }
  return [...groups.values()].map((group) => {
    // A sorted group has a first dispatch, too.
    const sorted = group.toSorted((a, b) => (a.id < b.id ? -1 : 1)) as [Dispatch, ...Dispatch[]]
    return { issue: sorted[0].issue, dispatches: sorted, comment_id: sorted.find((d) => d.comment_id !== null)?.comment_id ?? null }
  })
}

/** A claim whose first comment the forge does not take: nothing may be begun for it, and its caller gives it back. */
export interface RefusedClaim {
  readonly id: string
  readonly scope: RefusalScope
  readonly reason: Reason
}

/** How long a claim may wait for its first comment if nobody can say why it fails, milliseconds. */
export const firstCommentTimeout = 15 * 60_000

/**
 * Writes and edits what is due. `fresh` dispatches were claimed by this very cycle, so no comment of theirs can exist yet; for all others
 * without a known comment the forge is asked first, since a write whose answer was lost may have happened. A write that fails while the forge is in
 * trouble is retried in the next cycle. If the forge refuses it because of the issue, the repo or the token, that issue or repo rests, and its edits wait
 * for that long. Returns the claims that cannot be said.
 */
export async function syncComments(fresh: ReadonlySet<string>, session: Session): Promise<readonly RefusedClaim[]> {
  const { ledger, fleet } = session
  const unsaid = await ledger.pendingComments(session.owner)
  if (unsaid.length === 0) return []
  const resting = await refusedNow(session)
  const due = threads(unsaid).filter(({ comment_id, issue }) => comment_id === null || !(resting.has(issue) || resting.has(repoOf(issue))))
  const workers = new Map(
    fleet.machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers.map((w) => [w.id, w] as const))),
  )
  const held = batchCalls((ids: readonly string[]) => ledger.holders(ids))
  const failed: (Failed & FleetComment)[] = []
  const written = await mapConcurrently(due, atOnce, async (thread) => {
    try {
      return await sync(thread, { fresh, held, workers }, session)
    } catch (thrown) {
      if (isLedgerFailure(thrown)) throw thrown
      const { saved, ...rest } = await afterFailure(thread, thrown, session)
      if (saved.length === 0) failed.push({ ...rest, ...thread })
      return saved
    }
  })
  const saved = written.flat()
  if (saved.length > 0) await ledger.saveComments(saved, session.clock.now())
  return await settleFailed(failed, session)
}

/** What rests because the forge refused it; what rests for another reason is edited all the same. */
async function refusedNow({ ledger, clock }: Session): Promise<ReadonlySet<string>> {
  const resting = await ledger.backoffs(clock.now())
  return new Set(resting.filter(({ why }) => why.code === 'forge_refuses').map(({ subject }) => subject))
}

interface Failed {
  readonly refusal: Refusal
  /** The claim is given back: the forge will not take its comment, or has not for too long. */
  readonly hopeless: boolean
}

async function afterFailure(
  thread: FleetComment,
  thrown: unknown,
  { forge, fleet, clock }: Session,
): Promise<Failed & { readonly saved: Saved[] }> {
  const [first] = thread.dispatches
  const late = thread.comment_id === null && clock.now() - first.claimed_at >= firstCommentTimeout
  const found = await classifyRefusal(thrown, thread.issue, forge, late)
  if (thread.comment_id !== null || found.permanent || !late || found.scope === 'forge')
    return { refusal: found, hopeless: found.permanent, saved: [] }
  // The answer of the last attempt may be all that was lost.
  const comments = await forge.comments(thread.issue).catch((second: unknown) => {
    if (codeOf(second).startsWith('forge_')) return []
    throw second
  })
  const own = ownComment(comments, fleet.name, first.id, null)
  const saved =
    own === null ? [] : thread.dispatches.map((d) => ({ id: d.id, comment_id: own.id, says: markerOf(own.body)?.state ?? d.state }))
  return { refusal: found, hopeless: true, saved }
}

/** Says what failed and why, once for each repo if the whole repo rests because of it. */
async function settleFailed(failed: readonly (Failed & FleetComment)[], session: Session): Promise<RefusedClaim[]> {
  const rests = new Map<string, string | null>()
  const refused: RefusedClaim[] = []
  for (const { issue, refusal: found, hopeless, comment_id, dispatches } of failed) {
    const { scope: fault, why } = found
    // An edit that fails is not urgent, and one that fails always would be retried in every cycle.
    const lasting = hopeless || comment_id !== null
    const subject = fault === 'issue' ? issue : repoOf(issue)
    if (lasting && !rests.has(subject)) rests.set(subject, await backOff(found, issue, session))
    const until = (lasting ? rests.get(subject) : null) ?? null
    session.notify({ kind: 'issue.comment_failed', subject: issue, payload: { why, rests: until } })
    if (!hopeless || comment_id !== null) continue
    for (const { id, state } of dispatches)
      if (state === 'claimed') refused.push({ id, scope: fault, reason: { code: 'comment_refused', why } })
  }
  return refused
}

/** Gives back claims that cannot be said on the forge. No attempt is counted. */
export async function releaseClaims(refused: readonly RefusedClaim[], { ledger, clock }: Session): Promise<readonly Dispatch[]> {
  if (refused.length === 0) return []
  return ledger.moveDispatches(
    refused.map(({ id, reason }) => ({ id, from: ['claimed'], to: 'released', reason })),
    clock.now(),
  )
}

type Held = (ids: readonly string[]) => Promise<ReadonlyMap<string, { readonly lease_owner: string | null }>>

type Saved = { readonly id: string; readonly comment_id: string; readonly says: string }

async function sync(
  thread: FleetComment,
  { fresh, held, workers }: { readonly fresh: ReadonlySet<string>; readonly held: Held; readonly workers: ReadonlyMap<WorkerId, Worker> },
  session: Session,
): Promise<Saved[]> {
  const { forge, fleet, clock, notify } = session
  const [first] = thread.dispatches
  const reason = sentence(first.state_reason)
  const facts = {
    fleet: fleet.name,
    issue: { ref: thread.issue },
    dispatch: first,
    worker: workers.get(first.worker) ?? null,
    reason,
    now: clock.now(),
  }
  const body = first.kind === 'council' ? councilComment(fleet.name, thread.dispatches, workers) : workComment(facts)
  const known =
    thread.comment_id ??
    (fresh.has(first.id) ? null : (ownComment(await forge.comments(thread.issue), fleet.name, first.id, null)?.id ?? null))
  if (known === null) {
    if (!(await stillHolds(thread, held, session))) return []
    const { id } = await forge.comment(thread.issue, body)
    return thread.dispatches.map((d) => ({ id: d.id, comment_id: id, says: d.state }))
  }
  try {
    await forge.editComment(thread.issue, known, body)
  } catch (thrown) {
    if (!(thrown instanceof BurnError) || thrown.code !== 'forge_not_found') throw thrown
    // Somebody deleted it. It is not written a second time, and not asked for in every cycle to come.
    notify({ kind: 'issue.comment_deleted', subject: thread.issue, payload: {} })
  }
  return thread.dispatches.map((d) => ({ id: d.id, comment_id: known, says: d.state }))
}

/** Asked right before the first comment is written: a process that slept longer than its lease must not write what another has written by now. */
async function stillHolds({ dispatches }: FleetComment, held: Held, { owner }: Session): Promise<boolean> {
  const ids = dispatches.map(({ id }) => id)
  const claims = await held(ids)
  return ids.some((id) => claims.get(id)?.lease_owner === owner)
}

/** The fleet's own comment for a dispatch among others, whatever state it says. The lowest id, should there be several. */
function ownComment(comments: readonly Comment[], fleet: string, dispatch: string, login: string | null): Comment | null {
  const own = comments.filter(({ author, body }) => {
    const marker = markerOf(body)
    return marker?.fleet === fleet && marker.dispatch === dispatch && (login === null || author === login)
  })
  return own[0] ?? null
}
