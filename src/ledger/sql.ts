/** Helpers for SQL statements. */
import type { RawBuilder } from 'kysely'
import { sql } from 'kysely'

/**
 * Returns `column in ('a', 'b')` with literal values. A partial index is used only if the query repeats its condition exactly. SQLite
 * prepares a statement at every run if a bound value may decide about an index.
 */
export function inList(column: string, values: readonly string[]): RawBuilder<boolean> {
  return sql<boolean>`${sql.ref(column)} in (${sql.join(values.map((value) => sql.lit(value)))})`
}

/**
 * Splits rows into parts for one statement each, because engines limit the number of parameters (SQLite: 32,766; PostgreSQL: 65,535). The
 * parts have 1, 2, 4, … up to `size` rows, so that there are few different statements, each prepared only once.
 */
export function chunks<T>(all: readonly T[], size = 256): readonly (readonly T[])[] {
  const parts: T[][] = []
  for (let from = 0, length = size; from < all.length; from += length) {
    while (length > all.length - from) length /= 2
    parts.push(all.slice(from, from + length))
  }
  return parts
}
