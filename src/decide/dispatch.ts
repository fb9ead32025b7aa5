/** What to give to whom in this cycle: claims, and a verdict for every open issue. */
import type { Verdict } from '../core/ledger.ts'
import type { DispatchKind } from '../core/lives.ts'
import type { Issue, Worker } from '../core/nouns.ts'
import type { View } from '../core/view.ts'
import { eligibility, eligibilityRules } from './eligible.ts'
import { closedTo, route } from './route.ts'

/** An issue that should be claimed for a worker. */
export interface Assignment {
  readonly kind: DispatchKind
  readonly issue: Issue
  readonly worker: Worker
  readonly slot: number | null
  readonly attempt: number
  readonly reason: string
}

export interface DispatchPlan {
  readonly assignments: readonly Assignment[]
  readonly verdicts: readonly Verdict[]
}

/** Oldest issues first. Issues of a repo that could not be asked about keep their last verdict and are not given. */
export function planDispatch(view: View): DispatchPlan {
  const rules = eligibilityRules(view)
  const verdicts: Verdict[] = []
  const work: Issue[] = []
  const council: Issue[] = []
  const attempts = new Map<string, number>()
  for (const record of view.ledger.issues) {
    if (view.repos_down.has(record.issue.repo) || view.closed.has(record.issue.ref)) continue
    attempts.set(record.issue.ref, record.attempts + 1)
    const verdict = eligibility(record, rules)
    if (verdict.kind === 'no') verdicts.push({ issue: record.issue.ref, eligible: false, reason: verdict.reason })
    else (verdict.kind === 'work' ? work : council).push(record.issue)
  }
  const { routes, waiting } = route(work.toSorted(oldestFirst), view)
  const assignments: Assignment[] = routes.map(({ issue, worker, slot, reason }) => {
    verdicts.push({ issue: issue.ref, eligible: true, reason: `to ${worker.id}: ${reason}` })
    return { kind: 'work', issue, worker, slot, attempt: attempts.get(issue.ref) ?? 1, reason }
  })
  for (const { issue, reason } of waiting) verdicts.push({ issue: issue.ref, eligible: true, reason })
  for (const issue of council.toSorted(oldestFirst)) assignments.push(...ask(issue, view, verdicts))
  return { assignments, verdicts }
}

function oldestFirst(a: Issue, b: Issue): number {
  return a.created_at - b.created_at || (a.repo === b.repo ? a.number - b.number : a.repo < b.repo ? -1 : 1)
}

/** A council issue goes to every council and sentinel worker that has not been asked yet. */
function ask(issue: Issue, view: View, verdicts: Verdict[]): Assignment[] {
  const asked = new Set(view.ledger.dispatches.filter((d) => d.kind === 'council' && d.issue === issue.ref).map((d) => d.worker))
  const holds = new Map(view.ledger.workers.map(({ id, hold }) => [id, hold]))
  const members = view.workers.filter(({ worker }) => worker.role !== 'worker')
  const able = members.filter((sight) => {
    const why = closedTo({ ...sight, worker: { ...sight.worker, role: 'worker' } }, holds.get(sight.worker.id) ?? null)
    return why === null && !asked.has(sight.worker.id)
  })
  const reason = `council label: asked of ${asked.size + able.length} of ${members.length} council and sentinel workers`
  verdicts.push({ issue: issue.ref, eligible: true, reason })
  return able.map(({ worker }) => ({ kind: 'council', issue, worker, slot: null, attempt: 1, reason: 'council label' }))
}
