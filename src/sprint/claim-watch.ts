/** Stops the work of a sprint if its claim is gone, because its issue was closed or a person released it. */
import type { SprintLedger } from '../core/ledger/sprints.ts'
import type { SessionPart } from '../observe/session.ts'
import { messageOf } from '../core/errors.ts'

/** Time between two checks of the claim in the ledger (ms). */
const pollInterval = 10_000

/** Runs `work` with a signal that aborts with `stop`, or when the sprint's row in the ledger has ended. */
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
        // If the ledger stays broken, the sprint's next write fails with the reason.
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
