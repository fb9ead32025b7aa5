/** The part of the ledger's port about what a forge listed: issues, and the changes that are open for them. */
import type { Change, Issue, IssueRef, RepoRef, Time } from './nouns.ts'

/** How the verdict of an issue begins that another ledger of the same fleet has given to a worker. */
export const elsewherePrefix = 'claimed by another ledger of this fleet '

/** Issues of a repo as the forge gave them. */
export interface RepoPage {
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
export interface SeenChanges {
  readonly repo: RepoRef
  readonly changes: readonly Change[]
  readonly complete: boolean
}

/** An open change for an issue that a worker has, from another branch than a dispatch's. */
export interface BesideChange {
  readonly issue: IssueRef
  readonly name: string
  readonly url: string
}

export interface ChangeLedger {
  /** Open changes from other branches than a dispatch's, for issues that are claimed or handed. */
  changesBeside(): Promise<readonly BesideChange[]>
  /** Keeps which issues have an open change. */
  saveChanges(seen: readonly SeenChanges[]): Promise<void>
  /** Keeps how far changes were acted on. */
  saveChangesSeen(seen: ReadonlyMap<RepoRef, Time>): Promise<void>
}
