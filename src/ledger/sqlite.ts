/** The SQLite engine, which uses `node:sqlite` and Kysely's SQLite dialect. */
import type { DatabaseConnection, SqliteDatabase, SqliteStatement, Transaction, TransactionSettings } from 'kysely'
import type { Engine } from './engine.ts'
import type { Tables } from './tables.ts'
import type { Column } from './schema.ts'
import { accessSync, closeSync, constants, existsSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { CompiledQuery, Kysely, SqliteAdapter, SqliteDriver, SqliteIntrospector, SqliteQueryCompiler, sql } from 'kysely'
import { whenAborted } from './engine.ts'
import { explainSqlite, isBusy } from './sqlite-errors.ts'

/** The time (ms) for which SQLite itself waits for a lock. It is short, because the wait blocks this process. */
const busyTimeout = 20
/**
 * The longest pause (ms) between two attempts to get the write lock. SQLite does not queue waiting processes, so they retry after random
 * pauses. With `defaultTries` attempts, a process waits at most about 20 s.
 */
const maxPause = 100
const defaultTries = 300

/** How long to wait for the database, and how to retry. */
export interface LockWait {
  /** Returns a random number from 0 (inclusive) to 1 (exclusive), so that processes do not all retry at the same time. */
  readonly random: () => number
  /** The maximum number of attempts to get the lock. */
  readonly tries?: number
  /** The time (ms) without data after which the connection to a server is closed. */
  readonly silent?: number
}

/** Kysely's driver, with different statements to begin and to roll back transactions. */
class Driver extends SqliteDriver {
  readonly #file: DatabaseSync

  constructor(file: DatabaseSync) {
    super({ database: kyselyDatabase(file) })
    this.#file = file
  }

  /** A write transaction acquires the write lock when it begins. If the transaction read first, SQLite could refuse the lock later. */
  override async beginTransaction(connection: DatabaseConnection, settings?: TransactionSettings): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(settings?.accessMode === 'read only' ? 'begin' : 'begin immediate'))
  }

  /**
   * If the disk is full, SQLite rolls back the transaction itself (sqlite.org/lang_transaction.html, section 3). A second rollback would
   * fail, and its error would hide the cause.
   */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#file.isTransaction) await super.rollbackTransaction(connection)
  }
}

type Bound = null | number | bigint | string

/** The maximum number of cached prepared statements. It exceeds the number of statements in the store. */
const cacheSize = 300

/** Adapts Node's database to Kysely. Caches prepared statements, because preparing a statement costs as much as running it. */
function kyselyDatabase(database: DatabaseSync): SqliteDatabase {
  const cache = new Map<string, SqliteStatement>()
  return {
    close: () => database.close(),
    prepare(text) {
      const statement = cache.get(text) ?? prepare(database, text)
      cache.delete(text)
      cache.set(text, statement)
      for (const oldest of cache.keys()) {
        if (cache.size <= cacheSize) break
        cache.delete(oldest)
      }
      return statement
    },
  }
}

function prepare(database: DatabaseSync, text: string): SqliteStatement {
  const statement = database.prepare(text)
  const names = statement.columns().map(({ name }) => name)
  // The types of the tables ensure that Kysely binds only values of type `Bound`.
  const all = (values: readonly unknown[]) => rowsOf(statement, names, values as readonly Bound[])
  return {
    reader: names.length > 0,
    all,
    // Kysely binds only values of type `Bound`.
    run: (values) => statement.run(...(values as readonly Bound[])),
    iterate: (values) => all(values)[Symbol.iterator](),
  }
}

/** Returns rows as plain objects. Building them from arrays is faster than using Node's own row objects, whose prototype is null. */
function rowsOf(statement: StatementSync, names: readonly string[], values: readonly Bound[]): Record<string, unknown>[] {
  statement.setReturnArrays(true)
  // `setReturnArrays` makes each row an array, which the type does not show.
  const rows = statement.all(...values) as unknown as unknown[][]
  return rows.map((row) => {
    const object: Record<string, unknown> = {}
    for (let index = 0; index < names.length; index++) object[names[index]!] = row[index]
    return object
  })
}

/**
 * Opens the file at `path`, which is absolute or `:memory:`. Creates a missing file (0600) and folder (0700). Throws BurnError `ledger_*`.
 */
export async function openSqlite(path: string, { random, tries = defaultTries }: LockWait): Promise<Engine> {
  const explained = async <T>(work: () => Promise<T> | T): Promise<T> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work()
      } catch (thrown) {
        if (!isBusy(thrown) || attempt === tries) throw explainSqlite(thrown, path)
        await pause(random() * Math.min(maxPause, 2 ** attempt))
      }
    }
  }
  const database = await explained(() => openFile(path))
  const db = new Kysely<Tables>({
    dialect: {
      createDriver: () => new Driver(database),
      createAdapter: () => new SqliteAdapter(),
      createQueryCompiler: () => new SqliteQueryCompiler(),
      createIntrospector: (within) => new SqliteIntrospector(within),
    },
  })
  return {
    db,
    where: path,
    upgraded_from: null,
    serial: 'integer',
    overlaps: false,
    query: (work) => explained(() => work(db)),
    read: (work) => explained(() => db.transaction().setAccessMode('read only').execute(work)),
    write: (work) => explained(() => db.transaction().execute(work)),
    script: async (_, statements) => database.exec(statements.join(';')),
    // A file sends no notifications. The next cycle, after its interval, sees the changes of other processes.
    waitForChange: (stop) => whenAborted(stop),
    tables: async (trx) => (await tablesIn(trx)).rows.map(({ name }) => name),
    columns: async (trx) => (await columnsIn(trx)).rows,
    integrityErrors: () => explained(() => integrityErrors(db)),
    bytes: async (trx) => {
      const { rows } = await sql<{
        bytes: number
      }>`select page_count * page_size as bytes from pragma_page_count(), pragma_page_size()`.execute(trx)
      return Number(rows[0]?.bytes ?? 0)
    },
    // SQLite plans these queries well without statistics.
    refreshStatistics: async () => {},
    close: () => db.destroy(),
  }
}

/** Kysely's introspection also reads the columns of all tables, which would slow down every start. */
const tablesIn = (trx: Transaction<Tables>) => sql<{ name: string }>`select name from sqlite_master where type = 'table'`.execute(trx)

const columnsIn = (trx: Transaction<Tables>) =>
  sql<Column>`select m.name as "table", c.name as "column" from sqlite_master m join pragma_table_info(m.name) c
    where m.type = 'table' and m.name not like 'sqlite%'`.execute(trx)

/**
 * `synchronous = full`: a commit is on disk when it returns. `wal_autocheckpoint`: SQLite copies the write-ahead log into the file only
 * after 32 MB, because a checkpoint after each claim is slow. `cache_size`: the cache holds the pages that claims use in a ledger with a
 * million rows.
 */
const pragmas = `pragma journal_mode = wal; pragma synchronous = full; pragma temp_store = memory;
  pragma cache_size = -32000; pragma wal_autocheckpoint = 8000`

function openFile(path: string): DatabaseSync {
  if (path !== ':memory:') createPrivately(path)
  const database = new DatabaseSync(path, { timeout: busyTimeout, enableForeignKeyConstraints: true })
  try {
    database.exec(pragmas)
  } catch (thrown) {
    database.close()
    throw thrown
  }
  return database
}

/** Creates the file with mode 0600. Otherwise the umask would decide. SQLite gives its `-wal` and `-shm` files the same mode. */
function createPrivately(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600))
  accessSync(path, constants.R_OK | constants.W_OK)
  accessSync(dirname(path), constants.W_OK)
}

async function integrityErrors(db: Kysely<Tables>): Promise<string[]> {
  const broken = await sql<{ integrity_check: string }>`pragma integrity_check(20)`.execute(db)
  const orphans = await sql<{ table: string; rowid: number; parent: string }>`pragma foreign_key_check`.execute(db)
  return [
    ...broken.rows.map((row) => row.integrity_check).filter((line) => line !== 'ok'),
    ...orphans.rows
      .slice(0, 20)
      .map((row) => `${row.table} row ${row.rowid} refers to a row of the table ${row.parent} that does not exist`),
  ]
}
