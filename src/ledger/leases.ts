/** Leases: on active deliveries, with a token that is raised whenever one changes hands; on sprints; and by name, so that a loop or a scheduled run is there once. */
import type { Transaction } from 'kysely'
import type { Delivery } from '../core/lives.ts'
import type { Lease } from './claims.ts'
import type { Tables } from './schema.ts'
import { activeStates } from '../core/lives.ts'
import { among } from './sql.ts'
import { append } from './events.ts'
import { toDelivery } from './rows.ts'

type Trx = Transaction<Tables>

const active = among('state', activeStates)

export async function takeOver(trx: Trx, { owner, until }: Lease, at: number): Promise<Delivery[]> {
  const rows = await trx
    .updateTable('delivery')
    .set((eb) => ({ lease_owner: owner, lease_token: eb('lease_token', '+', 1), lease_until: until }))
    .where(active)
    .where('lease_until', '<=', at)
    .returningAll()
    .execute()
  const events = rows.map(({ id, issue, worker, lease_token }) => {
    return { kind: 'delivery.taken_over', subject: id, issue, worker, text: `by ${owner}, token ${lease_token}` }
  })
  await append(trx, events, at)
  return rows.map(toDelivery)
}

/** Extends what this owner holds. Returns the ids of its deliveries and sprints. No event: a heartbeat changes nothing that a person would ask about. */
export async function renew(trx: Trx, { owner, until }: Lease): Promise<string[]> {
  await trx.updateTable('lease').set({ until }).where('owner', '=', owner).execute()
  const deliveries = trx.updateTable('delivery').set({ lease_until: until }).where(active).where('lease_owner', '=', owner)
  const sprints = trx.updateTable('sprint').set({ lease_until: until }).where('ended_at', 'is', null).where('lease_owner', '=', owner)
  return [...(await deliveries.returning('id').execute()), ...(await sprints.returning('id').execute())].map(({ id }) => id)
}

/** Null where this owner has it now, or who else does. */
export async function lease(trx: Trx, name: string, { owner, until }: Lease, at: number): Promise<string | null> {
  const row = await trx.selectFrom('lease').selectAll().where('name', '=', name).executeTakeFirst()
  if (row !== undefined && row.owner !== owner && row.until > at) return row.owner
  await trx
    .insertInto('lease')
    .values({ name, owner, until })
    .onConflict((c) => c.column('name').doUpdateSet({ owner, until }))
    .execute()
  return null
}

export async function unlease(trx: Trx, name: string, owner: string): Promise<void> {
  await trx.deleteFrom('lease').where('name', '=', name).where('owner', '=', owner).execute()
}

export async function leases(trx: Trx): Promise<Map<string, { readonly owner: string; readonly until: number }>> {
  const rows = await trx.selectFrom('lease').selectAll().execute()
  return new Map(rows.map(({ name, owner, until }) => [name, { owner, until }]))
}

/** Words kept from one process to the next, beside the tables' own version. */
const own = (key: string) => `kept.${key}`

export async function remembered(trx: Trx, key: string): Promise<string | null> {
  const row = await trx.selectFrom('meta').select('value').where('key', '=', own(key)).executeTakeFirst()
  return row?.value ?? null
}

export async function remember(trx: Trx, key: string, value: string): Promise<void> {
  await trx
    .insertInto('meta')
    .values({ key: own(key), value })
    .onConflict((c) => c.column('key').doUpdateSet({ value }))
    .execute()
}
