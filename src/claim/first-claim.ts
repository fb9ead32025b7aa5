/**
 * Fleets, or ledgers of one fleet, that share a forge: whose comment came first has the issue. Called between writing comments and typing anything, and again for
 * whatever a process that was killed in between left behind.
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

const atOnce = 16

/** How long a forge may take between giving a comment its number and showing it to others, milliseconds. */
const settle = 1_000

/** Gives back what another fleet claimed first. Returns the dispatches that nothing may be typed for yet: whose comments could not be read. */
export async function releaseLostClaims(state: Pick<ReposFacet, 'writers'>, session: Session): Promise<ReadonlySet<string>> {
  const unsure = new Set<string>()
  if (!session.fleet.dispatch.shared_forge) return unsure
  const waiting = await unplaced(session)
  if (waiting.length > 0) await session.clock.sleep(settle)
  const lost = await mapConcurrently(waiting, atOnce, async (dispatch) => {
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
      const late = session.clock.now() - dispatch.claimed_at >= firstCommentTimeout
      const found = await classifyRefusal(thrown, dispatch.issue, session.forge, late)
      const hopeless = found.permanent || (late && found.scope !== 'forge')
      const rests = hopeless ? await backOff(found, dispatch.issue, session) : null
      session.notify({ kind: 'issue.undelivered', subject: dispatch.issue, payload: { reason, rests } })
      return hopeless ? [{ id: dispatch.id, from: ['claimed'] as const, to: 'released' as const, reason }] : []
    }
  })
  const moves = lost.flat()
  if (moves.length > 0) await session.ledger.moveDispatches(moves, session.clock.now())
  return unsure
}

/** This process's claims that are said on the forge, and whose text nobody has seen. */
async function unplaced({ ledger, owner }: Session): Promise<Dispatch[]> {
  const { dispatches, deliveries, sprints } = await ledger.view()
  const planned = deliveries.filter(({ state }) => state === 'planned')
  const begun = sprints.filter(({ stage }) => stage === 'claimed')
  const own = new Set([...planned, ...begun].filter(({ lease_owner }) => lease_owner === owner).map(({ id }) => id))
  return dispatches.filter((d) => d.kind === 'work' && d.state === 'claimed' && d.comment_id !== null && own.has(d.id))
}

/**
 * Of all claims that live, that of the lowest comment: ours by its dispatch, and those of people who may write by other fleets or another ledger of ours.
 * `known`: the dispatches of the issue in this ledger.
 */
export function firstClaim(
  comments: readonly Comment[],
  { fleet, dispatch, known }: { readonly fleet: string; readonly dispatch: string; readonly known: ReadonlySet<string> },
  writers: ReadonlySet<string>,
): Marker | null {
  const claims = comments.flatMap(({ id, author, body }) => {
    const marker = markerOf(body)
    if (marker === null || !liveStates.includes(marker.state)) return []
    const ours = marker.fleet === fleet && (marker.dispatch === dispatch || known.has(marker.dispatch))
    const counts = ours ? marker.dispatch === dispatch : writers.has(author)
    return counts ? [{ id: Number(id), marker }] : []
  })
  return claims.toSorted((a, b) => a.id - b.id)[0]?.marker ?? null
}
