/** Helpers for SQL statements. */
import type { RawBuilder } from 'kysely'
import { sql } from 'kysely'

/**
 * Returns `column in ('a', 'b')` with literal values. The engines use a partial index only if the query repeats the index's condition
 * exactly. With bound values, SQLite would also prepare the statement again at every run.
 */
export function inList(column: string, values: readonly string[]): RawBuilder<boolean> {
  return sql<boolean>`${sql.ref(column)} in (${sql.join(values.map((value) => sql.lit(value)))})`
}

/**
 * Splits rows into chunks, one for each statement, because engines limit the number of parameters (SQLite: 32,766; PostgreSQL: 65,535). A
 * chunk has `size` rows or `size` divided by a power of 2, so that there are few different statements, and each is prepared only once.
 */
export function chunks<T>(all: readonly T[], size = 256): readonly (readonly T[])[] {
  const parts: T[][] = []
  for (let from = 0, length = size; from < all.length; from += length) {
    while (length > all.length - from) length /= 2
    parts.push(all.slice(from, from + length))
  }
  return parts
}
