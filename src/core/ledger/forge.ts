/**
 * The interface to the forge's data in the ledger: issues and changes of repos, the cursors for reading them, and the logins with write
 * access.
 */
import type { Reason } from '../reasons.ts'
import type { Change, Issue, IssueRef, RepoRef, Time } from '../nouns.ts'

/** Issues of a repo, as the forge returned them to one listing request. */
export interface IssueListing {
  readonly repo: RepoRef
  readonly issues: readonly Issue[]
  readonly cursor: string
  readonly complete: boolean
  /** The update time of the newest pull request in the listing; absent or null if the listing had no pull request. */
  readonly changed_at?: Time | null
  /** All open changes of the repo, if the listing is complete. */
  readonly open_changes?: readonly Change[]
}

/** Changes (pull requests) of a repo: all open changes if `complete` is true, otherwise those that are new or were updated. */
export interface ChangeListing {
  readonly repo: RepoRef
  readonly changes: readonly Change[]
  readonly complete: boolean
}

/** An open change for an issue that a worker works on, from a branch that belongs to no dispatch. */
export interface ForeignChange {
  readonly issue: IssueRef
  readonly name: string
  readonly url: string
}

/** The ledger's record of a repo. */
export interface RepoRecord {
  readonly repo: RepoRef
  readonly cursor: string | null
  readonly writers: readonly string[] | null
  readonly writers_at: Time | null
  /** The last time that burn read the logins with write access, or checked their access. */
  readonly rights_at: Time | null
  /** The time of the last complete listing of issues. */
  readonly listed_at: Time | null
  /** The ledger has all news about changes up to this time; null if burn must read all open changes. */
  readonly changes_at: Time | null
  /** The reason why the queued issues of the repo wait; null if a worker has a free slot. */
  readonly wait_reason: Reason | null
  /** The update time, by the forge's clock, of the newest pull request in the listings of issues. */
  readonly changed_at: Time | null
  /** The newest update time, by the forge's clock, of an issue or a pull request in the listings. */
  readonly news_at: Time | null
  /** burn has read all comments with commands before this time, by the forge's clock; null if burn has not begun. */
  readonly comments_at: Time | null
  /** While burn can't read the repo: the time and the reason of the first failed read. Null if the last read succeeded. */
  readonly unread: { readonly since: Time; readonly why: string } | null
}

/** An approval of an issue to save or to remove. */
export interface Approval {
  readonly issue: IssueRef
  /** The revision of the issue's record on which the decision is based. */
  readonly revision: number
  /** True to approve the text of the issue. False to remove the approval, after the issue lost its trusted label or was edited. */
  readonly approved: boolean
}

/** The operations on the forge's data in the ledger. */
export interface ForgeLedger {
  /** Returns the records of all repos. */
  repos(): Promise<readonly RepoRecord[]>
  /**
   * Saves listings of issues in one transaction. If a listing is complete, the ledger then treats open issues of the repo that are not in
   * the listing as closed. With `quiet` it writes no events; `writePendingEvents` writes these events later.
   */
  saveIssues(listings: readonly IssueListing[], at: Time, quiet?: boolean): Promise<void>
  /** Writes the events of issues that `saveIssues` saved with `quiet`. */
  writePendingEvents(at: Time): Promise<void>
  /** Returns the references of a repo's open issues. */
  openIssueRefs(repo: RepoRef): Promise<readonly IssueRef[]>
  /** Returns the number of a repo's open issues. */
  countOpenIssues(repo: RepoRef): Promise<number>
  /**
   * For each repo, saves the reason why burn can't read the repo, and the time of the first failed read. A null reason means that burn can
   * read the repo.
   */
  saveUnread(reasons: ReadonlyMap<RepoRef, string | null>, at: Time): Promise<void>

  /** Saves which issues have an open change, according to these listings. */
  saveOpenChanges(seen: readonly ChangeListing[]): Promise<void>
  /** Saves the time up to which a cycle has processed the changes of each repo. */
  saveChangeCursors(seen: ReadonlyMap<RepoRef, Time>): Promise<void>

  /**
   * Saves the logins that may write to a repo. `listed` is true if the forge listed all logins; false if burn only checked the known
   * logins.
   */
  saveWriters(repo: RepoRef, writers: readonly string[], how: { readonly listed: boolean }, at: Time): Promise<void>
  /**
   * Approves the current texts of issues, or removes approvals. Skips issues that no longer have the given revision. Returns the issues
   * that it did not skip.
   */
  saveApprovals(approvals: readonly Approval[], at: Time): Promise<readonly IssueRef[]>
}
