/** The engine on one file: `node:sqlite` under Kysely's own SQLite dialect. */
import type { DatabaseConnection, SqliteDatabase, SqliteStatement, Transaction, TransactionSettings } from 'kysely'
import type { Engine } from './engine.ts'
import type { Column, Tables } from './schema.ts'
import { accessSync, closeSync, constants, existsSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { CompiledQuery, Kysely, SqliteAdapter, SqliteDriver, SqliteIntrospector, SqliteQueryCompiler, sql } from 'kysely'
import { aborted } from './engine.ts'
import { explainSqlite, isBusy } from './sqlite-errors.ts'

/** How long SQLite itself waits for another process, milliseconds: it blocks this one, so it is short. */
const busy_timeout_ms = 20
/**
 * Its write lock goes to whoever asks at the right moment, so those that wait ask again at random times: up to `pauseAtMost` ms apart,
 * which bounds the wait at about 20 s.
 */
const pauseAtMost = 100
const defaultTries = 300

/**
 * How to wait: for the lock, how often to try, and a number in [0, 1) that spreads the tries of several processes; for a server, how many
 * milliseconds it may be silent.
 */
export interface LockWait {
  readonly random: () => number
  readonly tries?: number
  readonly silent?: number
}

/** Kysely's own driver, but for how transactions begin and end. */
class Driver extends SqliteDriver {
  readonly #file: DatabaseSync

  constructor(file: DatabaseSync) {
    super({ database: asKyselyNeeds(file) })
    this.#file = file
  }

  /** A write takes the lock when it begins: one that has read first could be refused it later. */
  override async beginTransaction(connection: DatabaseConnection, settings?: TransactionSettings): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(settings?.accessMode === 'read only' ? 'begin' : 'begin immediate'))
  }

  /** A full disk ends the transaction by itself (sqlite.org/lang_transaction.html, section 3), and a second end would hide the reason. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#file.isTransaction) await super.rollbackTransaction(connection)
  }
}

type Bound = null | number | bigint | string

/** How many prepared statements are kept: more than the store has, without those that differ by how many rows they bind. */
const keptStatements = 300

/** What Kysely asks of a database, answered by node's. Preparing costs as much as running, so the latest statements are kept. */
function asKyselyNeeds(database: DatabaseSync): SqliteDatabase {
  const kept = new Map<string, SqliteStatement>()
  return {
    close: () => database.close(),
    prepare(text) {
      const statement = kept.get(text) ?? prepare(database, text)
      kept.delete(text)
      kept.set(text, statement)
      for (const oldest of kept.keys()) {
        if (kept.size <= keptStatements) break
        kept.delete(oldest)
      }
      return statement
    },
  }
}

function prepare(database: DatabaseSync, text: string): SqliteStatement {
  const statement = database.prepare(text)
  const names = statement.columns().map(({ name }) => name)
  // Kysely binds only what the types of the tables allow.
  const all = (values: readonly unknown[]) => rowsOf(statement, names, values as readonly Bound[])
  return {
    reader: names.length > 0,
    all,
    // As above.
    run: (values) => statement.run(...(values as readonly Bound[])),
    iterate: (values) => all(values)[Symbol.iterator](),
  }
}

/** Plain objects made from arrays, by index: measured to take two thirds of the time of node's own rows, whose prototype is null, or of iterating over the names. */
function rowsOf(statement: StatementSync, names: readonly string[], values: readonly Bound[]): Record<string, unknown>[] {
  statement.setReturnArrays(true)
  // Arrays, since `setReturnArrays`; its type does not say so.
  const rows = statement.all(...values) as unknown as unknown[][]
  return rows.map((row) => {
    const object: Record<string, unknown> = {}
    for (let index = 0; index < names.length; index++) object[names[index]!] = row[index]
    return object
  })
}

/** `path` is absolute, or `:memory:`. Creates the file (0600) and its folder (0700) where they are missing. */
export async function openSqlite(path: string, { random, tries = defaultTries }: LockWait): Promise<Engine> {
  const explained = async <T>(work: () => Promise<T> | T): Promise<T> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work()
      } catch (thrown) {
        if (!isBusy(thrown) || attempt === tries) throw explainSqlite(thrown, path)
        await pause(random() * Math.min(pauseAtMost, 2 ** attempt))
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
    read: (work) => explained(() => db.transaction().setAccessMode('read only').execute(work)),
    write: (work) => explained(() => db.transaction().execute(work)),
    // A file tells nobody that it was written: one would have to ask it again and again, which is what the pause between cycles is for.
    waitForChange: (stop) => aborted(stop),
    tables: async (trx) => (await tablesIn(trx)).rows.map(({ name }) => name),
    columns: async (trx) => (await columnsIn(trx)).rows,
    damage: () => explained(() => damage(db)),
    // SQLite plans by its indexes alone.
    refreshStatistics: async () => {},
    close: () => db.destroy(),
  }
}

/** The library's introspection asks for every table's columns as well: 4 ms of each start. */
const tablesIn = (trx: Transaction<Tables>) => sql<{ name: string }>`select name from sqlite_master where type = 'table'`.execute(trx)

const columnsIn = (trx: Transaction<Tables>) =>
  sql<Column>`select m.name as "table", c.name as "column" from sqlite_master m join pragma_table_info(m.name) c
    where m.type = 'table' and m.name not like 'sqlite%'`.execute(trx)

/**
 * A commit is on disk when it returns (full). Half a claim's time was copying the log back into the file after each one, so that is done
 * every 32 MB; the cache holds the pages that claims touch at a million rows.
 */
const pragmas = `pragma journal_mode = wal; pragma synchronous = full; pragma temp_store = memory;
  pragma cache_size = -32000; pragma wal_autocheckpoint = 8000`

function openFile(path: string): DatabaseSync {
  if (path !== ':memory:') createPrivately(path)
  const database = new DatabaseSync(path, { timeout: busy_timeout_ms, enableForeignKeyConstraints: true })
  try {
    database.exec(pragmas)
  } catch (thrown) {
    database.close()
    throw thrown
  }
  return database
}

/** SQLite would create the file with what umask leaves; its `-wal` and `-shm` take after it. */
function createPrivately(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600))
  accessSync(path, constants.R_OK | constants.W_OK)
  accessSync(dirname(path), constants.W_OK)
}

async function damage(db: Kysely<Tables>): Promise<string[]> {
  const broken = await sql<{ integrity_check: string }>`pragma integrity_check(20)`.execute(db)
  const orphans = await sql<{ table: string; rowid: number; parent: string }>`pragma foreign_key_check`.execute(db)
  return [
    ...broken.rows.map((row) => row.integrity_check).filter((line) => line !== 'ok'),
    ...orphans.rows.slice(0, 20).map((row) => `${row.table} row ${row.rowid} refers to a ${row.parent} that is not there`),
  ]
}
