/** The port for issues in the ledger: their records, verdicts, standing and back-offs. */
import type { Reason } from '../reasons.ts'
import type { Issue, IssueRef, RepoRef, Time } from '../nouns.ts'

/**
 * The place of an issue. `queued`: in its repo's queue. `asked`: with the council. `taken`: a work dispatch is live. `none`: not for the
 * fleet.
 */
export type Standing = 'queued' | 'asked' | 'taken' | 'none'

/**
 * The approval of an issue by a trusted label. `current`: the text is the approved one. `edited`: it changed since. null: burn has seen no
 * trusted label.
 */
export type ApprovalState = 'current' | 'edited' | null

/** The last decision to give or not to give an issue, with its reason. */
export interface Verdict {
  readonly issue: IssueRef
  readonly eligible: boolean
  readonly reason: Reason
  /** Null if time alone may change the verdict. Then the next cycle judges the issue again. */
  readonly standing: Standing | null
  /** The revision of the record that was judged. If the record has another one by now, the next cycle judges the issue again. */
  readonly revision: number
}

/** The ledger's record of an issue. */
export interface IssueRecord {
  readonly issue: Issue
  /** The number of its work dispatches that ended `failed` or `lost`. */
  readonly attempts: number
  /** The end of the last of them; null if there was none since the issue was requeued. */
  readonly failed_at: Time | null
  /** A work dispatch of it ended `done`. */
  readonly done: boolean
  readonly verdict: { readonly eligible: boolean; readonly reason: Reason; readonly at: Time } | null
  /** A back-off for another reason than a failed attempt: burn does not give the issue before `until`. Null if there is none. */
  readonly backoff: { readonly until: Time; readonly why: Reason } | null
  /** The name of an open change for it, such as `#12`; null if there is none. */
  readonly open_change: string | null
  readonly approval: ApprovalState
  /** Null if the next cycle judges it. */
  readonly standing: Standing | null
  /** A counter that grows with each event that may change the verdict. */
  readonly revision: number
  /** 0, unless a person set it. The queue has the highest priority first, then the oldest issue. */
  readonly priority: number
}

/** The size of the backlog. */
export interface Backlog {
  /** The number of open issues. */
  readonly open: number
  /** Those of them that are for the fleet: queued, taken, or with the council. */
  readonly eligible: number
  /** Those of them that the next cycle judges. */
  readonly unjudged: number
  /** Issues with a live claim that another ledger of this fleet wrote. At most 1,000. */
  readonly elsewhere: readonly IssueRef[]
}

/** A back-off to save, because the forge refused a request about the subject. */
export interface Backoff {
  readonly subject: IssueRef | RepoRef
  readonly until: Time
  readonly why: Reason
  /** Extends the back-off to all open issues of this author in the repo, unless theirs is longer. They get no event. */
  readonly author?: string
}

/** An issue or a repo with a back-off. */
export interface BackedOff {
  readonly subject: IssueRef | RepoRef
  readonly until: Time
  readonly why: Reason
}

/** The operations on issues. */
export interface BacklogLedger {
  /**
   * Returns the issues that a cycle decides about, each once: open issues without a current verdict, those with the council, and the first
   * ones of each repo's queue. `limits` has the maximum number per queue. `also` adds these issues, if they are open.
   */
  candidates(limits: ReadonlyMap<RepoRef, number>, also?: readonly IssueRef[]): Promise<readonly IssueRecord[]>
  /** Returns all open issues of one repo, or of all repos. */
  openIssues(repo?: RepoRef): Promise<readonly IssueRecord[]>
  /** Returns one issue; null if it is unknown. */
  issue(ref: IssueRef): Promise<IssueRecord | null>
  /** Returns the size of the backlog. */
  backlog(): Promise<Backlog>
  /**
   * Saves the verdicts that have the current revision of their issue. It writes a verdict, with an event, only if it differs from the saved
   * one.
   */
  saveVerdicts(verdicts: readonly Verdict[], at: Time): Promise<void>
  /** Marks all open issues that no worker has to be judged again, if `rules` differ from those of the last call. */
  rejudgeIfRulesChanged(rules: string): Promise<void>
  /** Saves the reason that the issues of a repo wait, by repo. The issues of all other repos do not wait. */
  saveWaitReasons(reasons: ReadonlyMap<RepoRef, Reason>): Promise<void>
  /**
   * Clears the attempts, the back-off and the done mark of an issue, so that burn may give it again. Returns false if the issue is unknown
   * or has a live dispatch.
   */
  requeue(issue: IssueRef, at: Time): Promise<boolean>
  /** Sets the priority of an issue. Returns false if the issue is unknown. */
  prioritise(issue: IssueRef, priority: number, at: Time): Promise<boolean>

  /** Saves a back-off for an issue or a repo, without counting an attempt. `requeue` clears it. */
  saveBackoff(backoff: Backoff, at: Time): Promise<void>
  /** Returns the repos and open issues with a back-off at this time, at most 1,000 issues. */
  backoffs(at: Time): Promise<readonly BackedOff[]>
}
