/** `burn dispatch`: cycles of the loop, until they are done or a person stops it. */
import type { Machine } from '../core/nouns.ts'
import type { CycleResult } from './cycle.ts'
import type { Session } from '../observe/session.ts'
import { messageWithHint } from '../core/errors.ts'
import { runJob } from '../jobs/run.ts'
import { cycle } from './cycle.ts'
import { withLeases } from '../observe/session.ts'

/** How often what is older than the spec's `retention` is forgotten, milliseconds. */
const forgetEvery = 24 * 60 * 60_000

/** Milliseconds between two cycles at least: what one dispatcher's cycle frees wakes the others, whose cycles may wake it again. */
const minPause = 5_000

export interface DispatchOptions {
  /** How many cycles; Infinity until stopped. */
  readonly cycles: number
  /** Pause between cycles, milliseconds. */
  readonly interval: number
  readonly onCycle: (result: CycleResult, number: number, ms: number) => void
}

/** Returns how many cycles could not be carried out; the reason of each was said. */
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
        await forgetOld(session)
        const result = await cycle(machines, session, stop)
        options.onCycle(result, number, session.clock.now() - started)
      } catch (thrown) {
        // One cycle that fails ends a single run, and never a long one: the next may find the forge or the disk well again.
        if (options.cycles === 1) throw thrown
        failed += 1
        session.notify({ kind: 'cycle.failed', subject: `cycle ${number}`, payload: { why: messageWithHint(thrown) } })
      }
      if (number < options.cycles) await pauseUntilChange(options.interval, session, stop)
    }
  })
  return failed
}

/** A pause that is cut short where another process frees something that could be given out. */
export async function pauseUntilChange(interval: number, { ledger, clock }: Session, stop: AbortSignal): Promise<void> {
  const least = Math.min(minPause, interval)
  const over = new AbortController()
  const end = AbortSignal.any([stop, over.signal])
  const told = ledger.waitForChange(end)
  await clock.sleep(least, end)
  await Promise.race([clock.sleep(interval - least, end), told])
  over.abort()
}

async function forgetOld(session: Session): Promise<void> {
  const {
    fleet: { retention },
    ledger,
    clock,
  } = session
  if (retention === null) return
  const now = clock.now()
  await runJob(
    { name: 'retention', period: forgetEvery },
    session,
    () => ledger.prune(now - retention, now, false),
    ({ dispatches, deliveries, events }) => `forgot ${dispatches} dispatches, ${deliveries} other texts and ${events} events`,
  )
}
