/**
 * Compares a sample with the open spans. The result has the spans that begin, continue and end, and an event for each notable state that
 * began or ended. The result depends on the arguments alone.
 */
import type { NewEvent } from '../core/events.ts'
import type { Time } from '../core/nouns.ts'
import type { Span, SpanState } from '../core/span.ts'
import { isDrift } from '../core/drift.ts'

/** A sample: the states of all subjects that burn could observe at one time. */
export interface Sample {
  readonly at: Time
  readonly states: readonly (SpanState & { readonly since?: Time })[]
  /**
   * Returns true if the sample covers the subject of an open span. The span of a subject that the sample does not cover stays unchanged.
   */
  readonly covers: (span: Span) => boolean
}

/** The limits of `spanChanges` (ms). */
export interface SpanLimits {
  /** A worker that waits for an answer for this time is reported. */
  readonly waiting_after: number
  /** If burn took no sample for this time, the state during this time is unknown: the span ends at its last sample. */
  readonly longest_gap: number
}

/** The spans to save, and the events to record with them. */
export interface SpanChanges {
  readonly spans: readonly Span[]
  readonly events: readonly NewEvent[]
}

/** Returns the changes that a sample makes to the open spans. */
export function spanChanges(open: readonly Span[], { at, states, covers }: Sample, limits: SpanLimits): SpanChanges {
  const seen = new Map(states.map((state) => [keyOf(state), state]))
  const spans: Span[] = []
  const events: NewEvent[] = []
  const known = new Set<string>()
  const keep = (span: Span) => {
    const kind = span.reported === null ? reportKind(span, at, limits) : null
    if (kind !== null) events.push(reportEvent(kind, span))
    spans.push(kind === null ? span : { ...span, reported: kind })
  }
  for (const span of open) {
    const now = seen.get(keyOf(span))
    if (now === undefined && !covers(span)) continue
    known.add(keyOf(span))
    // A last sample in the future shows that the clock was set back, so the time since then is unknown, too.
    const gap = Math.abs(at - span.seen_at) > limits.longest_gap
    if (now !== undefined && isSame(span, now) && !gap) {
      keep({ ...span, seen_at: Math.max(at, span.began_at), evidence: now.evidence })
      continue
    }
    const began_at = now === undefined ? at : beginOf(now, span, at)
    const ended_at = gap ? span.seen_at : Math.max(began_at, span.began_at)
    spans.push({ ...span, ended_at, evidence: isOrdinary(span) ? '' : span.evidence })
    const goesOn = now !== undefined && isSame(span, now)
    if (span.reported !== null && !goesOn) events.push(clearedEvent({ ...span, ended_at }, now?.state ?? null))
    if (now !== undefined) keep({ ...begin(now, began_at, at), reported: goesOn ? span.reported : null })
  }
  for (const [key, state] of seen) if (!known.has(key)) keep(begin(state, at, at))
  return { spans, events }
}

const keyOf = ({ kind, subject }: Pick<SpanState, 'kind' | 'subject'>) => `${kind} ${subject}`

/**
 * Returns true if the state goes on. A new issue begins a new span of work. Other states go on if burn meanwhile gives the worker another
 * issue: the question or the failure is the same.
 */
function isSame(span: SpanState, now: SpanState): boolean {
  const isSameState = span.state === now.state && span.detail === now.detail && span.incarnation === now.incarnation
  return isSameState && (span.issue === now.issue || now.state !== 'working')
}

/** Returns true if nobody needs the evidence of the span after its end. Such spans are by far the most, and a line of a screen is long. */
function isOrdinary({ kind, state }: Span): boolean {
  return kind === 'worker' && (state === 'working' || state === 'idle')
}

/**
 * Returns the time at which a state began. It is after the last sample of the state before, so that spans do not overlap. A new issue or
 * agent begins at its first sample, because `since` is the time of the state alone.
 */
function beginOf({ state, since }: Sample['states'][number], before: Span, at: Time): Time {
  return since === undefined || state === before.state ? at : Math.min(Math.max(since, before.seen_at), at)
}

function begin(sampled: Sample['states'][number], began_at: Time, at: Time): Span {
  const { since: _, ...state } = sampled
  return { ...state, began_at, seen_at: at, ended_at: null, reported: null }
}

/** The kinds of events that report a notable state. */
type ReportKind =
  | 'worker.waiting'
  | 'worker.error'
  | 'worker.dead'
  | 'worker.limited'
  | 'machine.unreachable'
  | 'job.missed'
  | 'dispatcher.silent'
  | 'drift.found'

/** Returns the kind of event that reports the span's state; null if the state is not notable, or not notable yet. */
function reportKind({ kind, state, detail, began_at }: Span, at: Time, { waiting_after }: SpanLimits): ReportKind | null {
  if (kind === 'worker') {
    if (state === 'waiting') return at - began_at >= waiting_after ? 'worker.waiting' : null
    if (state === 'error') return detail === 'rate limit' ? 'worker.limited' : 'worker.error'
    return state === 'dead' ? 'worker.dead' : null
  }
  if (kind === 'machine') return state === 'unreachable' ? 'machine.unreachable' : null
  if (kind === 'drift') return isDrift(state) ? 'drift.found' : null
  if (kind === 'job') return state === 'missed' || state === 'failing' ? 'job.missed' : null
  return kind === 'dispatcher' && state === 'silent' ? 'dispatcher.silent' : null
}

function reportEvent(kind: ReportKind, span: Span): NewEvent {
  const { began_at: since, evidence, detail } = span
  return { kind, ...about(span), payload: { since, detail, evidence } }
}

function clearedEvent(span: Span & { readonly ended_at: Time }, now: string | null): NewEvent {
  const payload = { state: span.state, now, ms: span.ended_at - span.began_at }
  return { kind: `${span.kind}.cleared`, ...about(span), payload }
}

function about({ kind, subject, issue }: Span): { subject: string; issue: string | null; worker: string | null; actor: 'burn' } {
  return { subject, issue, worker: kind === 'worker' || kind === 'drift' ? subject : null, actor: 'burn' }
}
