/** The leases' port: what a process holds, by its name, until when; and words kept for a later process. */
import type { Time } from '../nouns.ts'

/** Leases by name: a loop, a scheduled run. */
export type Leases = ReadonlyMap<string, { readonly owner: string; readonly until: Time }>

export interface LeaseLedger {
  /** Takes or extends a lease by its name, e.g. `loop mac/CRUCIBLE/AZOTH`. Null, or who holds it. `renew` and `giveUp` are of these too. */
  lease(name: string, owner: string, until: Time, at: Time): Promise<string | null>
  unlease(name: string, owner: string): Promise<void>
  /** Extends the leases this owner holds, on deliveries, sprints and names. Returns the ids still held. */
  renew(owner: string, lease: Time): Promise<readonly string[]>
  /** Gives up this owner's leases at once, so that the next process need not wait for them to run out. */
  giveUp(owner: string): Promise<void>
  /** A word kept for a later process; null where none is. */
  remembered(key: string): Promise<string | null>
  remember(key: string, value: string): Promise<void>
}
