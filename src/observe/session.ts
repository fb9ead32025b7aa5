/** The session of a command: the fleet and its ports. `cli/wire` creates it once. */
import type { JobLedger } from '../core/ledger/jobs.ts'
import type { Notice } from '../core/events.ts'
import type { Ledger } from '../core/ledger.ts'
import type { Fleet } from '../core/nouns.ts'
import type { Clock, Forge } from '../core/ports.ts'
import type { Machines } from '../core/pane-host.ts'
import type { PaneAgentOf } from '../agents/index.ts'
import { messageOf } from '../core/errors.ts'

/** The fleet and its ports. */
export interface Session {
  readonly fleet: Fleet
  readonly ledger: Ledger
  readonly forge: Forge
  readonly machines: Machines
  readonly clock: Clock
  /** The name of this process in leases. */
  readonly owner: string
  readonly newId: () => string
  readonly kindOf: PaneAgentOf
  /** Returns the text of a template file. */
  readonly readTemplate: (path: string) => Promise<string>
  readonly notify: (notice: Notice) => void
}

/** The parts of a session that a function needs, with the needed part of the ledger. */
export type SessionPart<Ports, Keys extends keyof Session = never> = Pick<Session, Keys> & { readonly ledger: Ports }

/** Lifetime of a lease without a heartbeat (ms). A process that is silent for longer counts as dead. */
export const leaseLength = 30_000
/** Interval between heartbeats (ms). */
const heartbeat = 8_000

/** Renews this process's leases while `work` runs, and releases them at its end. Returns the result of `work`. */
export async function withLeases<T>(session: SessionPart<JobLedger, 'clock' | 'owner' | 'notify'>, work: () => Promise<T>): Promise<T> {
  const stop = new AbortController()
  const renewing = renewUntil(session, stop.signal)
  try {
    return await work()
  } finally {
    stop.abort()
    await renewing
    await session.ledger.releaseLeases(session.owner)
  }
}

/**
 * Reports a failed renewal, and retries at the next heartbeat. This is safe: if the lease expires, the ledger refuses writes that need it.
 */
async function renewUntil(
  { ledger, clock, owner, notify }: SessionPart<JobLedger, 'clock' | 'owner' | 'notify'>,
  stop: AbortSignal,
): Promise<void> {
  while (!stop.aborted) {
    await clock.sleep(heartbeat, stop)
    if (stop.aborted) return
    try {
      await ledger.renewLeases(owner, clock.now() + leaseLength)
    } catch (thrown) {
      notify({ kind: 'ledger.unrenewed', subject: 'ledger', payload: { why: messageOf(thrown) } })
    }
  }
}
