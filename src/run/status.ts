/** What everyone is doing now: one look at each machine, one read of the ledger. */
import type { Machine } from '../core/nouns.ts'
import type { StatusReport } from '../decide/report.ts'
import type { Session } from './session.ts'
import { statusReport } from '../decide/report.ts'
import { readWorkers } from './readings.ts'
import { lookAt } from './view.ts'

export async function status(machines: readonly Machine[], session: Session): Promise<StatusReport> {
  const { ledger, fleet, clock } = session
  const seen = await lookAt(machines, session)
  const workers = readWorkers(machines, seen)
  const view = await ledger.view()
  const now = clock.now()
  const sights = new Map([...seen].map(([name, { sight }]) => [name, sight]))
  const report = statusReport({ machines, sights, workers, ledger: view, stale_after: fleet.dispatch.stale_after, now })
  await ledger.saveReadings(
    workers.map(({ worker, reading }) => ({ worker: worker.id, state: reading.state })),
    now,
  )
  return report
}
