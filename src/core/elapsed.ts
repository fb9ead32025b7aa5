/** Durations by a clock that people and servers set. */
import type { Time } from './nouns.ts'

/** Clocks of several machines differ by this much, milliseconds, and nobody set one. */
const skew = 60_000

/**
 * `ms` have passed since then. Also where `since` lies further ahead than clocks differ: the clock was set back, and nobody can say how long ago that
 * was; waiting until it is there again could take years.
 */
export function hasElapsed(since: Time, ms: number, now: Time): boolean {
  return now - since >= ms || since - now > skew
}
