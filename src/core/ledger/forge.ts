/** The forges' port: what listings of repos said, kept with how far each was read, and whom they let write. */
import type { Reason } from '../reasons.ts'
import type { Change, Issue, IssueRef, RepoRef, Time } from '../nouns.ts'

/** Issues of a repo as the forge gave them. */
export interface IssueListing {
  readonly repo: RepoRef
  readonly issues: readonly Issue[]
  readonly cursor: string
  readonly complete: boolean
  /** When the newest change that the listing came across was updated; missing or null if there was none. */
  readonly changed_at?: Time | null
  /** With a complete listing: all changes that are open. */
  readonly open?: readonly Change[]
}

/** Changes of a repo that were seen: those with news, or all that are open. Each as far as it counts. */
export interface ChangeListing {
  readonly repo: RepoRef
  readonly changes: readonly Change[]
  readonly complete: boolean
}

/** An open change for an issue that a worker has, from another branch than a dispatch's. */
export interface ForeignChange {
  readonly issue: IssueRef
  readonly name: string
  readonly url: string
}

export interface RepoRecord {
  readonly repo: RepoRef
  readonly cursor: string | null
  readonly writers: readonly string[] | null
  readonly writers_at: Time | null
  /** When they were last asked about, all of them or only whether they may still write. */
  readonly rights_at: Time | null
  /** When a complete listing was last taken. */
  readonly listed_at: Time | null
  /** Changes that ended before this are known, and those that are open; null if all that are open are to be read. */
  readonly changes_at: Time | null
  /** Why issues in its queue wait; null where somebody has room. */
  readonly wait_reason: Reason | null
  /** When the newest change that listings of issues came across was updated, by the forge's clock. */
  readonly changed_at: Time | null
  /** Since when the forge does not let burn read it, and why; null if the last attempt succeeded. */
  readonly unread: { readonly since: Time; readonly why: string } | null
}

export interface Approval {
  readonly issue: IssueRef
  /** That of the record it was decided from. */
  readonly revision: number
  /** False: the label is gone, and with it the approval. */
  readonly approved: boolean
}

export interface ForgeLedger {
  repos(): Promise<readonly RepoRecord[]>
  /** Merges pages, all in one transaction: updates what changed; where one is `complete`, open issues of its repo that are not in it become closed.
   * `quiet`: without events, which `tellIssues` writes. */
  saveIssues(pages: readonly IssueListing[], at: Time, quiet?: boolean): Promise<void>
  /** Writes the events of what was saved quietly. */
  writePendingEvents(at: Time): Promise<void>
  /** Open issues of one repo, by name alone. */
  openIssueRefs(repo: RepoRef): Promise<readonly IssueRef[]>
  /** Keeps why the forge does not let burn read each of these repos, since when the first reason was kept; null: it does. */
  saveUnread(reasons: ReadonlyMap<RepoRef, string | null>, at: Time): Promise<void>

  /** Keeps which issues have an open change. */
  saveChanges(seen: readonly ChangeListing[]): Promise<void>
  /** Keeps how far changes were acted on. */
  saveChangesSeen(seen: ReadonlyMap<RepoRef, Time>): Promise<void>

  /** Keeps who may write. `listed`: all of them were listed; otherwise only whether those that were known still may. */
  saveWriters(repo: RepoRef, writers: readonly string[], how: { readonly listed: boolean }, at: Time): Promise<void>
  /** Approves the text that these issues have in the ledger, or forgets what was approved. Returns those whose revision is still the one given. */
  saveApprovals(approvals: readonly Approval[], at: Time): Promise<readonly IssueRef[]>
}
