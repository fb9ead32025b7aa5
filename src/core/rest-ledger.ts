/** The part of the ledger that keeps what is known of repos, and what is left alone for a while without a failed attempt. */
import type { IssueRef, RepoRef, Time } from './nouns.ts'

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
  readonly waits: string | null
  /** When the newest change that listings of issues came across was updated, by the forge's clock. */
  readonly changed_at: Time | null
  /** None of its issues is given before this time, because the forge refuses what burn writes there; null if they may be. */
  readonly rests: { readonly until: Time; readonly why: string } | null
  /** Since when the forge does not let burn read it, and why; null if the last attempt succeeded. */
  readonly unread: { readonly since: Time; readonly why: string } | null
}

/** An issue or a repo that is left alone for a while. */
export interface Resting {
  readonly subject: IssueRef | RepoRef
  readonly until: Time
  readonly why: string
}

export interface RestLedger {
  /** Keeps an issue from being given before a time, without counting an attempt. `requeue` forgets it. */
  rest(issue: IssueRef, until: Time, why: string, at: Time): Promise<void>
  /** The same for all issues of a repo. `requeue` of one of them forgets it. */
  restRepo(repo: RepoRef, until: Time, why: string, at: Time): Promise<void>
  /** The same for the open issues of one author in a repo, as far as they do not rest longer. No event. */
  restAuthor(repo: RepoRef, author: string, until: Time, why: string): Promise<void>
  /** Keeps why the forge does not let burn read each of these repos, since when the first reason was kept; null: it does. */
  saveUnread(reasons: ReadonlyMap<RepoRef, string | null>, at: Time): Promise<void>
  /** What rests at this time: repos, and open issues (at most 1,000). */
  resting(at: Time): Promise<readonly Resting[]>
}
