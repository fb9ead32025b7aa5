/** What everyone is doing now: one look at each machine, one read of the ledger. */
import type { Machine } from '../core/nouns.ts'
import type { StatusReport } from '../decide/report.ts'
import type { Session } from './session.ts'
import { adviceOf } from '../core/errors.ts'
import { statusReport } from '../decide/report.ts'
import { keepReadings, readStatus } from './state.ts'

export async function status(machines: readonly Machine[], session: Session): Promise<StatusReport> {
  const state = await readStatus(machines, session)
  try {
    await keepReadings(state, session)
  } catch (thrown) {
    // A full disk is when a person needs to see the fleet most.
    session.notify({ kind: 'ledger.unsaved', subject: 'ledger', payload: { why: adviceOf(thrown) } })
  }
  return statusReport(machines, state)
}
