/** Decides which worker gets which issue in this cycle, and the verdict for each issue that was read. */
import type { Reason } from '../core/reasons.ts'
import type { Action, ClaimAction, JudgeAction, LeaveAction } from '../core/actions.ts'
import type { FleetState } from '../core/fleet-state.ts'
import type { IssueRecord, Standing } from '../core/ledger/backlog.ts'
import type { Issue, IssueRef, Worker } from '../core/nouns.ts'
import { heldBy } from './holds.ts'
import { eligibility, eligibilityRules, lanesOf, withApprovals } from './eligible.ts'
import { byUrgency, inQueueOrder, queueRank, queueRules } from './queue.ts'
import { freeWorkers, route, sendBlockReason } from './route.ts'

/**
 * Returns the approvals, verdicts, waiting repos, back-offs and claims of a cycle. burn assigns issues in the order of the queue. If the forge did
 * not answer for a repo, the issues of that repo keep their verdicts, and burn assigns none of them. burn also assigns no issue that
 * another fleet or ledger has claimed. `workers`: the free workers of this state. The function removes the slots of the assigned issues
 * from `workers`.
 */
export function assign(given: FleetState, workers = freeWorkers(given)): Action[] {
  const { issues, actions: approvals } = withApprovals(given.issues, given.fleet)
  const seen = { ...given, issues }
  const rules = eligibilityRules(seen)
  const queue = queueRules(seen.fleet.dispatch)
  const verdicts: JudgeAction[] = []
  const records = new Map<IssueRef, IssueRecord>()
  const work: IssueRecord[] = []
  const council: IssueRecord[] = []
  const judge = (issue: Issue, eligible: boolean, standing: Standing | null, reason: Reason) => {
    const revision = records.get(issue.ref)?.revision ?? 0
    verdicts.push({ do: 'judge', issue: issue.ref, eligible, reason, standing, revision, rank: queueRank(issue, queue) })
  }
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
  const { routes, waiting, reasons } = route(
    byUrgency(work, queue).map((records) => records.map(({ issue }) => issue)),
    seen,
    workers,
  )
  const claims = routes.map(({ issue, worker, slot, reason }): ClaimAction => {
    judge(issue, true, 'queued', { code: 'routed', worker: worker.id, why: reason })
    return { do: 'claim', kind: 'work', issue, worker, slot, attempt: (records.get(issue.ref)?.attempts ?? 0) + 1, reason }
  })
  for (const issue of waiting) {
    const [lane] = lanesOf(issue, rules.lanes)
    // In the queue of the repo, an issue for one lane would block the issues behind it. So each cycle judges such an issue again.
    if (lane === undefined) judge(issue, true, 'queued', { code: 'queued' })
    else judge(issue, true, null, { code: 'queued_lane', lane })
  }
  for (const { issue, reason, members } of questions(
    inQueueOrder(council, queue).map(({ issue: asked }) => asked),
    seen,
  )) {
    judge(issue, true, 'asked', reason)
    for (const worker of members)
      claims.push({ do: 'claim', kind: 'council', issue, worker, slot: null, attempt: 1, reason: { code: 'council_label' } })
  }
  return [
    ...approvals,
    ...verdicts,
    ...[...reasons].map(([repo, reason]) => ({ do: 'wait' as const, repo, reason })),
    ...unreadableClaims(seen),
    ...claims,
  ]
}

/**
 * Returns a verdict for each issue whose comments burn could not read, and a back-off if the cause may last. burn assigns none of these
 * issues.
 */
export function unreadableClaims({ claims }: Pick<FleetState, 'claims'>): LeaveAction[] {
  return [...claims].flatMap(([issue, check]) =>
    check.state === 'unreadable' ? [{ do: 'leave' as const, issue, reason: check.reason, backoff: check.backoff }] : [],
  )
}

interface Question {
  readonly issue: Issue
  readonly reason: Reason
  /** The council and sentinel workers to ask in this cycle. */
  readonly members: readonly Worker[]
}

/** Returns each council issue with the council and sentinel workers that burn has not asked yet. */
function questions(issues: readonly Issue[], seen: FleetState): Question[] {
  if (issues.length === 0) return []
  const held = heldBy(seen.holds, seen.now, seen.fleet.accounts)
  const all = seen.workers.filter(({ worker }) => worker.role !== 'worker')
  const able = all.filter((snapshot) => sendBlockReason(snapshot, held.worker(snapshot.worker.id)) === null)
  const councils = seen.dispatches.filter(({ kind }) => kind === 'council')
  const asked = Map.groupBy(councils, ({ issue }) => issue)
  return issues.map((issue) => {
    const before = new Set(asked.get(issue.ref)?.map(({ worker }) => worker))
    const hold = seen.held_repos.get(issue.repo)
    if (hold !== undefined) return { issue, reason: { code: 'council_rests', why: hold }, members: [] }
    const members = able.flatMap(({ worker }) => (before.has(worker.id) ? [] : [worker]))
    return { issue, reason: { code: 'council_asked', asked: before.size + members.length, of: all.length }, members }
  })
}
