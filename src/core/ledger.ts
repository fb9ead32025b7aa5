/** The ledger's port: everything the fleet did and why, as the parts that its clients need. One store over several engines implements it (floor 3). */
import type { Delivery, Dispatch } from './lifecycle.ts'
import type { IssueRef } from './nouns.ts'
import type { BacklogLedger } from './ledger/backlog.ts'
import type { ClaimLedger, LiveDispatch } from './ledger/claims.ts'
import type { DeliveryView, DeliveryLedger } from './ledger/deliveries.ts'
import type { ForgeLedger, RepoRecord } from './ledger/forge.ts'
import type { HistoryLedger } from './ledger/history.ts'
import type { Hold, HoldLedger } from './ledger/holds.ts'
import type { JobLedger, Leases } from './ledger/jobs.ts'
import type { SprintLedger } from './ledger/sprints.ts'
import type { WorkerLedger, WorkerRecord } from './ledger/workers.ts'
import type { Sprint } from './sprint.ts'

/** Who has what, read at one moment. */
export interface LedgerView {
  /** Dispatches in a live state. */
  readonly dispatches: readonly Dispatch[]
  /** Deliveries in an active state, and `unknown` and `mangled` ones of live dispatches. */
  readonly deliveries: readonly Delivery[]
  readonly workers: readonly WorkerRecord[]
  readonly repos: readonly RepoRecord[]
  /** Those that have not ended. */
  readonly sprints: readonly Sprint[]
  readonly holds: readonly Hold[]
  readonly leases: Leases
  /** The newest texts to all workers, newest first, as far as they say whether kinds of agents behave as known. At most 300. */
  readonly recent: DeliveryView['recent']
  /** Issues with a live claim that another ledger of this fleet wrote. At most 1,000. */
  readonly elsewhere: readonly IssueRef[]
}

/** What a cycle reads of who has what. */
export interface CycleView extends Omit<LedgerView, 'dispatches' | 'elsewhere'> {
  /** Dispatches in a live state, but work in review: nobody is at it, and it is read where there is news of it (`news`). */
  readonly dispatches: readonly LiveDispatch[]
  /** Work in review, as far as it says which repos are to be asked for changes. */
  readonly reviews: readonly Pick<Dispatch, 'issue' | 'claimed_at' | 'handed_at'>[]
  /** Issues were saved quietly, and no event tells of them yet (`tellIssues`). */
  readonly has_pending_events: boolean
  /** What issues were judged by last (`judgeBy`); null where none was. */
  readonly rules: string | null
}

/** What several clients read at once: all of it as of one moment. */
export interface ViewLedger {
  view(): Promise<LedgerView>
  cycleView(): Promise<CycleView>
}

export interface LedgerCheck {
  /** The ledger's place for people, without a password. */
  readonly where: string
  readonly version: number
  /** The version before this process upgraded it: 0 if this process created it, null if it was current. */
  readonly upgraded_from: number | null
  /** The number of rows, by table. */
  readonly rows: Readonly<Record<string, number>>
}

/** All of it: for the wiring alone. A function takes the parts that it needs. */
export interface Ledger
  extends
    BacklogLedger,
    ClaimLedger,
    DeliveryLedger,
    ForgeLedger,
    HistoryLedger,
    HoldLedger,
    JobLedger,
    SprintLedger,
    ViewLedger,
    WorkerLedger {
  /**
   * Resolves when another process freed a slot, an issue or a worker since the last call, or when `stop` is aborted; only then where the engine
   * can't tell. Something to wake up for and nothing to rely on: what a lost connection swallowed is seen by the next view.
   */
  waitForChange(stop: AbortSignal): Promise<void>
  /** Checks the integrity of the ledger. Throws BurnError `ledger_*` if it is damaged or breaks its own rules. */
  check(): Promise<LedgerCheck>
  close(): Promise<void>
}
