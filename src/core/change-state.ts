/**
 * The types of a change for review (a pull request): its head, checks, reviews and threads, and the results of a merge or an update. Every
 * forge kind uses these types. A fact that a forge does not know is `null` or `unknown`.
 */
import type { MergeMethod } from './change-stages.ts'
import type { Change, IssueRef, Time } from './nouns.ts'

/** The reference of a change: `owner/name!12`. In a folder forge the part after `!` is the file name without `.md`, such as `7-2`. */
export type ChangeRef = string

/** An answer that the forge may not have, with the reason. */
export interface Unknown {
  readonly unknown: string
}

/** The last push to the head branch of a change. */
export interface Push {
  readonly login: string
  readonly at: Time
}

/**
 * The state of a check. `skipped` counts as passed. `cancelled` and `unknown` are neither passed nor failed: a person must look, or burn
 * reruns the check.
 */
export type CheckState = 'pending' | 'passed' | 'failed' | 'skipped' | 'cancelled' | 'unknown'

/** The newest result of one check of a commit, such as a job of a workflow. */
export interface Check {
  readonly name: string
  readonly state: CheckState
  /** One line that the check reports about its result; may be empty. */
  readonly summary: string
  /** The page of the result; null if the check names none. */
  readonly url: string | null
  /** The job of the forge's own CI, if burn knows its ids; null for other checks. */
  readonly job: CheckJob | null
  readonly updated_at: Time
}

/** A job of the forge's own CI. */
export interface CheckJob {
  readonly run: string
  readonly id: string
  /** Whether the forge can rerun the job on request. */
  readonly rerunnable: boolean
}

/** The end of a job's log. The text is untrusted, and may contain secrets. */
export interface LogTail {
  readonly text: string
  /** True if the log is longer than `text`. */
  readonly truncated: boolean
}

/** A review of a change. */
export interface Review {
  readonly id: string
  readonly author: string
  readonly state: 'approved' | 'changes_requested' | 'commented'
  readonly body: string
  /** The commit that the reviewer saw; null if the forge does not tell. */
  readonly commit: string | null
  /** True if the head has moved since the review. */
  readonly stale: boolean
  /** True if somebody dismissed the review, so that it no longer counts. */
  readonly dismissed: boolean
  /** True if the forge counts the review for the rules of the base branch. */
  readonly official: boolean
  readonly submitted_at: Time
  readonly url: string
}

/** A comment of a thread. */
export interface ThreadComment {
  readonly id: string
  readonly author: string
  readonly body: string
  readonly created_at: Time
}

/** Comments of a review on one line of a file, oldest first. */
export interface ReviewThread {
  /** The id of the first comment. */
  readonly id: string
  /** The id of the review that began the thread; null if the forge does not tell. */
  readonly review: string | null
  readonly path: string
  /** The line in the file; null if the thread is about the whole file, or its line no longer exists. */
  readonly line: number | null
  /** `old`: the line is in the base, because the change deletes it. */
  readonly side: 'old' | 'new'
  /** The part of the diff around the line; may be empty. */
  readonly hunk: string
  /** The commit that the first comment refers to; null if the forge does not tell. */
  readonly commit: string | null
  readonly resolved: boolean
  readonly url: string
  readonly comments: readonly ThreadComment[]
}

/** The rules of a base branch, and the methods by which its repo allows to merge. */
export interface Protection {
  readonly base: string
  /** The commit of the base branch. */
  readonly base_sha: string
  /** Globs of the names of checks that must pass; `*` matches any text, also `/`. Empty if no check is required. */
  readonly required_checks: readonly string[]
  readonly required_approvals: number
  /** The methods that the repo allows, the default first. */
  readonly methods: readonly MergeMethod[]
  /** Whether the account of the token may merge into the branch; null if the forge does not tell. */
  readonly may_merge: boolean | null
  /** Whether the repo allows to update a head branch by a rebase. */
  readonly may_rebase: boolean
  /** Whether the repo deletes head branches after merges; null if the forge has no such setting. */
  readonly delete_branch: boolean | null
}

/** The merge that a caller wants. The forge merges nothing if the head is no longer `sha`. */
export interface MergeRequest {
  readonly sha: string
  readonly method: MergeMethod
  /** Whether the forge deletes the head branch after the merge. */
  readonly delete_branch: boolean
}

/**
 * The result of a merge. `head_moved`: the head is no longer the given commit. `not_mergeable`: the head conflicts with the base, or the
 * change is a draft. `checks_missing`: a required check or approval is missing. `not_allowed`: the token may not merge, or the repo does
 * not allow the method. `try_again`: the forge has not determined yet whether it can merge, or the base moved at the same moment. `ended`:
 * the change was merged or closed before, or no longer exists.
 */
export type MergeResult =
  | { readonly result: 'merged' }
  | {
      readonly result: 'head_moved' | 'not_mergeable' | 'checks_missing' | 'not_allowed' | 'try_again' | 'ended'
      /** The answer of the forge, as one line. */
      readonly why: string
    }

/** How the forge brings the base into the head branch. */
export type UpdateMethod = 'merge' | 'rebase'

/** An update of a branch. `sha`: its head. `onto`: the commit of the base that an earlier request may have merged; null if there was none. */
export interface UpdateRequest {
  readonly sha: string
  readonly method: UpdateMethod
  readonly onto: string | null
}

/**
 * The result of an update of a head branch. `sha`: the new head if it is a merge of the base into the given head, and nothing else; null
 * after a rebase, or if burn could not prove it. `up_to_date`: the head already contains the base. `not_mergeable`: the update has a
 * conflict. The other results are those of a merge.
 */
export type UpdateResult =
  | { readonly result: 'updated'; readonly sha: string | null }
  | { readonly result: 'up_to_date' }
  | { readonly result: 'head_moved' | 'not_mergeable' | 'not_allowed' | 'try_again' | 'ended'; readonly why: string }

/** The result of a request to rerun a check. */
export type RerunResult = { readonly result: 'started' } | { readonly result: 'not_possible'; readonly why: string }

/** An issue or a change that blocks an issue. */
export interface Blocker {
  /** Null if the forge hides the blocker. */
  readonly ref: IssueRef | null
  readonly title: string
  /** `unknown`: burn cannot read the blocker, for example because it is in a repo that the token may not see. */
  readonly state: 'open' | 'closed' | 'unknown'
  /** The page of the blocker; null if burn cannot read the blocker. */
  readonly url: string | null
}

/** A reaction to a comment. */
export type Reaction = 'eyes' | 'thumbs_up' | 'thumbs_down' | 'confused' | 'rocket'

/** All facts about a change at one moment. */
export interface ChangeState {
  readonly ref: ChangeRef
  readonly change: Change
  /** The name of the head branch; null if the branch was deleted. */
  readonly branch: string | null
  /** The commit of the head; empty if the forge no longer has it. Then `mergeable` is `unknown`, and there are no checks. */
  readonly sha: string
  /** The name of the base branch. */
  readonly base: string
  /** The commit of the base branch; null if the branch was deleted. */
  readonly base_sha: string | null
  /** The time at which the change got this base after it was opened; null if it always had it, or if the forge does not tell. */
  readonly base_set_at: Time | null
  /** True if the head lacks commits of the base; null if the forge does not tell. */
  readonly behind: boolean | null
  readonly draft: boolean
  /**
   * Whether the head merges into the base without a conflict. `unknown`: the forge has not determined it yet, or the base was deleted.
   */
  readonly mergeable: 'yes' | 'no' | 'unknown'
  /** The last push to the head branch; or the reason why the forge does not tell. */
  readonly pushed: Push | Unknown
  readonly checks: readonly Check[]
  /** The reviews, oldest first, without drafts of reviews and requests for reviews. */
  readonly reviews: readonly Review[]
  readonly threads: readonly ReviewThread[]
  /** Reviews and threads that burn could not read, with the reasons. */
  readonly skipped: readonly { readonly what: string; readonly why: string }[]
  readonly updated_at: Time
}
