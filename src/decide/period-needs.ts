/** The things that a person must do now: the first section of a report. */
import type { HealthFacts } from '../core/health.ts'
import type { DispatchInReview } from '../core/ledger/changes.ts'
import type { Dispatch } from '../core/lifecycle.ts'
import type { IssueRef, Time } from '../core/nouns.ts'
import type { NeedsYou } from '../core/period-report.ts'
import type { Reason } from '../core/reasons.ts'
import type { Span } from '../core/span.ts'
import type { HealthResult } from './health.ts'
import { overBudgetLabel } from '../core/budget.ts'
import { isKept } from '../core/lifecycle.ts'
import { sentence } from './wording.ts'

/** An issue that waits for a person. */
export interface OpenIssue {
  readonly issue: IssueRef
  readonly url: string
  readonly since: Time
  readonly reason: Reason
}

interface NeedFacts {
  readonly until: Time
  readonly health: HealthFacts
  readonly spans: readonly Span[]
  readonly reviews: readonly Pick<DispatchInReview, 'issue' | 'change_url' | 'watched'>[]
  readonly over_budget: readonly OpenIssue[]
}

/** Returns what needs a person, the most urgent first. `review`: the dispatches in review, oldest first. */
export function needs(facts: NeedFacts, review: readonly Dispatch[], results: readonly HealthResult[]): NeedsYou[] {
  return [
    ...questions(facts),
    ...overBudget(facts),
    ...stoppedChanges(facts),
    ...keptChanges(review),
    ...unhealthy(results.filter(({ rule }) => rule !== 'questions')),
  ]
}

function overBudget({ over_budget }: NeedFacts): NeedsYou[] {
  return over_budget.map(({ issue, url, since, reason }) => ({
    kind: 'issue',
    subject: issue,
    text: sentence(reason),
    since,
    url,
    remedy: `close the issue, or remove its label ${overBudgetLabel} to allow more attempts`,
  }))
}

/** Returns the changes about which burn called a person. */
function stoppedChanges({ reviews }: NeedFacts): NeedsYou[] {
  return reviews.flatMap(({ issue, change_url, watched }): NeedsYou[] => {
    if (watched?.stage !== 'escalated') return []
    const { reason, staged_at: since } = watched
    return [{ kind: 'change', subject: issue, text: sentence(reason), since, url: change_url, remedy: `burn explain ${issue}` }]
  })
}

/** Returns the open questions, with those that the health rule `questions` reports. */
function questions({ spans, until, health }: NeedFacts): NeedsYou[] {
  const open = spans.filter(({ kind, state, ended_at }) => kind === 'worker' && state === 'waiting' && ended_at === null)
  return open
    .filter(({ reported, began_at }) => reported !== null || until - began_at >= health.settings.waiting)
    .toSorted((a, b) => a.began_at - b.began_at)
    .map(({ subject, evidence, began_at, issue }) => ({
      kind: 'question',
      subject: issue === null ? subject : `${subject} (${issue})`,
      text: evidence,
      since: Math.min(began_at, until),
      url: null,
      remedy: `burn answer ${subject.slice(subject.lastIndexOf('/') + 1)}`,
    }))
}

function keptChanges(review: readonly Dispatch[]): NeedsYou[] {
  return review.filter(isKept).map(({ id, issue, changed_at, state_reason }) => ({
    kind: 'kept change',
    subject: issue,
    text: sentence(state_reason),
    since: changed_at,
    url: null,
    remedy: `burn sprint publish ${id}`,
  }))
}

function unhealthy(results: readonly HealthResult[]): NeedsYou[] {
  const bad = results.filter(({ status }) => status === 'fail' || status === 'warn')
  return bad
    .toSorted((a, b) => Number(a.status === 'warn') - Number(b.status === 'warn'))
    .map(({ rule, evidence, since, remedy }) => ({ kind: 'health', subject: rule, text: evidence, since, url: null, remedy }))
}
