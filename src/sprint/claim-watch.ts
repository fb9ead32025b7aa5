/** Stops the work of a sprint that no longer has its claim, because the issue was closed or a person released the issue. */
import type { SprintLedger } from '../core/ledger/sprints.ts'
import type { SessionPart } from '../observe/session.ts'
import { messageOf } from '../core/errors.ts'

/** The time (ms) between two checks whether the ledger still has the claim. */
const pollInterval = 10_000

/**
 * Runs `work` and returns its result. The signal for `work` aborts when `stop` aborts, or when the ledger says that the sprint has ended.
 */
export async function whileClaimed<T>(
  id: string,
  { ledger, clock, notify }: SessionPart<Pick<SprintLedger, 'sprints'>, 'clock' | 'notify'>,
  stop: AbortSignal,
  work: (stop: AbortSignal) => Promise<T>,
): Promise<T> {
  const workEnded = new AbortController()
  const claimGone = new AbortController()
  const watching = (async () => {
    for (;;) {
      await clock.sleep(pollInterval, workEnded.signal)
      if (workEnded.signal.aborted) return
      try {
        const [row] = await ledger.sprints({ ids: [id] })
        if (row?.ended_at === null) continue
        claimGone.abort()
        return
      } catch (thrown) {
        // If the ledger continues to fail, the sprint's next write throws, too.
        notify({ kind: 'sprint.unwatched', subject: id, payload: { why: messageOf(thrown) } })
      }
    }
  })()
  try {
    return await work(AbortSignal.any([stop, claimGone.signal]))
  } finally {
    workEnded.abort()
    await watching
  }
}
