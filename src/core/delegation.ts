/** The records of delegation: the issues that burn assigned to agents on the forge. */
import type { IssueRef, Time } from './nouns.ts'
import type { Reason } from './reasons.ts'

/**
 * The state of a delegation. `assigning`: burn is about to assign the issue. `started`: burn saw that somebody works on the issue. The
 * other states are final: the issue was `closed`, a person `changed` the assignees, the deadline `expired`, or the forge `refused` the
 * assignment.
 */
export type DelegationState = 'assigning' | 'assigned' | 'started' | 'closed' | 'changed' | 'expired' | 'refused'

/** The states of delegations that have not ended. */
export const liveDelegations: readonly DelegationState[] = ['assigning', 'assigned', 'started']

/** One issue that burn assigned to the login of an agent. */
export interface Delegation {
  readonly issue: IssueRef
  readonly login: string
  /** The name of the agent in the spec. */
  readonly agent: string
  readonly state: DelegationState
  readonly reason: Reason
  /** The forge's id of burn's comment about the assignment; empty if the forge refused the comment, null if burn has written none yet. */
  readonly comment_id: string | null
  readonly created_at: Time
  readonly deadline: Time
  readonly changed_at: Time
}

/** A delegation that has not ended, with the facts that show whether somebody works on its issue. */
export interface LiveDelegation extends Delegation {
  /** The assignees of the issue; null if the issue is not open. */
  readonly assignees: readonly string[] | null
  /** True if a dispatch or a sprint of this fleet claimed the issue after burn assigned it. */
  readonly dispatched: boolean
  /** The name of an open change (pull request) for the issue; null if there is none. */
  readonly open_change: string | null
}

/** The step that a decision takes: the next state of a delegation; `commented`: burn writes the comment; `left`: no agent suits the issue. */
export type DelegationStep = Exclude<DelegationState, 'assigning' | 'refused'> | 'commented' | 'left'
