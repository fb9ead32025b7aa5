/** How long what failed is left alone before it is tried again: twice as long each time, up to a limit, and not everything at the same moment. */
import type { IssueRecord } from '../core/ledger.ts'
import type { Time } from '../core/nouns.ts'
import { hasPassed } from '../core/elapsed.ts'

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
  const pause = pauseAfter(attempts, { first: retryAfter, longest: longestOfIssues }, spreadOf(`${issue.ref} ${attempts}`))
  return hasPassed(failed_at, pause, now) ? null : failed_at + pause
}

/** The same number in [0, 1) for the same text (FNV-1a): issues that were lost together do not all come back together. */
function spreadOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0
  return hash / 2 ** 32
}
