/** What a running command works with: the fleet and its ports. Made once, in the wiring. */
import type { JobLedger } from '../core/ledger/jobs.ts'
import type { Notice } from '../core/events.ts'
import type { Ledger } from '../core/ledger.ts'
import type { Fleet } from '../core/nouns.ts'
import type { Clock, Forge } from '../core/ports.ts'
import type { Machines } from '../core/pane-host.ts'
import type { KindOf } from '../agents/index.ts'
import { messageOf } from '../core/errors.ts'

export interface Session {
  readonly fleet: Fleet
  readonly ledger: Ledger
  readonly forge: Forge
  readonly machines: Machines
  readonly clock: Clock
  /** Names this process in leases. */
  readonly owner: string
  readonly newId: () => string
  readonly kindOf: KindOf
  /** A template file's text by its path. */
  readonly readTemplate: (path: string) => Promise<string>
  readonly notify: (notice: Notice) => void
}

/** Parts of a session, with the ledger as far as a function needs it. */
export type SessionPart<Ports, Keys extends keyof Session = never> = Pick<Session, Keys> & { readonly ledger: Ports }

/** How long a lease lasts without a heartbeat, milliseconds. A process that is gone this long is taken to be dead. */
export const leaseLength = 30_000
const heartbeat = 8_000

/** Keeps this process's leases while `work` runs, and gives them up at its end. */
export async function withLeases<T>(session: SessionPart<JobLedger, 'clock' | 'owner' | 'notify'>, work: () => Promise<T>): Promise<T> {
  const stop = new AbortController()
  const beating = beat(session, stop.signal)
  try {
    return await work()
  } finally {
    stop.abort()
    await beating
    await session.ledger.releaseLeases(session.owner)
  }
}

/** A beat that fails is said and tried again: should the lease run out, every write that needed it is refused. */
async function beat(
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
