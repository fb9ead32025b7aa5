/**
 * The requests of `burn stop` to all dispatchers of a ledger. A dispatcher reads the latest request when it begins, and follows only other
 * requests. So a dispatcher ignores requests from before its beginning, whatever the clocks say.
 */
import type { JobLedger } from '../core/ledger/jobs.ts'
import type { HistoryLedger } from '../core/ledger/history.ts'
import type { SessionPart } from '../observe/session.ts'
import { isLedgerFailure } from '../core/errors.ts'

/** The key of the latest request in the ledger. */
const key = 'stop'
/** The pause (ms) between two reads of the latest request. */
const pollInterval = 1_000

/** Asks all running dispatchers to end: at once, or with `drain` when nothing is under way. Throws BurnError `ledger_*`. */
export async function requestStop(
  drain: boolean,
  { ledger, clock, newId }: SessionPart<Pick<JobLedger, 'saveValue'> & Pick<HistoryLedger, 'recordEvents'>, 'clock' | 'newId'>,
): Promise<void> {
  const payload = { drain }
  await ledger.recordEvents(
    [{ kind: 'fleet.stopping', subject: 'fleet', issue: null, worker: null, actor: 'person', payload }],
    clock.now(),
  )
  await ledger.saveValue(key, `${drain ? 'drain' : 'stop'} ${newId()}`)
}

/** The signals of a dispatcher that follows requests to stop. */
export interface StopSignals {
  /** Aborted when the dispatcher must end: by Ctrl-C, or by a request. */
  readonly stop: AbortSignal
  /** Aborted when the dispatcher must begin no new work, and end when nothing is under way. */
  readonly drain: AbortSignal
}

/**
 * Follows requests to stop while `work` runs, and returns its result. `interrupt`: aborted by Ctrl-C. Throws BurnError `ledger_*` and the
 * errors of `work`.
 */
export async function withStopRequests<T>(
  { ledger, clock }: SessionPart<Pick<JobLedger, 'loadValue'>, 'clock'>,
  interrupt: AbortSignal,
  work: (signals: StopSignals) => Promise<T>,
): Promise<T> {
  const [stop, drain, over] = [new AbortController(), new AbortController(), new AbortController()]
  const until = AbortSignal.any([interrupt, stop.signal, over.signal])
  const first = await ledger.loadValue(key)
  const poll = async () => {
    while (!until.aborted) {
      await clock.sleep(pollInterval, until)
      if (until.aborted) return
      try {
        const latest = await ledger.loadValue(key)
        if (latest !== first && latest !== null) (latest.startsWith('drain') ? drain : stop).abort()
      } catch (thrown) {
        // The next cycle reports a ledger that fails.
        if (!isLedgerFailure(thrown)) throw thrown
      }
    }
  }
  const polling = poll()
  try {
    return await work({ stop: AbortSignal.any([interrupt, stop.signal]), drain: drain.signal })
  } finally {
    over.abort()
    await polling
  }
}
