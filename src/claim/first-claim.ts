/**
 * Decides which fleet, or which ledger of one fleet, keeps an issue if several claimed it on a shared forge. The claim with the first
 * comment wins. burn decides this after it has written the comments and before it types the prompts. If a process is killed between these
 * steps, the next cycle decides about its claims.
 */
import type { Reason } from '../core/reasons.ts'
import type { Dispatch } from '../core/lifecycle.ts'
import type { ReposFacet } from '../core/fleet-state.ts'
import type { Session } from '../observe/session.ts'
import { messageOf } from '../core/errors.ts'
import type { Comment } from '../core/nouns.ts'
import type { Marker } from '../core/marker.ts'
import { markerOf } from '../core/marker.ts'
import { liveStates } from '../core/lifecycle.ts'
import { repoOf } from '../core/refs.ts'
import { firstCommentTimeout } from './comments.ts'
import { classifyRefusal, backOff } from './refusal.ts'
import { mapConcurrently } from '../core/concurrency.ts'

const maxConcurrent = 16

/** Maximum time (ms) after the forge assigns an id to a comment until other clients can read the comment. */
const visibilityDelay = 1_000

/**
 * Releases claims on issues that another fleet claimed first. Returns the ids of the dispatches whose issue comments burn could not read.
 * burn must not type the texts of these dispatches yet. Throws if the ledger fails.
 */
export async function releaseLostClaims(state: Pick<ReposFacet, 'writers'>, session: Session): Promise<ReadonlySet<string>> {
  const unsure = new Set<string>()
  if (!session.fleet.dispatch.shared_forge) return unsure
  const waiting = await claimsToConfirm(session)
  if (waiting.length > 0) await session.clock.sleep(visibilityDelay)
  const lost = await mapConcurrently(waiting, maxConcurrent, async (dispatch) => {
    try {
      const writers = state.writers.get(repoOf(dispatch.issue)) ?? new Set()
      const comments = await session.forge.comments(dispatch.issue)
      const known = new Set((await session.ledger.dispatches({ issue: dispatch.issue })).map(({ id }) => id))
      const winner = firstClaim(comments, { fleet: session.fleet.name, dispatch: dispatch.id, known }, writers)
      if (winner === null || winner.dispatch === dispatch.id) return []
      const reason: Reason = { code: 'claimed_first', fleet: winner.fleet, dispatch: winner.dispatch }
      return [{ id: dispatch.id, from: ['claimed'] as const, to: 'released' as const, reason }]
    } catch (thrown) {
      unsure.add(dispatch.id)
      const reason: Reason = { code: 'comments_unread', why: messageOf(thrown) }
      const isLate = session.clock.now() - dispatch.claimed_at >= firstCommentTimeout
      const refusal = await classifyRefusal(thrown, dispatch.issue, session.forge, isLate)
      const isGivenUp = refusal.permanent || (isLate && refusal.scope !== 'forge')
      const rests = isGivenUp ? await backOff(refusal, dispatch.issue, session) : null
      session.notify({ kind: 'issue.undelivered', subject: dispatch.issue, payload: { reason, rests } })
      return isGivenUp ? [{ id: dispatch.id, from: ['claimed'] as const, to: 'released' as const, reason }] : []
    }
  })
  const moves = lost.flat()
  if (moves.length > 0) await session.ledger.moveDispatches(moves, session.clock.now())
  return unsure
}

/** Returns the claims of this process that have a comment and whose work has not started. */
async function claimsToConfirm({ ledger, owner }: Session): Promise<Dispatch[]> {
  const { dispatches, deliveries, sprints } = await ledger.view()
  const planned = deliveries.filter(({ state }) => state === 'planned')
  const notStarted = sprints.filter(({ stage }) => stage === 'claimed')
  const own = new Set([...planned, ...notStarted].filter(({ lease_owner }) => lease_owner === owner).map(({ id }) => id))
  return dispatches.filter((d) => d.kind === 'work' && d.state === 'claimed' && d.comment_id !== null && own.has(d.id))
}

/**
 * Returns the marker of the live claim with the lowest comment id; null if there is none. `known` has the ids of the issue's dispatches in
 * this ledger; the function ignores all of them except `dispatch`. It considers claims of other fleets and ledgers if the author of the
 * comment has write access.
 */
export function firstClaim(
  comments: readonly Comment[],
  { fleet, dispatch, known }: { readonly fleet: string; readonly dispatch: string; readonly known: ReadonlySet<string> },
  writers: ReadonlySet<string>,
): Marker | null {
  const claims = comments.flatMap(({ id, author, body }) => {
    const marker = markerOf(body)
    if (marker === null || !liveStates.includes(marker.state)) return []
    const isOurs = marker.fleet === fleet && (marker.dispatch === dispatch || known.has(marker.dispatch))
    const counts = isOurs ? marker.dispatch === dispatch : writers.has(author)
    return counts ? [{ id: Number(id), marker }] : []
  })
  return claims.toSorted((a, b) => a.id - b.id)[0]?.marker ?? null
}
