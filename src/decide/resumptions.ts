/** Which agents are told to go on with their work after a turn that failed. */
import type { Reason } from '../core/reasons.ts'
import type { TellAction } from '../core/actions.ts'
import type { UnderWayState } from '../core/fleet-state.ts'
import type { LiveDispatch } from '../core/ledger/claims.ts'
import type { WorkerRecord } from '../core/ledger/workers.ts'
import { resumeText } from './prompts.ts'
import { canBeTold } from './dispatch-moves.ts'
import { hasPendingResume, recoveryPlans } from './trouble.ts'

/** Tells an agent to go on once for each failure, whoever else decides the same (`before`). */
export function resumptions(seen: UnderWayState): TellAction[] {
  const courses = recoveryPlans(seen)
  const records = new Map(seen.records.map((record) => [record.id, record]))
  return seen.dispatches.flatMap((dispatch) => {
    const { id, issue, worker, incarnation } = dispatch
    if (seen.mangled.has(id) || !canBeTold(dispatch, seen) || hasPendingResume(dispatch, seen)) return []
    const course = courses.get(worker)
    if (course === undefined ? !recovered(dispatch, records.get(worker), seen) : seen.now < course.next) return []
    const reason: Reason = { code: 'worker_recovered', kind: course?.trouble.kind ?? null }
    const before = seen.resumes.get(id)?.length ?? 0
    return [{ do: 'tell', kind: 'resume', dispatch: id, issue, worker, incarnation, text: resumeText({ id, issue }), before, reason }]
  })
}

/** Its agent's turn failed, it has done nothing since, and nobody told it to go on: it takes prompts again. */
function recovered({ id, worker, handed_at }: LiveDispatch, record: WorkerRecord | undefined, seen: UnderWayState): boolean {
  const failed = record?.error_at ?? null
  if (failed === null || seen.states.get(worker)?.state !== 'idle' || failed < (handed_at ?? 0)) return false
  return (seen.resumes.get(id) ?? []).every(({ planned_at }) => planned_at <= failed)
}
