/**
 * Decides what burn does next about one change in review. The function is pure: it gets a frozen snapshot of the change and the steps that
 * burn has taken, and returns one decision. The stages and their order are in `core/change-loop.ts` and docs/how-to/changes.md.
 */
import type { ChangeCase, ChangeDecision, ChangeSnapshot, ChangeStep } from '../core/change-loop.ts'
import type { ChangeCondition, ChangePolicy, StepAction } from '../core/change-stages.ts'
import type { Check } from '../core/change-state.ts'
import type { Time } from '../core/nouns.ts'
import type { Reason } from '../core/reasons.ts'
import { conditionOf, stepTimeout } from '../core/change-stages.ts'
import { mergeDecision } from './change-merge.ts'
import { failedChecks } from './change-checks.ts'
import { asksForChanges, newRequests } from './change-reviews.ts'

/** Returns the next decision about a change. `history`: all steps of the dispatch, oldest first. */
export function decideChange(seen: ChangeSnapshot, history: readonly ChangeStep[], policy: ChangePolicy, now: Time): ChangeDecision {
  const given: ChangeCase = { seen, history, policy, now }
  return (
    ended(given) ??
    foreignPush(given) ??
    underWay(given) ??
    conflict(given) ??
    redChecks(given) ??
    review(given) ??
    waitForPush(given) ??
    mergeDecision(given)
  )
}

/** Returns the decision to do nothing, with its reason. */
export function wait(stage: ChangeDecision['stage'], reason: Reason): ChangeDecision {
  return { do: 'nothing', stage, reason }
}

function ended(given: ChangeCase): ChangeDecision | null {
  const { change, base } = given.seen.change
  if (isClosedWithBase(given.seen)) return escalate(given, 'base', { code: 'base_gone', base })
  return change.state === 'open' ? null : wait('ended', { code: change.state === 'merged' ? 'change_merged' : 'change_rejected' })
}

/**
 * Returns true if a change is closed and its base branch no longer exists. Forgejo 11 closes the changes of a branch that somebody deletes,
 * so the work itself was not rejected.
 */
export function isClosedWithBase({ change, protection }: Pick<ChangeSnapshot, 'change' | 'protection'>): boolean {
  return change.change.state === 'closed' && protection === null
}

/**
 * Stops burn if somebody else pushed to the branch. The change's author, burn's account, and the account that had pushed before burn first
 * read the change count as the agent.
 */
function foreignPush({ seen }: ChangeCase): ChangeDecision | null {
  const { pushed, change } = seen.change
  if ('unknown' in pushed) return null
  const own = [seen.login, change.author, seen.first_pusher]
  return own.includes(pushed.login) ? null : wait('foreign', { code: 'pushed_by_other', login: pushed.login })
}

/** Returns the last follow-up that reached an agent, or may have reached it. */
function lastTold(history: readonly ChangeStep[]): ChangeStep | undefined {
  return history.findLast((step) => conditionOf[step.action] !== undefined && isTold(step))
}

/** Returns true if a follow-up reached an agent, or may have reached it. */
function isTold({ delivery, delivered, outcome }: ChangeStep): boolean {
  if (delivery === null) return outcome === 'done'
  return delivered !== 'planned' && delivered !== 'refused' && delivered !== 'mangled'
}

/** Returns true if a follow-up waits: its text is not typed yet, or its sprint has not begun. */
function isPlanned({ action, delivery, delivered, outcome }: ChangeStep): boolean {
  if (conditionOf[action] === undefined) return false
  return delivery === null ? outcome === 'planned' : delivered === 'planned'
}

function underWay({ seen, history }: ChangeCase): ChangeDecision | null {
  const planned = history.find(isPlanned)
  if (planned !== undefined) return wait('needs_work', { code: 'follow_up_waits', action: planned.action })
  return seen.at_work ? wait('at_work', lastTold(history)?.reason ?? { code: 'change_for_review' }) : null
}

/** The number of attempts at a step after which burn stops, because the text never arrived or the forge refused each request. */
const maxAttempts = 3

/**
 * Returns the attempt at which burn may take a step: 1 if burn has not tried. It is the next number if no earlier attempt reached its
 * target. If the process of an attempt was killed, returns the same attempt again. Returns null if burn has taken the step, or has used all
 * attempts.
 */
export function nextStepAttempt(history: readonly ChangeStep[], action: StepAction, signature: string, now: Time): number | null {
  const before = history.filter((step) => step.action === action && step.signature === signature)
  const isFollowUp = conditionOf[action] !== undefined
  const interrupted = isFollowUp ? undefined : before.find((step) => step.outcome === 'planned' && now - step.at >= stepTimeout)
  if (interrupted !== undefined) return interrupted.attempt
  const isTaken = before.some((step) => (isFollowUp ? isTold(step) || isPlanned(step) : step.outcome !== 'failed'))
  return isTaken || before.length >= maxAttempts ? null : before.length + 1
}

interface Condition {
  readonly action: 'fix_checks' | 'address_review' | 'resolve_conflict'
  readonly signature: string
  readonly reason: Reason
}

/**
 * Returns a follow-up about a condition, or the call of a person if the rounds of this condition are used, or if no agent got the text.
 * Null: burn has told it before.
 */
function followUp(given: ChangeCase, what: Condition, make: (attempt: number) => ChangeDecision): ChangeDecision | null {
  const { history, policy, now } = given
  const { action, signature, reason } = what
  const attempt = nextStepAttempt(history, action, signature, now)
  const condition = conditionOf[action] ?? 'checks'
  if (attempt === null) {
    const before = history.filter((step) => step.action === action && step.signature === signature)
    return before.some(isTold) ? null : escalate(given, condition, { code: 'follow_up_failed', attempts: before.length, why: reason })
  }
  if (policy.rounds[condition] === 0) return wait('watched', reason)
  const rounds = history.filter((step) => step.action === action && isTold(step)).length
  if (rounds < policy.rounds[condition]) return make(attempt)
  return escalate(given, condition, { code: 'rounds_used', condition, rounds, why: reason })
}

/** Returns the decision to call a person, once for each condition, and once for a deleted base. */
function escalate({ history, now }: ChangeCase, signature: ChangeCondition | 'base', reason: Reason): ChangeDecision {
  const attempt = nextStepAttempt(history, 'escalate', signature, now)
  return attempt === null ? wait('escalated', reason) : { do: 'escalate', stage: 'escalated', reason, signature, attempt }
}

/** burn first lets git resolve a conflict, and tells the agent only if git cannot. */
function conflict(given: ChangeCase): ChangeDecision | null {
  const { mergeable, sha, base, base_sha } = given.seen.change
  // A deleted base makes the mergeability unknown.
  if (mergeable !== 'no' && base_sha !== null) return null
  if (base_sha === null) return escalate(given, 'base', { code: 'base_gone', base })
  const signature = JSON.stringify([sha, base_sha])
  const reason: Reason = { code: 'change_conflict', base }
  const byGit = nextStepAttempt(given.history, 'resolve_by_git', signature, given.now)
  const failed = given.history.some((step) => step.action === 'resolve_by_git' && step.signature === signature && step.outcome === 'failed')
  if (byGit !== null && !failed) return { do: 'resolve_by_git', stage: 'needs_work', reason, signature, attempt: byGit }
  if (!failed) return wait('watched', { code: 'forge_thinks' })
  // The base may move many times while the agent works. One follow-up for each head is enough.
  return followUp(given, { action: 'resolve_conflict', signature: sha, reason }, (attempt) => ({
    do: 'resolve_conflict',
    stage: 'needs_work',
    reason,
    signature: sha,
    attempt,
  }))
}

/** The time (ms) within which a forge shows that a rerun of a check began. */
const rerunShownWithin = 5 * 60_000

/** Returns the rerun of the head's checks that burn asked for a short time ago; undefined if there is none. */
export function recentRerun(history: readonly ChangeStep[], sha: string, now: Time): ChangeStep | undefined {
  return history.findLast(
    ({ action, signature, outcome, at }) =>
      action === 'rerun_checks' &&
      signature === sha &&
      outcome !== 'failed' &&
      now - at < (outcome === 'planned' ? stepTimeout : rerunShownWithin),
  )
}

/** Returns true if a process asks for a rerun now. Also returns true if burn has asked, and the failed checks are still the old ones. */
function isRerunning({ seen, history, now }: ChangeCase, failed: readonly Check[]): boolean {
  const rerun = recentRerun(history, seen.change.sha, now)
  if (rerun === undefined) return false
  return rerun.outcome === 'planned' || failed.every(({ updated_at }) => updated_at <= rerun.at)
}

/** burn reruns failed checks once if the forge can, and then tells the agent. */
function redChecks(given: ChangeCase): ChangeDecision | null {
  const { sha, checks } = given.seen.change
  const failed = failedChecks(checks)
  if (failed.length === 0) return null
  const signature = JSON.stringify([sha, ...failed.map(({ name }) => name).toSorted()])
  const reason: Reason = { code: 'checks_failed', checks: failed.map(({ name }) => name) }
  if (isRerunning(given, failed)) return wait('watched', { code: 'rerun_awaited' })
  const canRerun = failed.every(({ job }) => job?.rerunnable === true)
  const rerun = canRerun ? nextStepAttempt(given.history, 'rerun_checks', sha, given.now) : null
  if (rerun !== null && rerun === 1) return { do: 'rerun_checks', stage: 'watched', reason, checks: failed, signature: sha, attempt: rerun }
  return followUp(given, { action: 'fix_checks', signature: signature, reason }, (attempt) => ({
    do: 'fix_checks',
    stage: 'needs_work',
    reason,
    checks: failed,
    signature,
    attempt,
  }))
}

/** burn tells each review and each comment of a thread once. */
function review(given: ChangeCase): ChangeDecision | null {
  const { seen, history, policy } = given
  const told = new Set(history.flatMap((step) => (step.action === 'address_review' && isTold(step) ? reviewIds(step.signature) : [])))
  const { reviews, threads, ids } = newRequests(seen, policy, told)
  if (ids.length === 0) return null
  const signature = JSON.stringify(ids)
  const authors = [
    ...reviews.map(({ author }) => author),
    ...threads.flatMap(({ comments }) => comments.slice(0, 1).map(({ author }) => author)),
  ]
  const reason: Reason = { code: 'review_asks', by: [...new Set(authors)], threads: threads.length }
  return followUp(given, { action: 'address_review', signature: signature, reason }, (attempt) => {
    return { do: 'address_review', stage: 'needs_work', reason, reviews, threads, signature, attempt }
  })
}

function reviewIds(signature: string): readonly string[] {
  const ids: unknown = JSON.parse(signature)
  return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : []
}

/**
 * After a follow-up, burn waits for a new head. If none comes in `push_timeout`, burn calls a person. If burn cannot prove that the agent
 * got the text, it calls a person as soon as no agent is at work: the agent may not know of the text, and burn does not tell it twice.
 */
function waitForPush(given: ChangeCase): ChangeDecision | null {
  const { seen, history, policy, now } = given
  const told = lastTold(history)
  if (told === undefined || told.head !== seen.change.sha || isResolved(told, given)) return null
  const condition = conditionOf[told.action] ?? 'checks'
  if (told.delivered === 'unknown') return escalate(given, condition, { code: 'follow_up_unproven', action: told.action })
  const reason: Reason = { code: 'no_push_followed', action: told.action }
  const since = Math.max(seen.idle_since ?? now, told.at)
  return now - since < policy.push_timeout ? wait('no_push', reason) : escalate(given, condition, reason)
}

/** Returns true if the condition of a follow-up ended without a push, for example because the reviewer resolved the threads. */
function isResolved({ action }: ChangeStep, { seen, policy }: ChangeCase): boolean {
  if (action === 'fix_checks') return failedChecks(seen.change.checks).length === 0
  if (action === 'resolve_conflict') return seen.change.mergeable === 'yes'
  return !asksForChanges(seen, policy)
}
