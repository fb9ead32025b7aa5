/** Decides which agents burn tells to continue their work, after a failed turn or after a restart. */
import type { Reason } from '../core/reasons.ts'
import type { TellAction } from '../core/actions.ts'
import type { UnderWayState } from '../core/fleet-state.ts'
import type { LiveDispatch } from '../core/ledger/claims.ts'
import type { WorkerRecord } from '../core/ledger/workers.ts'
import { hasInherited } from './continuations.ts'
import { continueText, resumeText } from './prompts.ts'
import { canBeTold } from './dispatch-moves.ts'
import { heldBy, stopsTexts } from './holds.ts'
import { hasPendingResume, maxReportDelay, recoveryPlans } from './trouble.ts'

/**
 * Returns the texts that tell agents to continue, at most one per dispatch and failure. `before` is a guard: if another process has planned
 * a text in the meantime, burn does not plan this text.
 */
export function resumptions(seen: UnderWayState): TellAction[] {
  const plans = recoveryPlans(seen)
  const held = heldBy(seen.holds.filter(stopsTexts), seen.now, seen.fleet.accounts)
  const records = new Map(seen.records.map((record) => [record.id, record]))
  return seen.dispatches.flatMap((dispatch) => {
    const { id, issue, worker, incarnation } = dispatch
    // burn would not type the text while the worker is held, and the text may be outdated by the end of the hold.
    if (held.worker(worker) !== null || seen.mangled.has(id) || !canBeTold(dispatch, seen) || hasPendingResume(dispatch, seen)) return []
    const plan = plans.get(worker)
    const restarted = plan === undefined && isContinued(dispatch, seen)
    if (!restarted && (plan === undefined ? !hasRecovered(dispatch, records.get(worker), seen) : seen.now < plan.next)) return []
    const reason: Reason = restarted ? { code: 'agent_restarted' } : { code: 'worker_recovered', kind: plan?.trouble.kind ?? null }
    const before = seen.resumes.get(id)?.length ?? 0
    const text = restarted ? continueText({ id, issue }) : resumeText({ id, issue })
    return [{ do: 'tell', kind: 'resume', dispatch: id, issue, worker, incarnation, text, before, reason }]
  })
}

/** Returns true if a new agent that inherited the dispatch is idle, and burn has not told it yet to continue. */
function isContinued(dispatch: LiveDispatch, seen: UnderWayState): boolean {
  if (seen.states.get(dispatch.worker)?.state !== 'idle' || !hasInherited(dispatch, seen)) return false
  const started_at = seen.agents.get(dispatch.worker)?.started_at ?? 0
  return (seen.resumes.get(dispatch.id) ?? []).every(({ planned_at }) => planned_at < started_at)
}

/**
 * Returns true if the agent is idle after a failed turn, and burn has sent no resume text since that failure. A failure that burn read
 * within `maxReportDelay` after a text may be the earlier one, so burn sends no second text.
 */
function hasRecovered({ id, worker, handed_at }: LiveDispatch, record: WorkerRecord | undefined, seen: UnderWayState): boolean {
  const failed = record?.error_at ?? null
  if (failed === null || seen.states.get(worker)?.state !== 'idle' || failed < (handed_at ?? 0)) return false
  return (seen.resumes.get(id) ?? []).every(({ changed_at }) => changed_at + maxReportDelay <= failed)
}
