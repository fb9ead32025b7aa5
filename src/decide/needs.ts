/** Decides what needs a person now. `burn report`, `burn status` and `burn watch` show the result of this decider. */
import type { ChangeToEnd } from '../core/ledger/changes.ts'
import type { IssueRef, Time } from '../core/nouns.ts'
import type { NeedsYou } from '../core/period-report.ts'
import type { Reason } from '../core/reasons.ts'
import type { HealthResult } from './health.ts'
import { overBudgetLabel } from '../core/budget.ts'
import { oneLine } from '../core/text.ts'
import { sentence } from './wording.ts'

/** An issue that waits for a person. */
export interface OpenIssue {
  readonly issue: IssueRef
  readonly url: string
  readonly since: Time
  readonly reason: Reason
}

/** A question that an agent asks. */
export interface AskedQuestion {
  readonly worker: string
  readonly issue: IssueRef | null
  readonly text: string
  readonly since: Time
}

/** Returns why something needs a person, without the name of the subject at the start. */
export function needText({ subject, text }: Pick<NeedsYou, 'subject' | 'text'>, limit?: number): string {
  const line = oneLine(text, limit)
  return line.startsWith(`${subject} `) ? line.slice(subject.length + 1) : line
}

/** The facts about issues, changes and logins, from the ledger. */
export interface NeedFacts {
  /** The dispatches with a change that is open or kept, oldest first. */
  readonly reviews: readonly ChangeToEnd[]
  /** Open issues that used more than their budget, and still have the label. */
  readonly over_budget: readonly OpenIssue[]
  /** The logins that a person must renew, or that end soon. */
  readonly logins: readonly NeedsYou[]
}

/** Returns what needs a person, the most urgent first. `results`: the results of the health rules. */
export function needs(
  { reviews, over_budget, logins }: NeedFacts,
  questions: readonly AskedQuestion[],
  results: readonly HealthResult[],
): NeedsYou[] {
  const isCalled = ({ watched }: ChangeToEnd) => watched?.stage === 'escalated'
  const changeNeeds = (some: readonly ChangeToEnd[]) => some.flatMap((each) => changeNeed(each) ?? [])
  return [
    ...questionNeeds(questions),
    ...logins,
    ...issueNeeds(over_budget),
    ...changeNeeds(reviews.filter(isCalled)),
    ...unhealthy(results),
    ...changeNeeds(reviews.filter((each) => !isCalled(each))),
  ]
}

function questionNeeds(questions: readonly AskedQuestion[]): NeedsYou[] {
  return questions
    .toSorted((a, b) => a.since - b.since)
    .map(({ worker, issue, text, since }) => ({
      kind: 'question',
      subject: issue === null ? worker : `${worker} (${issue})`,
      text,
      since,
      url: null,
      remedy: `burn answer ${worker.slice(worker.lastIndexOf('/') + 1)}`,
    }))
}

function issueNeeds(issues: readonly OpenIssue[]): NeedsYou[] {
  return issues.map(({ issue, url, since, reason }) => ({
    kind: 'issue',
    subject: issue,
    text: sentence(reason),
    since,
    url,
    remedy: `close the issue, or remove its label ${overBudgetLabel} to allow more attempts`,
  }))
}

/** Reasons for the stages `watched` and `ready` that only a person ends: burn and its agents do nothing more. */
const forPeople: ReadonlySet<Reason['code']> = new Set<Reason['code']>([
  'merge_by_person',
  'approvals_missing',
  'review_awaited',
  'change_draft',
  'no_checks',
  'merge_protected',
  'merge_not_allowed',
  'other_base',
  // burn only watches these conditions if `changes.rounds` allows no follow-up about them.
  'checks_failed',
  'review_asks',
  'change_conflict',
])

/** Returns true if a change waits for a person, and not for burn, an agent, the checks or the forge. */
function waitsForPerson({ stage, reason }: NonNullable<ChangeToEnd['watched']>): boolean {
  if (stage === 'escalated' || stage === 'foreign') return true
  if (stage !== 'watched' && stage !== 'ready') return false
  if (reason.code === 'checks_not_green') return reason.is === 'failed'
  // A rule of the base that burn may not read, such as protected files or required signatures.
  if (reason.code === 'merge_refused') return reason.result === 'not_allowed' || reason.result === 'checks_missing'
  return forPeople.has(reason.code)
}

/** Returns what a change in review needs from a person; null if it needs nothing. */
function changeNeed({ id, issue, change_url: url, changed_at, state_reason, watched }: ChangeToEnd): NeedsYou | null {
  if (url === null)
    return {
      kind: 'kept change',
      subject: issue,
      text: sentence(state_reason),
      since: changed_at,
      url,
      remedy: `burn sprint publish ${id}`,
    }
  if (watched === null || !waitsForPerson(watched)) return null
  const { stage, reason, staged_at: since } = watched
  const merge = reason.code === 'merge_by_person' ? `look at the change, then: burn change merge ${issue}` : `burn change show ${issue}`
  const remedy = stage === 'escalated' ? `burn explain ${issue}` : merge
  return { kind: 'change', subject: issue, text: sentence(reason), since, url, remedy }
}

/** Returns the rules that are not ok. The questions themselves stand for the rule `questions`. */
function unhealthy(results: readonly HealthResult[]): NeedsYou[] {
  const bad = results.filter(({ rule, status }) => rule !== 'questions' && (status === 'fail' || status === 'warn'))
  return bad
    .toSorted((a, b) => Number(a.status === 'warn') - Number(b.status === 'warn'))
    .map(({ rule, evidence, since, remedy }) => ({ kind: 'health', subject: rule, text: evidence, since, url: null, remedy }))
}
