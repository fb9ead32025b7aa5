/** The interface to telemetry in the ledger: spans and measures. */
import type { NewEvent } from '../events.ts'
import type { Time } from '../nouns.ts'
import type { Measure, Span, SpanKind } from '../span.ts'

/**
 * The changes of one sample. The ledger saves the changes with their events in one transaction, so a crash neither loses nor repeats an
 * event.
 */
export interface SampleChanges {
  /** New spans, and open spans with a new `seen_at`, `ended_at`, `evidence` or `reported`. */
  readonly spans: readonly Span[]
  readonly measures: readonly Measure[]
  readonly events: readonly NewEvent[]
}

/** A filter for spans. It selects spans that overlap the time from `since` to `until`. */
export interface SpanFilter {
  readonly kind?: SpanKind
  readonly subject?: string
  readonly since?: Time
  readonly until?: Time
}

/** The operations on telemetry in the ledger. */
export interface TelemetryLedger {
  /** Returns the spans that have not ended. */
  openSpans(): Promise<readonly Span[]>
  /** Returns spans, oldest first. */
  spans(filter: SpanFilter): Promise<readonly Span[]>
  /** Saves the changes of one sample. An open span is known by its kind, its subject and its begin. */
  saveSample(changes: SampleChanges, at: Time): Promise<void>
  /** Returns measures from `since` until `until`, oldest first. `subject`: only the measures of one subject. */
  measures(filter: { readonly subject?: string; readonly since: Time; readonly until?: Time }): Promise<readonly Measure[]>
  /**
   * Replaces the measures of each full hour before `before` by one summary per subject. Deletes the positions of files without new tokens
   * since then. If such a file grows later, burn counts its tokens since the last listing. Deletes summaries and ended spans from before
   * `keep_since`.
   */
  rollUp(before: Time, keep_since: Time): Promise<void>
}
