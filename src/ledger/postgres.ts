/** The engine on a PostgreSQL server: `pg` under Kysely's own dialect. Several dispatchers on several machines share it. */
import type { Transaction } from 'kysely'
import type { Engine, LockedRows, WriteOptions } from './engine.ts'
import type { LockWait } from './sqlite.ts'
import type { Column, Tables } from './schema.ts'
import { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { Pool, type CustomTypesConfig, type PoolConfig, types } from 'pg'
import { openNotifications, notify } from './postgres-notify.ts'
import { tableNames } from './schema.ts'
import { explainPostgres, isRetryable, oldest, tooOld } from './postgres-errors.ts'

/** Connections a process holds at most: one writes, the others read. */
const most = 4
/** How often a transaction runs again that the server gave up for another. */
const mostAgain = 10
/** Milliseconds: a write waits so long for the writers before it, a try (on SQLite, where each waits by itself, 300 are about 20 s too). */
const lockAtMost = 67
const defaultTries = 300
/** A statement may take so long, milliseconds: the server ends it then. A connection on which not even that is heard is given up a little later. */
const statementAtMost = 60_000
const silentAtMost = statementAtMost + 10_000
const connectAtMost = 10_000
const alive = { keepAlive: true, keepAliveInitialDelayMillis: 10_000 }
/** Of the lock that makes writers wait for each other: any number that no other program takes for its own. */
const writers = 0x6275726e

/** `int8` as numbers: milliseconds and counts stay far below 2^53. */
const int8 = 20
const numbers: CustomTypesConfig = {
  // Its type has an overload for each format, of which one function can have only one.
  getTypeParser: ((oid: number, format?: 'text') =>
    oid === int8 ? Number : types.getTypeParser(oid, format)) as CustomTypesConfig['getTypeParser'],
}

/**
 * `postgres://user@host:port/database?…`; the password comes from where `libpq` has it too (`~/.pgpass`, PGPASSWORD, a client certificate).
 *
 * Writers go one after the other, by an advisory lock that ends with the transaction: what is decided from rows that were read (is this issue
 * still due, is that slot free) then needs no second look, as on SQLite. Serializable transactions were the other way: under contention most of
 * them have to run again. Those that say which rows they are about share the lock, and wait for each other only at those rows.
 */
export async function openPostgres(url: string, { random, tries = defaultTries, silent = silentAtMost }: LockWait): Promise<Engine> {
  const where = withoutPassword(url)
  const connection = { connectionString: url, application_name: 'burn', connectionTimeoutMillis: connectAtMost, ...alive }
  const news = openNotifications(connection, random)
  const pool = openPool({ ...connection, lock_timeout: tries * lockAtMost, stream: () => endsWhenSilent(silent) })
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  /** `ending` is called where the transaction is about to be committed: from there on a lost connection leaves open whether it was. */
  const explained = async <T>(work: (ending: () => void) => Promise<T>): Promise<T> => {
    for (let attempt = 1; ; attempt++) {
      let ended = false
      try {
        return await work(() => (ended = true))
      } catch (thrown) {
        if (!isRetryable(thrown) || attempt === mostAgain) throw explainPostgres(thrown, where, ended)
        await pause(random() * 2 ** attempt)
      }
    }
  }
  const close = async () => {
    await news.close()
    await db.destroy()
  }
  try {
    await explained(() => refuseOld(db, where))
  } catch (thrown) {
    await close()
    throw thrown
  }
  return {
    db,
    where,
    upgraded_from: null,
    serial: 'bigserial',
    overlaps: true,
    read: (work) => explained(() => db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(work)),
    write: <T>(work: (trx: Transaction<Tables>) => Promise<T>, { locks: only, notifies: tells }: WriteOptions<T> = {}) =>
      explained((ending) =>
        db.transaction().execute(async (trx) => {
          await (only === undefined ? lockAll(trx) : lockRows(trx, only))
          const result = await work(trx)
          if (tells?.(result) === true) await notify(trx, news.own)
          ending()
          return result
        }),
      ),
    waitForChange: news.waitForChange,
    tables: async (trx) => (await tablesIn(trx)).rows.map(({ name }) => name),
    columns: async (trx) => (await columnsIn(trx)).rows,
    // What is on its disk is the server's own business: it says so by itself when it reads a broken page.
    damage: async () => [],
    refreshStatistics,
    close,
  }
}

function openPool(connection: PoolConfig): Pool {
  const pool = new Pool({
    ...connection,
    max: most,
    types: numbers,
    statement_timeout: statementAtMost,
    idle_in_transaction_session_timeout: statementAtMost,
  })
  // A connection that ends while nobody uses it leaves the pool by itself; the next use says what is wrong.
  pool.on('error', () => {})
  // One that ends between two statements of a transaction says so by an event, which would end the process; the next statement throws.
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

/** After a bulk write the statistics are up to a minute old, and the planner joins large tables as if they were empty. */
async function refreshStatistics(trx: Transaction<Tables>): Promise<void> {
  for (const name of tableNames) await sql`analyze ${sql.table(name)}`.execute(trx)
}

async function refuseOld(db: Kysely<Tables>, where: string): Promise<void> {
  const { rows } = await sql<{ version: string }>`select current_setting('server_version_num') as version`.execute(db)
  const version = Number(rows[0]?.version)
  if (version < oldest) throw tooOld(where, `PostgreSQL ${Math.floor(version / 10_000)}`)
}

/** Nobody answers what was lost with a network: a connection that waits for it would be good for nothing, and be used again and again. */
function endsWhenSilent(ms: number): Socket {
  const socket = new Socket()
  return socket.setTimeout(ms, () => socket.destroy(new Error(`timeout: nothing was heard for ${ms / 1000} s`)))
}

const ledgerLock = sql`${sql.lit(writers)}, hashtext(current_schema())`

async function lockAll(trx: Transaction<Tables>): Promise<void> {
  await sql`select pg_advisory_xact_lock(${ledgerLock})`.execute(trx)
}

/** All take workers before issues, and each kind in the order of its keys: nobody then waits for one who waits for him. */
async function lockRows(trx: Transaction<Tables>, { workers, issues }: LockedRows): Promise<void> {
  await sql`select pg_advisory_xact_lock_shared(${ledgerLock})`.execute(trx)
  await sql`select from worker where id = any(${workers}) order by id for no key update`.execute(trx)
  await sql`select from issue where ref = any(${issues}) order by ref for no key update`.execute(trx)
}

const tablesIn = (trx: Transaction<Tables>) =>
  sql<{ name: string }>`select tablename as name from pg_tables where schemaname = current_schema()`.execute(trx)

const columnsIn = (trx: Transaction<Tables>) =>
  sql<Column>`select table_name as "table", column_name as "column" from information_schema.columns where table_schema = current_schema()`.execute(
    trx,
  )

function withoutPassword(url: string): string {
  const parsed = new URL(url)
  parsed.password = ''
  parsed.searchParams.delete('password')
  return parsed.toString()
}
