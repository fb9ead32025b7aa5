/** Picks the next issue of a sprint: by the same rules and in the same order as for panes. */
import type { IssueRecord } from '../core/ledger/backlog.ts'
import type { Reason } from '../core/reasons.ts'
import type { Issue, IssueRef, RepoRef } from '../core/nouns.ts'
import type { SprintPolicy } from '../core/sprint.ts'
import type { Skip } from '../core/ledger/sprints.ts'
import type { FleetState } from '../core/fleet-state.ts'
import { inQueueOrder, orderReason, queueRules } from './queue.ts'
import { eligibility, eligibilityRules, rulesForNamed, type EligibilityRules, type JudgedBy } from './eligible.ts'

/** An issue that a sprint may claim. */
export interface Picked {
  readonly issue: Issue
  readonly attempt: number
  readonly reason: Reason
  /** The revision of the record that the pick is based on. */
  readonly revision: number
}

/** The issues that a sprint may claim, and for each other issue the reason that it may not. */
export interface Picks {
  /** The eligible issues, in the order in which sprints claim them. */
  readonly picks: readonly Picked[]
  /** The other issues of these repos, each with its reason. */
  readonly refused: readonly { readonly issue: IssueRef; readonly reason: Reason }[]
}

/** The request of a sprint: the repos whose issues the sprint may claim, or one issue. */
export interface PickRequest {
  /** The repos whose issues the sprint may claim. */
  readonly repos: readonly RepoRef[]
  /** An issue that a person named; null if the sprint may claim any issue. `skip_labels` and `skip_titles` do not apply to a named issue. */
  readonly issue: IssueRef | null
  /** The issues that this worker skips for now. */
  readonly skips: readonly Skip[]
}

type Policy = Pick<SprintPolicy, 'skip_labels' | 'skip_titles'>

/** The facets that decide which issues a sprint may claim. */
export type PickedFrom = JudgedBy & Pick<FleetState, 'issues' | 'repos_down' | 'held_repos'>

/** Returns the issues that a sprint may claim, in the order of the queue. For each other issue, it returns the reason. */
export function pickIssues(seen: PickedFrom, policy: Policy, { repos, issue: wanted, skips }: PickRequest): Picks {
  const skipped = new Map(skips.map((skip) => [skip.issue, skip.reason]))
  const named = wanted !== null
  const rules = named ? rulesForNamed(eligibilityRules(seen, repos)) : eligibilityRules(seen, repos)
  const refused: { issue: IssueRef; reason: Reason }[] = []
  const eligible: IssueRecord[] = []
  const sprintRules = sprintRulesOf(policy)
  for (const record of seen.issues) {
    const { issue } = record
    if (!repos.includes(issue.repo) || (named && issue.ref !== wanted)) continue
    const reason = ineligibleReason(record, rules, seen) ?? (named ? null : (sprintRules.skips(issue) ?? skippedBy(skipped.get(issue.ref))))
    if (reason !== null) refused.push({ issue: issue.ref, reason })
    else eligible.push(record)
  }
  const queue = queueRules(seen.fleet.dispatch)
  const picks = inQueueOrder(eligible, queue).map((record): Picked => {
    const reason: Reason = named ? { code: 'named_by_person' } : orderReason(record, queue)
    return { issue: record.issue, revision: record.revision, attempt: record.attempts + 1, reason }
  })
  return { picks, refused }
}

/** Returns the reason that an issue is not eligible now; null if it is eligible. */
function ineligibleReason(record: IssueRecord, rules: EligibilityRules, seen: PickedFrom): Reason | null {
  if (!seen.writers.has(record.issue.repo)) return { code: 'repo_unread', why: seen.repos_down.get(record.issue.repo) ?? null }
  const verdict = eligibility(record, rules)
  const hold = seen.held_repos.get(record.issue.repo)
  if (hold !== undefined && verdict.kind === 'work') return { code: 'repo_rests', why: hold }
  if (verdict.kind === 'work') return null
  if (verdict.kind === 'council') return { code: 'to_council' }
  return verdict.kind === 'taken' ? { code: 'taken_because', why: verdict.reason } : verdict.reason
}

function sprintRulesOf({ skip_labels, skip_titles }: Policy) {
  const lower = (labels: readonly string[]) => labels.map((label) => label.toLowerCase())
  const labels = new Set(lower(skip_labels))
  const titles = skip_titles.map((pattern) => new RegExp(pattern, 'iu'))
  return {
    skips({ labels: has, title }: Issue): Reason | null {
      const label = has.find((each) => labels.has(each.toLowerCase()))
      if (label !== undefined) return { code: 'sprint_label', label }
      const pattern = titles.find((each) => each.test(title))
      return pattern === undefined ? null : { code: 'sprint_title', pattern: pattern.source }
    },
  }
}

function skippedBy(reason: string | undefined): Reason | null {
  return reason === undefined ? null : { code: 'left_alone', why: reason }
}
