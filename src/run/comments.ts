/** Keeps the fleet's comments on the forge as the ledger says they should be: one a dispatch, written once, then edited. */
import type { Dispatch } from '../core/lives.ts'
import type { IssueRef, Worker, WorkerId } from '../core/nouns.ts'
import type { Session } from './session.ts'
import { BurnError, messageOf } from '../core/errors.ts'
import { councilComment, ownComment, workComment } from '../decide/marker.ts'
import { mapBounded } from './bounded.ts'
import { together } from './together.ts'

const atOnce = 16

/** One comment on the forge: a work dispatch's, or that of all dispatches of one council question. */
interface Thread {
  readonly issue: IssueRef
  /** The first one's id is in the marker. */
  readonly dispatches: readonly [Dispatch, ...Dispatch[]]
  readonly comment_id: string | null
}

function threads(dispatches: readonly Dispatch[]): Thread[] {
  const groups = new Map<string, [Dispatch, ...Dispatch[]]>()
  for (const dispatch of dispatches) {
    const key = dispatch.kind === 'council' ? `council ${dispatch.issue}` : dispatch.id
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [dispatch])
    else group.push(dispatch)
  }
  return [...groups.values()].map((group) => {
    const sorted = group.toSorted((a, b) => (a.id < b.id ? -1 : 1)) as [Dispatch, ...Dispatch[]]
    return { issue: sorted[0].issue, dispatches: sorted, comment_id: sorted.find((d) => d.comment_id !== null)?.comment_id ?? null }
  })
}

/**
 * Writes and edits what is due. `fresh` dispatches were claimed by this very cycle, so no comment of theirs can exist yet; for all others
 * without a known comment the forge is asked first, since a write whose answer was lost may have happened. What
 * fails is said, stays due, and is tried in the next cycle.
 */
export async function syncComments(fresh: ReadonlySet<string>, session: Session): Promise<void> {
  const { ledger, fleet } = session
  const due = threads(await ledger.unsaid(session.owner))
  if (due.length === 0) return
  const workers = new Map(
    fleet.machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers.map((w) => [w.id, w] as const))),
  )
  const held = together((ids: readonly string[]) => ledger.holders(ids))
  const written = await mapBounded(due, atOnce, async (thread) => {
    try {
      return await sync(thread, fresh, held, session, workers)
    } catch (thrown) {
      session.notify({ level: 'warn', subject: thread.issue, text: `its comment could not be written: ${messageOf(thrown)}` })
      return []
    }
  })
  await ledger.saveComments(written.flat(), session.clock.now())
}

type Held = (ids: readonly string[]) => Promise<ReadonlyMap<string, { readonly lease_owner: string | null }>>

type Saved = { readonly id: string; readonly comment_id: string; readonly says: string }

async function sync(
  thread: Thread,
  fresh: ReadonlySet<string>,
  held: Held,
  session: Session,
  workers: ReadonlyMap<WorkerId, Worker>,
): Promise<Saved[]> {
  const { forge, fleet, clock, notify } = session
  const [first] = thread.dispatches
  const reason = first.state_reason
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
    notify({ level: 'warn', subject: thread.issue, text: 'its comment is not there any more: somebody deleted it' })
  }
  return thread.dispatches.map((d) => ({ id: d.id, comment_id: known, says: d.state }))
}

/** Asked right before the first comment is written: a process that slept longer than its lease must not write what another has written by now. */
async function stillHolds({ dispatches }: Thread, held: Held, { owner }: Session): Promise<boolean> {
  const ids = dispatches.map(({ id }) => id)
  const claims = await held(ids)
  return ids.some((id) => claims.get(id)?.lease_owner === owner)
}
