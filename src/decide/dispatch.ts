/** What to give to whom in this cycle: claims, and a verdict for every open issue. */
import type { IssueRecord, Standing, Verdict } from '../core/ledger/backlog.ts'
import type { DispatchKind } from '../core/lives.ts'
import type { Issue, IssueRef, RepoRef, Worker } from '../core/nouns.ts'
import type { View } from '../core/view.ts'
import { eligibility, eligibilityRules } from './eligible.ts'
import { openDesks, route, unable } from './route.ts'

/** An issue that should be claimed for a worker. */
export interface Assignment {
  readonly kind: DispatchKind
  readonly issue: Issue
  readonly worker: Worker
  readonly slot: number | null
  readonly attempt: number
  readonly reason: string
  /** That of the record it was decided from. */
  readonly revision: number
}

export interface DispatchPlan {
  readonly assignments: readonly Assignment[]
  readonly verdicts: readonly Verdict[]
  /** Why an issue waits, by repo: repos that nobody has room for. */
  readonly waiting: ReadonlyMap<RepoRef, string>
}

/** Oldest issues first, for the view's open desks. Issues of a repo that was not, or could not be, asked about keep their last verdict and are not given. */
export function planDispatch(view: View, desks = openDesks(view)): DispatchPlan {
  const rules = eligibilityRules(view)
  const verdicts: Verdict[] = []
  const records = new Map<IssueRef, IssueRecord>()
  const work: Issue[] = []
  const council: Issue[] = []
  const fits = ({ ref }: Issue, standing: Standing, reason: string) =>
    verdicts.push({ issue: ref, eligible: true, reason, standing, revision: records.get(ref)?.revision ?? 0 })
  for (const record of view.issues) {
    const { issue, revision } = record
    if (!view.writers.has(issue.repo)) continue
    records.set(issue.ref, record)
    const verdict = eligibility(record, rules)
    if (verdict.kind === 'work') work.push(issue)
    else if (verdict.kind === 'council') council.push(issue)
    else if (verdict.kind === 'taken') fits(issue, 'taken', verdict.reason)
    else
      verdicts.push({
        issue: issue.ref,
        eligible: false,
        reason: verdict.reason,
        standing: verdict.until === 'changed' ? 'none' : null,
        revision,
      })
  }
  const { routes, waiting, reasons } = route(work.toSorted(oldestFirst), view, desks)
  const assignments: Assignment[] = routes.map(({ issue, worker, slot, reason }) => {
    fits(issue, 'queued', `to ${worker.id}: ${reason}`)
    const { attempts = 0, revision = 0 } = records.get(issue.ref) ?? {}
    return { kind: 'work', issue, worker, slot, attempt: attempts + 1, reason, revision }
  })
  for (const issue of waiting) fits(issue, 'queued', 'waits for its turn')
  for (const { issue, reason, members } of questions(council.toSorted(oldestFirst), view)) {
    fits(issue, 'asked', reason)
    for (const worker of members)
      assignments.push({ kind: 'council', issue, worker, slot: null, attempt: 1, reason: 'council label', revision: 0 })
  }
  return { assignments, verdicts, waiting: reasons }
}

function oldestFirst(a: Issue, b: Issue): number {
  return a.created_at - b.created_at || (a.repo === b.repo ? a.number - b.number : a.repo < b.repo ? -1 : 1)
}

interface Question {
  readonly issue: Issue
  readonly reason: string
  /** Whom to ask now. */
  readonly members: readonly Worker[]
}

/** A council issue goes to every council and sentinel worker that has not been asked yet. */
function questions(issues: readonly Issue[], view: View): Question[] {
  if (issues.length === 0) return []
  const holds = new Map(view.records.map(({ id, hold }) => [id, hold]))
  const all = view.workers.filter(({ worker }) => worker.role !== 'worker')
  const able = all.filter((sight) => unable(sight, holds.get(sight.worker.id) ?? null) === null)
  const councils = view.dispatches.filter(({ kind }) => kind === 'council')
  const asked = Map.groupBy(councils, ({ issue }) => issue)
  return issues.map((issue) => {
    const before = new Set(asked.get(issue.ref)?.map(({ worker }) => worker))
    if (view.resting.has(issue.repo)) return { issue, reason: `council label: ${view.resting.get(issue.repo)}`, members: [] }
    const members = able.flatMap(({ worker }) => (before.has(worker.id) ? [] : [worker]))
    const reason = `council label: asked of ${before.size + members.length} of ${all.length} council and sentinel workers`
    return { issue, reason, members }
  })
}
