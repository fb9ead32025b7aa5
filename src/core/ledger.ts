/** The port of the ledger, in parts for its clients. `src/ledger` implements it for SQLite and PostgreSQL. */
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

/** The current work, workers and holds, read at one moment. */
export interface LedgerView {
  /** Dispatches in a live state. */
  readonly dispatches: readonly Dispatch[]
  /** Deliveries in an active state, and `unknown` and `mangled` ones of live dispatches. */
  readonly deliveries: readonly Delivery[]
  readonly workers: readonly WorkerRecord[]
  readonly repos: readonly RepoRecord[]
  /** Sprints that have not ended. */
  readonly sprints: readonly Sprint[]
  readonly holds: readonly Hold[]
  readonly leases: Leases
  /** The newest texts to all workers, newest first, from which the breakers decide. At most 300. */
  readonly recent: DeliveryView['recent']
  /** Issues with a live claim that another ledger of this fleet wrote. At most 1,000. */
  readonly elsewhere: readonly IssueRef[]
}

/** The part of the view that a cycle needs. */
export interface CycleView extends Omit<LedgerView, 'dispatches' | 'elsewhere'> {
  /** Dispatches in a live state, without work in review. `affectedWork` returns work in review if there is news about it. */
  readonly dispatches: readonly LiveDispatch[]
  /** Work in review. It determines the repos whose changes a cycle reads, and since when. */
  readonly reviews: readonly Pick<Dispatch, 'issue' | 'claimed_at' | 'handed_at'>[]
  /** Issues were saved with `quiet`, and `writePendingEvents` has not yet written their events. */
  readonly has_pending_events: boolean
  /** The rules of the last `rejudgeIfRulesChanged`; null if it never ran. */
  readonly rules: string | null
}

/** Views that several clients read. Each is a snapshot of one moment. */
export interface ViewLedger {
  /** Returns the whole view. */
  view(): Promise<LedgerView>
  /** Returns the view for a cycle. */
  cycleView(): Promise<CycleView>
}

/** The result of a check of the ledger. */
export interface LedgerCheck {
  /** The ledger's place for people, without a password. */
  readonly where: string
  readonly version: number
  /** The version before this process upgraded it: 0 if this process created it, null if it was current. */
  readonly upgraded_from: number | null
  /** The number of rows, by table. */
  readonly rows: Readonly<Record<string, number>>
}

/** The whole ledger. Only the wiring uses this type; other functions take the parts that they need. */
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
   * Resolves when another process freed a slot, an issue or a worker since the last call, or when `stop` is aborted. SQLite can't notify,
   * so there only `stop` resolves it. A lost connection may drop a notification; the next view still shows the change.
   */
  waitForChange(stop: AbortSignal): Promise<void>
  /** Checks the integrity of the ledger. Throws BurnError `ledger_*` if it is damaged or breaks its own rules. */
  check(): Promise<LedgerCheck>
  close(): Promise<void>
}
