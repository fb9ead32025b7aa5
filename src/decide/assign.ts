/** What to give to whom in this cycle: claims, and a verdict for every issue that was looked at. */
import type { Reason } from '../core/reasons.ts'
import type { Action, ClaimAction, JudgeAction } from '../core/actions.ts'
import type { FleetState } from '../core/fleet-state.ts'
import type { IssueRecord, Standing } from '../core/ledger/backlog.ts'
import type { Issue, IssueRef, Worker } from '../core/nouns.ts'
import { heldBy } from './holds.ts'
import { eligibility, eligibilityRules, withApprovals } from './eligible.ts'
import { freeWorkers, queueOrder, route, sendBlockReason } from './route.ts'

/**
 * Oldest issues first, for the open desks. Issues of a repo that was not, or could not be, asked about keep their last verdict and are not
 * given; nor are those that others have, as far as their claims were looked for. `desks`: those of this state, which are used up.
 */
export function assign(given: FleetState, desks = freeWorkers(given)): Action[] {
  const { issues, actions: approvals } = withApprovals(given.issues, given.fleet)
  const seen = { ...given, issues }
  const rules = eligibilityRules(seen)
  const verdicts: JudgeAction[] = []
  const records = new Map<IssueRef, IssueRecord>()
  const work: IssueRecord[] = []
  const council: IssueRecord[] = []
  const judge = ({ ref }: Issue, eligible: boolean, standing: Standing | null, reason: Reason) =>
    verdicts.push({ do: 'judge', issue: ref, eligible, reason, standing, revision: records.get(ref)?.revision ?? 0 })
  for (const record of issues) {
    const { issue } = record
    if (!seen.writers.has(issue.repo)) continue
    records.set(issue.ref, record)
    const verdict = eligibility(record, rules)
    if (verdict.kind === 'work') work.push(record)
    else if (verdict.kind === 'council') council.push(record)
    else if (verdict.kind === 'taken') judge(issue, true, 'taken', verdict.reason)
    else judge(issue, false, verdict.until === 'changed' ? 'none' : null, verdict.reason)
  }
  const { routes, waiting, reasons } = route(inOrder(work), seen, desks)
  const claims = routes.map(({ issue, worker, slot, reason }): ClaimAction => {
    judge(issue, true, 'queued', { code: 'routed', worker: worker.id, why: reason })
    return { do: 'claim', kind: 'work', issue, worker, slot, attempt: (records.get(issue.ref)?.attempts ?? 0) + 1, reason }
  })
  for (const issue of waiting) judge(issue, true, 'queued', { code: 'queued' })
  for (const { issue, reason, members } of questions(inOrder(council), seen)) {
    judge(issue, true, 'asked', reason)
    for (const worker of members)
      claims.push({ do: 'claim', kind: 'council', issue, worker, slot: null, attempt: 1, reason: { code: 'council_label' } })
  }
  return [
    ...approvals,
    ...verdicts,
    ...[...reasons].map(([repo, reason]) => ({ do: 'wait' as const, repo, reason })),
    ...leaves(seen),
    ...claims,
  ]
}

/** Issues whose comments could not be read are left alone, and rest if that is going to last. */
function leaves({ claims }: FleetState): Action[] {
  return [...claims].flatMap(([issue, check]) =>
    check.state === 'unreadable' ? [{ do: 'leave' as const, issue, reason: check.reason, backoff: check.backoff }] : [],
  )
}

const inOrder = (records: readonly IssueRecord[]) => records.toSorted(queueOrder).map(({ issue }) => issue)

interface Question {
  readonly issue: Issue
  readonly reason: Reason
  /** Whom to ask now. */
  readonly members: readonly Worker[]
}

/** A council issue goes to every council and sentinel worker that has not been asked yet. */
function questions(issues: readonly Issue[], seen: FleetState): Question[] {
  if (issues.length === 0) return []
  const held = heldBy(seen.holds, seen.now)
  const all = seen.workers.filter(({ worker }) => worker.role !== 'worker')
  const able = all.filter((sight) => sendBlockReason(sight, held.worker(sight.worker.id)) === null)
  const councils = seen.dispatches.filter(({ kind }) => kind === 'council')
  const asked = Map.groupBy(councils, ({ issue }) => issue)
  return issues.map((issue) => {
    const before = new Set(asked.get(issue.ref)?.map(({ worker }) => worker))
    const rests = seen.held_repos.get(issue.repo)
    if (rests !== undefined) return { issue, reason: { code: 'council_rests', why: rests }, members: [] }
    const members = able.flatMap(({ worker }) => (before.has(worker.id) ? [] : [worker]))
    return { issue, reason: { code: 'council_asked', asked: before.size + members.length, of: all.length }, members }
  })
}
