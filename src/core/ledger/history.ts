/** The history's port: what happened, how long work took, and what is forgotten. */
import type { DispatchState } from '../lives.ts'
import type { IssueRef, Time, WorkerId } from '../nouns.ts'

/** Something that happened. Append-only. */
export interface Event {
  readonly seq: number
  readonly at: Time
  /** e.g. `dispatch.claimed`, `delivery.unknown`, `worker.held`. */
  readonly kind: string
  /** The id of what it happened to: dispatch, delivery, worker or issue. */
  readonly subject: string
  readonly issue: IssueRef | null
  readonly worker: WorkerId | null
  readonly text: string
}

/** A dispatch that reached an agent, as far as it went. */
export interface Worked {
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
  events(filter: { issue?: IssueRef; worker?: WorkerId; subject?: string; limit?: number }): Promise<readonly Event[]>
  /** The newest work dispatches that an agent had, and that are over or in review: at most `limit`. */
  worked(limit: number): Promise<readonly Worked[]>
  /** Forgets what ended before `before` and is needed for nothing any more. One transaction, and an event that says how much. */
  prune(before: Time, at: Time, dryRun: boolean): Promise<Pruned>
}
