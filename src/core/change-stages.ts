/** The words of the loop that brings a change in review to its end: stages, conditions, steps and rules. Imports nothing. */

/**
 * A method of a merge. `merge`: a merge commit. `rebase`: the commits of the change on top of the base. `rebase_merge`: the same, and a
 * merge commit. `squash`: one commit. `fast_forward`: the base moves to the head.
 */
export type MergeMethod = (typeof mergeMethods)[number]

/** All methods of a merge. */
export const mergeMethods = ['merge', 'rebase', 'rebase_merge', 'squash', 'fast_forward'] as const

/** The kinds of conditions about which burn sends a follow-up. */
export type ChangeCondition = 'checks' | 'reviews' | 'conflict'

/**
 * The stage of a change. `watched`: burn waits for checks, a reviewer or a person. `needs_work`: the change needs work, and burn has not yet
 * told an agent. `at_work`: an agent has the follow-up. `no_push`: the agent ended its turn, and the head has not moved. `ready`: burn may
 * merge the change. `merging`: burn updates or merges the change. `foreign`: somebody else pushed to the branch, so burn does not act.
 * `escalated`: burn called a person. `ended`: the change was merged or closed.
 */
export type ChangeStage = 'watched' | 'needs_work' | 'at_work' | 'no_push' | 'ready' | 'merging' | 'foreign' | 'escalated' | 'ended'

/** For each stage of a change, the stages that may follow it. */
export const changeTransitions: Readonly<Record<ChangeStage, readonly ChangeStage[]>> = {
  watched: ['no_push', 'needs_work', 'at_work', 'ready', 'merging', 'foreign', 'escalated', 'ended'],
  needs_work: ['at_work', 'no_push', 'watched', 'ready', 'merging', 'foreign', 'escalated', 'ended'],
  at_work: ['no_push', 'needs_work', 'watched', 'ready', 'merging', 'foreign', 'escalated', 'ended'],
  no_push: ['at_work', 'needs_work', 'watched', 'ready', 'merging', 'foreign', 'escalated', 'ended'],
  ready: ['no_push', 'merging', 'needs_work', 'watched', 'foreign', 'escalated', 'ended'],
  merging: ['no_push', 'ready', 'needs_work', 'watched', 'foreign', 'escalated', 'ended'],
  foreign: ['watched', 'needs_work', 'at_work', 'no_push', 'ready', 'merging', 'escalated', 'ended'],
  escalated: ['no_push', 'watched', 'needs_work', 'at_work', 'ready', 'merging', 'foreign', 'ended'],
  ended: [],
}

/** The rules for the changes of a repo. */
export interface ChangePolicy {
  /** `never`: only people merge. `approved`: burn merges a change that a writer approved. `green`: burn merges when all checks passed. */
  readonly merge: 'never' | 'approved' | 'green'
  /** The method of a merge; null: the first method that the repo allows. */
  readonly method: MergeMethod | null
  /** The maximum number of follow-ups about each condition. */
  readonly rounds: Readonly<Record<ChangeCondition, number>>
  /** Whether burn deletes the head branch after it merged; null: burn follows the setting of the repo on the forge. */
  readonly delete_branch: boolean | null
  /** Logins of bots whose reviews count as those of writers. */
  readonly bots: readonly string[]
  /** The time (ms) after the end of a follow-up's turn in which burn waits for a push before it calls a person. */
  readonly push_timeout: number
}

/** The label of issues whose change needs a person. */
export const needsPersonLabel = 'needs-person'

/** The actions of a change that burn records as steps. */
export type StepAction =
  | 'rerun_checks'
  | 'fix_checks'
  | 'address_review'
  | 'resolve_conflict'
  | 'resolve_by_git'
  | 'update_branch'
  | 'merge'
  | 'escalate'

/** The conditions that the follow-ups of each action are about. */
export const conditionOf: Readonly<Partial<Record<StepAction, ChangeCondition>>> = {
  fix_checks: 'checks',
  address_review: 'reviews',
  resolve_conflict: 'conflict',
}

/**
 * The time (ms) after which a step without an outcome counts as interrupted: its process is gone, and burn repeats the step. It is longer
 * than every step takes. Two processes may take a step at once without harm: a push compares the head, and labels and comments are set
 * once.
 */
export const stepTimeout = 10 * 60_000

/**
 * The outcome of a step. `planned`: burn has recorded the intent. `done`, `failed`: burn carried the step out. A follow-up is `planned`
 * until its delivery or its sprint tells more.
 */
export type StepOutcome = 'planned' | 'done' | 'failed'
