/** Leases by name, so that a loop or a scheduled run is there once; and the issues that a worker leaves alone. */
import type { Transaction } from 'kysely'
import type { Skip } from '../core/sprint-ledger.ts'
import type { Lease } from './claims.ts'
import type { Tables } from './tables.ts'
import { append } from './events.ts'

type Trx = Transaction<Tables>

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

export async function renewNames(trx: Trx, { owner, until }: Lease): Promise<void> {
  await trx.updateTable('lease').set({ until }).where('owner', '=', owner).execute()
}

export async function leases(trx: Trx): Promise<Map<string, { readonly owner: string; readonly until: number }>> {
  const rows = await trx.selectFrom('lease').selectAll().execute()
  return new Map(rows.map(({ name, owner, until }) => [name, { owner, until }]))
}

const idOf = (worker: string, issue: string) => `${worker} ${issue}`

export async function skip(trx: Trx, each: Skip): Promise<void> {
  const { worker, issue, until, reason, at } = each
  await trx
    .insertInto('skip')
    .values({ ...each, id: idOf(worker, issue) })
    .onConflict((c) => c.column('id').doUpdateSet({ until, reason, at }))
    .execute()
  await append(trx, [{ kind: 'issue.skipped', subject: issue, issue, worker, text: reason }], at)
}

export async function unskip(trx: Trx, worker: string, issue: string): Promise<boolean> {
  const gone = await trx.deleteFrom('skip').where('id', '=', idOf(worker, issue)).returning('id').execute()
  return gone.length > 0
}

export async function skips(trx: Trx, at: number, worker: string | undefined): Promise<Skip[]> {
  let query = trx
    .selectFrom('skip')
    .select(['worker', 'issue', 'until', 'reason', 'at'])
    .where((eb) => eb.or([eb('until', 'is', null), eb('until', '>', at)]))
  if (worker !== undefined) query = query.where('worker', '=', worker)
  return query.orderBy('worker').orderBy('issue').execute()
}
