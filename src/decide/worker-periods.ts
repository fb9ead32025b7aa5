/** The time that each worker spent in each state. */
import type { Time, Worker } from '../core/nouns.ts'
import type { Move, TimelinePart, WorkerPeriod } from '../core/period-report.ts'
import type { Measure, Span } from '../core/span.ts'

interface PeriodFacts {
  readonly since: Time
  readonly until: Time
  readonly spans: readonly Span[]
  readonly measures: readonly Measure[]
  readonly workers: readonly Worker[]
}

/** Returns the period of each worker, in the order of the spec. */
export function workerPeriods({ since, until, spans, measures, workers }: PeriodFacts, moved: readonly Move[]): WorkerPeriod[] {
  const bySubject = Map.groupBy(
    spans.filter(({ kind }) => kind === 'worker'),
    ({ subject }) => subject,
  )
  const waiting = readyTimes(measures, since, until)
  return workers.map(({ id, lane, repos }) => {
    const timeline = timelineOf(bySubject.get(id) ?? [], since, until)
    const states: Record<string, number> = {}
    for (const { state, from, to } of timeline) states[state] = (states[state] ?? 0) + to - from
    const observed = Object.values(states).reduce((sum, ms) => sum + ms, 0)
    const known = observed - (states['unreachable'] ?? 0) - (states['unknown'] ?? 0)
    const ready = repos.flatMap((repo) => waiting.get(repo) ?? [])
    const idle = timeline.filter(({ state }) => state === 'idle')
    const own = moved.filter(({ dispatch }) => dispatch.worker === id)
    return {
      worker: id,
      lane,
      states: { ...states, unobserved: until - since - observed },
      utilisation: known === 0 ? null : (states['working'] ?? 0) / known,
      idle_while_ready: waiting.size === 0 ? null : overlap(idle, merged(ready)),
      // A change may return to review several times.
      opened: new Set(own.flatMap(({ to, dispatch }) => (to === 'review' ? [dispatch.id] : []))).size,
      done: own.filter(({ to }) => to === 'done').length,
      failed: own.filter(({ to }) => to === 'failed' || to === 'lost').length,
      timeline,
    }
  })
}

/** Returns the spans of a worker, cut to the period. An open span ends at its last sample. */
export function timelineOf(spans: readonly Span[], since: Time, until: Time): TimelinePart[] {
  return spans
    .map(({ state, began_at, seen_at, ended_at }) => ({ state, from: Math.max(began_at, since), to: Math.min(ended_at ?? seen_at, until) }))
    .filter(({ from, to }) => to > from)
    .toSorted((a, b) => a.from - b.from)
}

interface Interval {
  readonly from: Time
  readonly to: Time
}

/** Returns for each repo the times in which issues waited: from a sample that shows waiting issues to the next sample. */
function readyTimes(measures: readonly Measure[], since: Time, until: Time): Map<string, Interval[]> {
  const found = new Map<string, Interval[]>()
  for (const [subject, own] of Map.groupBy(measures, (measure) => measure.subject)) {
    if (!subject.startsWith('repo ')) continue
    const sorted = own.toSorted((a, b) => a.at - b.at)
    const intervals = sorted.flatMap(({ at, numbers, period }, index) => {
      const end = sorted[index + 1]?.at ?? at + period
      return (numbers['ready'] ?? 0) > 0 ? [{ from: Math.max(at, since), to: Math.min(end, until) }] : []
    })
    found.set(subject.slice('repo '.length), intervals)
  }
  return found
}

/** Returns intervals that cover the same time without overlaps, oldest first. */
function merged(intervals: readonly Interval[]): Interval[] {
  const result: Interval[] = []
  for (const { from, to } of intervals.toSorted((a, b) => a.from - b.from)) {
    const last = result.at(-1)
    if (last !== undefined && from <= last.to) result[result.length - 1] = { from: last.from, to: Math.max(last.to, to) }
    else if (to > from) result.push({ from, to })
  }
  return result
}

/** Returns the time (ms) that both lists cover. Neither list may have overlaps in itself. */
function overlap(some: readonly Interval[], others: readonly Interval[]): number {
  let sum = 0
  for (const a of some) for (const b of others) sum += Math.max(0, Math.min(a.to, b.to) - Math.max(a.from, b.from))
  return sum
}
