/** What was thrown, as the class of failure that it is. */
import type { Failure, FailureClass } from '../core/sprint.ts'
import { BurnError, isLedgerFailure, messageOf } from '../core/errors.ts'
import { oneLine } from '../core/text.ts'
import { SprintFailure } from './context.ts'

const classes: Readonly<Record<string, FailureClass>> = {
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
  nonce_in_text: 'internal',
}

/** Throws it again where the ledger itself failed: nothing that was done can be recorded then. */
export function failureOfThrown(thrown: unknown): Failure {
  if (thrown instanceof SprintFailure) return thrown.failure
  if (isLedgerFailure(thrown)) throw thrown
  const reason = oneLine(messageOf(thrown), 500)
  if (isFull(thrown)) return { class: 'disk_full', reason }
  if (!(thrown instanceof BurnError)) return { class: 'internal', reason }
  return { class: classes[thrown.code] ?? (thrown.code.startsWith('forge_') ? 'forge_down' : 'internal'), reason }
}

function isFull(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && (thrown.code === 'ENOSPC' || thrown.code === 'EDQUOT')
}
