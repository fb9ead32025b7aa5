/**
 * The interface of the ledger. It consists of parts, so that a function needs only the part that it uses. `src/ledger` implements it for
 * SQLite and PostgreSQL.
 */
import type { AgentRecord } from './agent-record.ts'
import type { Delivery, Dispatch } from './lifecycle.ts'
import type { IssueRef } from './nouns.ts'
import type { AgentLedger } from './ledger/agents.ts'
import type { BacklogLedger } from './ledger/backlog.ts'
import type { ChangeLedger } from './ledger/changes.ts'
import type { ClaimLedger, LiveDispatch } from './ledger/claims.ts'
import type { DelegationLedger } from './ledger/delegations.ts'
import type { DeliveryView, DeliveryLedger } from './ledger/deliveries.ts'
import type { ForgeLedger, RepoRecord } from './ledger/forge.ts'
import type { HistoryLedger } from './ledger/history.ts'
import type { Hold, HoldLedger } from './ledger/holds.ts'
import type { JobLedger, Leases } from './ledger/jobs.ts'
import type { NotificationLedger } from './ledger/notifications.ts'
import type { SprintLedger } from './ledger/sprints.ts'
import type { SteeringLedger } from './ledger/steering.ts'
import type { TelemetryLedger } from './ledger/telemetry.ts'
import type { UsageLedger } from './ledger/usage.ts'
import type { WorkerLedger, WorkerRecord } from './ledger/workers.ts'
import type { Sprint } from './sprint.ts'

/** The current dispatches, deliveries, workers and holds, read in one transaction. */
export interface LedgerView {
  /** Dispatches in a live state. */
  readonly dispatches: readonly Dispatch[]
  /** Deliveries in an active state, and deliveries of live dispatches that are `unknown` or `mangled`. */
  readonly deliveries: readonly Delivery[]
  readonly workers: readonly WorkerRecord[]
  /** The last agent of each worker that burn started. */
  readonly agents: readonly AgentRecord[]
  /** The agents that have live dispatches, as far as burn has recorded them. */
  readonly holders: readonly AgentRecord[]
  readonly repos: readonly RepoRecord[]
  /** Sprints that have not ended. */
  readonly sprints: readonly Sprint[]
  readonly holds: readonly Hold[]
  readonly leases: Leases
  /** The newest deliveries to all workers, newest first, at most 300. burn decides from them whether a circuit breaker is open. */
  readonly recent: DeliveryView['recent']
  /** Issues with a live claim that another ledger of this fleet wrote. At most 1,000. */
  readonly elsewhere: readonly IssueRef[]
}

/** The part of `LedgerView` that a cycle needs. */
export interface CycleView extends Omit<LedgerView, 'dispatches' | 'elsewhere'> {
  /** Dispatches in the states `claimed` and `handed`. `affectedWork` returns dispatches in review if there is news about them. */
  readonly dispatches: readonly LiveDispatch[]
  /** Dispatches in review. They determine the repos whose changes a cycle reads, and the time since which the cycle reads these changes. */
  readonly reviews: readonly Pick<Dispatch, 'issue' | 'claimed_at' | 'handed_at'>[]
  /** True if `saveIssues` saved issues with `quiet`, and `writePendingEvents` has not yet written the events of these issues. */
  readonly has_pending_events: boolean
  /** The argument of the last call of `rejudgeIfRulesChanged`; null if there was no call. */
  readonly rules: string | null
}

/** The operations that read several tables at once. Each operation reads in one transaction. */
export interface ViewLedger {
  /** Returns the current dispatches, deliveries, workers and holds. */
  view(): Promise<LedgerView>
  /** Returns the part of `LedgerView` that a cycle needs. */
  cycleView(): Promise<CycleView>
}

/** The result of a check of the ledger. */
export interface LedgerCheck {
  /** The address of the ledger, for people, without a password. */
  readonly where: string
  readonly version: number
  /** The schema version before this process upgraded the ledger: 0 if this process created the ledger, null if the schema was current. */
  readonly upgraded_from: number | null
  /** The number of rows of each table, by the name of the table. */
  readonly rows: Readonly<Record<string, number>>
}

/** The whole ledger. Only `cli/wire` uses this type; other functions take the parts that they need. */
export interface Ledger
  extends
    AgentLedger,
    BacklogLedger,
    ChangeLedger,
    ClaimLedger,
    DelegationLedger,
    DeliveryLedger,
    ForgeLedger,
    HistoryLedger,
    HoldLedger,
    JobLedger,
    NotificationLedger,
    SprintLedger,
    SteeringLedger,
    TelemetryLedger,
    UsageLedger,
    ViewLedger,
    WorkerLedger {
  /**
   * Resolves when another process freed a slot, an issue or a worker since the last call, or when `stop` is aborted. SQLite has no
   * notifications, so with SQLite only `stop` resolves the promise. A lost connection may drop a notification, but the next view shows the
   * change.
   */
  waitForChange(stop: AbortSignal): Promise<void>
  /** Returns the size of the ledger (bytes). */
  size(): Promise<number>
  /** Checks the integrity of the ledger. Throws BurnError `ledger_*` if the ledger is damaged or its data violates a consistency rule. */
  check(): Promise<LedgerCheck>
  close(): Promise<void>
}
