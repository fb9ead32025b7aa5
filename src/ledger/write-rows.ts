/**
 * Writes many rows with one statement. This file builds the SQL itself, because Kysely is slow to build it for hundreds of rows. Rows are
 * written in chunks of 1, 2, 4, … rows, so that statements repeat and are prepared only once.
 */
import type { Transaction } from 'kysely'
import type { DeliveryRow, DispatchRow, EventRow, IssueRow, Tables } from './tables.ts'
import { CompiledQuery, SqliteAdapter } from 'kysely'
import { schema } from './schema.ts'
import { chunks } from './sql.ts'

type Trx = Transaction<Tables>
type Row = Readonly<Record<string, unknown>>

interface Inserted {
  readonly dispatch: DispatchRow
  readonly delivery: DeliveryRow
  readonly event: Omit<EventRow, 'seq'>
  readonly issue: Omit<
    IssueRow,
    | 'attempts'
    | 'done'
    | 'revision'
    | 'backoff_until'
    | 'backoff_reason'
    | 'open_change'
    | 'approved_hash'
    | 'approved_by'
    | 'stopped_by'
    | 'priority'
    | 'queue_rank'
    | 'pending_event'
    | 'delegation_left'
  >
}

/**
 * Inserts rows, which must all have the same columns. Appends `ending` to the statement. Returns the rows that a `returning` clause in
 * `ending` selects.
 */
export async function insertRows<T extends keyof Inserted>(trx: Trx, table: T, rows: readonly Inserted[T][], ending = ''): Promise<Row[]> {
  const columns = Object.keys(rows[0] ?? {})
  const returned: Row[] = []
  // In every table, a row is an object whose keys are the column names.
  for (const part of chunks(rows as readonly unknown[] as readonly Row[])) {
    const { text, values } = valuesOf(trx, part, columns)
    const statement = `insert into ${table} (${columns.map(quoted).join(', ')}) values ${text} ${ending}`
    const result = await trx.executeQuery<Row>(CompiledQuery.raw(statement, values))
    for (const row of result.rows) returned.push(row)
  }
  return returned
}

interface Keys {
  readonly dispatch: 'id'
  readonly delivery: 'id'
  readonly issue: 'ref'
  readonly repo: 'repo'
}

/**
 * Updates these columns of existing rows. If a key occurs twice, the last row counts. Returns the rows that a `returning` clause in
 * `ending` selects.
 */
export async function writeRows<T extends keyof Keys, C extends keyof Tables[T] & string>(
  trx: Trx,
  { table, columns }: { readonly table: T; readonly columns: readonly C[] },
  rows: readonly Readonly<Record<C | Keys[T], unknown>>[],
  ending = '',
): Promise<Row[]> {
  const { key } = schema[table]
  // A row of every table is an object with its columns as keys.
  const given = rows as readonly Row[]
  const returned: Row[] = []
  const latest = [...new Map(given.map((row) => [row[key], row])).values()]
  for (const part of chunks(latest)) {
    const { text, values } = valuesOf(trx, part, [key, ...columns])
    const sets = columns.map((column, index) => `${quoted(column)} = ${expressionFor(`v.column${index + 2}`, column, part)}`)
    const statement = `update ${table} set ${sets.join(', ')} from (values ${text}) as v where ${table}.${key} = v.column1 ${ending}`
    const result = await trx.executeQuery<Row>(CompiledQuery.raw(statement, values))
    for (const row of result.rows) returned.push(row)
  }
  return returned
}

/**
 * Returns the SQL expression for a column of a `values` list. In such a list, PostgreSQL treats parameters as text, so numbers need a cast.
 */
function expressionFor(value: string, column: string, rows: readonly Row[]): string {
  const known = rows.find((row) => row[column] !== null)
  return known === undefined ? 'null' : typeof known[column] === 'number' ? `cast(${value} as bigint)` : value
}

const quoted = (column: string) => `"${column}"`

/** Returns the placeholders in the engine's dialect, `(?, ?), (?, ?)` or `($1, $2), ($3, $4)`, and the values to bind to them. */
function valuesOf(trx: Trx, rows: readonly Row[], columns: readonly string[]): { readonly text: string; readonly values: unknown[] } {
  const values: unknown[] = []
  for (const row of rows) for (const column of columns) values.push(row[column])
  const numbered = !(trx.getExecutor().adapter instanceof SqliteAdapter)
  const placeholders = (row: number) => columns.map((_, column) => (numbered ? `$${row * columns.length + column + 1}` : '?')).join(', ')
  const first = `(${placeholders(0)})`
  const text = rows.map((_, row) => (numbered ? `(${placeholders(row)})` : first))
  return { text: text.join(', '), values }
}
