/** Rows that changed, written back: one statement for all that are alike. */
import type { Transaction } from 'kysely'
import type { DeliveryRow, DispatchRow, Tables } from './tables.ts'
import { sql } from 'kysely'
import { chunks } from './engine.ts'

interface Rows {
  readonly dispatch: DispatchRow
  readonly delivery: DeliveryRow
}

/** Sets these columns of each row to what the row says; the last one counts where a row is given twice. */
export async function writeRows<T extends keyof Rows>(
  trx: Transaction<Tables>,
  table: T,
  columns: readonly (keyof Rows[T] & string)[],
  rows: readonly Rows[T][],
): Promise<void> {
  const latest = [...new Map(rows.map((row) => [row.id, row])).values()]
  for (const part of chunks(latest, 64)) {
    const all = filledUp(part)
    const sets = columns.map((column) => sql`${sql.ref(column)} = ${valueOf(column, all)}`)
    const ids = all.map(({ id }) => sql`${id}`)
    await sql`update ${sql.table(table)} set ${sql.join(sets)} where id in (${sql.join(ids)})`.execute(trx)
  }
}

/** To 1, 2, 4, … rows, by the last one over again: statements of few lengths are prepared once, and that is half of what one costs. */
function filledUp<Row>(rows: readonly Row[]): Row[] {
  const length = 2 ** Math.ceil(Math.log2(rows.length))
  return [...rows, ...Array.from({ length: length - rows.length }, () => rows.at(-1) as Row)]
}

/** What all rows have in common is said once. PostgreSQL takes a parameter of a `case` for text, unless it is told. */
function valueOf<Row extends { readonly id: string }>(column: keyof Row, rows: readonly Row[]) {
  const said = (value: unknown) => (typeof value === 'number' ? sql`cast(${value} as bigint)` : sql`${value}`)
  const values = new Set(rows.map((row) => row[column]))
  if (values.size === 1) return said(values.values().next().value)
  const cases = rows.map((row) => sql`when ${row.id} then ${said(row[column])}`)
  return sql`case id ${sql.join(cases, sql` `)} end`
}
