/** Which issue a sprint takes next: by the same rules as panes, then by priority and age. */
import type { IssueRecord } from '../core/ledger/backlog.ts'
import type { Issue, IssueRef, RepoRef } from '../core/nouns.ts'
import type { SprintPolicy } from '../core/sprint.ts'
import type { Skip } from '../core/ledger/sprints.ts'
import type { FleetState } from '../core/fleet-state.ts'
import { eligibility, eligibilityRules, type EligibilityRules, type JudgedBy } from './eligible.ts'

export interface Picked {
  readonly issue: Issue
  readonly attempt: number
  readonly reason: string
  /** That of the record it was decided from. */
  readonly revision: number
}

export interface Picks {
  /** In the order in which they are to be taken. */
  readonly picks: readonly Picked[]
  /** Why each other issue is not among them. */
  readonly refused: readonly { readonly issue: IssueRef; readonly reason: string }[]
}

export interface Wish {
  /** Repos to take from. */
  readonly repos: readonly RepoRef[]
  /** One issue that a person named: what sprints skip by label or title is done all the same. */
  readonly issue: IssueRef | null
  /** What this worker leaves alone for now. */
  readonly skips: readonly Skip[]
}

type Policy = Pick<SprintPolicy, 'skip_labels' | 'skip_titles' | 'priority_labels'>

/** What sprints pick from. */
export type PickedFrom = JudgedBy & Pick<FleetState, 'issues' | 'repos_down' | 'resting'>

export function pickIssues(view: PickedFrom, policy: Policy, { repos, issue: wanted, skips }: Wish): Picks {
  const rules = eligibilityRules(view, repos)
  const skipped = new Map(skips.map((skip) => [skip.issue, skip.reason]))
  const named = wanted !== null
  const refused: { issue: IssueRef; reason: string }[] = []
  const ranked: (Picked & { readonly rank: number })[] = []
  const own = ownRules(policy)
  for (const record of view.issues) {
    const { issue } = record
    if (!repos.includes(issue.repo) || (named && issue.ref !== wanted)) continue
    const reason = unfit(record, rules, view) ?? (named ? null : (own.skips(issue) ?? skippedBy(skipped.get(issue.ref))))
    if (reason !== null) refused.push({ issue: issue.ref, reason })
    else
      ranked.push({
        issue,
        revision: record.revision,
        attempt: record.attempts + 1,
        rank: own.rank(issue),
        reason: why(issue, own.rank(issue), policy, named),
      })
  }
  const picks = ranked.toSorted((a, b) => a.rank - b.rank || oldest(a.issue, b.issue))
  return { picks: picks.map(({ rank: _rank, ...pick }) => pick), refused }
}

/** Why it is no work for anybody now; null where it is. */
function unfit(record: IssueRecord, rules: EligibilityRules, view: PickedFrom): string | null {
  if (!view.writers.has(record.issue.repo)) return view.repos_down.get(record.issue.repo) ?? 'its repo could not be asked about'
  const verdict = eligibility(record, rules)
  const rests = view.resting.get(record.issue.repo)
  if (rests !== undefined && verdict.kind === 'work') return `its repo ${rests}`
  if (verdict.kind === 'work') return null
  return verdict.kind === 'council' ? 'it is put to the council' : verdict.kind === 'taken' ? `taken: ${verdict.reason}` : verdict.reason
}

function ownRules({ skip_labels, skip_titles, priority_labels }: Policy) {
  const lower = (labels: readonly string[]) => labels.map((label) => label.toLowerCase())
  const labels = new Set(lower(skip_labels))
  const titles = skip_titles.map((pattern) => new RegExp(pattern, 'iu'))
  const ranks = new Map(lower(priority_labels).map((label, index) => [label, index]))
  return {
    skips({ labels: has, title }: Issue): string | null {
      const label = has.find((each) => labels.has(each.toLowerCase()))
      if (label !== undefined) return `label "${label}" is no work for a sprint (sprint.skip_labels)`
      const pattern = titles.find((each) => each.test(title))
      return pattern === undefined ? null : `title matches ${pattern.source} (sprint.skip_titles)`
    },
    rank: (issue: Issue) => Math.min(ranks.size, ...lower(issue.labels).map((label) => ranks.get(label) ?? ranks.size)),
  }
}

function skippedBy(reason: string | undefined): string | null {
  return reason === undefined ? null : `left alone for a while: ${reason}`
}

function why({ repo }: Issue, rank: number, { priority_labels }: Policy, named: boolean): string {
  if (named) return 'a person named it'
  const label = priority_labels[rank]
  return label === undefined ? `the oldest of ${repo} and its peers` : `first by its label "${label}"`
}

function oldest(a: Issue, b: Issue): number {
  return a.created_at - b.created_at || (a.repo === b.repo ? a.number - b.number : a.repo < b.repo ? -1 : 1)
}
