/** The holds' port: workers, and what they work on, that get nothing until a time or until they are resumed. */
import type { Reason } from '../reasons.ts'
import type { HoldScope, Time } from '../nouns.ts'

/** Why nothing is given. Each code holds by itself: a person's hold stays when a limit's ends. */
export type HoldCode = 'person' | 'forge_refused'

export interface Hold {
  readonly scope: HoldScope
  /** A worker's id, a window of a lane as `machine/WINDOW`, a machine, a repo or an account; `all` of a fleet. */
  readonly name: string
  readonly code: HoldCode
  readonly reason: Reason
  /** Null: until it is resumed. */
  readonly until: Time | null
  /** Who holds: a person, or burn. */
  readonly actor: string
  readonly created_at: Time
}

export interface HoldLedger {
  /** All holds that nobody resumed, those that ran out included: `decide/holds` says which are in force. */
  holds(): Promise<readonly Hold[]>
  /** Holds: one a scope, name and code, the last counts. */
  saveHolds(holds: readonly Omit<Hold, 'created_at'>[], at: Time): Promise<void>
  /** Takes holds away. Returns those that there were. */
  removeHolds(holds: readonly Pick<Hold, 'scope' | 'name' | 'code'>[], at: Time): Promise<readonly Hold[]>
}
