/**
 * Jobs, and the leases on jobs, sprints and active deliveries. Each takeover of a delivery increments the token of the delivery's lease.
 */
import type { NewEvent } from '../core/events.ts'
import type { Transaction } from 'kysely'
import type { Job, JobLedger } from '../core/ledger/jobs.ts'
import type { Delivery } from '../core/lifecycle.ts'
import type { Lease } from './claims.ts'
import type { Db, Tables } from './tables.ts'
import { sql } from 'kysely'
import { hasElapsed } from '../core/elapsed.ts'
import { activeStates } from '../core/lifecycle.ts'
import { inList } from './sql.ts'
import { appendEvents } from './events.ts'
import { toDelivery } from './rows.ts'

type Trx = Transaction<Tables>

const active = inList('state', activeStates)

/** Takes over the active deliveries whose lease has expired, and returns these deliveries. */
export async function takeOverDeliveries(trx: Trx, { owner, until }: Lease, at: number): Promise<Delivery[]> {
  const rows = await trx
    .updateTable('delivery')
    .set((eb) => ({ lease_owner: owner, lease_token: eb('lease_token', '+', 1), lease_until: until }))
    .where(active)
    .where('lease_until', '<=', at)
    .returningAll()
    .execute()
  const events = rows.map(({ id, issue, worker, lease_token: token }): NewEvent => {
    return { kind: 'delivery.taken_over', subject: id, issue, worker, actor: 'burn', payload: { owner, token } }
  })
  await appendEvents(trx, events, at)
  return rows.map(toDelivery)
}

/** Whether this owner has a lease on a job, a delivery or a sprint. */
export async function hasLeases(db: Db, owner: string): Promise<boolean> {
  const { rows } =
    await sql`select 1 from job where owner = ${owner} union all select 1 from delivery where ${active} and lease_owner = ${owner}
    union all select 1 from sprint where ended_at is null and lease_owner = ${owner} limit 1`.execute(db)
  return rows.length > 0
}

/**
 * Extends all leases of this owner to `until`. Returns the ids of the owner's deliveries and sprints. Records no event, because burn renews
 * leases at every heartbeat.
 */
export async function renewLeases(trx: Trx, { owner, until }: Lease): Promise<string[]> {
  await trx.updateTable('job').set({ until }).where('owner', '=', owner).execute()
  const deliveries = trx.updateTable('delivery').set({ lease_until: until }).where(active).where('lease_owner', '=', owner)
  const sprints = trx.updateTable('sprint').set({ lease_until: until }).where('ended_at', 'is', null).where('lease_owner', '=', owner)
  return [...(await deliveries.returning('id').execute()), ...(await sprints.returning('id').execute())].map(({ id }) => id)
}

/**
 * Returns the job if this owner may not run it now: another owner is running it, or it is not due. Otherwise returns null. A job without a
 * period is due at any time. If the period is now shorter than at the last run, the shorter period counts.
 */
export async function blockingJob(db: Db, { name, period }: Pick<Job, 'name' | 'period'>, owner: string, at: number): Promise<Job | null> {
  const job = await db.selectFrom('job').selectAll().where('name', '=', name).executeTakeFirst()
  if (job === undefined || job.owner === owner) return null
  const runs = job.owner !== null && (job.until ?? 0) > at
  const isEarly = () => {
    const recorded = job.period ?? 0
    return job.next_run !== null && period !== null && !hasElapsed(job.next_run - recorded, Math.min(recorded, period), at)
  }
  return runs || isEarly() ? job : null
}

/**
 * Begins a run of a job, or extends the lease if this owner is already running it. Returns null on success. If the job may not run now,
 * returns the job and changes nothing.
 */
export async function beginJob(trx: Trx, job: Pick<Job, 'name' | 'period'>, { owner, until }: Lease, at: number): Promise<Job | null> {
  const { name, period } = job
  const blocking = await blockingJob(trx, job, owner, at)
  if (blocking !== null) return blocking
  const fresh = { last_result: null, next_run: null }
  await trx
    .insertInto('job')
    .values({ name, period, owner, until, last_run: at, ...fresh })
    .onConflict((c) =>
      c.column('name').doUpdateSet((eb) => ({
        period,
        owner,
        until,
        last_run: eb.case().when('job.owner', '=', owner).then(eb.ref('job.last_run')).else(at).end(),
      })),
    )
    .execute()
  return null
}

/** Ends this owner's run of a job. Does nothing if another process has taken over the job. */
export async function endJob(trx: Trx, { name, ...ended }: Parameters<JobLedger['endJob']>[0], owner: string): Promise<void> {
  const set = { ...ended, owner: null, until: null }
  await trx.updateTable('job').set(set).where('name', '=', name).where('owner', '=', owner).execute()
}

/** Returns all jobs, by name. */
export async function jobs(db: Db): Promise<Job[]> {
  return db.selectFrom('job').selectAll().orderBy('name').execute()
}

/** Returns the leases on jobs, by the job's name, including expired leases. */
export async function leases(trx: Trx): Promise<Map<string, { readonly owner: string; readonly until: number }>> {
  const rows = await trx.selectFrom('job').select(['name', 'owner', 'until']).where('owner', 'is not', null).execute()
  return new Map(rows.map(({ name, owner, until }) => [name, { owner: owner ?? '', until: until ?? 0 }]))
}

/** Returns the key in `meta` of a saved value. The prefix separates the values of other modules from the ledger's own values, such as `version`. */
export const valueKey = (key: string) => `kept.${key}`

/** Returns the value saved under this key; null if there is none. */
export async function loadValue(db: Db, key: string): Promise<string | null> {
  const row = await db.selectFrom('meta').select('value').where('key', '=', valueKey(key)).executeTakeFirst()
  return row?.value ?? null
}

/** Saves a value under a key, so that later processes can load it. */
export async function saveValue(trx: Trx, key: string, value: string): Promise<void> {
  await trx
    .insertInto('meta')
    .values({ key: valueKey(key), value })
    .onConflict((c) => c.column('key').doUpdateSet({ value }))
    .execute()
}
