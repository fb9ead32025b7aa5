/** The sprints' port: disposable runs with what came of them, and issues that a worker leaves alone. */
import type { Reason } from '../reasons.ts'
import type { IssueRef, Time } from '../nouns.ts'
import type { Failure, Sprint, SprintOutcome } from '../sprint.ts'

/** A sprint to begin: its dispatch and its row are written, or neither. */
export interface SprintClaim {
  readonly id: string
  readonly issue: IssueRef
  /** A worker of the spec, or one of `sprintWorkers`. */
  readonly worker: string
  readonly slot: number
  readonly host: string
  readonly attempt: number
  readonly reason: Reason
}

/** What became known of a sprint on its way. */
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

/** How a sprint ended, and what becomes of its dispatch. */
export interface SprintEnd extends SprintProgress {
  readonly outcome: SprintOutcome
  readonly failure: Failure | null
  readonly dispatch: 'review' | 'failed' | 'released'
  /** Why: for the issue's comment. */
  readonly reason: Reason
}

/** An issue that one worker leaves alone for a while. */
export interface Skip {
  readonly worker: string
  readonly issue: IssueRef
  /** Null: until a person takes it off. */
  readonly until: Time | null
  readonly reason: string
  readonly at: Time
}

export interface SprintLedger {
  /** `issue`: somebody has it, or it was closed, done or tried since; `worker`: its slot is taken. */
  claimSprint(claim: SprintClaim, owner: string, lease: Time, at: Time): Promise<'won' | 'issue' | 'worker'>
  /** False where the claim is no longer this owner's: then nothing was written, and nothing more may be done in its name. */
  saveSprint(id: string, owner: string, progress: SprintProgress): Promise<boolean>
  /** The same, with `handed` for its dispatch: the first backend has begun. */
  handSprint(id: string, owner: string, at: Time): Promise<boolean>
  /** Once, and only by who holds it. */
  endSprint(id: string, owner: string, end: SprintEnd, at: Time): Promise<boolean>
  /** A kept change was opened: writes where it is. False if the dispatch keeps none any more. */
  publishSprint(id: string, url: string, at: Time): Promise<boolean>
  /** Newest first; all of them unless `limit` says how many. */
  sprints(filter: { ids?: readonly string[]; issue?: IssueRef; live?: boolean; limit?: number }): Promise<readonly Sprint[]>

  skip(skip: Skip): Promise<void>
  /** False where it was not skipped. */
  unskip(worker: string, issue: IssueRef): Promise<boolean>
  /** Those that still count. */
  skips(at: Time, worker?: string): Promise<readonly Skip[]>
}
