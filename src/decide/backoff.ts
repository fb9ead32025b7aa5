/** How long what failed is left alone before it is tried again: twice as long each time, up to a limit, and not everything at the same moment. */
import type { IssueRecord } from '../core/ledger/backlog.ts'
import type { Time } from '../core/nouns.ts'
import { hasPassed } from '../core/elapsed.ts'
import { hashOfText } from '../core/random.ts'

/** Milliseconds. */
export interface Backoff {
  readonly first: number
  readonly longest: number
}

/** An issue is left alone for an hour at most: its attempts have a limit of their own. */
const longestOfIssues = 3_600_000

/** Milliseconds after so many failures in a row (1 or more). `spread` is in [0, 1): up to a quarter of the pause is taken off by it. */
export function pauseAfter(failures: number, { first, longest }: Backoff, spread: number): number {
  return Math.round(Math.min(longest, first * 2 ** (failures - 1)) * (1 - spread / 4))
}

/** Until when an issue that failed or was lost waits before it is given again; null where it need not. */
export function waitsUntil({ issue, attempts, failed_at }: IssueRecord, retryAfter: number, now: Time): Time | null {
  if (attempts === 0 || failed_at === null) return null
  // By chance, but always the same: issues that were lost together do not all come back together.
  const spread = hashOfText(`${issue.ref} ${attempts}`) / 2 ** 32
  const pause = pauseAfter(attempts, { first: retryAfter, longest: longestOfIssues }, spread)
  return hasPassed(failed_at, pause, now) ? null : failed_at + pause
}
