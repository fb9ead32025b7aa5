/** The pauses before burn retries a failed issue or a refused write, and the scope of a forge's refusal. */
import type { ErrorCode } from '../core/error-codes.ts'
import type { IssueRecord } from '../core/ledger/backlog.ts'
import type { Time } from '../core/nouns.ts'
import { hasElapsed } from '../core/elapsed.ts'
import { hashOfText } from '../core/random.ts'

/** The limits of an exponential back-off, in milliseconds. */
export interface BackoffPolicy {
  readonly first: number
  readonly longest: number
}

/** Maximum pause (ms) between two attempts of an issue. The number of attempts has its own limit. */
const maxIssueBackoff = 3_600_000

/** Returns the pause (ms) after a number of failures in a row (1 or more). `spread`, in [0, 1), shortens the pause by up to a quarter. */
export function backoffMs(failures: number, { first, longest }: BackoffPolicy, spread: number): number {
  return Math.round(Math.min(longest, first * 2 ** (failures - 1)) * (1 - spread / 4))
}

/** Returns the time until which a failed or lost issue waits for its next attempt; null if it need not wait. */
export function retryAt({ issue, attempts, failed_at }: IssueRecord, retryAfter: number, now: Time): Time | null {
  if (attempts === 0 || failed_at === null) return null
  // burn derives the spread from the issue, so that every process computes the same pause. Issues that burn lost at the same time get
  // different retry times.
  const spread = hashOfText(`${issue.ref} ${attempts}`) / 2 ** 32
  const pause = backoffMs(attempts, { first: retryAfter, longest: maxIssueBackoff }, spread)
  return hasElapsed(failed_at, pause, now) ? null : failed_at + pause
}

/**
 * The scope of a forge's refusal. `issue` and `repo`: nothing else is affected. `token`: the token may not write in any repo. `forge`: the
 * whole forge has a failure, so the scope is unknown.
 */
export type RefusalScope = 'issue' | 'repo' | 'token' | 'forge'

/** The scope that an error code shows. For a code that is not listed, `claim/refusal` finds the scope with one more request. */
const scopes: Readonly<Record<string, RefusalScope>> = {
  forge_archived: 'repo',
  forge_issues_off: 'repo',
  forge_too_big: 'issue',
  forge_ref: 'issue',
  forge_refused: 'issue',
  forge_conflict: 'issue',
  forge_malformed: 'issue',
  forge_auth: 'token',
  forge_ca_file: 'forge',
  proxy_invalid: 'forge',
  forge_url: 'forge',
  forge_unavailable: 'forge',
  forge_timeout: 'forge',
  forge_rate_limited: 'forge',
  forge_redirected: 'forge',
  forge_not_json: 'forge',
} satisfies Readonly<Partial<Record<ErrorCode, RefusalScope>>>

/**
 * Returns the scope of a refusal with this error code; null if the code does not show the scope. Errors of reading the token also have a
 * scope.
 */
export function refusalScope(code: string): RefusalScope | null {
  return scopes[code] ?? (code.startsWith('secret_') ? 'token' : null)
}

const minute = 60_000

/** Maximum back-off (ms) of a repo. burn ignores a stored back-off that would last longer than this from now, because then the clock was set back after burn stored it. */
export const maxRepoBackoff = 60 * minute

/**
 * A repo has a shorter back-off than an issue, because the back-off of a repo stops all issues of the repo. A person who unarchives a repo
 * also expects burn to notice the change soon.
 */
const policies: Readonly<Record<Exclude<RefusalScope, 'forge'>, BackoffPolicy>> = {
  issue: { first: 15 * minute, longest: 24 * 60 * minute },
  repo: { first: 5 * minute, longest: maxRepoBackoff },
  token: { first: minute, longest: 15 * minute },
}

/** Returns the end of the back-off after a refusal. `before`: the number of earlier refusals in the past day. */
export function backoffUntil(scope: Exclude<RefusalScope, 'forge'>, before: number, now: Time): Time {
  return now + backoffMs(before + 1, policies[scope], 0)
}
