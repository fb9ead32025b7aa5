/** The interface to the history in the ledger: events, the times of dispatches, and the deletion of old rows. */
import type { DispatchState } from '../lifecycle.ts'
import type { Event, EventFilter, NewEvent } from '../events.ts'
import type { IssueRef, Time, WorkerId } from '../nouns.ts'

/** The times of a dispatch whose prompt reached an agent. */
export interface DispatchTimes {
  readonly worker: WorkerId
  readonly issue: IssueRef
  readonly state: DispatchState
  readonly handed_at: Time
  /** The time at which burn saw that the dispatch has a change open for review; null if burn saw no such change. */
  readonly review_at: Time | null
  readonly ended_at: Time
}

/** How many dispatches, deliveries and events `prune` deleted, or would delete. */
export interface Pruned {
  readonly dispatches: number
  /** Deliveries that belong to no dispatch: identity prompts, and messages of people. */
  readonly deliveries: number
  readonly events: number
}

/** An event to record, unless its subject has had an event of this kind since `since`. */
export interface EventNote {
  readonly event: NewEvent
  readonly since: Time
}

/** The operations on the history in the ledger. */
export interface HistoryLedger {
  /** Returns the events that match the filter, oldest first, at most `limit`. The default limit is 1,000. */
  events(filter: EventFilter): Promise<readonly Event[]>
  /**
   * Saves events without any other change of the ledger. Skips an event if the subject had the same event less than an hour ago, so that a
   * lasting problem does not fill the history.
   */
  recordEvents(events: readonly NewEvent[], at: Time): Promise<void>
  /** Saves events, each unless its subject has had an event of the same kind since a time. */
  noteEvents(notes: readonly EventNote[], at: Time): Promise<void>
  /** Returns the cursor up to which the events are final: no open transaction can still add an event before this cursor. */
  horizon(): Promise<string>
  /**
   * Returns the times of the newest dispatches of kind `work` whose prompt reached an agent, and that are in review or have ended. Returns
   * at most `limit`.
   */
  dispatchTimes(limit: number): Promise<readonly DispatchTimes[]>
  /** Returns how many `work` dispatches reached each state in a period. A dispatch that reached a state twice counts once. */
  reached(since: Time, until: Time): Promise<readonly { readonly state: DispatchState; readonly count: number }[]>
  /**
   * Deletes history that ended before `before` and that no other row needs, and writes an event in the same transaction. Returns how many
   * rows it deleted. With `dryRun` it only counts the rows.
   */
  prune(before: Time, at: Time, dryRun: boolean): Promise<Pruned>
}
