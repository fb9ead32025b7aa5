/** May this issue be given to a worker at all, and if not, why. Says nothing about which worker. */
import type { IssueRecord } from '../core/ledger/backlog.ts'
import type { Fleet, Issue, RepoRef } from '../core/nouns.ts'
import type { ApproveAction } from '../core/actions.ts'
import type { CandidateFacet, Moment, ReposFacet } from '../core/fleet-state.ts'
import type { Reason } from '../core/reasons.ts'
import { hasElapsed } from '../core/elapsed.ts'
import { servedRepos } from '../core/refs.ts'
import { retryAt } from './backoff.ts'

/** `until`: what must happen before the answer can be another: a change of the issue or of the rules, or nothing but time. */
export type Eligibility =
  | { readonly kind: 'work' }
  | { readonly kind: 'council' }
  | { readonly kind: 'taken'; readonly reason: Reason }
  | { readonly kind: 'no'; readonly reason: Reason; readonly until: 'changed' | 'later' }

/** How long a look at the claim of another fleet or another ledger counts, while the issue itself does not change. */
const foreignClaimKept = 3_600_000

/** What issues are judged from. */
export type JudgedBy = Moment & Pick<ReposFacet, 'writers'> & Pick<CandidateFacet, 'login' | 'claims'>

/** What `eligibility` needs, prepared once for all issues of a cycle. */
export interface EligibilityRules {
  readonly seen: JudgedBy
  readonly served: ReadonlySet<RepoRef>
  readonly skipTitles: readonly RegExp[]
  readonly skipLabels: ReadonlySet<string>
  readonly councilLabels: ReadonlySet<string>
  readonly trustedLabels: ReadonlySet<string>
}

/** `served`: repos whose issues are work for somebody; without it those of the fleet's windows. */
export function eligibilityRules(seen: JudgedBy, served?: readonly RepoRef[]): EligibilityRules {
  const policy = seen.fleet.dispatch
  const lower = (labels: readonly string[]) => new Set(labels.map((label) => label.toLowerCase()))
  return {
    seen,
    served: new Set(served ?? servedRepos(seen.fleet.machines)),
    skipTitles: policy.skip_titles.map((pattern) => new RegExp(pattern, 'iu')),
    skipLabels: lower(policy.skip_labels),
    councilLabels: lower(policy.council_labels),
    trustedLabels: lower(policy.trust.labels),
  }
}

/** All that a lasting verdict was given by, beside the issue: where it differs, every issue is judged again. */
export function rulesMark(fleet: Fleet): string {
  return JSON.stringify([fleet.name, fleet.dispatch, servedRepos(fleet.machines)])
}

/**
 * What is at work is asked no more; the checks run from what the issue says of itself to what the fleet did with it: the first that fails
 * is the reason.
 */
export function eligibility(record: IssueRecord, rules: EligibilityRules): Eligibility {
  const { issue } = record
  if (record.standing === 'taken') return { kind: 'taken', reason: record.verdict?.reason ?? { code: 'taken' } }
  const lasting = skipped(issue, rules) ?? untrusted(record, rules) ?? assigned(issue, rules) ?? given(record, rules)
  if (lasting !== null) return { kind: 'no', reason: lasting, until: isUnsure(issue, rules) ? 'later' : 'changed' }
  const passing = changed(record) ?? foreign(record, rules) ?? backedOff(record, rules) ?? tooSoon(record, rules)
  if (passing !== null) return { kind: 'no', reason: passing, until: 'later' }
  if (issue.labels.some((label) => rules.councilLabels.has(label.toLowerCase()))) return { kind: 'council' }
  if (!rules.served.has(issue.repo)) return { kind: 'no', reason: { code: 'not_served', repo: issue.repo }, until: 'changed' }
  return { kind: 'work' }
}

function skipped(issue: Issue, rules: EligibilityRules): Reason | null {
  const label = issue.labels.find((name) => rules.skipLabels.has(name.toLowerCase()))
  if (label !== undefined) return { code: 'skip_label', label }
  const title = rules.skipTitles.find((pattern) => pattern.test(issue.title))
  return title === undefined ? null : { code: 'skip_title', pattern: title.source }
}

/** An author's own rights cover whatever the text says: who else may edit it may write, too. A label covers one text. */
function untrusted({ issue, approval }: IssueRecord, rules: EligibilityRules): Reason | null {
  const reason = untrustedAuthor(issue, rules)
  const label = issue.labels.find((name) => rules.trustedLabels.has(name.toLowerCase()))
  if (reason === null || label === undefined) return reason
  if (approval === 'current') return null
  if (approval === null) return { code: 'approval_unseen', label }
  return { code: 'approval_edited', label }
}

/**
 * Approves the text that an issue has when a trusted label is first seen on it, and forgets that once the label is gone. Returns the
 * records as they are then.
 */
export function withApprovals(
  issues: readonly IssueRecord[],
  { dispatch: { trust } }: Fleet,
): { readonly issues: readonly IssueRecord[]; readonly actions: readonly ApproveAction[] } {
  const labels = new Set(trust.labels.map((label) => label.toLowerCase()))
  const actions: ApproveAction[] = []
  const after = issues.map((record): IssueRecord => {
    const { issue, revision, approval } = record
    const label = labels.size === 0 ? undefined : issue.labels.find((each) => labels.has(each.toLowerCase()))
    const approved = label !== undefined
    if (approved === (approval !== null)) return record
    const reason: Reason = approved ? { code: 'label_set', label } : { code: 'label_gone' }
    actions.push({ do: 'approve', issue: issue.ref, approved, revision, reason })
    return { ...record, approval: approved ? 'current' : null }
  })
  return { issues: after, actions }
}

function untrustedAuthor(issue: Issue, rules: EligibilityRules): Reason | null {
  const { authors } = rules.seen.fleet.dispatch.trust
  if (authors === 'anyone') return null
  if (authors !== 'writers') {
    return authors.includes(issue.author) ? null : { code: 'author_not_listed', author: issue.author }
  }
  const writers = rules.seen.writers.get(issue.repo)
  if (writers === undefined) return { code: 'writers_unknown', repo: issue.repo }
  return writers.has(issue.author) ? null : { code: 'author_not_writer', author: issue.author, repo: issue.repo }
}

function assigned(issue: Issue, rules: EligibilityRules): Reason | null {
  if (rules.seen.fleet.dispatch.assigned === 'ignore' || issue.assignees.length === 0) return null
  const { login } = rules.seen
  return login !== null && issue.assignees.includes(login) ? null : { code: 'assigned', assignees: issue.assignees }
}

/** Whether it is the fleet's own could not be asked. */
function isUnsure(issue: Issue, { seen }: EligibilityRules): boolean {
  return seen.login === null && issue.assignees.length > 0
}

/** Somebody, or an earlier dispatch, has work for it open for review. */
function changed({ open_change }: IssueRecord): Reason | null {
  return open_change === null ? null : { code: 'change_open', change: open_change }
}

/**
 * A claim of others was seen in this cycle; or a while ago, and nothing has changed since: looking again each cycle would cost a request.
 */
function foreign({ issue, verdict }: IssueRecord, rules: EligibilityRules): Reason | null {
  const check = rules.seen.claims.get(issue.ref)
  if (check !== undefined) return check.state === 'free' ? null : check.reason
  if (verdict?.reason.code !== 'claimed_elsewhere' && verdict?.reason.code !== 'claimed_by_other_ledger') return null
  const fresh = issue.updated_at <= verdict.at && !hasElapsed(verdict.at, foreignClaimKept, rules.seen.now)
  return fresh ? verdict.reason : null
}

function given({ attempts, done }: IssueRecord, rules: EligibilityRules): Reason | null {
  if (done) return { code: 'done_before' }
  const limit = rules.seen.fleet.dispatch.max_attempts
  return attempts >= limit ? { code: 'attempts_used', attempts } : null
}

function backedOff({ backoff }: IssueRecord, { seen }: EligibilityRules): Reason | null {
  return backoff === null || backoff.until <= seen.now ? null : { code: 'rests', ...backoff }
}

function tooSoon(record: IssueRecord, { seen }: EligibilityRules): Reason | null {
  const until = retryAt(record, seen.fleet.dispatch.retry_after, seen.now)
  return until === null ? null : { code: 'retry_wait', until, attempts: record.attempts }
}
