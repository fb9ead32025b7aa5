/** All rows of a ledger, a page at a time, and how many there are. */
import type { Transaction } from 'kysely'
import type { Tables } from './schema.ts'
import { sql } from 'kysely'
import { schema, tableNames } from './schema.ts'

export interface Page {
  readonly table: keyof Tables
  readonly rows: readonly Readonly<Record<string, unknown>>[]
}

/** In the order of the registry. `size`: rows a page. A reader that stops early costs nothing more. */
export async function* pages(trx: Transaction<Tables>, size = 1000): AsyncGenerator<Page> {
  for (const table of tableNames) {
    const { key, columns } = schema[table]
    for (let after: unknown = null; ;) {
      const from = after === null ? sql`true` : sql`${sql.ref(key)} > ${after}`
      const { rows } = await sql<
        Record<string, unknown>
      >`select ${sql.join(columns.map((column) => sql.ref(column)))} from ${sql.table(table)} where ${from} order by ${sql.ref(key)} limit ${sql.lit(size)}`.execute(
        trx,
      )
      if (rows.length > 0) yield { table, rows }
      if (rows.length < size) break
      after = rows.at(-1)?.[key]
    }
  }
}

/** Rows by table; `meta` is bookkeeping. */
export async function counts(trx: Transaction<Tables>): Promise<Record<string, number>> {
  const rows: Record<string, number> = {}
  for (const table of tableNames.filter((name) => name !== 'meta')) {
    const found = await sql<{ count: number }>`select count(*) as count from ${sql.table(table)}`.execute(trx)
    rows[table] = Number(found.rows[0]?.count)
  }
  return rows
}
