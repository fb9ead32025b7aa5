/** Usage by hour, and the positions up to which burn has read the records of agents. */
import type { RawBuilder, Transaction } from 'kysely'
import type { LastUse } from '../core/model-use.ts'
import type { UsageRecord, UsageSource } from '../core/usage.ts'
import type { WorkerLimit } from '../core/usage-limit.ts'
import type { Db, Tables, UsageGroupRow, UsageRow, UsageSourceRow } from './tables.ts'
import { sql } from 'kysely'
import { issueNumber, repoOf } from '../core/refs.ts'
import { newestLimits } from '../core/usage-limit.ts'
import { hour } from '../decide/roll-up.ts'
import { addTokens } from '../decide/usage.ts'
import { groupHash, groupIds, idFrom, nextId, timeInId, type GroupTexts } from './groups.ts'
import { chunks } from './sql.ts'

type Trx = Transaction<Tables>

/** Returns usage from the hour of `since` until `until`, oldest first. `issues`: only the usage for these issues. */
export async function usageSince(
  trx: Trx,
  { since, until, issues }: { readonly since: number; readonly until?: number; readonly issues?: readonly string[] },
): Promise<UsageRecord[]> {
  let query = trx
    .selectFrom('usage')
    .innerJoin('usage_group', 'usage_group.id', 'usage.group_id')
    .select(['usage.id', 'number', 'last_ms', ...counters, ...texts])
    .where('usage.id', '>=', idFrom(hourOf(since)))
  if (until !== undefined) query = query.where('usage.id', '<', idsUntil(until))
  if (issues !== undefined) query = query.where('number', 'in', [...new Set(issues.map(issueNumber))])
  const records = (await query.orderBy('usage.id').execute()).map(toRecord)
  if (issues === undefined) return records
  const wanted = new Set(issues)
  return records.filter(({ issue }) => wanted.has(issue))
}

/** Returns SQL that selects the ids of the rows of hours that began before a time. */
export function usageBefore(time: number): RawBuilder<unknown> {
  return sql`select id from usage where id < ${idsUntil(time)}`
}

const hourOf = (time: number) => Math.floor(time / hour) * hour
/** Returns the end of the ids of hours that begin before a time. */
const idsUntil = (time: number) => idFrom(Math.ceil(time / hour) * hour)

const counters = ['calls', 'input', 'cache_read', 'cache_write', 'output', 'reasoning', 'reported_cost'] as const

const texts = ['source', 'worker', 'incarnation', 'repo', 'agent', 'provider', 'model_asked', 'model_answered', 'subscription'] as const

/**
 * Adds usage to the rows of its hours. A sum with an unknown part is unknown. The caller saves the positions of the sources in the same
 * transaction.
 */
export async function addUsage(trx: Trx, records: readonly UsageRecord[]): Promise<void> {
  if (records.length === 0) return
  const grouped = records.map((record) => ({ record, ...groupOf(record) }))
  const groups = new Map(grouped.map(({ hash, group }) => [hash, group]))
  const ids = await groupIds(trx, 'usage_group', groups, Math.max(...records.map(({ last_at }) => last_at)))
  for (const [at, some] of Map.groupBy(grouped, ({ record }) => record.hour)) {
    const added = some.map(({ record, hash }) => ({ record, group_id: ids.get(hash)! }))
    await addToHour(trx, at, added)
  }
}

/** Adds usage to the rows of the hour that begins at `at`. */
async function addToHour(
  trx: Trx,
  at: number,
  added: readonly { readonly record: UsageRecord; readonly group_id: number }[],
): Promise<void> {
  const rows = new Map<string, UsageRow>()
  const keyOf = ({ group_id, number }: Pick<UsageRow, 'group_id' | 'number'>) => `${group_id} ${number}`
  for (const part of chunks([...new Set(added.map(({ group_id }) => group_id))])) {
    const [from, until] = [idFrom(at), idFrom(at + hour)]
    const query = trx.selectFrom('usage').selectAll().where('id', '>=', from).where('id', '<', until)
    for (const row of await query.where('group_id', 'in', part).execute()) rows.set(keyOf(row), row)
  }
  const changed = new Map<string, UsageRow>()
  let next = await nextId(trx, 'usage', at, at + hour)
  for (const { record, group_id } of added) {
    const { issue, last_at, calls, input, cache_read, cache_write, output, reasoning, reported_cost } = record
    const tokens = { calls, input, cache_read, cache_write, output, reasoning, reported_cost }
    const [number, last_ms] = [issueNumber(issue), last_at - at]
    const key = keyOf({ group_id, number })
    const old = changed.get(key) ?? rows.get(key)
    const row = old === undefined ? tokens : { ...addTokens(old, tokens), last_ms: Math.max(old.last_ms, last_ms) }
    changed.set(key, { id: old?.id ?? next++, group_id, number, last_ms, ...row })
  }
  for (const part of chunks([...changed.values()], 64))
    await trx
      .insertInto('usage')
      .values(part)
      .onConflict((c) =>
        c
          .column('id')
          .doUpdateSet((eb) => Object.fromEntries([...counters, 'last_ms' as const].map((name) => [name, eb.ref(`excluded.${name}`)]))),
      )
      .execute()
}

/** Returns the texts that many rows share, with their hash. */
function groupOf({ source, worker, incarnation, issue, agent, provider, model_asked, model_answered, subscription: paid }: UsageRecord) {
  const [repo, subscription] = [repoOf(issue), paid === null ? null : Number(paid)]
  const group: GroupTexts<UsageGroupRow> = { source, worker, incarnation, repo, agent, provider, model_asked, model_answered, subscription }
  return { group, hash: groupHash(texts.map((name) => group[name])) }
}

function toRecord(row: Omit<UsageRow, 'group_id'> & GroupTexts<UsageGroupRow>): UsageRecord {
  const { id, source, worker, incarnation, repo, number, agent, provider, model_asked, model_answered, subscription, last_ms } = row
  const { calls, input, cache_read, cache_write, output, reasoning, reported_cost } = row
  const issue = number === 0 ? '' : `${repo}#${number}`
  const model = { provider, model_asked, model_answered, subscription: subscription === null ? null : subscription === 1 }
  const tokens = { calls, input, cache_read, cache_write, output, reasoning, reported_cost }
  const at = hourOf(timeInId(id))
  return { source, worker, incarnation, issue, agent, hour: at, last_at: at + last_ms, ...model, ...tokens }
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
