/** The port for history: events, times of work, and retention. */
import type { DispatchState } from '../lifecycle.ts'
import type { Event, EventFilter, NewEvent } from '../events.ts'
import type { IssueRef, Time, WorkerId } from '../nouns.ts'

/** The times of a dispatch that reached an agent. */
export interface DispatchTimes {
  readonly worker: WorkerId
  readonly issue: IssueRef
  readonly state: DispatchState
  readonly handed_at: Time
  /** The time at which its change was opened; null if burn saw none. */
  readonly review_at: Time | null
  readonly ended_at: Time
}

/** The number of rows that `prune` deleted, or would delete. */
export interface Pruned {
  readonly dispatches: number
  /** Texts that belong to no dispatch: identities, and texts of people. */
  readonly deliveries: number
  readonly events: number
}

/** The operations on history. */
export interface HistoryLedger {
  /** Returns at most `limit` events, oldest first. The default limit is 1,000. */
  events(filter: EventFilter): Promise<readonly Event[]>
  /**
   * Saves events that change nothing else. It skips an event whose subject had the same one less than an hour ago, because trouble may
   * last.
   */
  recordEvents(events: readonly NewEvent[], at: Time): Promise<void>
  /** Returns the cursor up to which the events are final: no open transaction can add one before it. */
  horizon(): Promise<string>
  /** Returns the times of the newest work dispatches that reached an agent and are in review or have ended, at most `limit`. */
  dispatchTimes(limit: number): Promise<readonly DispatchTimes[]>
  /**
   * Deletes history that ended before `before` and that nothing depends on, in one transaction with an event. With `dryRun` it only counts.
   */
  prune(before: Time, at: Time, dryRun: boolean): Promise<Pruned>
}
