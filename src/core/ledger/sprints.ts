/** The port for sprints with their results, and for issues that a worker skips. */
import type { Reason } from '../reasons.ts'
import type { IssueRef, Time } from '../nouns.ts'
import type { Failure, Sprint, SprintOutcome } from '../sprint.ts'

/** A sprint to claim. The ledger writes its dispatch and its row, or neither. */
export interface SprintClaim {
  readonly id: string
  readonly issue: IssueRef
  /** A worker of the spec, or `sprint/<host>/<n>`. */
  readonly worker: string
  readonly slot: number
  readonly host: string
  readonly attempt: number
  readonly reason: Reason
}

/** The fields of a sprint that change during its run. */
export type SprintProgress = Partial<
  Pick<
    Sprint,
    | 'stage'
    | 'backend'
    | 'model'
    | 'provider'
    | 'turns'
    | 'tokens_in'
    | 'tokens_out'
    | 'cost'
    | 'check_command'
    | 'check_result'
    | 'change_url'
  >
>

/** The end of a sprint, and the new state of its dispatch. */
export interface SprintEnd extends SprintProgress {
  readonly outcome: SprintOutcome
  readonly failure: Failure | null
  readonly dispatch: 'review' | 'failed' | 'released'
  /** The reason, for the comment on the issue. */
  readonly reason: Reason
}

/** An issue that one worker does not take for a while. */
export interface Skip {
  readonly worker: string
  readonly issue: IssueRef
  /** The end; null: until a person removes the skip. */
  readonly until: Time | null
  readonly reason: string
  readonly at: Time
}

/** The operations on sprints. */
export interface SprintLedger {
  /**
   * Claims an issue for a sprint. `issue`: the claim failed, because the issue has a live dispatch, or was closed, done or tried since.
   * `worker`: the slot is taken.
   */
  claimSprint(claim: SprintClaim, owner: string, lease: Time, at: Time): Promise<'won' | 'issue' | 'worker'>
  /** Saves progress. Returns false, and writes nothing, if this owner has lost the claim. Then it must stop working on the sprint. */
  saveSprint(id: string, owner: string, progress: SprintProgress): Promise<boolean>
  /** Moves the dispatch to `handed`, when the first backend starts. Returns false if this owner has lost the claim. */
  handSprint(id: string, owner: string, at: Time): Promise<boolean>
  /** Ends a sprint. Returns false if this owner has lost the claim, or if the sprint has already ended. */
  endSprint(id: string, owner: string, end: SprintEnd, at: Time): Promise<boolean>
  /** Saves the address of a kept change after it was opened. Returns false if the dispatch no longer keeps one. */
  publishSprint(id: string, url: string, at: Time): Promise<boolean>
  /** Returns sprints, newest first. Without `limit` it returns all of them. */
  sprints(filter: { ids?: readonly string[]; issue?: IssueRef; live?: boolean; limit?: number }): Promise<readonly Sprint[]>

  /** Saves a skip. */
  skip(skip: Skip): Promise<void>
  /** Removes a skip. Returns false if there was none. */
  unskip(worker: string, issue: IssueRef): Promise<boolean>
  /** Returns the skips that have not expired, of one worker or of all. */
  skips(at: Time, worker?: string): Promise<readonly Skip[]>
}
