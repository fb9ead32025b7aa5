/** Decides whether burn may update or merge a change whose conditions are all met. burn never merges less strictly than the forge demands. */
import type { ChangeState, Protection } from '../core/change-state.ts'
import type { ChangePolicy, MergeMethod } from '../core/change-stages.ts'
import type { ChangeCase, ChangeDecision } from '../core/change-loop.ts'
import type { ChangeStage } from '../core/change-stages.ts'
import type { Reason } from '../core/reasons.ts'
import { itemsOf, parseJson, stringOf } from '../core/json.ts'
import { stepTimeout } from '../core/change-stages.ts'
import { backoffMs } from './backoff.ts'
import { checksVerdict } from './change-checks.ts'
import { approvalsOf, asksForChanges, hasLostApproval } from './change-reviews.ts'

/** Returns the merge or the update of a change, or the reason why burn waits. */
export function mergeDecision(given: ChangeCase): ChangeDecision {
  const { seen, policy } = given
  const { protection } = seen
  const interrupted = interruptedUpdate(given)
  if (interrupted !== null) return interrupted
  const blocked = whyNotMergeable(given) ?? whyNotApproved(given)
  if (blocked !== null) return { do: 'nothing', ...blocked }
  if (policy.merge === 'never') return { do: 'nothing', stage: 'watched', reason: { code: 'merge_by_person' } }
  if (protection === null) return { do: 'nothing', stage: 'watched', reason: { code: 'base_gone', base: seen.change.base } }
  const forbidden = whyForbidden(given, protection)
  if (forbidden !== null) return { do: 'nothing', ...forbidden }
  return needsUpdate(given) ? updateOf(given, protection) : mergeOf(given, protection)
}

/**
 * Returns an update whose process was killed, if the head has changed since. burn repeats its request: the forge then tells whether the
 * update made the new head, so that approvals of the earlier head still count.
 */
function interruptedUpdate({ seen, history, now }: ChangeCase): ChangeDecision | null {
  const last = history.findLast(({ action }) => action === 'update_branch')
  if (last?.outcome !== 'planned' || last.head === seen.change.sha || now - last.at < stepTimeout) return null
  const { reason, signature, attempt, head } = last
  return { do: 'update_branch', stage: 'merging', reason, method: 'merge', signature, attempt, head, onto: ontoOf(signature) }
}

/**
 * Returns true if burn brings the base into the branch before a merge: the checks of a head that lacks commits of the base say nothing
 * about the merged result. If an update has cost an approval, burn merges the head that a person approved since, unless the forge refuses:
 * otherwise a busy base would need ever new approvals.
 */
function needsUpdate(given: ChangeCase): boolean {
  const { seen, history } = given
  const { behind, sha } = seen.change
  const signature = updateSignature(sha, seen.protection?.base_sha)
  // An update without a new head: the new commits of the base change nothing.
  const isUpdated = history.some((step) => step.action === 'update_branch' && step.signature === signature && step.outcome === 'done')
  if (behind !== true || isUpdated) return false
  const isRefused = history.some(({ action, signature: of, reason }) => {
    return action === 'merge' && of === sha && reason.code === 'merge_refused' && reason.result === 'checks_missing'
  })
  return isRefused || requiredApprovals(given) === 0 || !hasLostApproval(given)
}

const updateSignature = (sha: string, base_sha: string | undefined) => JSON.stringify([sha, base_sha])

/** Returns the commit of the base in the signature of an update; null if a person asked for the update. */
function ontoOf(signature: string): string | null {
  const [, onto] = itemsOf(parseJson(signature)?.value)
  return stringOf(onto)
}

function requiredApprovals({ seen, policy }: ChangeCase): number {
  return Math.max(policy.merge === 'approved' ? 1 : 0, seen.protection?.required_approvals ?? 0)
}

interface Blocked {
  readonly stage: ChangeStage
  readonly reason: Reason
}

/** The time (ms) after an update of a branch in which no other change may use the base. Checks that never end must not block the base. */
const baseHeldFor = 60 * 60_000

function whyNotMergeable({ seen, history, now }: ChangeCase): Blocked | null {
  const { draft, mergeable, checks } = seen.change
  if (draft) return { stage: 'watched', reason: { code: 'change_draft' } }
  const verdict = checksVerdict(checks, seen.protection)
  // burn has updated the branch, or was killed while it did, so no other change may use the base until the checks have ended.
  const last = history.at(-1)
  const isUpdated = last?.action === 'update_branch' && last.outcome !== 'failed' && now - last.at < baseHeldFor
  const stage = isUpdated ? 'merging' : 'watched'
  if (verdict.is === 'pending' || verdict.is === 'missing' || verdict.is === 'unclear' || verdict.is === 'failed')
    return { stage, reason: { code: 'checks_not_green', is: verdict.is, checks: verdict.names } }
  return mergeable === 'unknown' ? { stage, reason: { code: 'forge_thinks' } } : null
}

function whyNotApproved(given: ChangeCase): Blocked | null {
  const { seen, policy } = given
  if (asksForChanges(seen, policy)) return { stage: 'watched', reason: { code: 'review_awaited' } }
  if (policy.merge === 'green' && seen.change.checks.length === 0) return { stage: 'watched', reason: { code: 'no_checks' } }
  const [approvals, required] = [approvalsOf(given), requiredApprovals(given)]
  return approvals >= required ? null : { stage: 'watched', reason: { code: 'approvals_missing', approvals, required } }
}

function whyForbidden({ seen, policy }: ChangeCase, protection: Protection): Blocked | null {
  const { protected_paths: paths, repo_base } = seen
  const { base } = seen.change
  if (repo_base !== null && base !== repo_base) return { stage: 'ready', reason: { code: 'other_base', base, expected: repo_base } }
  if (paths === null) return { stage: 'watched', reason: { code: 'paths_unknown' } }
  if (paths.length > 0) return { stage: 'watched', reason: { code: 'merge_protected', paths: paths.slice(0, 10) } }
  if (protection.may_merge === false)
    return { stage: 'ready', reason: { code: 'merge_not_allowed', why: 'the token may not merge into the base branch' } }
  if (methodOf(policy.method, protection) === null)
    return { stage: 'ready', reason: { code: 'merge_not_allowed', why: `the repo does not allow the method ${policy.method ?? 'merge'}` } }
  return seen.base_taken_by === null ? null : { stage: 'ready', reason: { code: 'base_taken', change: seen.base_taken_by } }
}

/**
 * Returns whether burn deletes the head branch after a merge. The spec decides, otherwise the setting of the repo. burn never deletes a
 * branch of a fork. It also keeps a branch without the name of a dispatch, because a person may have made it.
 */
export function deletesBranch(
  { change }: Pick<ChangeState, 'change'>,
  protection: Pick<Protection, 'delete_branch'>,
  policy: Pick<ChangePolicy, 'delete_branch'>,
): boolean {
  if (change.fork || change.dispatch_id === null) return false
  return policy.delete_branch ?? protection.delete_branch ?? false
}

function methodOf(wanted: MergeMethod | null, { methods }: Protection): MergeMethod | null {
  return wanted === null ? (methods[0] ?? null) : methods.includes(wanted) ? wanted : null
}

function updateOf(given: ChangeCase, { base_sha, may_rebase, methods }: Protection): ChangeDecision {
  const { sha, base } = given.seen.change
  // A repo without merge commits needs a linear history.
  const method = may_rebase && !methods.includes('merge') ? 'rebase' : 'merge'
  const signature = updateSignature(sha, base_sha)
  const again = retry(given, 'update_branch', signature)
  const reason: Reason = { code: 'base_moved', base }
  return 'why' in again
    ? { do: 'nothing', stage: 'ready', reason: again.why }
    : { do: 'update_branch', stage: 'merging', reason, method, signature, attempt: again.attempt, head: sha, onto: base_sha }
}

function mergeOf(given: ChangeCase, protection: Protection): ChangeDecision {
  const { sha } = given.seen.change
  const again = retry(given, 'merge', sha)
  const method = methodOf(given.policy.method, protection)
  if ('why' in again || method === null)
    return { do: 'nothing', stage: 'ready', reason: 'why' in again ? again.why : { code: 'merge_not_allowed', why: 'no method' } }
  return {
    do: 'merge',
    stage: 'merging',
    reason: { code: 'merge_policy', policy: given.policy.merge === 'green' ? 'green' : 'approved' },
    method,
    delete_branch: deletesBranch(given.seen.change, protection, given.policy),
    signature: sha,
    attempt: again.attempt,
  }
}

/** The pauses (ms) between attempts at a merge or an update. */
const pauses = { first: 30_000, longest: 60 * 60_000 }

/**
 * Returns the next attempt, or the reason why burn waits. The forge compares the head's commit, so an attempt whose response was lost may
 * be repeated.
 */
function retry({ history, now }: ChangeCase, action: 'merge' | 'update_branch', signature: string): { attempt: number } | { why: Reason } {
  const before = history.filter((step) => step.action === action && step.signature === signature)
  const last = before.at(-1)
  if (last === undefined) return { attempt: 1 }
  const again = last.at + backoffMs(before.length, pauses, 0)
  return now >= again ? { attempt: last.attempt + 1 } : { why: last.reason }
}
