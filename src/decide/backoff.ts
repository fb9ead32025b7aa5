/** How long what failed is left alone before it is tried again, and whose fault an error of the forge is. */
import type { ErrorCode } from '../core/error-codes.ts'
import type { IssueRecord } from '../core/ledger/backlog.ts'
import type { Time } from '../core/nouns.ts'
import { hasElapsed } from '../core/elapsed.ts'
import { hashOfText } from '../core/random.ts'

/** Milliseconds. */
export interface BackoffPolicy {
  readonly first: number
  readonly longest: number
}

/** An issue is left alone for an hour at most: its attempts have a limit of their own. */
const longestOfIssues = 3_600_000

/** Milliseconds after so many failures in a row (1 or more). `spread` is in [0, 1): up to a quarter of the pause is taken off by it. */
export function backoffMs(failures: number, { first, longest }: BackoffPolicy, spread: number): number {
  return Math.round(Math.min(longest, first * 2 ** (failures - 1)) * (1 - spread / 4))
}

/** Until when an issue that failed or was lost waits before it is given again; null where it need not. */
export function retryAt({ issue, attempts, failed_at }: IssueRecord, retryAfter: number, now: Time): Time | null {
  if (attempts === 0 || failed_at === null) return null
  // By chance, but always the same: issues that were lost together do not all come back together.
  const spread = hashOfText(`${issue.ref} ${attempts}`) / 2 ** 32
  const pause = backoffMs(attempts, { first: retryAfter, longest: longestOfIssues }, spread)
  return hasElapsed(failed_at, pause, now) ? null : failed_at + pause
}

/** `issue` and `repo`: nothing else is affected. `token`: this token cannot do it anywhere. `forge`: it is in trouble, so nobody knows more. */
export type RefusalScope = 'issue' | 'repo' | 'token' | 'forge'

/** Codes that are missing say too little by themselves: the caller asks the forge one more question (`claim/refusal`). */
const faults: Readonly<Record<string, RefusalScope>> = {
  forge_archived: 'repo',
  forge_issues_off: 'repo',
  forge_too_big: 'issue',
  forge_ref: 'issue',
  forge_refused: 'issue',
  forge_conflict: 'issue',
  forge_malformed: 'issue',
  forge_auth: 'token',
  forge_url: 'forge',
  forge_unavailable: 'forge',
  forge_timeout: 'forge',
  forge_rate_limited: 'forge',
  forge_redirected: 'forge',
  forge_not_json: 'forge',
} satisfies Readonly<Partial<Record<ErrorCode, RefusalScope>>>

/** Returns whose fault an error with this code is, the token's own errors included; null if the code alone does not say. */
export function refusalScope(code: string): RefusalScope | null {
  return faults[code] ?? (code.startsWith('secret_') ? 'token' : null)
}

const minute = 60_000

/** No repo rests longer, milliseconds. A rest that would was kept by a clock that was set back since, and does not count. */
export const maxRepoBackoff = 60 * minute

/** A repo is tried again sooner than an issue: more waits for it, and people unarchive a repo and expect burn to notice. */
const pauses: Readonly<Record<Exclude<RefusalScope, 'forge'>, BackoffPolicy>> = {
  issue: { first: 15 * minute, longest: 24 * 60 * minute },
  repo: { first: 5 * minute, longest: maxRepoBackoff },
  token: { first: minute, longest: 15 * minute },
}

/** Returns until when an issue or a repo rests after it was refused so many times before within a day. */
export function backoffUntil(fault: Exclude<RefusalScope, 'forge'>, before: number, now: Time): Time {
  return now + backoffMs(before + 1, pauses[fault], 0)
}
