/** Finds out which dispatches need the texts that told their agents to continue, and when agents got their last text. */
import type { FollowUpFacet, WorkerSnapshot } from '../core/fleet-state.ts'
import type { LedgerView } from '../core/ledger.ts'
import type { LiveDispatch } from '../core/ledger/claims.ts'
import type { Time, WorkerId } from '../core/nouns.ts'
import { maxReportDelay } from '../decide/trouble.ts'

/**
 * Returns the ids of the dispatches in the state `handed` whose agents burn may tell to continue: those of workers whose last turn failed,
 * or whose agent continues a conversation.
 */
export function toldDispatches(
  snapshots: readonly WorkerSnapshot[],
  { workers, agents }: Pick<LedgerView, 'workers' | 'agents'>,
  dispatches: readonly LiveDispatch[],
): string[] {
  const failed = new Set([
    ...snapshots.flatMap(({ worker, reading }) => (reading.state === 'error' ? [worker.id] : [])),
    ...workers.flatMap(({ id, error_at }) => (error_at === null ? [] : [id])),
    ...agents.flatMap(({ worker, continues }) => (continues === null ? [] : [worker])),
  ])
  return dispatches.flatMap(({ id, worker, state }) => (state === 'handed' && failed.has(worker) ? [id] : []))
}

/**
 * Returns the time at which each worker's agent provably got its last text. A resume text counts only if it was `seen` at least
 * `maxReportDelay` before `began`, the start of the read of the machines. Until then, a failure that burn reads may be the earlier one.
 */
export function givenAt(dispatches: readonly LiveDispatch[], resumes: FollowUpFacet['resumes'], began: Time): Map<WorkerId, Time> {
  const given = new Map<WorkerId, Time>()
  for (const { id, worker, handed_at } of dispatches) {
    const resumed = (resumes.get(id) ?? []).flatMap(({ state, planned_at, changed_at }) =>
      state === 'seen' && changed_at + maxReportDelay <= began ? [planned_at] : [],
    )
    given.set(worker, Math.max(given.get(worker) ?? 0, handed_at ?? 0, ...resumed))
  }
  return given
}
