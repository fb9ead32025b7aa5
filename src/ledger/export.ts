/** Reads all rows of a ledger, page by page. Copies and the JSON Lines export use it. */
import type { Transaction } from 'kysely'
import type { Tables } from './tables.ts'
import type { LockWait } from './sqlite.ts'
import { sql } from 'kysely'
import { ledgerVersion, schema, tableNames } from './schema.ts'
import { openEngine } from './open.ts'
import { withOldNames } from './renamed-columns.ts'

/**
 * Calls `line` with the version of the tables as JSON, then with each row as `{"table": …, "row": {…}}`. All rows come from one snapshot. A
 * renamed column also appears under its old name. Throws BurnError `ledger_*`.
 */
export async function exportLedger(url: string, wait: LockWait, line: (text: string) => void): Promise<void> {
  const engine = await openEngine(url, wait)
  try {
    await engine.read(async (trx) => {
      line(JSON.stringify({ ledger: engine.where, version: ledgerVersion }))
      for await (const { table, rows } of pages(trx)) for (const row of rows) line(JSON.stringify({ table, row: withOldNames(table, row) }))
    })
  } finally {
    await engine.close()
  }
}

/** A batch of rows of one table. */
export interface Page {
  readonly table: keyof Tables
  readonly rows: readonly Readonly<Record<string, unknown>>[]
}

/**
 * Yields the rows of all tables, in the order of the registry (`schema.ts`), with at most `size` rows per page. Reads a page only when the
 * caller asks for it.
 */
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
