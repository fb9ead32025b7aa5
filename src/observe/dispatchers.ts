/** Finds the dispatchers that run now. */
import { hostname } from 'node:os'
import type { TelemetryLedger } from '../core/ledger/telemetry.ts'
import type { SessionPart } from './session.ts'
import { codeOf } from '../core/errors.ts'

/**
 * Returns the dispatchers that have begun and not ended, by the owner of their leases. Leaves out those whose last cycle is too old, and
 * those of this computer whose process has ended. Throws BurnError `ledger_*`.
 */
export async function runningDispatchers({
  fleet,
  ledger,
  clock,
}: SessionPart<Pick<TelemetryLedger, 'openSpans'>, 'fleet' | 'clock'>): Promise<readonly string[]> {
  const now = clock.now()
  const open = (await ledger.openSpans()).filter(({ kind, state }) => kind === 'dispatcher' && state === 'running')
  return open.flatMap(({ subject, seen_at }) => (now - seen_at < fleet.health.dispatcher && mayRun(subject) ? [subject] : []))
}

/** Returns false if the owner of leases was a process of this computer, and has ended. */
function mayRun(owner: string): boolean {
  const [host, pid] = owner.split(':')
  if (host !== hostname() || pid === undefined) return true
  try {
    process.kill(Number(pid), 0)
    return true
  } catch (thrown) {
    return codeOf(thrown) !== 'ESRCH'
  }
}
