/** Finds the present state of each worker, and the time at which it began. */
import type { AgentRecord } from '../core/agent-record.ts'
import type { ReadingsFacet, WorkerSnapshot } from '../core/fleet-state.ts'
import type { WorkerRecord } from '../core/ledger/workers.ts'
import type { Time, WorkerId } from '../core/nouns.ts'

/** If burn saw a worker within this time (ms) before a new state, it saw the start of the state. */
const watchInterval = 10 * 60_000

/** The facts of the ledger about the earlier states of workers. */
export interface EarlierStates {
  readonly workers: readonly WorkerRecord[]
  readonly agents: readonly AgentRecord[]
  /** The time at which burn last sent a text to each worker's agent. */
  readonly given: ReadonlyMap<WorkerId, Time>
  /** The time of the last sample of each worker; null if the caller takes samples often. */
  readonly sampled: ReadonlyMap<WorkerId, Time> | null
  readonly now: Time
}

/**
 * Returns the state of each worker with the time at which it began. An error after a new text is a new error, even if burn never saw the
 * worker working in between.
 */
export function statesOf(
  snapshots: readonly WorkerSnapshot[],
  { workers, agents, given, sampled, now }: EarlierStates,
): ReadingsFacet['states'] {
  const before = new Map(workers.map((record) => [record.id, record]))
  const started = new Map(agents.map(({ worker, started_at }) => [worker, started_at]))
  return new Map(
    snapshots.map(({ worker: { id }, reading: { state }, incarnation }) => {
      const record = before.get(id)
      const since = record?.state === state ? (record.state_since ?? now) : now
      if (state === 'error' && (given.get(id) ?? 0) > since) return [id, { state, since: now, start_seen: true }]
      if (record?.state === state) return [id, { state, since, start_seen: record.start_seen }]
      const isWatched = sampled === null && (record?.state ?? null) !== null
      const lastSeen = [record?.state_since ?? 0, sampled?.get(id) ?? 0, incarnation === null ? 0 : (started.get(id) ?? 0)]
      return [id, { state, since, start_seen: isWatched || now - Math.max(...lastSeen) < watchInterval }]
    }),
  )
}
