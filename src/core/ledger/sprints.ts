/** The interface to sprints in the ledger, and to skips. A skip keeps one worker from one issue. */
import type { Reason } from '../reasons.ts'
import type { IssueRef, Time } from '../nouns.ts'
import type { Failure, Sprint, SprintOutcome } from '../sprint.ts'

/** A sprint to create. The ledger writes the dispatch and the record of the sprint, or neither. */
export interface SprintClaim {
  readonly id: string
  readonly issue: IssueRef
  /** The id of a worker in the spec, or `sprint/<host>/<n>`. */
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

/** The result of a sprint, and the new state of its dispatch. */
export interface SprintEnd extends SprintProgress {
  readonly outcome: SprintOutcome
  readonly failure: Failure | null
  readonly dispatch: 'review' | 'failed' | 'released'
  /** The reason for the new state, which burn shows in the comment on the issue. */
  readonly reason: Reason
}

/** A skip: burn does not give one issue to one worker, until a given time or until a person removes the skip. */
export interface Skip {
  readonly worker: string
  readonly issue: IssueRef
  /** The time at which the skip ends; null if it lasts until a person removes it. */
  readonly until: Time | null
  readonly reason: string
  readonly at: Time
}

/** The operations on sprints and skips in the ledger. */
export interface SprintLedger {
  /**
   * Claims an issue for a sprint. Returns `won` if the claim succeeded. `issue`: the issue has a live dispatch, is closed or done, or
   * `attempt` is no longer the number of the issue's next attempt. `worker`: another dispatch has the slot of the worker.
   */
  claimSprint(claim: SprintClaim, owner: string, lease: Time, at: Time): Promise<'won' | 'issue' | 'worker'>
  /**
   * Saves the progress of a sprint, and adds its new tokens to the usage of the hour. If this owner has lost the claim, it writes nothing and returns false. Then the owner must stop working
   * on the sprint.
   */
  saveSprint(id: string, owner: string, progress: SprintProgress, at: Time): Promise<boolean>
  /** Sets the state of a sprint's dispatch to `handed`. Called when the first backend starts. Returns false if this owner has lost the claim. */
  handSprint(id: string, owner: string, at: Time): Promise<boolean>
  /** Ends a sprint. Returns false if this owner has lost the claim, or if the sprint has already ended. */
  endSprint(id: string, owner: string, end: SprintEnd, at: Time): Promise<boolean>
  /** Saves the URL of a kept change, after burn opened the change for review. Returns false if the dispatch no longer has a kept change. */
  publishSprint(id: string, url: string, at: Time): Promise<boolean>
  /** Returns the sprints that match the filter, newest first. Without `limit` it returns all of them. */
  sprints(filter: { ids?: readonly string[]; issue?: IssueRef; live?: boolean; since?: Time; limit?: number }): Promise<readonly Sprint[]>

  /** Saves a skip. */
  skip(skip: Skip): Promise<void>
  /** Removes a skip. Returns false if there was none. */
  unskip(worker: string, issue: IssueRef): Promise<boolean>
  /** Returns the skips that have not expired at the time `at`: those of one worker; without `worker`, those of all workers. */
  skips(at: Time, worker?: string): Promise<readonly Skip[]>
}
