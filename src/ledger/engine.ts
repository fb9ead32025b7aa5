/** What the store needs of a database. */
import type { RawBuilder, Transaction } from 'kysely'
import type { Db, Tables } from './tables.ts'
import { sql } from 'kysely'

/** Rows by their keys. */
export interface Rows {
  readonly workers: readonly string[]
  readonly issues: readonly string[]
}

export interface Writing<T> {
  /** A promise: `work` neither reads nor changes what hangs on other issues and workers than these. Such writes overlap where the engine can. */
  readonly only?: Rows
  /** Whether other processes may have something to do after it: those that wait in `changed` are told as it is committed. */
  readonly tells?: (result: T) => boolean
}

export interface Engine {
  readonly db: Db
  /** Where it is, for people; without a password. */
  readonly where: string
  /** The type of a column that numbers its rows by itself. */
  readonly serial: 'integer' | 'bigserial'
  /** Runs `work` at one moment: it sees no other transaction begin or end. */
  read<T>(work: (trx: Transaction<Tables>) => Promise<T>): Promise<T>
  /**
   * Runs `work` as if it were alone; it may run more than once, and counts once or not at all. When it resolves it is on disk.
   * Throws BurnError `ledger_*`.
   */
  write<T>(work: (trx: Transaction<Tables>) => Promise<T>, how?: Writing<T>): Promise<T>
  /** Resolves once another process told something since the last call, or when `stop` is aborted; only then where the engine can't tell. */
  changed(stop: AbortSignal): Promise<void>
  /** Names of all tables where the ledger's own are, or would be. */
  tables(trx: Transaction<Tables>): Promise<readonly string[]>
  /** What the engine itself finds broken. */
  damage(): Promise<readonly string[]>
  close(): Promise<void>
}

/**
 * `column in ('a', 'b')` with the values written out: a partial index is used only where the query repeats its condition
 * word for word, and SQLite prepares a statement anew at each run where a bound value may decide that (15 µs instead of 4).
 */
export function among(column: string, values: readonly string[]): RawBuilder<boolean> {
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

/** Resolves when the signal is aborted. */
export function aborted(stop: AbortSignal): Promise<void> {
  return new Promise((done) => (stop.aborted ? done() : stop.addEventListener('abort', () => done(), { once: true })))
}
