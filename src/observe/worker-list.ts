/** Reads the lives and the work of workers, for `burn worker list`. */
import type { Time, WorkerId } from '../core/nouns.ts'
import type { WorkerSummary } from '../core/worker-life.ts'
import type { Session } from './session.ts'
import { workerSummaries } from '../decide/worker-list.ts'
import { readStatus } from './state.ts'
import { readUsage } from './usage.ts'
import { readFolders } from './worker-clones.ts'

/**
 * Returns the workers of the fleet. Their numbers are about the time since `since`. burn looks for commits only in the folders of workers
 * that would be silent without them. Throws BurnError `ledger_*`.
 */
export async function readWorkerList(
  session: Session,
  { since, all }: { readonly since: Time; readonly all: boolean },
): Promise<WorkerSummary[]> {
  const { fleet, ledger, clock } = session
  const silentSince = clock.now() - fleet.worker.silent_after
  const [state, dispatches, spans, usage] = await Promise.all([
    readStatus(fleet.machines, session),
    ledger.dispatches({ since }),
    ledger.spans({ kind: 'worker', since }),
    readUsage(session, { since: Math.min(since, silentSince) }),
  ])
  const facts = { state, since, dispatches, spans, usage: usage.records, costFor: usage.costFor }
  const found = workerSummaries({ ...facts, commits: new Map() }, all)
  const silent = found.flatMap(({ life, worker }) => (life === 'silent' && worker !== null ? [worker] : []))
  if (silent.length === 0) return found
  const byMachine = Map.groupBy(silent, ({ machine }) => machine)
  const read = fleet.machines.map((machine) => readFolders(machine, byMachine.get(machine.name) ?? []))
  const commits = new Map<WorkerId, Time>()
  for (const folders of await Promise.all(read))
    for (const [id, { clones }] of folders ?? []) {
      const last = Math.max(0, ...clones.map(({ used_at }) => used_at ?? 0))
      if (last > 0) commits.set(id, last)
    }
  return workerSummaries({ ...facts, commits }, all)
}
