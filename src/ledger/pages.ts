/** All rows of a ledger, a page at a time, parents before what refers to them. */
import type { Transaction } from 'kysely'
import type { Tables } from './tables.ts'
import { sql } from 'kysely'

/** Every table with its key, in an order in which rows can be written. */
const keys: Readonly<Record<keyof Tables, string>> = {
  meta: 'key',
  repo: 'repo',
  issue: 'ref',
  open_change: 'id',
  worker: 'id',
  dispatch: 'id',
  delivery: 'id',
  event: 'seq',
  sprint: 'id',
  lease: 'name',
  skip: 'id',
}
export const tableNames = Object.keys(keys) as (keyof Tables)[]

export interface Page {
  readonly table: keyof Tables
  readonly rows: readonly Readonly<Record<string, unknown>>[]
}

/** `size`: rows a page. A reader that stops early costs nothing more. */
export async function* pages(trx: Transaction<Tables>, size = 1000): AsyncGenerator<Page> {
  for (const table of tableNames) {
    const key = keys[table]
    for (let after: unknown = null; ;) {
      const from = after === null ? sql`true` : sql`${sql.ref(key)} > ${after}`
      const { rows } = await sql<
        Record<string, unknown>
      >`select * from ${sql.table(table)} where ${from} order by ${sql.ref(key)} limit ${sql.lit(size)}`.execute(trx)
      if (rows.length > 0) yield { table, rows }
      if (rows.length < size) break
      after = rows.at(-1)?.[key]
    }
  }
}

const counted = ['issue', 'worker', 'repo', 'dispatch', 'delivery', 'event', 'sprint'] as const

export async function counts(trx: Transaction<Tables>): Promise<Record<string, number>> {
  const rows: Record<string, number> = {}
  for (const table of counted) {
    const { count } = await trx
      .selectFrom(table)
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
    rows[table] = Number(count)
  }
  return rows
}
