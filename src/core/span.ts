/**
 * The types of telemetry. A span is a period in which a subject stayed in one state. A measure is a set of numbers about a subject at one
 * time.
 */
import type { Incarnation, IssueRef, Time } from './nouns.ts'

/**
 * The kind of the subject of a span. `job`: a job of cron, systemd, launchd or Hermes on a machine, or a job of burn. `drift`: the settings
 * of a worker's agent, compared with those that it should have; its subject is the worker's id.
 */
export type SpanKind = 'worker' | 'machine' | 'dispatcher' | 'job' | 'drift'

/** The state of a subject, as one sample shows it. A different state, detail, issue or incarnation begins a new span. */
export interface SpanState {
  readonly kind: SpanKind
  /** The worker's id, the machine's name, the owner of the dispatcher's leases, or the machine and the name of the job. */
  readonly subject: string
  /** The machine that the sample came from; null for dispatchers and for jobs of burn. */
  readonly machine: string | null
  readonly state: string
  /** The kind of a failure or a question; null if the state has no detail. */
  readonly detail: string | null
  /** The issue that the worker worked on; null if there was none. */
  readonly issue: IssueRef | null
  readonly incarnation: Incarnation | null
  /**
   * One line from which burn concluded the state. It may change within a span. It is empty after the end of a span in which a worker was
   * idle or at work.
   */
  readonly evidence: string
}

/** A span in the ledger: a period in which a subject stayed in one state. A subject has one open span at most. */
export interface Span extends SpanState {
  /** The time of the first sample that showed the state, or the earlier time at which the state began, if it is known. */
  readonly began_at: Time
  /** The time of the last sample that showed the state. */
  readonly seen_at: Time
  /** The time at which the state ended; null if the span is open. If burn took no sample for a long time, the time of the last sample. */
  readonly ended_at: Time | null
  /** The kind of the event that reported the state; null if no event did. */
  readonly reported: string | null
}

/** Numbers about a subject. A missing key means that the number is unknown; it never means 0. */
export interface Measure {
  /** `machine NAME`, `repo OWNER/NAME` or `fleet`. */
  readonly subject: string
  readonly at: Time
  /** 0: one sample. Otherwise the length (ms) of the period that the numbers summarise; then `max_NAME` is the maximum of `NAME`. */
  readonly period: number
  readonly numbers: Readonly<Record<string, number>>
}
