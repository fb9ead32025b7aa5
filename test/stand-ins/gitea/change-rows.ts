/** The rows about changes: pull requests, their reviews, and the checks of commits. */
import { createHash } from 'node:crypto'
import type { ServedFile } from './calls.ts'

/** A comment of a review on a line. */
export interface LineRow {
  readonly id: number
  readonly author: string
  readonly body: string
  readonly path: string
  readonly line: number
  /** True if the change deletes the line. */
  readonly deleted: boolean
  readonly hunk: string
  readonly created: number
  resolver: string | null
}

/** A review. */
export interface ReviewRow {
  readonly id: number
  readonly author: string
  readonly state: 'APPROVED' | 'REQUEST_CHANGES' | 'COMMENT' | 'PENDING' | 'REQUEST_REVIEW'
  readonly body: string
  readonly commit: string
  official: boolean
  readonly created: number
  readonly lines: LineRow[]
  dismissed: boolean
}

/** A push to the branch of an open pull request. */
export interface PushRow {
  readonly id: number
  readonly login: string
  readonly at: number
  readonly commits: readonly string[]
}

/** The part of a pull request that an issue does not have. */
export interface PullRow {
  readonly branch: string
  readonly from: string
  base: string
  merged: boolean
  /** The head if no bare repository has it: before the first push, and after the branch was deleted. */
  sha: string
  /** Whether a merge conflicts, if no bare repository can tell. */
  conflicts: boolean
  /** The number of reads during which the forge has not yet tested whether it can merge. */
  untested: number
  readonly pushes: PushRow[]
  /** The replacements of the base. */
  readonly bases: Omit<PushRow, 'commits'>[]
  /** For each head that the forge made by a merge of the base: the head before. */
  readonly updates: Map<string, string>
  readonly reviews: ReviewRow[]
}

/** Returns the hash of a commit that exists in no repository. */
export const fakeSha = (text: string) => createHash('sha1').update(text).digest('hex')

/** Returns a new pull request. */
export function newPull(branch: string, from: string, base: string): PullRow {
  return {
    branch,
    from,
    base,
    merged: false,
    sha: fakeSha(branch),
    conflicts: false,
    untested: 0,
    pushes: [],
    bases: [],
    updates: new Map(),
    reviews: [],
  }
}

/** A status of a commit. */
export interface StatusRow {
  readonly id: number
  readonly context: string
  readonly state: 'pending' | 'success' | 'error' | 'failure' | 'warning' | 'skipped'
  readonly target_url: string
  readonly description: string
  readonly created: number
}

/** A job of a workflow run. `log` is null if the forge has deleted it. */
export interface JobRow {
  readonly id: number
  readonly name: string
  conclusion: 'success' | 'failure' | 'cancelled' | null
  log: ServedFile | null
}

/** A run of a workflow. */
export interface RunRow {
  readonly id: number
  /** The number of the run in its repo. */
  readonly number: number
  readonly sha: string
  readonly jobs: readonly JobRow[]
}

/** The statuses and runs of a repo. */
export interface RepoChecks {
  /** All statuses by commit, oldest first. */
  readonly statuses: Map<string, StatusRow[]>
  readonly runs: RunRow[]
}

/** The rule of a protected branch. */
export interface BranchRule {
  readonly contexts?: readonly string[]
  readonly approvals?: number
  /** The logins that may merge; by default all writers. */
  readonly mergers?: readonly string[]
}
