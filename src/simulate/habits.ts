/** How long agents and reviewers take and how often they fail: from a ledger's history where there is enough of it, else assumed. */
import type { DispatchTimes } from '../core/ledger/history.ts'
import { hashOfText, seeded } from '../core/random.ts'

/** Milliseconds, and shares in [0, 1]. */
export interface Habits {
  /** Of one turn of an agent. */
  readonly turn: Distribution
  /** From an open change to its merge, or its end without one. */
  readonly review: Distribution
  /** Turns that end with a change for review. */
  readonly changes: number
  /** Changes that are merged. */
  readonly merged: number
}

export type Distribution =
  /** Half are shorter than `median`; `spread` is the deviation of the logarithm. */
  { readonly median: number; readonly spread: number } | { readonly seen: readonly number[] }

/** What is assumed where nothing was seen, and what a person says by hand. */
export const assumed: Habits = {
  turn: { median: 25 * 60_000, spread: 0.8 },
  review: { median: 2 * 3_600_000, spread: 1 },
  changes: 0.9,
  merged: 0.95,
}

/** So much must have been seen before it counts for more than what is assumed. */
const enough = 20

/** `from`: how many turns and reviews were seen; below `enough` they are assumed. */
export function habitsOf(history: readonly DispatchTimes[]): { readonly habits: Habits; readonly turns: number; readonly reviews: number } {
  const turns = turnsIn(history)
  const reviewed = history.filter(({ review_at, state }) => review_at !== null && (state === 'done' || state === 'failed'))
  const reviews = reviewed.map(({ review_at, ended_at }) => ended_at - (review_at ?? 0))
  // What was lost says nothing of what agents make of their turns.
  const ended = history.filter(({ state }) => state !== 'lost')
  const few = ended.length < enough || turns.length < enough
  const merged = reviewed.filter(({ state }) => state === 'done').length
  return {
    habits: {
      turn: few ? assumed.turn : { seen: turns },
      changes: few ? assumed.changes : ended.filter(({ review_at, state }) => review_at !== null || state === 'done').length / ended.length,
      review: reviews.length < enough ? assumed.review : { seen: reviews },
      merged: reviews.length < enough ? assumed.merged : merged / reviews.length,
    },
    turns: turns.length,
    reviews: reviews.length,
  }
}

/** A worker's prompts queue up: its turn begins when it was handed, or when the one before ended. */
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

/** The same draw for the same issue, try and question, whatever else happens: two fleets are compared on the same work. */
export function drawn(seed: number, about: string): () => number {
  return seeded(hashOfText(about, seed))
}

/** Milliseconds. */
export function draw(from: Distribution, random: () => number): number {
  if ('seen' in from) return from.seen[Math.floor(random() * from.seen.length)] ?? 0
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  return from.median * Math.exp(from.spread * normal)
}
