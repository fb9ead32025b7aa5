/** The backlog's port: what the ledger knows of issues, where each stands, and what is left alone for a while. */
import type { Reason } from '../reasons.ts'
import type { Issue, IssueRef, RepoRef, Time } from '../nouns.ts'

/** Where an issue stands: in its repo's queue, put to the council, with a worker (as long as a dispatch of work lives), or not for the fleet. */
export type Standing = 'queued' | 'asked' | 'taken' | 'none'

/** Whether an issue's text is the one that burn saw with a trusted label first; null if it was never seen with one since it last had none. */
export type ApprovalState = 'current' | 'edited' | null

/** Why an issue was or was not dispatched, kept as it last was. */
export interface Verdict {
  readonly issue: IssueRef
  readonly eligible: boolean
  readonly reason: Reason
  /** Null where time alone may change the verdict: the issue is judged again in the next cycle. */
  readonly standing: Standing | null
  /** That of the record it was judged from: one that was claimed, ended or changed since is judged again. */
  readonly revision: number
}

/** What the ledger knows of an issue. */
export interface IssueRecord {
  readonly issue: Issue
  /** Work dispatches of it that ended `failed` or `lost`. */
  readonly attempts: number
  /** When the last of them ended; null where it was not tried since it was requeued. */
  readonly failed_at: Time | null
  /** A work dispatch of it ended `done`. */
  readonly done: boolean
  readonly verdict: { readonly eligible: boolean; readonly reason: Reason; readonly at: Time } | null
  /** The issue is not given before this time, for a reason that is no failed attempt; null if it may be. */
  readonly backoff: { readonly until: Time; readonly why: Reason } | null
  /** How people name a change that is open for it; null if there is none. */
  readonly open_change: string | null
  readonly approval: ApprovalState
  /** Null where it is to be judged. */
  readonly standing: Standing | null
  /** Counts what happened to it that a verdict may depend on. */
  readonly revision: number
  /** 0 unless somebody said otherwise. The queue has higher ones first, then the oldest. */
  readonly priority: number
}

/** How much there is to do. */
export interface Backlog {
  /** Open issues. */
  readonly open: number
  /** Those of them that are the fleet's: waiting, at work, or put to the council. */
  readonly eligible: number
  /** Those of them that the next cycle judges. */
  readonly unjudged: number
  /** Issues with a live claim that another ledger of this fleet wrote. At most 1,000. */
  readonly elsewhere: readonly IssueRef[]
}

/** What is to be left alone because the forge refuses it. */
export interface Backoff {
  readonly subject: IssueRef | RepoRef
  readonly until: Time
  readonly why: Reason
  /** All open issues of this author in the repo rest, too, if they do not rest longer. They get no event. */
  readonly author?: string
}

/** An issue or a repo that is left alone for a while. */
export interface BackedOff {
  readonly subject: IssueRef | RepoRef
  readonly until: Time
  readonly why: Reason
}

export interface BacklogLedger {
  /**
   * All that a cycle can give out: open issues to be judged (new ones, those that changed or came back), those that are put to the council, and the front of each
   * repo's queue, so many of each. `also`: these too, as far as they are open. Each once.
   */
  candidates(most: ReadonlyMap<RepoRef, number>, also?: readonly IssueRef[]): Promise<readonly IssueRecord[]>
  /** All open issues, of one repo or of all. */
  openIssues(repo?: RepoRef): Promise<readonly IssueRecord[]>
  issue(ref: IssueRef): Promise<IssueRecord | null>
  backlog(): Promise<Backlog>
  /** Keeps each verdict that is of the issue's present revision; writes (and adds an event) only where it differs from the one kept. */
  saveVerdicts(verdicts: readonly Verdict[], at: Time): Promise<void>
  /** Has every open issue that no worker has judged again where `rules` are not those of the last time. */
  rejudgeIfRulesChanged(rules: string): Promise<void>
  /** Keeps why issues wait, by repo; of repos that are missing none does. */
  saveWaiting(reasons: ReadonlyMap<RepoRef, Reason>): Promise<void>
  /** Forgets that an issue is done and its attempts, so that it may be given again. False where it is unknown or live. */
  requeue(issue: IssueRef, at: Time): Promise<boolean>
  /** False where it is unknown. */
  prioritise(issue: IssueRef, priority: number, at: Time): Promise<boolean>

  /** Keeps an issue or a repo from being given before a time, without counting an attempt. `requeue` forgets it. */
  saveBackoff(rests: Backoff, at: Time): Promise<void>
  /** What rests at this time: repos, and open issues (at most 1,000). */
  backoffs(at: Time): Promise<readonly BackedOff[]>
}
