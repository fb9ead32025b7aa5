/** The part of the ledger's port about what agents were seen doing, and what they were told when a turn of theirs failed. */
import type { Delivery } from './lives.ts'
import type { ReadingState, Time, WorkerId } from './nouns.ts'

/** A text that told an agent to go on with its dispatch. */
export type Resumed = Pick<Delivery, 'state' | 'planned_at' | 'changed_at'>

export interface SeenState {
  readonly worker: WorkerId
  readonly state: ReadingState
  /** It is in the same state anew: another turn failed. */
  readonly anew?: boolean
}

export interface ReadingLedger {
  /** Keeps since when each worker was seen in its state. No event: what a worker does is seen, not done. */
  saveReadings(readings: readonly SeenState[], at: Time): Promise<void>
  /** What told agents to go on with these dispatches, by dispatch, oldest first. */
  resumes(dispatches: readonly string[]): Promise<ReadonlyMap<string, readonly Resumed[]>>
}
