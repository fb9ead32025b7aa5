/** Finds changes in review that nobody could continue if their workers left. The worker that made a change gets its follow-ups. Pure. */
import type { StatusState } from '../core/fleet-state.ts'
import type { WorkerId } from '../core/nouns.ts'
import type { UnderWay } from './under-way.ts'
import { repoOf } from '../core/refs.ts'
import { holdsOnWorker } from './holds.ts'

/**
 * Returns the changes in review of the leaving workers that no other worker may take over. In these cases no worker of the same lane serves
 * the repo and stays. If the spec no longer has the leaving worker, any worker that serves the repo may take over, as in
 * `decide/change-actions`.
 */
export function changesWithoutHeir(
  { dispatches, fleet, holds, now }: Pick<StatusState, 'dispatches' | 'fleet' | 'holds' | 'now'>,
  leaving: ReadonlySet<WorkerId>,
): UnderWay[] {
  const workers = fleet.machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers))
  const stays = (id: WorkerId) => !leaving.has(id) && !holdsOnWorker(id, holds, now, fleet.accounts).some(({ code }) => code === 'retire')
  return dispatches
    .filter(({ kind, state, worker }) => kind === 'work' && state === 'review' && leaving.has(worker))
    .filter(({ worker, issue }) => {
      const lane = workers.find(({ id }) => id === worker)?.lane
      const mayTakeOver = workers.filter(({ role, repos }) => role === 'worker' && repos.includes(repoOf(issue)))
      return !mayTakeOver.some((other) => (lane === undefined || other.lane === lane) && stays(other.id))
    })
    .map(({ worker, issue }) => ({
      worker,
      issue,
      what: `has a change for ${issue} in review, and no other worker could continue it: merge or close the change, or release the issue`,
      remedy: `burn issue release ${issue} --force`,
    }))
}
