/** What the store needs of a database. */
import type { Transaction } from 'kysely'
import type { Column, Db, Tables } from './schema.ts'

/** Rows by their keys. */
export interface LockedRows {
  readonly workers: readonly string[]
  readonly issues: readonly string[]
}

export interface WriteOptions<T> {
  /** A promise: `work` neither reads nor changes what hangs on other issues and workers than these. Such writes overlap where the engine can. */
  readonly locks?: LockedRows
  /** Whether other processes may have something to do after it: those that wait in `changed` are told as it is committed. */
  readonly notifies?: (result: T) => boolean
}

export interface Engine {
  readonly db: Db
  /** Where it is, for people; without a password. */
  readonly where: string
  /** The version of the tables before this process upgraded them: 0 if it created them, null if they were current. */
  readonly upgraded_from: number | null
  /** The type of a column that numbers its rows by itself. */
  readonly serial: 'integer' | 'bigserial'
  /** Whether transactions overlap, so that one may commit after another that began later. */
  readonly overlaps: boolean
  /** Runs `work` at one moment: it sees no other transaction begin or end. */
  read<T>(work: (trx: Transaction<Tables>) => Promise<T>): Promise<T>
  /**
   * Runs `work` as if it were alone; it may run more than once, and counts once or not at all. When it resolves it is on disk.
   * Throws BurnError `ledger_*`.
   */
  write<T>(work: (trx: Transaction<Tables>) => Promise<T>, how?: WriteOptions<T>): Promise<T>
  /** Resolves once another process told something since the last call, or when `stop` is aborted; only then where the engine can't tell. */
  waitForChange(stop: AbortSignal): Promise<void>
  /** Names of all tables where the ledger's own are, or would be. */
  tables(trx: Transaction<Tables>): Promise<readonly string[]>
  /** All columns of the tables that are there. */
  columns(trx: Transaction<Tables>): Promise<readonly Column[]>
  /** What the engine itself finds broken. */
  damage(): Promise<readonly string[]>
  /** Refreshes the planner's statistics, before queries that join all rows. */
  refreshStatistics(trx: Transaction<Tables>): Promise<void>
  close(): Promise<void>
}

/** Resolves when the signal is aborted. */
export function aborted(stop: AbortSignal): Promise<void> {
  return new Promise((done) => (stop.aborted ? done() : stop.addEventListener('abort', () => done(), { once: true })))
}
