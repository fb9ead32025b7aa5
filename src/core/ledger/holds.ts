/** The port for holds, which stop new work until a time or until a person resumes it. */
import type { Reason } from '../reasons.ts'
import type { HoldScope, Time } from '../nouns.ts'

/** The cause of a hold. Holds with different codes are independent: a person's hold stays when that of the forge ends. */
export type HoldCode = 'person' | 'forge_refused'

/** A hold in the ledger. */
export interface Hold {
  readonly scope: HoldScope
  /** The target: a worker's id, a window as `machine/WINDOW`, a machine, a repo or an account; `all` for the fleet. */
  readonly name: string
  readonly code: HoldCode
  readonly reason: Reason
  /** The end of the hold; null: until it is resumed. */
  readonly until: Time | null
  /** The cause: a person, or burn. */
  readonly actor: string
  readonly created_at: Time
}

/** The operations on holds. */
export interface HoldLedger {
  /** Returns all holds that were not resumed, including expired ones. `decide/holds` decides which are in force. */
  holds(): Promise<readonly Hold[]>
  /** Saves holds. A hold replaces an earlier one with the same scope, name and code. */
  saveHolds(holds: readonly Omit<Hold, 'created_at'>[], at: Time): Promise<void>
  /** Deletes holds, and returns those that existed. */
  removeHolds(holds: readonly Pick<Hold, 'scope' | 'name' | 'code'>[], at: Time): Promise<readonly Hold[]>
}
