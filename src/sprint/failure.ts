/** Classifies the exceptions that a sprint throws, and enforces the sprint's time limit. */
import type { ErrorCode } from '../core/error-codes.ts'
import type { Failure, FailureClass } from '../core/sprint.ts'
import { refusalScope, type RefusalScope } from '../decide/backoff.ts'
import { BurnError, isLedgerFailure, messageOf } from '../core/errors.ts'
import { oneLine } from '../core/text.ts'
import { SprintFailure, type SprintContext } from './context.ts'

const failureClasses: Readonly<Partial<Record<ErrorCode, FailureClass>>> = {
  git_empty: 'repo_unusable',
  git_no_base: 'repo_unusable',
  git_missing: 'repo_unusable',
  git_owner: 'repo_unusable',
  git_signing: 'repo_unusable',
  git_object_format: 'repo_unusable',
  git_mirror_damaged: 'repo_unusable',
  git_auth: 'push_refused',
  git_refused: 'push_refused',
  git_conflict: 'conflict',
  git_unreachable: 'forge_down',
  git_disk_full: 'disk_full',
  sandbox_missing: 'sandbox_missing',
  sandbox_failed: 'sandbox_failed',
  sandbox_workspace: 'workspace_unusable',
  workspace_unusable: 'workspace_unusable',
  git_stopped: 'stopped',
  nonce_in_text: 'internal',
}

/** The failure class for each scope of a refusal by the forge. */
export const refusedBy: Readonly<Record<RefusalScope, FailureClass>> = {
  issue: 'issue_refused',
  repo: 'repo_refused',
  token: 'token_refused',
  forge: 'forge_down',
}

/** Returns the failure for an exception. Rethrows errors of the ledger, because the result cannot be recorded without the ledger. */
export function failureOfThrown(thrown: unknown): Failure {
  if (thrown instanceof SprintFailure) return thrown.failure
  if (isLedgerFailure(thrown)) throw thrown
  const reason = oneLine(messageOf(thrown), 500)
  if (isDiskFull(thrown)) return { class: 'disk_full', reason }
  if (!(thrown instanceof BurnError)) return { class: 'internal', reason }
  const scope = refusalScope(thrown.code) ?? (thrown.code.startsWith('forge_') ? scopeAfterClaim(thrown.code) : null)
  return { class: failureClasses[thrown.code] ?? (scope === null ? 'internal' : refusedBy[scope]), reason }
}

/**
 * Returns the scope of a forge error that occurs after the claim. The repo and the token worked when the issue was claimed, so `forbidden`
 * and `not_found` apply to the issue.
 */
function scopeAfterClaim(code: ErrorCode): RefusalScope {
  return code === 'forge_forbidden' || code === 'forge_not_found' ? 'issue' : 'forge'
}

function isDiskFull(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && (thrown.code === 'ENOSPC' || thrown.code === 'EDQUOT')
}

/** Node's longest timer (ms). Node would fire a longer timer at once. */
const maxTimer = 2 ** 31 - 1

/**
 * Runs `work` and returns its result. The signal for `work` and for git commands aborts when `stop` aborts, or after `ms` milliseconds.
 * Throws SprintFailure `budget` if this time ends first.
 */
export async function withTimeout<T>(
  ms: number,
  stop: AbortSignal | null,
  context: SprintContext,
  work: (context: SprintContext, ends: AbortSignal) => Promise<T>,
): Promise<T> {
  const timeout = new AbortController()
  const timer = setTimeout(() => timeout.abort(), Math.min(maxTimer, Math.max(0, ms)))
  const signal = stop === null ? timeout.signal : AbortSignal.any([stop, timeout.signal])
  try {
    return await work({ ...context, git: { ...context.git, signal } }, signal)
  } catch (thrown) {
    if (!timeout.signal.aborted || failureOfThrown(thrown).class !== 'stopped') throw thrown
    const seconds = Math.round(context.policy.budget.time / 1000)
    throw new SprintFailure({ class: 'budget', reason: `time limit reached: ${seconds} s` }, thrown)
  } finally {
    clearTimeout(timer)
  }
}
