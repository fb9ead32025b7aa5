/** The port to git for a forge in a folder, which merges changes in bare repositories. `git/bare.ts` implements it. */
import type { MergeMethod } from './change-stages.ts'
import type { Time } from './nouns.ts'

/** Two commits of a repository, by their hashes. */
export interface CommitPair {
  readonly base: string
  readonly head: string
}

/** The relation of a head to its base. */
export interface Comparison {
  readonly mergeable: 'yes' | 'no'
  /** True if the head lacks commits of the base. */
  readonly behind: boolean
}

/** The newest commit of a branch, with its parents, the name of its committer and the time of the commit. */
export interface BranchTip {
  readonly sha: string
  readonly parents: readonly string[]
  readonly committer: string
  readonly at: Time
}

/** A move of a branch from one commit to another; `to` is null if the branch is deleted. */
export interface BranchMove {
  readonly from: string
  readonly to: string | null
}

/** Git operations on a bare repository, `bare`, given as a path. All methods throw BurnError `git_*`. */
export interface BareGit {
  /** Returns the tip of each branch; null if there is no such branch or no repository. */
  tips(bare: string, branches: readonly string[]): Promise<readonly (BranchTip | null)[]>
  compare(bare: string, pair: CommitPair): Promise<Comparison>
  /** Returns the paths that the head adds, edits, renames or deletes. */
  changedPaths(bare: string, pair: CommitPair): Promise<readonly string[]>
  /** Returns the text of a file in a commit; null if the commit has no such file. */
  textOf(bare: string, commit: string, path: string): Promise<string | null>
  /**
   * Combines a head with its base, and returns the commit that contains both; the base itself if it already has all changes of the head.
   * Moves no branch. Returns null if they conflict.
   */
  combine(bare: string, pair: CommitPair, method: MergeMethod, message: string): Promise<string | null>
  /** Moves a branch. Returns false if the branch is no longer at `from`. */
  moveBranch(bare: string, branch: string, move: BranchMove): Promise<boolean>
}
