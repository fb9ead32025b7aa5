/**
 * Estimates how long agents and reviewers take and how often they succeed: from the ledger's history, or from assumptions if the history is
 * too short.
 */
import type { DispatchTimes } from '../core/ledger/history.ts'
import { hashOfText, seeded } from '../core/random.ts'

/** Durations of turns and reviews (ms), and the shares in [0, 1] of turns and reviews that succeed. */
export interface Habits {
  /** Duration of a turn of an agent. */
  readonly turn: Distribution
  /** Time from opening a change to merging or closing it. */
  readonly review: Distribution
  /** Share of turns that open a change. */
  readonly changes: number
  /** Share of changes that are merged. */
  readonly merged: number
}

/** A distribution of durations (ms): log-normal, or a list of observed values. */
export type Distribution =
  /** `spread` is the standard deviation of the logarithm. */
  { readonly median: number; readonly spread: number } | { readonly seen: readonly number[] }

/** The habits that burn assumes if the ledger has too little history. */
export const assumed: Habits = {
  turn: { median: 25 * 60_000, spread: 0.8 },
  review: { median: 2 * 3_600_000, spread: 1 },
  changes: 0.9,
  merged: 0.95,
}

/** Minimum number of turns, or of reviews, in the history. If there are fewer, burn assumes their durations and shares. */
const minHistory = 20

/**
 * Returns the habits that a history shows, and the numbers of turns and reviews in the history. Assumes the habits for which the history
 * has fewer than `minHistory` examples.
 */
export function habitsOf(history: readonly DispatchTimes[]): { readonly habits: Habits; readonly turns: number; readonly reviews: number } {
  const turns = turnsIn(history)
  const reviewed = history.filter(({ review_at, state }) => review_at !== null && (state === 'done' || state === 'failed'))
  const reviews = reviewed.map(({ review_at, ended_at }) => ended_at - (review_at ?? 0))
  // Lost dispatches do not count, because their turns did not end.
  const ended = history.filter(({ state }) => state !== 'lost')
  const few = ended.length < minHistory || turns.length < minHistory
  const merged = reviewed.filter(({ state }) => state === 'done').length
  return {
    habits: {
      turn: few ? assumed.turn : { seen: turns },
      changes: few ? assumed.changes : ended.filter(({ review_at, state }) => review_at !== null || state === 'done').length / ended.length,
      review: reviews.length < minHistory ? assumed.review : { seen: reviews },
      merged: reviews.length < minHistory ? assumed.merged : merged / reviews.length,
    },
    turns: turns.length,
    reviews: reviews.length,
  }
}

/** Returns the durations of turns (ms). A turn begins when its prompt arrives, or when the worker's previous turn ends if that is later. */
function turnsIn(history: readonly DispatchTimes[]): number[] {
  const turns: number[] = []
  for (const own of Map.groupBy(history, ({ worker }) => worker).values()) {
    let free = 0
    for (const { handed_at, review_at, ended_at, state } of own.toSorted((a, b) => a.handed_at - b.handed_at)) {
      const end = review_at ?? (state === 'done' ? ended_at : null)
      if (end === null) continue
      const began = Math.max(handed_at, free)
      if (end > began) turns.push(end - began)
      free = Math.max(free, end)
    }
  }
  return turns
}

/** Returns a generator of random numbers that depend only on the seed and `about`, so that two fleets get the same durations. */
export function drawn(seed: number, about: string): () => number {
  return seeded(hashOfText(about, seed))
}

/** Returns a random duration (ms) from a distribution. */
export function draw(from: Distribution, random: () => number): number {
  if ('seen' in from) return from.seen[Math.floor(random() * from.seen.length)] ?? 0
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  return from.median * Math.exp(from.spread * normal)
}
