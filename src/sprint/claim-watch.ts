/** Notices during a sprint's work that its claim is gone: its issue was closed, or a person gave it back. */
import type { SprintLedger } from '../core/ledger/sprints.ts'
import type { SessionPart } from '../observe/session.ts'
import { messageOf } from '../core/errors.ts'

/** How often the claim is looked at, milliseconds: a read of the ledger. */
const pause = 10_000

/** Runs `work` with a signal that is aborted when `stop` is, or when the sprint was ended by somebody else. */
export async function whileClaimed<T>(
  id: string,
  { ledger, clock, notify }: SessionPart<Pick<SprintLedger, 'sprints'>, 'clock' | 'notify'>,
  stop: AbortSignal,
  work: (stop: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController()
  const gone = new AbortController()
  const watching = (async () => {
    for (;;) {
      await clock.sleep(pause, over.signal)
      if (over.signal.aborted) return
      try {
        const [row] = await ledger.sprints({ ids: [id] })
        if (row?.ended_at === null) continue
        gone.abort()
        return
      } catch (thrown) {
        // The sprint's next step meets the same ledger, and says what is wrong with it.
        notify({ kind: 'sprint.unwatched', subject: id, payload: { why: messageOf(thrown) } })
      }
    }
  })()
  try {
    return await work(AbortSignal.any([stop, gone.signal]))
  } finally {
    over.abort()
    await watching
  }
}
