/** Workers: the order in which burn recorded them, their last known states, and their agents. */
import type { Transaction } from 'kysely'
import type { NewEvent } from '../core/events.ts'
import type { ObservedState } from '../core/ledger/workers.ts'
import type { Incarnation, WorkerId } from '../core/nouns.ts'
import type { ProvisionRecord } from '../core/provision.ts'
import type { Tables } from './tables.ts'
import { sql } from 'kysely'
import { activeStates, liveStates } from '../core/lifecycle.ts'
import { inList, chunks } from './sql.ts'
import { appendEvents } from './events.ts'

type Trx = Transaction<Tables>

const about = (id: WorkerId) => ({ subject: id, issue: null, worker: id }) as const

/** Records new workers, and an event for each. */
export async function recordWorkers(
  trx: Trx,
  workers: readonly { readonly id: WorkerId; readonly drawn: boolean }[],
  at: number,
): Promise<void> {
  const rows = await trx.selectFrom('worker').select(['id', 'drawn_seq']).execute()
  let seq = rows.reduce((most, { drawn_seq }) => Math.max(most, drawn_seq), 0)
  const known = new Set(rows.map(({ id }) => id))
  const unseen = new Map(workers.filter(({ id }) => !known.has(id)).map((worker) => [worker.id, worker]))
  const unknown = { used_at: null, state: null, state_since: null, start_seen: null, error_at: null, provision: null }
  for (const part of chunks([...unseen.values()]))
    await trx
      .insertInto('worker')
      .values(part.map(({ id, drawn }) => ({ id, drawn: Number(drawn), drawn_seq: ++seq, ...unknown })))
      .execute()
  await appendEvents(
    trx,
    [...unseen.keys()].map((id): NewEvent => ({ kind: 'worker.recorded', ...about(id), actor: 'burn', payload: {} })),
    at,
  )
}

/** Saves the states of workers. `error_at` keeps the time of a failed turn until burn sees that the worker works again. */
export async function saveReadings(trx: Trx, readings: readonly ObservedState[], at: number): Promise<void> {
  for (const [state, same] of Map.groupBy(readings, (reading) => reading.state)) {
    const failed = state === 'error' ? { error_at: at } : state === 'working' ? { error_at: null } : {}
    const repeated = same.filter((reading) => reading.repeated === true).map(({ worker }) => worker)
    for (const [start_seen, alike] of Map.groupBy(same, (reading) => Number(reading.start_seen ?? true)))
      for (const part of chunks(alike)) {
        const ids = part.map(({ worker }) => worker)
        const update = trx.updateTable('worker').set({ state, state_since: at, start_seen, ...failed })
        const changed = update.where('id', 'in', ids).where((eb) => eb.or([eb('state', 'is', null), eb('state', '!=', state)]))
        await changed.execute()
      }
    for (const part of chunks(repeated)) {
      const update = trx.updateTable('worker').set({ state_since: at, start_seen: 1, ...failed })
      await update.where('id', 'in', part).where('state', '=', state).execute()
    }
  }
}

/** Saves the last provisioning of a worker, and records an event. */
export async function saveProvision(trx: Trx, id: WorkerId, provision: ProvisionRecord): Promise<void> {
  await trx
    .updateTable('worker')
    .set({ provision: JSON.stringify(provision) })
    .where('id', '=', id)
    .execute()
  const missing = provision.steps.flatMap(({ state, what }) => (state === 'failed' ? [what] : [])).join('; ')
  await appendEvents(trx, [{ kind: 'worker.provisioned', ...about(id), actor: 'person', payload: { missing } }], provision.at)
}

interface KnownAgent {
  worker: WorkerId
  incarnation: Incarnation
}

const lastIdentities = sql<KnownAgent>`select d.worker, d.incarnation from worker w join delivery d on d.id = (select max(l.id) from delivery l
  where l.worker = w.id and l.kind = 'identity' and l.issue is null and l.incarnation is not null)`

/** Returns the agents that burn knows. See `WorkerLedger.agents`. */
export async function knownAgents(trx: Trx): Promise<KnownAgent[]> {
  const { rows } = await lastIdentities.execute(trx)
  const live = trx.selectFrom('dispatch').select(['worker', 'incarnation']).where(inList('state', liveStates))
  const active = trx.selectFrom('delivery').select(['worker', 'incarnation']).where(inList('state', activeStates))
  const holding = [...(await live.execute()), ...(await active.execute())]
  return [...rows, ...holding.flatMap(({ worker, incarnation }) => (incarnation === null ? [] : [{ worker, incarnation }]))]
}
