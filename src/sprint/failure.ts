/** How a sprint fails: what was thrown, as the class of failure that it is, and the time that a sprint has. */
import type { ErrorCode } from '../core/error-codes.ts'
import type { Failure, FailureClass } from '../core/sprint.ts'
import { refusalScope, type RefusalScope } from '../decide/backoff.ts'
import { BurnError, isLedgerFailure, messageOf } from '../core/errors.ts'
import { oneLine } from '../core/text.ts'
import { SprintFailure, type SprintContext } from './context.ts'

const classes: Readonly<Partial<Record<ErrorCode, FailureClass>>> = {
  git_empty: 'repo_unusable',
  git_no_base: 'repo_unusable',
  git_missing: 'repo_unusable',
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

/** The class of what the forge refuses, by whose fault that is. */
export const refusedBy: Readonly<Record<RefusalScope, FailureClass>> = {
  issue: 'issue_refused',
  repo: 'repo_refused',
  token: 'token_refused',
  forge: 'forge_down',
}

/** Throws it again where the ledger itself failed: nothing that was done can be recorded then. */
export function failureOfThrown(thrown: unknown): Failure {
  if (thrown instanceof SprintFailure) return thrown.failure
  if (isLedgerFailure(thrown)) throw thrown
  const reason = oneLine(messageOf(thrown), 500)
  if (isFull(thrown)) return { class: 'disk_full', reason }
  if (!(thrown instanceof BurnError)) return { class: 'internal', reason }
  const fault = refusalScope(thrown.code) ?? (thrown.code.startsWith('forge_') ? otherwise(thrown.code) : null)
  return { class: classes[thrown.code] ?? (fault === null ? 'internal' : refusedBy[fault]), reason }
}

/** Between a claim and its end the same repo and token have served before, so what is refused or missing then is the issue's. */
function otherwise(code: ErrorCode): RefusalScope {
  return code === 'forge_forbidden' || code === 'forge_not_found' ? 'issue' : 'forge'
}

function isFull(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && (thrown.code === 'ENOSPC' || thrown.code === 'EDQUOT')
}

const longestTimer = 2 ** 31 - 1

/** Runs `work` with a signal, which git obeys too; it is aborted by `stop`, and after `ms`. Throws SprintFailure `budget` if the time ended it. */
export async function withTimeout<T>(
  ms: number,
  stop: AbortSignal | null,
  context: SprintContext,
  work: (context: SprintContext, ends: AbortSignal) => Promise<T>,
): Promise<T> {
  const time = new AbortController()
  const timer = setTimeout(() => time.abort(), Math.min(longestTimer, Math.max(0, ms)))
  const signal = stop === null ? time.signal : AbortSignal.any([stop, time.signal])
  try {
    return await work({ ...context, git: { ...context.git, signal } }, signal)
  } catch (thrown) {
    if (!time.signal.aborted || failureOfThrown(thrown).class !== 'stopped') throw thrown
    const seconds = Math.round(context.policy.budget.time / 1000)
    throw new SprintFailure({ class: 'budget', reason: `its ${seconds} s are used up` }, thrown)
  } finally {
    clearTimeout(timer)
  }
}
