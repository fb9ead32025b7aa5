/** `burn dispatch`: runs the requested number of cycles, or runs until a person stops it. */
import type { Machine } from '../core/nouns.ts'
import type { CycleResult } from './cycle.ts'
import type { Session } from '../observe/session.ts'
import { messageWithHint } from '../core/errors.ts'
import { counted } from '../core/text.ts'
import { runJob } from '../jobs/run.ts'
import { cycle } from './cycle.ts'
import { withLeases } from '../observe/session.ts'

/** Interval (ms) at which burn deletes history that is older than the spec's `retention`. */
const pruneInterval = 24 * 60 * 60_000

/**
 * Minimum pause (ms) between cycles. Without it, two dispatchers could wake each other without end, because a cycle that frees a worker
 * wakes all other dispatchers.
 */
const minPause = 5_000

export interface DispatchOptions {
  /** Number of cycles; Infinity runs until stopped. */
  readonly cycles: number
  /** Pause between cycles (ms). */
  readonly interval: number
  readonly onCycle: (result: CycleResult, number: number, ms: number) => void
}

/**
 * Runs cycles and returns the number of failed cycles. It reports each failure as an event. A single cycle (`cycles: 1`) throws instead.
 */
export async function dispatch(
  machines: readonly Machine[],
  session: Session,
  stop: AbortSignal,
  options: DispatchOptions,
): Promise<number> {
  let failed = 0
  await withLeases(session, async () => {
    for (let number = 1; number <= options.cycles && !stop.aborted; number++) {
      const started = session.clock.now()
      try {
        await pruneHistory(session)
        const result = await cycle(machines, session, stop)
        options.onCycle(result, number, session.clock.now() - started)
      } catch (thrown) {
        // A long run continues after a failed cycle, because the forge or the disk may recover before the next cycle.
        if (options.cycles === 1) throw thrown
        failed += 1
        session.notify({ kind: 'cycle.failed', subject: `cycle ${number}`, payload: { why: messageWithHint(thrown) } })
      }
      if (number < options.cycles) await pauseUntilChange(options.interval, session, stop)
    }
  })
  return failed
}

/** Pauses for `interval` (ms), or until another process frees a worker or an issue. */
export async function pauseUntilChange(interval: number, { ledger, clock }: Session, stop: AbortSignal): Promise<void> {
  const least = Math.min(minPause, interval)
  const cancelled = new AbortController()
  const end = AbortSignal.any([stop, cancelled.signal])
  const changed = ledger.waitForChange(end)
  await clock.sleep(least, end)
  await Promise.race([clock.sleep(interval - least, end), changed])
  cancelled.abort()
}

async function pruneHistory(session: Session): Promise<void> {
  const {
    fleet: { retention },
    ledger,
    clock,
  } = session
  if (retention === null) return
  const now = clock.now()
  await runJob(
    { name: 'retention', period: pruneInterval },
    session,
    () => ledger.prune(now - retention, now, false),
    ({ dispatches, deliveries, events }) =>
      `deleted ${counted(dispatches, 'dispatch', 'dispatches')}, ${counted(deliveries, 'delivery without a dispatch', 'deliveries without a dispatch')} and ${counted(events, 'event')}`,
  )
}
