/** Parts of statements that all of the store uses. */
import type { RawBuilder } from 'kysely'
import { sql } from 'kysely'

/**
 * `column in ('a', 'b')` with the values written out: a partial index is used only where the query repeats its condition
 * word for word, and SQLite prepares a statement anew at each run where a bound value may decide that (15 µs instead of 4).
 */
export function inList(column: string, values: readonly string[]): RawBuilder<boolean> {
  return sql<boolean>`${sql.ref(column)} in (${sql.join(values.map((value) => sql.lit(value)))})`
}

/**
 * Rows for one statement each: engines bound the number of its parameters (32766 and 65535). In lengths of 1, 2, 4, …, so that there are few statements,
 * each prepared once: preparing takes longer than running (a fifth of a simulated night).
 */
export function chunks<T>(all: readonly T[], size = 256): readonly (readonly T[])[] {
  const parts: T[][] = []
  for (let from = 0, length = size; from < all.length; from += length) {
    while (length > all.length - from) length /= 2
    parts.push(all.slice(from, from + length))
  }
  return parts
}
