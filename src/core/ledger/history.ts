/** The history's port: what happened, how long work took, and what is forgotten. */
import type { DispatchState } from '../lifecycle.ts'
import type { Event, EventFilter, NewEvent } from '../events.ts'
import type { IssueRef, Time, WorkerId } from '../nouns.ts'

/** A dispatch that reached an agent, as far as it went. */
export interface DispatchTimes {
  readonly worker: WorkerId
  readonly issue: IssueRef
  readonly state: DispatchState
  readonly handed_at: Time
  /** When its change was opened; null where none was seen. */
  readonly review_at: Time | null
  readonly ended_at: Time
}

/** How much was forgotten, or would be. */
export interface Pruned {
  readonly dispatches: number
  /** Texts of no dispatch: identities, and what people sent. */
  readonly deliveries: number
  readonly events: number
}

export interface HistoryLedger {
  /** At most `limit` (1,000) events, the oldest of them first. */
  events(filter: EventFilter): Promise<readonly Event[]>
  /** Keeps events that change nothing else. One that says what its subject's last one of the kind said less than an hour ago is left out: trouble may last. */
  recordEvents(events: readonly NewEvent[], at: Time): Promise<void>
  /** Returns the cursor up to which every event is known: no transaction that is still open can add one before it. */
  horizon(): Promise<string>
  /** The newest work dispatches that an agent had, and that are over or in review: at most `limit`. */
  dispatchTimes(limit: number): Promise<readonly DispatchTimes[]>
  /** Forgets what ended before `before` and is needed for nothing any more. One transaction, and an event that says how much. */
  prune(before: Time, at: Time, dryRun: boolean): Promise<Pruned>
}
