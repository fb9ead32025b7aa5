/**
 * The types of the loop that brings a change in review to its end: its facts, its history and the decisions about it. `decide/change.ts`
 * decides, and `cycle/changes.ts` carries the decisions out.
 */
import type { ChangeRef, ChangeState, Check, Protection, Review, ReviewThread, UpdateMethod } from './change-state.ts'
import type { ChangePolicy, ChangeStage, MergeMethod, StepAction, StepOutcome } from './change-stages.ts'
import type { DeliveryState } from './lifecycle.ts'
import type { IssueRef, RepoRef, Time, WorkerId } from './nouns.ts'
import type { Reason } from './reasons.ts'

/** A step that burn took for a change. The ledger has at most one step for each dispatch, action, signature and attempt. */
export interface ChangeStep {
  readonly dispatch: string
  readonly action: StepAction
  /** Identifies the condition: the head and the names of the checks, the ids of reviews and threads, or the commits of head and base. */
  readonly signature: string
  /** The number of the attempt at this action for this condition, starting at 1. */
  readonly attempt: number
  /** The commit of the head at the time of the step. */
  readonly head: string
  /** The worker that got the follow-up; null for a step that burn carries out by itself. */
  readonly worker: WorkerId | null
  /** The id of the follow-up's delivery; null if the step has none. */
  readonly delivery: string | null
  /** The state of this delivery; null if the step has none. */
  readonly delivered: DeliveryState | null
  readonly outcome: StepOutcome
  readonly reason: Reason
  readonly at: Time
}

/** The facts from which burn decides about one change. Nothing in it changes while burn decides. */
export interface ChangeSnapshot {
  readonly dispatch: string
  readonly issue: IssueRef
  readonly repo: RepoRef
  readonly ref: ChangeRef
  readonly change: ChangeState
  /** The only branch into which burn merges changes of the repo; null if burn merges none. */
  readonly repo_base: string | null
  /** The rules of the base branch; null if the base branch does not exist. */
  readonly protection: Protection | null
  /** True if an agent or a sprint has the dispatch: the dispatch is `handed`. */
  readonly at_work: boolean
  /** The time since which no agent has had the dispatch; null if unknown. */
  readonly idle_since: Time | null
  /** The logins that may write to the repo. */
  readonly writers: ReadonlySet<string>
  /** The login of burn's account on the forge. */
  readonly login: string
  /** The login that had pushed the head when burn first read the change; null if the forge did not tell. */
  readonly first_pusher: string | null
  /** The paths of the change that only a person may merge; null if burn could not read the changed paths. */
  readonly protected_paths: readonly string[] | null
  /** Another change that burn updates or merges into the same base at present; null if there is none. */
  readonly base_taken_by: ChangeRef | null
}

/** The decision about one change. `nothing` has the reason why burn waits. */
export type ChangeDecision =
  | { readonly do: 'nothing'; readonly stage: ChangeStage; readonly reason: Reason }
  | (Acting & { readonly do: 'rerun_checks' | 'fix_checks'; readonly checks: readonly Check[] })
  | (Acting & { readonly do: 'address_review'; readonly reviews: readonly Review[]; readonly threads: readonly ReviewThread[] })
  | (Acting & { readonly do: 'resolve_conflict' | 'resolve_by_git' })
  /** `head`, `onto`: the commits of the branch and of its base when burn first decided this. */
  | (Acting & { readonly do: 'update_branch'; readonly method: UpdateMethod; readonly head: string; readonly onto: string | null })
  | (Acting & { readonly do: 'merge'; readonly method: MergeMethod; readonly delete_branch: boolean })
  | (Acting & { readonly do: 'escalate' })

interface Acting {
  readonly stage: ChangeStage
  readonly reason: Reason
  readonly signature: string
  readonly attempt: number
}

/** The input of one decision about a change: the facts, the steps oldest first, and the rules. */
export interface ChangeCase {
  readonly seen: ChangeSnapshot
  readonly history: readonly ChangeStep[]
  readonly policy: ChangePolicy
  readonly now: Time
}
