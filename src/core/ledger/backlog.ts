/** The interface to the issues in the ledger: their records, verdicts, standing and back-offs. */
import type { Reason } from '../reasons.ts'
import type { Issue, IssueRef, RepoRef, Time } from '../nouns.ts'

/**
 * The standing of an issue in the fleet. `queued`: it waits in the queue of its repo. `asked`: burn asked the council about it. `taken`: a
 * worker or a sprint works on it. `none`: burn does not give the issue to a worker.
 */
export type Standing = 'queued' | 'asked' | 'taken' | 'none'

/**
 * The approval of an issue by a trusted label or a comment. `current`: the issue still has the approved text. `edited`: somebody edited the issue after
 * the approval. null: burn has seen neither
 * a trusted label nor a comment that approves the issue.
 */
export type ApprovalState = 'current' | 'edited' | null

/** The last decision whether burn gives an issue to a worker, with the reason. */
export interface Verdict {
  readonly issue: IssueRef
  readonly eligible: boolean
  readonly reason: Reason
  /** The standing of the issue; null if the verdict may change as time passes. Then the next cycle judges the issue again. */
  readonly standing: Standing | null
  /**
   * The revision of the issue's record on which the verdict is based. If the record has a newer revision, the next cycle judges the issue
   * again.
   */
  readonly revision: number
  /** The rank of the issue in the queue (`decide/queue`): the lowest goes first. Absent: the ledger keeps the stored rank. */
  readonly rank?: number
}

/** The ledger's record of an issue. */
export interface IssueRecord {
  readonly issue: Issue
  /** The number of attempts: work dispatches of the issue that ended `failed` or `lost` since it was last requeued. */
  readonly attempts: number
  /** The time at which the last failed attempt ended; null if there was none since the issue was last requeued. */
  readonly failed_at: Time | null
  /** True if a work dispatch of the issue ended `done`. */
  readonly done: boolean
  readonly verdict: { readonly eligible: boolean; readonly reason: Reason; readonly at: Time } | null
  /**
   * A back-off whose cause is not a failed attempt: burn gives the issue to no worker before `until`. Null if there is no such back-off.
   */
  readonly backoff: { readonly until: Time; readonly why: Reason } | null
  /** The name of an open change (pull request) for the issue, such as `#12`; null if there is none. */
  readonly open_change: string | null
  readonly approval: ApprovalState
  /** The login that approved the text with `/burn go`; null if a label approved it, or if nothing did. */
  readonly approved_by: string | null
  /** The login that stopped the issue with `/burn stop`; null if the issue is not stopped. */
  readonly stopped_by: string | null
  /** The standing of the issue; null if the next cycle judges the issue. */
  readonly standing: Standing | null
  /** A counter that grows with each change of the record that may change the verdict. */
  readonly revision: number
  /** The priority that a person set; otherwise 0. `decide/queue` defines the order of the queue. */
  readonly priority: number
}

/** Counts of the issues in the backlog. */
export interface Backlog {
  /** The number of all open issues. */
  readonly open: number
  /** The number of open issues with the standing `queued`, `taken` or `asked`. */
  readonly eligible: number
  /** The number of open issues that the next cycle judges. */
  readonly unjudged: number
  /** Issues with a live claim that another ledger of this fleet wrote. At most 1,000. */
  readonly elsewhere: readonly IssueRef[]
}

/** The waiting and the failed issues. */
export interface Queues {
  readonly queued: ReadonlyMap<RepoRef, number>
  /** The number of open issues, by repo. */
  readonly open: ReadonlyMap<RepoRef, number>
  /** The oldest issue that waits for a worker; null if none waits. */
  readonly oldest: { readonly issue: IssueRef; readonly created_at: Time } | null
  /** At most 1,000 issues, those with the most attempts first. */
  readonly attempts: readonly { readonly issue: IssueRef; readonly attempts: number }[]
}

/** A back-off to save, because the forge refused a request about an issue or a repo. */
export interface Backoff {
  readonly subject: IssueRef | RepoRef
  readonly until: Time
  readonly why: Reason
  /**
   * If present, the back-off also applies to all open issues of this author in the repo, except those with a longer back-off. burn writes
   * no event for these issues.
   */
  readonly author?: string
}

/** An issue or a repo with a back-off. */
export interface BackedOff {
  readonly subject: IssueRef | RepoRef
  readonly until: Time
  readonly why: Reason
}

/** The operations on issues in the ledger. */
export interface BacklogLedger {
  /**
   * Returns the issues that a cycle decides about, without duplicates: open issues without a current verdict, open issues that the council
   * was asked about, and the front of each repo's queue. `limits` is the maximum number of issues from the queue of each repo. `also` lists
   * further issues to return if they are open.
   */
  candidates(limits: ReadonlyMap<RepoRef, number>, also?: readonly IssueRef[]): Promise<readonly IssueRecord[]>
  /** Returns all open issues of one repo; without `repo`, of all repos. */
  openIssues(repo?: RepoRef): Promise<readonly IssueRecord[]>
  /** Returns the open issues that have a label. */
  labelledIssues(label: string): Promise<readonly Pick<Issue, 'ref' | 'url'>[]>
  /** Returns the record of one issue; null if the ledger does not have the issue. */
  issue(ref: IssueRef): Promise<IssueRecord | null>
  /** Returns how many issues are open, eligible and unjudged. */
  backlog(): Promise<Backlog>
  /** Returns the titles of these issues. An issue that the ledger does not have is missing. */
  titles(issues: readonly IssueRef[]): Promise<ReadonlyMap<IssueRef, string>>
  /** Returns the number of issues that wait for a worker, by repo, and the open issues that have failed attempts. */
  queues(): Promise<Queues>
  /**
   * Saves verdicts. Ignores a verdict whose revision is not the current revision of the issue. Writes a verdict and an event only if the
   * verdict differs from the saved one.
   */
  saveVerdicts(verdicts: readonly Verdict[], at: Time): Promise<void>
  /** If `rules` differ from those of the last call, makes the next cycle judge all open issues without a live dispatch again. */
  rejudgeIfRulesChanged(rules: string): Promise<void>
  /** For each repo in `reasons`, saves the reason why its queued issues wait. Removes the saved reasons of all other repos. */
  saveWaitReasons(reasons: ReadonlyMap<RepoRef, Reason>): Promise<void>
  /**
   * Resets the attempts, the back-off and `done` of an issue, and clears the back-off of its repo, so that burn may give the issue to a
   * worker again. Returns false if the ledger does not have the issue, or if the issue has a live dispatch.
   */
  requeue(issue: IssueRef, at: Time): Promise<boolean>
  /** Sets the priority of an issue. Returns false if the ledger does not have the issue. */
  prioritize(issue: IssueRef, priority: number, at: Time): Promise<boolean>
  /** Returns the highest priority of the open issues other than `except`; 0 if none has a positive priority. */
  highestPriority(except: IssueRef): Promise<number>

  /** Saves a back-off for an issue or a repo, without counting an attempt. `requeue` clears the back-off. */
  saveBackoff(backoff: Backoff, at: Time): Promise<void>
  /** Returns the repos and open issues whose back-off has not ended at the time `at`. Returns at most 1,000 issues. */
  backoffs(at: Time): Promise<readonly BackedOff[]>
}
