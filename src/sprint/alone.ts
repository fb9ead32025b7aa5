/** Something of which one runs at a time, whoever starts it: by a lease in the ledger. */
import type { Session } from '../observe/session.ts'
import { leaseLength, withLeases } from '../observe/session.ts'

/** Null where another process does it at this moment. */
export async function runAlone<T>(what: string, session: Session, work: () => Promise<T>): Promise<T | null> {
  const { ledger, clock, owner } = session
  const name = `alone ${what}`
  if ((await ledger.lease(name, owner, clock.now() + leaseLength, clock.now())) !== null) return null
  return withLeases(session, async () => {
    try {
      return await work()
    } finally {
      await ledger.unlease(name, owner)
    }
  })
}
