/** The interface of a database engine. The ledger's store works with every engine that implements it. */
import type { Transaction } from 'kysely'
import type { Db, Tables } from './tables.ts'
import type { Column } from './schema.ts'

/** The keys of the rows that a write transaction locks. */
export interface LockedRows {
  readonly workers: readonly string[]
  readonly issues: readonly string[]
}

/** Options of a write. */
export interface WriteOptions<T> {
  /**
   * If the caller sets this field, the caller promises that the transaction reads and changes only these issues and workers. On PostgreSQL,
   * such transactions may overlap.
   */
  readonly locks?: LockedRows
  /**
   * Tells whether other processes may have new work because of the result. If so, the commit wakes the processes that wait in
   * `waitForChange`.
   */
  readonly notifies?: (result: T) => boolean
}

/** A database with the ledger's tables. */
export interface Engine {
  readonly db: Db
  /** The location of the database, without a password, for messages. */
  readonly where: string
  /** The version of the tables before this process upgraded them. 0 if this process created the tables, null if they were current. */
  readonly upgraded_from: number | null
  /** The type of an auto-increment column. */
  readonly serial: 'integer' | 'bigserial'
  /** True if write transactions can overlap. They may then commit in a different order than they began. */
  readonly overlaps: boolean
  /** Runs `work`, which has one statement and therefore needs no transaction. Throws BurnError `ledger_*`. */
  query<T>(work: (db: Db) => Promise<T>): Promise<T>
  /** Runs `work` on a snapshot, which shows no later changes by other transactions. Throws BurnError `ledger_*`. */
  read<T>(work: (trx: Transaction<Tables>) => Promise<T>): Promise<T>
  /**
   * Runs `work` in a transaction that is isolated from all others, and may run it again after a conflict. At most one run takes effect.
   * When the promise resolves, the changes are on disk. Throws BurnError `ledger_*`.
   */
  write<T>(work: (trx: Transaction<Tables>) => Promise<T>, how?: WriteOptions<T>): Promise<T>
  /** Runs statements without parameters and results, in one call. */
  script(trx: Transaction<Tables>, statements: readonly string[]): Promise<void>
  /** Resolves when another process has sent a notification since the last call, or when `stop` is aborted. On SQLite only `stop` resolves it. */
  waitForChange(stop: AbortSignal): Promise<void>
  /** Returns the names of all tables in the file or schema, including those of other programs. */
  tables(trx: Transaction<Tables>): Promise<readonly string[]>
  /** Returns all columns of these tables. */
  columns(trx: Transaction<Tables>): Promise<readonly Column[]>
  /** Returns the damage that the engine's own integrity check finds, one line each. */
  integrityErrors(): Promise<readonly string[]>
  /** Returns the size of all tables and indexes (bytes). */
  bytes(trx: Transaction<Tables>): Promise<number>
  /** Refreshes the planner's statistics. Call it before queries that join all rows. */
  refreshStatistics(trx: Transaction<Tables>): Promise<void>
  close(): Promise<void>
}

/** Resolves when the signal is aborted. */
export function whenAborted(stop: AbortSignal): Promise<void> {
  return new Promise((done) => (stop.aborted ? done() : stop.addEventListener('abort', () => done(), { once: true })))
}
