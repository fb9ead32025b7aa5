/** What everyone is doing now: one look at each machine, one read of the ledger. */
import type { Delivery, Dispatch } from '../core/lives.ts'
import type { Machine } from '../core/nouns.ts'
import type { StatusReport } from '../decide/report.ts'
import type { Session } from './session.ts'
import { adviceOf } from '../core/errors.ts'
import { statusReport } from '../decide/report.ts'
import { reposOf } from '../core/refs.ts'
import { readWorkers } from './readings.ts'
import { lookAt } from './view.ts'

/** As many rows as one query returns. */
const atOnce = 500

/** The deliveries that gave these dispatches to their workers. */
async function textsOf(dispatches: readonly Dispatch[], { ledger }: Session): Promise<Delivery[]> {
  const found: Delivery[] = []
  for (let from = 0; from < dispatches.length; from += atOnce)
    found.push(...(await ledger.deliveries({ ids: dispatches.slice(from, from + atOnce).map(({ id }) => id) })))
  return found
}

export async function status(machines: readonly Machine[], session: Session): Promise<StatusReport> {
  const { ledger, fleet, clock, notify } = session
  const seen = await lookAt(machines, session)
  const workers = readWorkers(machines, seen, session.kindOf)
  const now = clock.now()
  const view = { ...(await ledger.view()), resting: await ledger.resting(now) }
  const sights = new Map([...seen].map(([name, { sight }]) => [name, sight]))
  const ended = await textsOf(view.dispatches, session)
  const report = statusReport({
    machines,
    sights,
    workers,
    ledger: view,
    ended,
    repos: reposOf(fleet),
    stale_after: fleet.dispatch.stale_after,
    now,
  })
  try {
    await ledger.saveReadings(
      workers.map(({ worker, reading }) => ({ worker: worker.id, state: reading.state })),
      now,
    )
  } catch (thrown) {
    // A full disk is when a person needs to see the fleet most.
    notify({ level: 'warn', subject: 'ledger', text: `since when each worker is in its state is not kept: ${adviceOf(thrown)}` })
  }
  return report
}
