/** Decides whether an issue is work for the fleet, and gives the reason if it is not. `route` chooses the worker. */
import type { IssueRecord } from '../core/ledger/backlog.ts'
import type { Fleet, Issue, RepoRef } from '../core/nouns.ts'
import type { ApproveAction } from '../core/actions.ts'
import type { CandidateFacet, Moment, ReposFacet } from '../core/fleet-state.ts'
import type { Reason } from '../core/reasons.ts'
import { overBudgetLabel } from '../core/budget.ts'
import { hasElapsed } from '../core/elapsed.ts'
import { servedRepos } from '../core/refs.ts'
import { retryAt } from './backoff.ts'

/**
 * Whether one issue is eligible. `until` says when the answer can change. `changed`: only if the issue or the rules change. `later`: also
 * with time alone.
 */
export type Eligibility =
  | { readonly kind: 'work' }
  | { readonly kind: 'council' }
  | { readonly kind: 'taken'; readonly reason: Reason }
  | { readonly kind: 'no'; readonly reason: Reason; readonly until: 'changed' | 'later' }

/** Maximum age (ms) of a result of the check for foreign claims. If the issue changes, the result is invalid at once. */
const foreignClaimMaxAge = 3_600_000
/** Maximum age (ms) of a list of blockers. burn judges blocked issues again at once if an issue that burn knows is closed. */
const blockedMaxAge = 300_000

/** The facets that decide whether an issue is eligible. */
export type JudgedBy = Moment & Pick<ReposFacet, 'writers'> & Pick<CandidateFacet, 'login' | 'claims'>

/** The rules for `eligibility`, prepared once for all issues of a cycle. */
export interface EligibilityRules {
  readonly seen: JudgedBy
  readonly served: ReadonlySet<RepoRef>
  readonly skipTitles: readonly RegExp[]
  readonly skipLabels: ReadonlySet<string>
  readonly councilLabels: ReadonlySet<string>
  readonly trustedLabels: ReadonlySet<string>
  /** The lane behind each login of a delegation agent, by the login in lower case. */
  readonly lanes: ReadonlyMap<string, string>
}

/**
 * Returns the rules of this state. `served`: the repos whose issues are work; by default those that the fleet's windows serve. Only with this
 * default, issues that are assigned to the login of a lane are work, because nobody but the workers of the lane may get them.
 */
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
    lanes: served === undefined ? lanesByLogin(seen.fleet) : new Map(),
  }
}

/** Returns the rules for an issue that a person named. Only the label of an exceeded budget still skips the issue; no title does. */
export function rulesForNamed(rules: EligibilityRules): EligibilityRules {
  return { ...rules, skipTitles: [], skipLabels: new Set([overBudgetLabel].filter((label) => rules.skipLabels.has(label))) }
}

/** Returns the lane behind each login of a delegation agent, by the login in lower case. */
export function lanesByLogin({ delegation }: Fleet): Map<string, string> {
  return new Map(delegation?.agents.flatMap(({ login, lane }) => (lane === null ? [] : [[login.toLowerCase(), lane] as const])))
}

/** Returns the lanes whose workers may get an issue, because of its assignees; empty if the assignees do not restrict the lane. */
export function lanesOf({ assignees }: Pick<Issue, 'assignees'>, lanes: ReadonlyMap<string, string>): string[] {
  return lanes.size === 0 ? [] : assignees.flatMap((login) => lanes.get(login.toLowerCase()) ?? [])
}

/** Returns a key that changes with the rules for lasting verdicts. If the key changes, burn judges every issue again. */
export function rulesMark(fleet: Fleet): string {
  const lanes = [...lanesByLogin(fleet)]
  return JSON.stringify([fleet.name, fleet.dispatch, servedRepos(fleet.machines), ...(lanes.length === 0 ? [] : [lanes])])
}

/**
 * Returns whether an issue is eligible. An issue with a live dispatch is `taken`. The first check that fails gives the reason; checks of
 * the issue itself come before checks of its history.
 */
export function eligibility(record: IssueRecord, rules: EligibilityRules): Eligibility {
  const { issue } = record
  if (record.standing === 'taken') return { kind: 'taken', reason: record.verdict?.reason ?? { code: 'taken' } }
  const lasting =
    stopReason(record) ??
    skipReason(issue, rules) ??
    trustReason(record, rules) ??
    assigneeReason(issue, rules) ??
    historyReason(record, rules)
  if (lasting !== null) return { kind: 'no', reason: lasting, until: isUnsure(issue, rules) ? 'later' : 'changed' }
  const temporary = changeReason(record) ?? foreignClaimReason(record, rules) ?? backoffReason(record, rules) ?? retryReason(record, rules)
  if (temporary !== null) return { kind: 'no', reason: temporary, until: 'later' }
  if (issue.labels.some((label) => rules.councilLabels.has(label.toLowerCase()))) return { kind: 'council' }
  if (!rules.served.has(issue.repo)) return { kind: 'no', reason: { code: 'not_served', repo: issue.repo }, until: 'changed' }
  return { kind: 'work' }
}

function stopReason({ stopped_by: login }: IssueRecord): Reason | null {
  return login === null ? null : { code: 'stopped', login }
}

function skipReason(issue: Issue, rules: EligibilityRules): Reason | null {
  const label = issue.labels.find((name) => rules.skipLabels.has(name.toLowerCase()))
  if (label !== undefined) return { code: 'skip_label', label }
  const title = rules.skipTitles.find((pattern) => pattern.test(issue.title))
  return title === undefined ? null : { code: 'skip_title', pattern: title.source }
}

/**
 * Returns the reason that burn does not trust the text of an issue; null if burn trusts the text. burn trusts every text of an author with
 * write access, because only people with write access can edit that text. A trusted label approves only the text that the issue had when
 * burn first saw the label; `/burn go` approves only the text that burn had read before the comment.
 */
function trustReason({ issue, approval, approved_by }: IssueRecord, rules: EligibilityRules): Reason | null {
  const reason = authorReason(issue, rules)
  if (approval === 'current' && approved_by !== null) return null
  const label = issue.labels.find((name) => rules.trustedLabels.has(name.toLowerCase()))
  if (reason === null || label === undefined) return reason
  if (approval === 'current') return null
  if (approval === null) return { code: 'approval_unseen', label }
  return { code: 'approval_edited', label }
}

/**
 * Returns the approvals to store, and the issue records with these approvals. When burn first sees a trusted label on an issue, burn
 * approves the present text. It revokes the approval when the label is gone. An approval by a comment needs no label, but ends with an
 * edit.
 */
export function withApprovals(
  issues: readonly IssueRecord[],
  { dispatch: { trust } }: Fleet,
): { readonly issues: readonly IssueRecord[]; readonly actions: readonly ApproveAction[] } {
  const labels = new Set(trust.labels.map((label) => label.toLowerCase()))
  const actions: ApproveAction[] = []
  const after = issues.map((record): IssueRecord => {
    const { issue, revision, approval, approved_by } = record
    const label = labels.size === 0 ? undefined : issue.labels.find((each) => labels.has(each.toLowerCase()))
    const approved = label !== undefined || (approval === 'current' && approved_by !== null)
    if (approved === (approval !== null)) return record
    const reason = approvalReason(label, approved_by)
    actions.push({ do: 'approve', issue: issue.ref, approved, revision, reason })
    return { ...record, approval: approved ? 'current' : null, approved_by: null }
  })
  return { issues: after, actions }
}

function approvalReason(label: string | undefined, approvedBy: string | null): Reason {
  if (label !== undefined) return { code: 'label_set', label }
  return approvedBy === null ? { code: 'label_gone' } : { code: 'approved_text_edited', login: approvedBy }
}

function authorReason(issue: Issue, rules: EligibilityRules): Reason | null {
  const { authors } = rules.seen.fleet.dispatch.trust
  if (authors === 'anyone') return null
  if (authors !== 'writers') {
    return authors.includes(issue.author) ? null : { code: 'author_not_listed', author: issue.author }
  }
  const writers = rules.seen.writers.get(issue.repo)
  if (writers === undefined) return { code: 'writers_unknown', repo: issue.repo }
  return writers.has(issue.author) ? null : { code: 'author_not_writer', author: issue.author, repo: issue.repo }
}

function assigneeReason(issue: Issue, rules: EligibilityRules): Reason | null {
  if (rules.seen.fleet.dispatch.assigned === 'ignore' || issue.assignees.length === 0) return null
  if (lanesOf(issue, rules.lanes).length > 0) return null
  const { login } = rules.seen
  return login !== null && issue.assignees.includes(login) ? null : { code: 'assigned', assignees: issue.assignees }
}

/**
 * Returns true if the issue has assignees and burn could not find out its own account, so that one of the assignees may be this account.
 */
function isUnsure(issue: Issue, { seen }: EligibilityRules): boolean {
  return seen.login === null && issue.assignees.length > 0
}

/** Returns the reason `change_open` if a person or an earlier dispatch has an open change for the issue; null otherwise. */
function changeReason({ open_change }: IssueRecord): Reason | null {
  return open_change === null ? null : { code: 'change_open', change: open_change }
}

/** The reasons that a check of the forge found. */
const checkedCodes: readonly string[] = ['claimed_elsewhere', 'claimed_by_other_ledger', 'blocked']

/**
 * Returns a foreign claim or a blocker that burn saw in this cycle, or earlier if the issue has not changed since. A check in each cycle
 * would cost a request.
 */
function foreignClaimReason({ issue, verdict }: IssueRecord, rules: EligibilityRules): Reason | null {
  const check = rules.seen.claims.get(issue.ref)
  if (check !== undefined) return check.state === 'free' ? null : check.reason
  if (verdict === null || !checkedCodes.includes(verdict.reason.code)) return null
  const maxAge = verdict.reason.code === 'blocked' ? blockedMaxAge : foreignClaimMaxAge
  const fresh = issue.updated_at <= verdict.at && !hasElapsed(verdict.at, maxAge, rules.seen.now)
  return fresh ? verdict.reason : null
}

function historyReason({ attempts, done }: IssueRecord, rules: EligibilityRules): Reason | null {
  if (done) return { code: 'done_before' }
  const limit = rules.seen.fleet.dispatch.max_attempts
  return attempts >= limit ? { code: 'attempts_used', attempts } : null
}

function backoffReason({ backoff }: IssueRecord, { seen }: EligibilityRules): Reason | null {
  return backoff === null || backoff.until <= seen.now ? null : { code: 'rests', ...backoff }
}

function retryReason(record: IssueRecord, { seen }: EligibilityRules): Reason | null {
  const until = retryAt(record, seen.fleet.dispatch.retry_after, seen.now)
  return until === null ? null : { code: 'retry_wait', until, attempts: record.attempts }
}
