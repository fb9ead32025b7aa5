/** Usage by hour, and the positions up to which burn has read the records of agents. */
import { createHash } from 'node:crypto'
import type { Transaction } from 'kysely'
import type { LastUse } from '../core/model-use.ts'
import type { UsageRecord, UsageSource } from '../core/usage.ts'
import type { WorkerLimit } from '../core/usage-limit.ts'
import type { Db, Tables, UsageRow, UsageSourceRow } from './tables.ts'
import { sql } from 'kysely'
import { newestLimits } from '../core/usage-limit.ts'
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
  const key = JSON.stringify([source, worker, incarnation, issue, agent, provider, model_asked, model_answered, paid])
  const id = `${(at / hour).toString(36)} ${createHash('sha256').update(key).digest('base64url').slice(0, hashLength)}`
  return { ...record, id, subscription: paid }
}

/** The length of the hash in the id of a row, which has 6 bits per character. The id begins with the hour, so that new rows are close together. */
const hashLength = 15

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

/** The number of conversations of a worker whose last use the ledger keeps. */
const keptSessions = 8

/** Saves the last use of a model in each conversation, unless a later one is saved. Deletes old conversations. */
export async function saveModelUses(trx: Trx, uses: readonly LastUse[]): Promise<void> {
  for (const part of chunks(uses, 64))
    await trx
      .insertInto('model_use')
      .values(part.map((use) => ({ ...use, id: `${use.worker} ${use.session}`, idle: Number(use.idle) })))
      .onConflict((c) =>
        c
          .column('id')
          .doUpdateSet((eb) => ({
            at: eb.ref('excluded.at'),
            provider: eb.ref('excluded.provider'),
            model_asked: eb.ref('excluded.model_asked'),
            model_answered: eb.ref('excluded.model_answered'),
            record: eb.ref('excluded.record'),
            // A request between two samples has no agent. The conversation is still the one of the agent that a sample showed.
            incarnation: sql<string>`case when excluded.incarnation = '' then model_use.incarnation else excluded.incarnation end`,
            idle: sql<number>`case when excluded.incarnation = '' and model_use.incarnation <> '' then model_use.idle else excluded.idle end`,
          }))
          .whereRef('excluded.at', '>=', 'model_use.at'),
      )
      .execute()
  for (const worker of new Set(uses.map((use) => use.worker)))
    await sql`delete from model_use where worker = ${worker} and id not in
      (select id from model_use where worker = ${worker} order by at desc, id limit ${keptSessions})`.execute(trx)
}

/** Returns the last use of a model in each conversation, oldest first. */
export async function modelUses(db: Db): Promise<LastUse[]> {
  return (await db.selectFrom('model_use').selectAll().orderBy('at').execute()).map(({ id: _id, idle, ...use }) => ({
    ...use,
    idle: idle === 1,
  }))
}

/** Saves reported limits, each unless a later report of it is saved. */
export async function saveUsageLimits(trx: Trx, limits: readonly WorkerLimit[]): Promise<void> {
  for (const part of chunks(newestLimits(limits), 64))
    await trx
      .insertInto('usage_limit')
      .values(part.map((limit) => ({ ...limit, id: `${limit.worker} ${limit.name}` })))
      .onConflict((c) =>
        c
          .column('id')
          .doUpdateSet((eb) => ({ used: eb.ref('excluded.used'), resets_at: eb.ref('excluded.resets_at'), at: eb.ref('excluded.at') }))
          .whereRef('excluded.at', '>=', 'usage_limit.at'),
      )
      .execute()
}

/** Returns the last report of each limit by each worker. */
export async function usageLimits(db: Db): Promise<WorkerLimit[]> {
  return (await db.selectFrom('usage_limit').selectAll().execute()).map(({ id: _id, ...limit }) => limit)
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
