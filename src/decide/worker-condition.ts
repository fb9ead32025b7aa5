/** Decides the condition of a worker: the meaning of its state, if the state alone says too little. Pure. */
import type { StatusState, WorkerSnapshot } from '../core/fleet-state.ts'
import type { Hold } from '../core/ledger/holds.ts'
import { machineOf } from '../core/refs.ts'
import { holdsOnWorker } from './holds.ts'
import { hasPane } from './worker-life.ts'

/**
 * The meaning of a worker's state. `idle_with_work`: its agent is idle, although the worker has an issue. `limited`: its account reached
 * the usage limit. `not_started`: it has no agent, because burn never started one. `retiring` and `retired`: a person retires the worker.
 */
export type WorkerCondition = 'idle_with_work' | 'limited' | 'not_started' | 'retiring' | 'retired'

/** Returns the condition of a worker with `live` dispatches; null if its state says everything. */
export function workerCondition(
  { worker: { id }, reading }: WorkerSnapshot,
  live: number,
  state: Pick<StatusState, 'snapshots' | 'agents' | 'holds' | 'now' | 'fleet'>,
): WorkerCondition | null {
  const holds = holdsOnWorker(id, state.holds, state.now, state.fleet.accounts)
  const retires = holds.find(({ code }) => code === 'retire')
  if (retires !== undefined) return retires.reason.code === 'retired' && hasPane(id, state) !== true ? 'retired' : 'retiring'
  if (reading.state === 'dead') return wasStarted(id, state) ? null : 'not_started'
  if (isLimited(reading, holds)) return 'limited'
  return reading.state === 'idle' && live > 0 ? 'idle_with_work' : null
}

function isLimited({ state, detail }: WorkerSnapshot['reading'], holds: readonly Hold[]): boolean {
  return (state === 'error' && detail === 'rate limit') || (state !== 'working' && holds.some(({ code }) => code === 'limit'))
}

/** Returns whether burn ever started an agent of the worker. An older version of burn left no record, but a mark on the pane. */
function wasStarted(id: string, { snapshots, agents }: Pick<StatusState, 'snapshots' | 'agents'>): boolean {
  const snapshot = snapshots.get(machineOf(id))
  const pane = snapshot?.state === 'up' ? snapshot.panes.find(({ worker }) => worker === id) : undefined
  return agents.has(id) || pane?.dead === true || (pane?.agent_pid ?? null) !== null
}
