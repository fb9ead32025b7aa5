/** The interface to the changes in review that burn watches, and to the steps that burn took for them. */
import type { ChangeStep } from '../change-loop.ts'
import type { ChangeStage, StepAction, StepOutcome } from '../change-stages.ts'
import type { ChangeRef, ChangeState, Protection, Review } from '../change-state.ts'
import type { Dispatch } from '../lifecycle.ts'
import type { IssueRef, Time, WorkerId } from '../nouns.ts'
import type { Reason } from '../reasons.ts'

/** A change as burn last read it, and the stage that burn decided. */
export interface WatchedChange {
  readonly dispatch: string
  readonly ref: ChangeRef
  readonly state: ChangeState
  readonly protection: Protection | null
  /** The login that had pushed the head when burn first read the change; null if the forge did not tell. */
  readonly first_pusher: string | null
  /** The protected paths of the head; null if burn could not read the changed paths. */
  readonly protected_paths: readonly string[] | null
  readonly read_at: Time
  readonly stage: ChangeStage
  readonly reason: Reason
  readonly staged_at: Time
}

/** The facts that burn read about a change. `approvals`: the reviews that approve it, and that count. */
export interface ReadChange extends Omit<WatchedChange, 'stage' | 'reason' | 'staged_at'> {
  readonly approvals: readonly Pick<Review, 'id' | 'author'>[]
}

/** A dispatch whose change is open: it is in review, or its agent has a follow-up. */
export interface DispatchInReview extends Pick<Dispatch, 'id' | 'issue' | 'worker' | 'slot' | 'state' | 'incarnation' | 'changed_at'> {
  readonly change_url: string
  /** True if a sprint made the change. */
  readonly sprint: boolean
  /** The change as burn last read it; null if burn has not read it. */
  readonly watched: WatchedChange | null
}

/** A dispatch in review, as a list of what waits for a person needs it. */
export interface ChangeToEnd extends Pick<Dispatch, 'id' | 'issue' | 'changed_at' | 'state_reason'> {
  /** Null if a sprint's change is kept and waits for a person before burn publishes it. */
  readonly change_url: string | null
  /** The stage that burn decided last; null if burn has not read the change. */
  readonly watched: Pick<WatchedChange, 'stage' | 'reason' | 'staged_at'> | null
}

/** The dispatches with an open change, and the steps that burn took for their changes, oldest first. */
export interface ReviewView {
  readonly dispatches: readonly DispatchInReview[]
  readonly steps: readonly ChangeStep[]
}

/** A step to record before burn carries it out. */
export interface NewStep extends Pick<ChangeStep, 'dispatch' | 'action' | 'signature' | 'attempt' | 'head' | 'reason' | 'worker'> {
  /** The text for an agent in a pane; absent if the step needs none. The ledger plans its delivery in the same transaction. */
  readonly text?: { readonly id: string; readonly text: string; readonly incarnation: string | null }
  /** The task of the sprint that continues the change; absent if an agent in a pane gets the text. */
  readonly sprint_text?: string
  /** Gives the dispatch to another worker, because the worker that made the change is gone. */
  readonly hand_over?: { readonly worker: WorkerId; readonly slot: number }
}

/** A follow-up that waits for a sprint. */
export interface SprintFollowUp extends StepKey {
  readonly issue: IssueRef
  readonly change_url: string
  readonly text: string
}

/** The key of a step. */
export type StepKey = Pick<ChangeStep, 'dispatch' | 'action' | 'signature' | 'attempt'>

/** The process that continues a sprint: its worker and host, and the owner and the end of the lease. */
export interface SprintHolder {
  readonly worker: WorkerId
  readonly host: string
  readonly owner: string
  readonly until: Time
}

/** The operations on changes in the ledger. */
export interface ChangeLedger {
  /** Returns all dispatches with an open change. */
  reviewView(): Promise<ReviewView>
  /** Returns all dispatches with a change that is open or kept, with their stages, oldest first. */
  reviewedChanges(): Promise<readonly ChangeToEnd[]>
  /** Saves the facts that burn read about changes, with an event for each new approval. Keeps their stages, and the first pusher of each. */
  saveChanges(changes: readonly ReadChange[], at: Time): Promise<void>
  /** Saves the stages of changes, with an event for each stage that differs from the last one. */
  saveStages(
    stages: readonly { readonly dispatch: string; readonly stage: ChangeStage; readonly reason: Reason }[],
    at: Time,
  ): Promise<void>
  /**
   * Records a step before burn carries it out, and returns true. Returns false if the dispatch is no longer in review, or if another process
   * has recorded the same attempt. Returns true again for an attempt without an outcome that began `stepTimeout` ago.
   */
  beginStep(step: NewStep, at: Time): Promise<boolean>
  /** Saves the outcome of a step. If burn called a person, records the event `change.escalated` in the same transaction. */
  endStep(step: StepKey, outcome: StepOutcome, reason: Reason, at: Time): Promise<void>
  /** Returns the follow-ups that wait for a sprint, oldest first. */
  sprintFollowUps(): Promise<readonly SprintFollowUp[]>
  /**
   * Gives a follow-up to a sprint: the dispatch becomes `handed`, and its sprint runs again. The counters of its earlier runs stay. Returns false if the dispatch is no longer in
   * review, or if another process has taken the follow-up.
   */
  continueSprint(step: StepKey, by: SprintHolder, at: Time): Promise<boolean>
  /** Returns the steps of these dispatches, oldest first. */
  changeSteps(dispatches: readonly string[], action?: StepAction): Promise<readonly ChangeStep[]>
}
