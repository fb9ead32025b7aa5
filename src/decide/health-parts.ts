/** The parts that the health rules share. */
import type { HealthFacts, Judged } from '../core/health.ts'
import type { RepoRecord } from '../core/ledger/forge.ts'
import type { Time } from '../core/nouns.ts'
import type { Measure, Span, SpanKind } from '../core/span.ts'
import { counted } from '../core/text.ts'

const minute = 60_000

/** Returns a duration for people: `90 s`, `5 min`, `3 h`, `2 d`. `ms`: milliseconds. */
export function lasting(ms: number): string {
  if (ms < 2 * minute) return `${Math.max(0, Math.round(ms / 1000))} s`
  const minutes = Math.round(ms / minute)
  return minutes < 120 ? `${minutes} min` : minutes < 48 * 60 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} d`
}

/**
 * Returns the open spans of a kind that a sample confirmed lately. Older ones do not show the present state, and neither do those of a time
 * in the future: the clock was set back.
 */
export function presentSpans({ spans, now, interval }: HealthFacts, kind: SpanKind): Span[] {
  return spans.filter((span) => span.kind === kind && span.ended_at === null && Math.abs(now - span.seen_at) <= 3 * interval)
}

/** Returns the time at which the last cycle of a dispatcher began; 0 if no span shows one. */
export function lastCycle(spans: readonly Span[]): Time {
  const all = spans.filter(({ kind }) => kind === 'dispatcher')
  // A silent dispatcher ran its last cycle when its silence began.
  return all.reduce((latest, { state, began_at, seen_at }) => Math.max(latest, state === 'running' ? seen_at : began_at), 0)
}

/**
 * Returns the time at which burn last read the forge; 0 if it never did. Each cycle reads it. A listing also counts, because sprints read
 * the forge without a cycle.
 */
export function lastRead(repos: readonly Pick<RepoRecord, 'listed_at' | 'changes_at'>[], spans: readonly Span[]): Time {
  return repos.reduce((latest, { listed_at, changes_at }) => Math.max(latest, listed_at ?? 0, changes_at ?? 0), lastCycle(spans))
}

/** A number of a machine. */
interface MachineNumber {
  readonly name: string
  readonly value: number
}

/** Returns a number of each machine, and the names of the machines that answer but lack it. */
export function machineNumbers(
  facts: HealthFacts,
  numberOf: (numbers: Measure['numbers']) => number | undefined,
): { readonly known: readonly MachineNumber[]; readonly unknown: readonly string[] } {
  const known = facts.measures.flatMap(({ subject, numbers }) => {
    const value = numberOf(numbers)
    return value === undefined ? [] : [{ name: subject.replace(/^machine /, ''), value }]
  })
  const names = new Set(known.map(({ name }) => name))
  const up = presentSpans(facts, 'machine').filter(({ state }) => state === 'up')
  return { known, unknown: up.flatMap(({ subject }) => (names.has(subject) ? [] : [subject])) }
}

/** Returns the judgement of a rule whose known machines are well: `unknown` if machines lack the number, else `ok`. */
export function okIfComplete(evidence: string, threshold: string, unknown: readonly string[]): Judged {
  if (unknown.length === 0) return ok(evidence, threshold)
  const remedy = 'check that date, df, ps and sh work on the machine'
  return { status: 'unknown', evidence: `${evidence}; unknown on ${unknown.join(', ')}`, threshold, since: null, remedy }
}

/** Returns the judgement of a rule without data. */
export function noData(threshold: string, evidence = 'there are no recent samples'): Judged {
  const remedy = 'keep "burn dispatch --cycles 0" running, or let cron start "burn job run collect"; burn job list shows failed runs'
  return { status: 'unknown', evidence, threshold, since: null, remedy }
}

/** Returns the judgement `ok`. */
export function ok(evidence: string, threshold: string): Judged {
  return { status: 'ok', evidence, threshold, since: null, remedy: '' }
}

/** Returns a judgement about the spans that a rule found: `status` if there is one, else `ok`. */
export function judgeSpans(found: readonly Span[], bad: Omit<Judged, 'evidence' | 'since'>, what: string, well: string): Judged {
  if (found.length === 0) return ok(well, bad.threshold)
  return { ...bad, evidence: workersOf(found, what), since: Math.min(...found.map(({ began_at }) => began_at)) }
}

/** Returns the number of workers, what they have in common, and the names of the first five. `found`: the spans of the workers. */
export function workersOf(found: readonly Span[], what: string): string {
  const names = found.toSorted((a, b) => a.began_at - b.began_at).map(({ subject }) => subject)
  const more = names.length > 5 ? ` and ${names.length - 5} more` : ''
  return `${counted(names.length, 'worker')} ${what}: ${names.slice(0, 5).join(', ')}${more}`
}

/** Returns how long a span has lasted at the time `now` (ms). */
export function ageOf({ began_at }: Span, now: Time): number {
  return now - began_at
}
