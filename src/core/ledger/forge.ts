/** The port for data of the forge: issues and changes of repos, the cursors of the listings, and the writers. */
import type { Reason } from '../reasons.ts'
import type { Change, Issue, IssueRef, RepoRef, Time } from '../nouns.ts'

/** Issues of a repo, as a listing of the forge returned them. */
export interface IssueListing {
  readonly repo: RepoRef
  readonly issues: readonly Issue[]
  readonly cursor: string
  readonly complete: boolean
  /** The update time of the newest pull request in the listing; absent or null if it had none. */
  readonly changed_at?: Time | null
  /** All open changes, if the listing is complete. */
  readonly open_changes?: readonly Change[]
}

/** Changes of a repo: all open ones if `complete`, otherwise those with news. */
export interface ChangeListing {
  readonly repo: RepoRef
  readonly changes: readonly Change[]
  readonly complete: boolean
}

/** An open change for an issue that a worker has, from a branch that belongs to no dispatch. */
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
  /** The last time that burn read the writers, or checked that they may still write. */
  readonly rights_at: Time | null
  /** The time of the last complete listing of issues. */
  readonly listed_at: Time | null
  /** The ledger has all changes that are open or ended before this time; null if burn must read all open changes. */
  readonly changes_at: Time | null
  /** The reason that its queued issues wait; null if a worker has a free slot. */
  readonly wait_reason: Reason | null
  /** The update time, by the forge's clock, of the newest pull request in the listings of issues. */
  readonly changed_at: Time | null
  /** The time and the reason of the first failed read; null if the last read succeeded. */
  readonly unread: { readonly since: Time; readonly why: string } | null
}

/** An approval to save or to remove. */
export interface Approval {
  readonly issue: IssueRef
  /** The revision of the record that the decision is based on. */
  readonly revision: number
  /** False if the issue lost its trusted label, which ends the approval. */
  readonly approved: boolean
}

/** The operations on data of the forge. */
export interface ForgeLedger {
  /** Returns the records of all repos. */
  repos(): Promise<readonly RepoRecord[]>
  /**
   * Merges listings in one transaction. If a listing is complete, the open issues of its repo that are not in it become closed. With
   * `quiet` it writes no events; `writePendingEvents` writes them later.
   */
  saveIssues(listings: readonly IssueListing[], at: Time, quiet?: boolean): Promise<void>
  /** Writes the events of issues that were saved with `quiet`. */
  writePendingEvents(at: Time): Promise<void>
  /** Returns the references of a repo's open issues. */
  openIssueRefs(repo: RepoRef): Promise<readonly IssueRef[]>
  /** Returns the number of a repo's open issues. */
  countOpenIssues(repo: RepoRef): Promise<number>
  /** Saves the reason that burn can't read each of these repos, with the time of its first failed read. Null: burn can read the repo. */
  saveUnread(reasons: ReadonlyMap<RepoRef, string | null>, at: Time): Promise<void>

  /** Saves which issues have an open change. */
  saveOpenChanges(seen: readonly ChangeListing[]): Promise<void>
  /** Saves the time up to which a cycle has handled the changes, by repo. */
  saveChangeCursors(seen: ReadonlyMap<RepoRef, Time>): Promise<void>

  /** Saves the logins that may write. `listed` is true if all were listed; false if burn only checked the known ones. */
  saveWriters(repo: RepoRef, writers: readonly string[], how: { readonly listed: boolean }, at: Time): Promise<void>
  /**
   * Approves the current texts of issues, or removes approvals. Returns the issues that still had the given revision; the others stay as
   * they are.
   */
  saveApprovals(approvals: readonly Approval[], at: Time): Promise<readonly IssueRef[]>
}
