/**
 * Groups of rows. Most spans and most rows of usage repeat the same texts, such as worker, agent and model. A table of groups has each
 * combination of these texts once, and the rows have the id of their group.
 */
import { createHash } from 'node:crypto'
import type { Transaction } from 'kysely'
import type { SpanGroupRow, Tables, UsageGroupRow } from './tables.ts'
import { sql } from 'kysely'
import { chunks } from './sql.ts'

type Trx = Transaction<Tables>
/** The texts of a group. */
export type GroupTexts<Row extends SpanGroupRow | UsageGroupRow> = Omit<Row, 'id' | 'hash' | 'used_at'>

/** `used_at` of a group is at most this time (ms) before the times of its rows. So a group is updated once a day at most. */
export const groupAge = 24 * 60 * 60_000

/** Returns the hash by which burn finds a group. `texts`: the texts in a fixed order. Migration 19 uses it, so it must not change. */
export function groupHash(texts: readonly (string | number | null)[]): string {
  return createHash('sha256').update(JSON.stringify(texts)).digest('base64url').slice(0, 15)
}

/**
 * Returns the ids of groups by their hashes. Creates missing groups. `used_at`: the latest time of the rows that the caller adds to the
 * groups.
 */
export async function groupIds(
  trx: Trx,
  table: 'span_group' | 'usage_group',
  groups: ReadonlyMap<string, GroupTexts<SpanGroupRow> | GroupTexts<UsageGroupRow>>,
  used_at: number,
): Promise<ReadonlyMap<string, number>> {
  const ids = new Map<string, number>()
  for (const part of chunks([...groups.keys()])) {
    const rows = await trx.selectFrom(table).select(['id', 'hash', 'used_at']).where('hash', 'in', part).execute()
    for (const { id, hash } of rows) ids.set(hash, id)
    const old = rows.flatMap((row) => (row.used_at < used_at - groupAge ? [row.id] : []))
    if (old.length > 0) await trx.updateTable(table).set({ used_at }).where('id', 'in', old).execute()
  }
  const missing = [...groups].filter(([hash]) => !ids.has(hash))
  if (missing.length === 0) return ids
  const first = ((await maxId(trx, table)) ?? 0) + 1
  const rows = missing.map(([hash, texts], index) => ({ ...texts, id: first + index, hash, used_at }))
  for (const part of chunks(rows, 64))
    await trx
      .insertInto(table)
      // The caller passes the texts of this table.
      .values(part as never)
      .execute()
  for (const { hash, id } of rows) ids.set(hash, id)
  return ids
}

/** The ids of spans and usage begin with a time, so that a search by time needs no further index. Each millisecond has this many ids. */
const idsPerMs = 1000

/** Returns the smallest id of the rows from a time. */
export const idFrom = (time: number) => time * idsPerMs

/** Returns the time with which an id begins. */
export const timeInId = (id: number) => Math.floor(id / idsPerMs)

/**
 * Returns the next free id of a row of the time `from`. If many rows have this time, their ids may be those of later times, but not of
 * `until`.
 */
export async function nextId(trx: Trx, table: 'span' | 'usage', from: number, until: number): Promise<number> {
  return ((await maxId(trx, table, sql`where id >= ${idFrom(from)} and id < ${idFrom(until)}`)) ?? idFrom(from) - 1) + 1
}

async function maxId(trx: Trx, table: keyof Tables, where = sql``): Promise<number | null> {
  const { rows } = await sql<{ id: number | null }>`select max(id) as id from ${sql.table(table)} ${where}`.execute(trx)
  return rows[0]?.id ?? null
}
