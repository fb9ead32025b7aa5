/** Steering: the commands that people write in comments on issues and changes, such as `/burn stop`. Imports only types. */
import type { ChangeRef } from './change-state.ts'
import type { IssueRef, Time } from './nouns.ts'
import type { RepoComment } from './ports.ts'
import type { Reason } from './reasons.ts'

/** The commands. `go` approves the text of the issue; `stop` ends the work on the issue; `retry` requeues the issue. */
export const steeringWords = ['go', 'stop', 'retry'] as const
export type SteeringWord = (typeof steeringWords)[number]

/** The command of a comment. `unclear`: the comment has an unknown command, or several different ones; `text` has their words. */
export type Steering = { readonly word: SteeringWord } | { readonly word: null; readonly text: string }

/** A comment with a command that burn has not handled yet. */
export interface SteeringComment extends RepoComment {
  readonly steering: Steering
}

/** A command to carry out. The ledger handles each comment once. */
export interface SteeringOrder {
  readonly ref: IssueRef | ChangeRef
  readonly comment: string
  readonly author: string
  readonly created_at: Time
  /** Null if burn refuses the command because it does not understand the comment; then `refusal` says why. */
  readonly word: SteeringWord | null
  readonly refusal: Reason | null
}

/** A command that burn carried out or refused. `refusal`: null if burn carried it out. */
export interface SteeringResult extends SteeringOrder {
  /** The issue of the command; null if a comment on a change belongs to no issue of the ledger. */
  readonly issue: IssueRef | null
}

/** A handled command whose comment has no reaction yet. */
export interface UnacknowledgedSteering extends Pick<SteeringOrder, 'ref' | 'comment'> {
  /** True if burn carried the command out; false if burn refused it. */
  readonly done: boolean
}
