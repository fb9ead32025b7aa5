/** The types of health checks: whether the fleet does its work, and not only whether its processes run. */
import type { IssueRef, RepoRef, Time, Worker, WorkerId } from './nouns.ts'
import type { HealthSettings } from './observation-settings.ts'
import type { Hold } from './ledger/holds.ts'
import type { RepoRecord } from './ledger/forge.ts'
import type { Measure, Span } from './span.ts'
import type { Sprint } from './sprint.ts'

/** The status of a rule. `unknown`: there is no data for the rule. */
export type HealthStatus = 'ok' | 'warn' | 'fail' | 'unknown'

/** The facts that the rules judge. A fact is null if burn could not read it. */
export interface HealthFacts {
  readonly now: Time
  readonly settings: HealthSettings
  /** The pause between two samples (ms). Older samples do not show the present. */
  readonly interval: number
  readonly workers: readonly Worker[]
  /** Workers that a hold excludes from new work. */
  readonly held: ReadonlySet<WorkerId>
  /** Spans that have not ended, and spans that ended recently. */
  readonly spans: readonly Span[]
  /** The newest sample of each machine. */
  readonly measures: readonly Measure[]
  readonly repos: readonly RepoRecord[]
  /** The number of issues that wait for a worker, by repo. */
  readonly queued: ReadonlyMap<RepoRef, number>
  /** Open issues with failed attempts. */
  readonly attempts: readonly { readonly issue: IssueRef; readonly attempts: number }[]
  readonly max_attempts: number
  /** The time at which a dispatch last came to review or ended as done; null if there was none. */
  readonly last_change: Time | null
  /** The time of the last sample that found more commits in a mirror than the sample before; null if there was none lately. */
  readonly last_commit: Time | null
  /** The holds on accounts that reached their usage limit. */
  readonly limited: readonly Pick<Hold, 'name' | 'created_at'>[]
  /** Sprints that ended lately, newest first. */
  readonly sprints: readonly Sprint[]
  /** Tokens that each worker has used since the time of its open span began; null if burn does not know the usage of the worker. */
  readonly tokens: ReadonlyMap<WorkerId, number | null>
  readonly ledger_bytes: number
}

/** The judgement of one rule. */
export interface Judged {
  readonly status: HealthStatus
  /** One line that shows the facts behind the status. */
  readonly evidence: string
  /** The limit that the rule applies, for people. */
  readonly threshold: string
  /** The time since which the state lasts; null if it is unknown or does not matter. */
  readonly since: Time | null
  /** A command or an instruction for people; empty if the status is ok. */
  readonly remedy: string
}

/** A rule. */
export interface HealthRule {
  readonly name: string
  readonly judge: (facts: HealthFacts) => Judged
}
