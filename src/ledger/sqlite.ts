/** The engine on one file: `node:sqlite` under Kysely's own SQLite dialect. */
import type { DatabaseConnection, SqliteDatabase, TransactionSettings } from 'kysely'
import type { Engine } from './engine.ts'
import type { Tables } from './tables.ts'
import { accessSync, closeSync, constants, existsSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { CompiledQuery, Kysely, SqliteDialect, SqliteDriver, sql } from 'kysely'
import { explainSqlite, isBusy } from './sqlite-errors.ts'

/** How long SQLite itself waits for another process, milliseconds: it blocks this one, so it is short. */
const blockFor = 20
/**
 * Its write lock goes to whoever asks at the right moment, so those that wait ask again at random times: up to `pauseAtMost` ms apart,
 * which bounds the wait at about 20 s.
 */
const pauseAtMost = 100
const tries = 300

/** Write transactions take the lock when they begin: one that has read can't be refused the write any more. */
class Driver extends SqliteDriver {
  override async beginTransaction(connection: DatabaseConnection, settings?: TransactionSettings): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(settings?.accessMode === 'read only' ? 'begin' : 'begin immediate'))
  }
}

class Dialect extends SqliteDialect {
  readonly #database: SqliteDatabase

  constructor(database: SqliteDatabase) {
    super({ database })
    this.#database = database
  }

  override createDriver(): Driver {
    return new Driver({ database: this.#database })
  }
}

type Bound = null | number | bigint | string

/** What Kysely asks of a database, answered by node's. */
function asKyselyNeeds(database: DatabaseSync): SqliteDatabase {
  return {
    close: () => database.close(),
    prepare(text) {
      const statement = database.prepare(text)
      const names = statement.columns().map(({ name }) => name)
      const all = (values: readonly unknown[]) => rowsOf(statement, names, values as readonly Bound[])
      return {
        reader: names.length > 0,
        all,
        run: (values) => statement.run(...(values as readonly Bound[])),
        iterate: (values) => all(values)[Symbol.iterator](),
      }
    },
  }
}

/** Plain objects made from arrays: measured to take half the time of node's own rows, whose prototype is null. */
function rowsOf(statement: StatementSync, names: readonly string[], values: readonly Bound[]): Record<string, unknown>[] {
  statement.setReturnArrays(true)
  const rows = statement.all(...values) as unknown as unknown[][]
  return rows.map((row) => {
    const object: Record<string, unknown> = {}
    for (const [index, name] of names.entries()) object[name] = row[index]
    return object
  })
}

/** `path` is absolute, or `:memory:`. Creates the file (0600) and its folder (0700) where they are missing. */
export async function openSqlite(path: string, random: () => number): Promise<Engine> {
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
  const db = new Kysely<Tables>({ dialect: new Dialect(asKyselyNeeds(database)) })
  return {
    db,
    where: path,
    serial: 'integer',
    read: (work) => explained(() => db.transaction().setAccessMode('read only').execute(work)),
    write: (work) => explained(() => db.transaction().execute(work)),
    damage: () => explained(() => damage(db)),
    close: () => db.destroy(),
  }
}

function openFile(path: string): DatabaseSync {
  if (path !== ':memory:') createPrivately(path)
  const database = new DatabaseSync(path, { timeout: blockFor, enableForeignKeyConstraints: true })
  try {
    database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma temp_store = memory; pragma cache_size = -32000')
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
