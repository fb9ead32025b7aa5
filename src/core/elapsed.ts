/** Compares times of a wall clock, which people and time servers may set back. */
import type { Time } from './nouns.ts'

/** The largest difference (ms) between the clocks of two machines that burn treats as normal. */
const skew = 60_000

/**
 * Returns true if `ms` milliseconds have passed since `since`. Also returns true if `since` is in the future by more than `skew`: the clock
 * was set back, and waiting for it to catch up could take years.
 */
export function hasElapsed(since: Time, ms: number, now: Time): boolean {
  return now - since >= ms || since - now > skew
}
