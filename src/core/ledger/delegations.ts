/** The interface to delegations in the ledger: the issues that burn assigned to agents on the forge. */
import type { TrackRecord } from '../delegation-settings.ts'
import type { Delegation, DelegationState, LiveDelegation } from '../delegation.ts'
import type { IssueRef, RepoRef, Time, WorkerId } from '../nouns.ts'
import type { Reason } from '../reasons.ts'
import type { IssueRecord } from './backlog.ts'

/** The delegations, and the facts about issues and work that decisions about delegations need. */
export interface DelegationRecords {
  readonly live: readonly LiveDelegation[]
  /** Delegations of open issues that ended because a person changed the assignees, or because the deadline passed. */
  readonly past: readonly Pick<Delegation, 'issue' | 'login'>[]
  /** The assignees of each open issue that has any. */
  readonly assigned: readonly { readonly issue: IssueRef; readonly assignees: readonly string[] }[]
}

/** The success of earlier work. */
export interface TrackRecords {
  /** The ended delegations of each login, by the login in lower case. An issue that was closed counts as done. */
  readonly logins: ReadonlyMap<string, TrackRecord>
  /** The ended work dispatches of each worker. */
  readonly workers: ReadonlyMap<WorkerId, TrackRecord>
}

/** The query for issues that burn may assign. */
export interface Delegable {
  readonly repos: readonly RepoRef[]
  /** A key of the rules of delegation. The result leaves out issues that no agent suits by these rules. */
  readonly rules: string
  readonly limit: number
}

/** An issue that no agent suits, with the revision of its record on which this decision is based. */
export interface LeftIssue {
  readonly issue: IssueRef
  readonly revision: number
  readonly reason: Reason
}

/** A transition of a delegation. It fails unless the delegation is in one of the states `from`. */
export interface DelegationMove extends Pick<Delegation, 'issue' | 'login' | 'agent' | 'reason'> {
  readonly from: readonly DelegationState[]
  readonly to: Exclude<DelegationState, 'assigning'>
}

/** The operations on delegations in the ledger. */
export interface DelegationLedger {
  delegationRecords(): Promise<DelegationRecords>
  trackRecords(): Promise<TrackRecords>
  /** Returns the open issues of these repos that have no assignee and no live dispatch, in the order of the queue. */
  delegable(query: Delegable): Promise<readonly IssueRecord[]>
  /**
   * Records that burn is about to assign an issue. Returns false if the issue is not open, has an assignee, a live dispatch or a live
   * delegation, or another revision.
   */
  beginDelegation(
    given: Pick<Delegation, 'issue' | 'login' | 'agent' | 'reason' | 'deadline'>,
    revision: number,
    at: Time,
  ): Promise<boolean>
  /**
   * Changes the state of a delegation, and writes an event. For `assigned` and `expired` it also changes the assignees in the record of the
   * issue, so that no process works on an outdated record. Returns whether it changed the state.
   */
  moveDelegation(move: DelegationMove, at: Time): Promise<boolean>
  /** Saves the id of burn's comment about the assignment; empty if burn cannot write it. */
  saveDelegationComment(issue: IssueRef, login: string, comment_id: string): Promise<void>
  /** Records that no agent suits these issues by these rules, and writes events. Skips issues that have another revision. */
  leaveIssues(given: readonly LeftIssue[], rules: string, at: Time): Promise<void>
}
