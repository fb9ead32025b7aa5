/** Usage by hour, and the positions up to which burn has read the records of agents. */
import type { Transaction } from 'kysely'
import type { LastUse } from '../core/model-use.ts'
import type { UsageRecord, UsageSource } from '../core/usage.ts'
import type { Tables, UsageRow, UsageSourceRow } from './tables.ts'
import { sql } from 'kysely'
import { hour } from '../decide/roll-up.ts'
import { chunks } from './sql.ts'

type Trx = Transaction<Tables>

/** Returns usage from the hour of `since` until `until`, oldest first. `issues`: only the usage for these issues. */
export async function usageSince(
  trx: Trx,
  { since, until, issues }: { readonly since: number; readonly until?: number; readonly issues?: readonly string[] },
): Promise<UsageRecord[]> {
  let query = trx
    .selectFrom('usage')
    .selectAll()
    .where('hour', '>=', Math.floor(since / hour) * hour)
  if (until !== undefined) query = query.where('hour', '<', until)
  if (issues !== undefined) query = query.where('issue', 'in', issues)
  return (await query.orderBy('hour').orderBy('id').execute()).map(({ id: _id, subscription, ...row }) => ({
    ...row,
    subscription: subscription === null ? null : subscription === 1,
  }))
}

const counters = ['calls', 'input', 'cache_read', 'cache_write', 'output', 'reasoning', 'reported_cost'] as const

/**
 * Adds usage to the rows of its hours. A sum with an unknown part is unknown. The caller saves the positions of the sources in the same
 * transaction.
 */
export async function addUsage(trx: Trx, records: readonly UsageRecord[]): Promise<void> {
  for (const part of chunks(records, 64))
    await trx
      .insertInto('usage')
      .values(part.map(toRow))
      .onConflict((c) =>
        c.column('id').doUpdateSet({
          ...Object.fromEntries(counters.map((name) => [name, sql.raw(`usage.${name} + excluded.${name}`)])),
          last_at: sql`case when usage.last_at > excluded.last_at then usage.last_at else excluded.last_at end`,
        }),
      )
      .execute()
}

function toRow(record: UsageRecord): UsageRow {
  const { source, worker, incarnation, issue, agent, provider, model_asked, model_answered, subscription, hour: at } = record
  const paid = subscription === null ? null : subscription ? 1 : 0
  const id = JSON.stringify([source, worker, incarnation, issue, agent, provider, model_asked, model_answered, paid, at])
  return { ...record, id, subscription: paid }
}

/** Saves the positions of sources. */
export async function saveUsageSources(trx: Trx, sources: readonly UsageSource[]): Promise<void> {
  for (const part of chunks(sources, 64))
    await trx
      .insertInto('usage_source')
      .values(part.map((each) => ({ ...each, id: idOf(each.machine, each.path), state: JSON.stringify(each.state) })))
      .onConflict((c) =>
        c.column('id').doUpdateSet((eb) => ({
          inode: eb.ref('excluded.inode'),
          position: eb.ref('excluded.position'),
          state: eb.ref('excluded.state'),
          read_at: eb.ref('excluded.read_at'),
          failure: eb.ref('excluded.failure'),
        })),
      )
      .execute()
}

/** Saves the last use of a model by each worker, unless a later one is saved. */
export async function saveModelUses(trx: Trx, uses: readonly LastUse[]): Promise<void> {
  for (const part of chunks(uses, 64))
    await trx
      .insertInto('model_use')
      .values([...part])
      .onConflict((c) =>
        c
          .column('worker')
          .doUpdateSet((eb) => ({
            at: eb.ref('excluded.at'),
            provider: eb.ref('excluded.provider'),
            model_asked: eb.ref('excluded.model_asked'),
            model_answered: eb.ref('excluded.model_answered'),
            record: eb.ref('excluded.record'),
            incarnation: eb.ref('excluded.incarnation'),
          }))
          .whereRef('excluded.at', '>=', 'model_use.at'),
      )
      .execute()
}

/** Returns the last use of a model by each worker. */
export function modelUses(trx: Trx): Promise<LastUse[]> {
  return trx.selectFrom('model_use').selectAll().execute()
}

const idOf = (machine: string, path: string) => `${machine}:${path}`

/** Returns the sources of a machine with these paths. */
export async function usageSources(trx: Trx, machine: string, paths: readonly string[]): Promise<UsageSource[]> {
  const rows: UsageSourceRow[] = []
  for (const part of chunks(paths))
    rows.push(
      ...(await trx
        .selectFrom('usage_source')
        .selectAll()
        .where(
          'id',
          'in',
          part.map((path) => idOf(machine, path)),
        )
        .execute()),
    )
  return rows.map(toSource)
}

/** Returns the sources that burn could not read at the last attempt. */
export async function failedUsageSources(trx: Trx): Promise<UsageSource[]> {
  return (await trx.selectFrom('usage_source').selectAll().where('failure', 'is not', null).orderBy('id').execute()).map(toSource)
}

function toSource({ id: _id, state, ...row }: UsageSourceRow): UsageSource {
  // The column holds the JSON that `saveUsageSources` wrote.
  return { ...row, state: JSON.parse(state) as unknown }
}
