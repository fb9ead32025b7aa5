/** The interface to holds in the ledger. A hold stops new work for its target, until a given time or until a person ends the hold. */
import type { Reason } from '../reasons.ts'
import type { HoldScope, Time } from '../nouns.ts'

/**
 * The cause of a hold. `person`: a person stopped new work and texts. `drain`: a person stopped new work, so that the running work ends.
 * `retire`: a person retires a worker. `limit`: an account reached its usage limit. `budget`: a budget is used up. Holds with the codes
 * `drain`, `retire` and `budget` stop no texts about running work. On one target, `person` and `drain` replace each other. Other codes are
 * independent: when a hold with the code `forge_refused` ends, a person's hold on the same target stays.
 */
export type HoldCode = 'person' | 'drain' | 'retire' | 'forge_refused' | 'limit' | 'budget'

/** A hold in the ledger. */
export interface Hold {
  readonly scope: HoldScope
  /** The name of the target: a worker's id, a window as `machine/WINDOW`, a machine, a repo or an account; `all` for the fleet. */
  readonly name: string
  readonly code: HoldCode
  readonly reason: Reason
  /** The time at which the hold ends; null if it lasts until a person ends it. */
  readonly until: Time | null
  /** The author of the hold: a person, or burn. */
  readonly actor: string
  readonly created_at: Time
}

/**
 * The guard of a change to a hold: the time at which the present hold was created, or null if there is none. If another process changed the
 * hold in the meantime, the ledger leaves the hold unchanged. Without the guard, the ledger always makes the change.
 */
export interface HoldGuard {
  readonly before?: Time | null
}

/** A hold to save. */
export type NewHold = Omit<Hold, 'created_at'> & HoldGuard

/** The operations on holds in the ledger. */
export interface HoldLedger {
  /** Returns all holds that nobody has ended, including holds whose time has passed. `decide/holds` decides which holds are in force. */
  holds(): Promise<readonly Hold[]>
  /** Saves holds. A hold replaces an earlier hold with the same scope, name and code. `person` also replaces `drain`, and the reverse. */
  saveHolds(holds: readonly NewHold[], at: Time): Promise<void>
  /** Deletes holds, and returns those that existed. */
  removeHolds(holds: readonly (Pick<Hold, 'scope' | 'name' | 'code'> & HoldGuard)[], at: Time): Promise<readonly Hold[]>
}
