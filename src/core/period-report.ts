/** The types of `burn report`: what happened in a period, and what a person must do now. */
import type { Dispatch, DispatchState } from './lifecycle.ts'
import type { HealthStatus } from './health.ts'
import type { CostSum, GroupCost } from './price.ts'
import type { IssueRef, RepoRef, Time, WorkerId } from './nouns.ts'

/** A transition of a `work` dispatch in the period. */
export interface Move {
  readonly dispatch: Dispatch
  readonly to: DispatchState
  readonly at: Time
  readonly evidence: string
}

/** Something that a person must do or look at now. */
export interface NeedsYou {
  readonly kind: 'question' | 'login' | 'health' | 'kept change' | 'change' | 'issue'
  readonly subject: string
  readonly text: string
  readonly since: Time | null
  readonly url: string | null
  /** A command or an instruction. */
  readonly remedy: string
}

/** Something that needs a person, in a report. */
export interface ReportedNeed extends NeedsYou {
  /** The title of the issue; empty if the need is about no issue, or if burn does not know the title. */
  readonly title: string
}

/** A change that was opened or merged, or an issue that was closed. */
export interface ReportedChange {
  readonly issue: IssueRef
  readonly title: string
  readonly repo: RepoRef
  readonly worker: WorkerId
  readonly at: Time
  readonly url: string | null
  /** USD; null if it is unknown. */
  readonly cost: number | null
}

/** A change that somebody reviewed: the reviewer asked for changes, or approved the change so that burn merged it. */
export interface ChangeWithReview extends ReportedChange {
  /** The result of the last review, in words. */
  readonly review: string
}

/** Failures of one class. */
export interface WentWrong {
  readonly class: string
  readonly items: readonly { readonly subject: string; readonly worker: WorkerId | null; readonly at: Time; readonly evidence: string }[]
}

/** A period in which a worker stayed in one state, cut to the period of the report. */
export interface TimelinePart {
  readonly state: string
  readonly from: Time
  readonly to: Time
}

/** The period of one worker. Times are milliseconds. */
export interface WorkerPeriod {
  readonly worker: WorkerId
  readonly lane: string
  /** The time in each state. `unobserved`: no sample covers this time. */
  readonly states: Readonly<Record<string, number>>
  /** The share of work in the time in which burn knew the worker's state; null if it knew the state at no time. */
  readonly utilisation: number | null
  /** The time in which the worker was idle and issues of its repos waited; null if burn does not know when issues waited. */
  readonly idle_while_ready: number | null
  /** The number of dispatches whose change was opened for review. */
  readonly opened: number
  readonly done: number
  readonly failed: number
  readonly timeline: readonly TimelinePart[]
}

/** The costs of the period. */
export interface ReportCosts {
  /** The start of the hour in which the period begins, because the ledger has usage by the hour. */
  readonly since: Time
  readonly by_model: readonly GroupCost[]
  readonly by_lane: readonly GroupCost[]
  readonly by_issue: readonly GroupCost[]
  readonly total: CostSum
  /** USD per merged change; null if nothing was merged, if the price of a part is unknown, or if subscriptions pay for everything. */
  readonly per_merged: number | null
  /** The number of records of agents that burn could not read, and of workers whose agents record no tokens that burn can read. */
  readonly unread: number
  readonly unrecorded: number
  /** The number of workers that got an issue, although burn knows no tokens of them. */
  readonly without_tokens: number
}

/** Counts of dispatches that reached a state. */
export type Reached = Readonly<Partial<Record<DispatchState, number>>>

/** The dispatches of the period. `before + claimed` equals the sum of the others; otherwise `balanced` is false. */
export interface Reconciliation {
  readonly before: number
  readonly claimed: number
  readonly done: number
  readonly failed: number
  readonly lost: number
  readonly released: number
  readonly now: number
  readonly balanced: boolean
}

/** A report about the period from `since` to `until`. */
export interface PeriodReport {
  readonly fleet: string
  readonly since: Time
  readonly until: Time
  /** The time before which somebody deleted the history of ended work from the ledger; null if nobody did. */
  readonly pruned_before: Time | null
  readonly health: HealthStatus
  readonly needs_you: readonly ReportedNeed[]
  readonly done: {
    readonly merged: readonly ReportedChange[]
    readonly opened: readonly ReportedChange[]
    readonly reviewed: readonly ChangeWithReview[]
  }
  readonly went_wrong: readonly WentWrong[]
  readonly workers: readonly WorkerPeriod[]
  /** Null if burn recorded no usage in the period. */
  readonly costs: ReportCosts | null
  /** The last seven days and the seven days before. Null if the ledger no longer has the whole time. */
  readonly trend: { readonly last: Reached | null; readonly before: Reached | null }
  readonly oldest: {
    readonly change: { readonly issue: IssueRef; readonly url: string | null; readonly since: Time } | null
    readonly waiting: { readonly issue: IssueRef; readonly since: Time } | null
  }
  readonly jobs: readonly {
    readonly job: string
    readonly state: string
    readonly from: Time
    readonly to: Time | null
    readonly evidence: string
  }[]
  readonly counts: Reconciliation
}
