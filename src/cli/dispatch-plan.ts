/** The plan of a cycle: its JSON, and the lines that `burn dispatch --dry-run` prints. */
import type { CyclePlan } from '../cycle/apply.ts'
import type { IssueRecord } from '../core/ledger/backlog.ts'
import type { IssueRef } from '../core/nouns.ts'
import type { Reason } from '../core/reasons.ts'
import type { Io } from './io.ts'
import { actionsByKind, assertExhaustive } from '../core/actions.ts'
import { counted } from '../core/text.ts'
import { inQueueOrder, orderReason, queueRules } from '../decide/queue.ts'
import { heldName, sentence, stepName } from '../decide/wording.ts'
import { delegationTable, hasAgent } from './delegation-table.ts'
import { table } from './table.ts'
import { wrap } from './wrap.ts'

/** The plan of a cycle, as `--json` prints it. */
export type Planned = ReturnType<typeof plannedOf> & { readonly left_out: readonly LeftOut[]; readonly troubles: readonly string[] }

/** An open issue that the cycle would not assign, with the reason. */
export interface LeftOut {
  readonly issue: IssueRef
  readonly reason: Reason
}

/** Returns the actions of a plan. */
export function plannedOf({ actions, state }: CyclePlan) {
  const { steer, change, hold, end_hold, note, escalate, inherit, move, tell, approve, judge, wait, leave, claim, delegate, ...rest } =
    actionsByKind(actions)
  assertExhaustive(rest)
  const queue = queueRules(state.fleet.dispatch)
  const records = new Map(state.issues.map((record) => [record.issue.ref, record]))
  return {
    would_steer: steer.map(({ ref, comment, author, word, refusal }) => ({ ref, comment, by: author, word, refusal })),
    would_hold: hold.map(({ scope, name, until, reason }) => ({ scope, name, until: new Date(until).toISOString(), reason })),
    would_resume: end_hold.map(({ scope, name, reason }) => ({ scope, name, reason })),
    would_warn: note.map(({ event: { kind, subject, payload } }) => ({ kind, subject, payload })),
    would_escalate: escalate.map(({ issue, worker, reason }) => ({ issue, worker, reason })),
    would_inherit: inherit.map(({ worker, conversation }) => ({ worker, conversation })),
    would_settle: move.map(({ id, issue, worker, to, reason }) => ({ id, issue, worker, state: to, reason })),
    would_tell: tell.map(({ dispatch, issue, worker, kind, reason }) => ({ dispatch, issue, worker, kind, reason })),
    would_change: change.map(({ issue, snapshot, decision, to, reason }) => ({
      issue,
      change: snapshot.ref,
      step: decision.do,
      stage: decision.stage,
      worker: to?.worker ?? null,
      reason,
    })),
    would_approve: approve.map(({ issue, approved, reason }) => ({ issue, approved, reason })),
    would_leave: leave.map(({ issue, reason }) => ({ issue, reason })),
    would_delegate: delegate.map(({ step, issue, agent, login, reason }) => ({ step, issue, agent, login, reason })),
    would_wait: wait.map(({ repo, reason }) => ({ repo, reason })),
    would_dispatch: claim.map(({ kind, issue, worker, attempt, reason }) => ({
      kind,
      issue: issue.ref,
      worker: worker.id,
      attempt,
      order: orderReason(records.get(issue.ref) ?? { issue, priority: 0 }, queue),
      reason,
    })),
    verdicts: judge.map(({ issue, eligible, reason, standing, revision }) => ({ issue, eligible, reason, standing, revision })),
  }
}

/** Returns the open issues that a plan does not assign, in the order of the queue, each with the reason. `open`: all open issues. */
export function leftOut({ actions, state }: CyclePlan, open: readonly IssueRecord[]): LeftOut[] {
  const { claim, judge, wait, leave, delegate } = actionsByKind(actions)
  const taken = new Set([
    ...claim.map(({ issue }) => issue.ref),
    ...delegate.filter(({ step }) => step === 'assigned').map(({ issue }) => issue),
  ])
  const decided = new Map([...judge, ...leave].map(({ issue, reason }) => [issue, reason]))
  const waits = new Map(wait.map(({ repo, reason }) => [repo, reason]))
  const reasonOf = ({ issue, verdict, standing }: IssueRecord): Reason => {
    const down = state.repos_down.get(issue.repo)
    if (down !== undefined) return { code: 'repo_unread', why: down }
    const reason = decided.get(issue.ref) ?? verdict?.reason
    if (standing === 'taken' && reason !== undefined) return { code: 'taken_because', why: reason }
    return reason === undefined || reason.code === 'queued' ? (waits.get(issue.repo) ?? { code: 'queued' }) : reason
  }
  const left = open.filter(({ issue }) => !taken.has(issue.ref))
  return inQueueOrder(left, queueRules(state.fleet.dispatch)).map((record) => ({ issue: record.issue.ref, reason: reasonOf(record) }))
}

/** Prints what a cycle would do, and why it would leave out each other issue. */
export function showPlan(
  {
    would_steer,
    would_hold,
    would_resume,
    would_escalate,
    would_inherit,
    would_settle,
    would_tell,
    would_change,
    would_approve,
    would_leave,
    would_delegate,
    would_dispatch,
    left_out,
    troubles: bad,
  }: Planned,
  io: Io,
): void {
  for (const { ref, by, word, refusal } of would_steer)
    io.out(
      `${ref}  burn would ${refusal === null ? `handle /burn ${word ?? ''}` : 'refuse the command'} of ${by}${refusal === null ? '' : `  ${sentence(refusal)}`}`,
    )
  for (const { scope, name, until, reason } of would_hold)
    io.out(`${heldName(scope, name)}  would be held until ${until}  ${sentence(reason)}`)
  for (const { issue, reason } of would_escalate) io.out(`${issue}  would be escalated  ${sentence(reason)}`)
  for (const { scope, name } of would_resume) io.out(`${heldName(scope, name)}  would be resumed`)
  for (const { worker, conversation } of would_inherit) io.out(`${worker}  would continue the conversation ${conversation}`)
  for (const { issue, state, worker, reason } of would_settle) io.out(`${issue}  would be ${state}  ${worker}  ${sentence(reason)}`)
  for (const { issue, worker, reason } of would_tell) io.out(`${worker}  would be told about ${issue}  ${sentence(reason)}`)
  for (const { issue, change, step, stage, worker, reason } of would_change)
    if (step === 'nothing') io.out(`${issue}  ${change} would be ${stage.replaceAll('_', ' ')}  ${sentence(reason)}`)
    else io.out(`${issue}  burn would ${stepName(step)} of ${change}  ${worker ?? ''}  ${sentence(reason)}`)
  for (const { issue, approved, reason } of would_approve)
    io.out(`${issue}  the text of the issue would be ${approved ? 'approved' : 'unapproved'}  ${sentence(reason)}`)
  for (const { issue, reason } of would_leave) io.out(`${issue}  would not be assigned  ${sentence(reason)}`)
  io.out(...delegationTable(would_delegate.filter(hasAgent), io.columns))
  io.out(...assignedLines(would_dispatch, io))
  io.out(...leftOutLines(left_out, io))
  const planned = would_dispatch.length === 0 ? 'Would assign no issue' : `Would assign ${counted(would_dispatch.length, 'issue')}`
  io.out(...wrap(`${planned}, and leave out ${left_out.length}. burn explain ISSUE says more about an issue.`, io.columns))
  for (const text of bad) io.err(io.paint('yellow', text))
}

/** Returns a table of the assignments. KIND and TRY are left out if each issue is work at its first attempt. */
function assignedLines(claims: Planned['would_dispatch'], io: Io): string[] {
  if (claims.length === 0) return []
  const isPlain = claims.every(({ kind, attempt }) => kind === 'work' && attempt === 1)
  const rows = claims.map(({ issue, worker, kind, attempt, order, reason }) => {
    const why = order.code === 'oldest' ? sentence(reason) : `${sentence(order)}; ${sentence(reason)}`
    return [issue, worker, ...(isPlain ? [] : [kind, String(attempt)]), why]
  })
  return table(['ISSUE', 'WORKER', ...(isPlain ? [] : ['KIND', 'TRY']), 'WHY'], rows, io.columns, ['KIND', 'TRY', 'WHY'])
}

/** Returns lines with the issues that a plan leaves out, by reason. */
export function leftOutLines(left: readonly LeftOut[], io: Io): string[] {
  const byReason = Map.groupBy(left, ({ reason }) => sentence(reason))
  return [...byReason].flatMap(([reason, issues]) => [
    ...wrap(`left out: ${reason}`, io.columns).map((line) => io.paint('bold', line)),
    ...wrap(issues.map(({ issue }) => issue).join(', '), io.columns - 2).map((line) => `  ${line}`),
  ])
}
