/** The engine on a PostgreSQL server: `pg` under Kysely's dialect. Dispatchers on several machines can share it. */
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
import { explainPostgres, isRetryable, oldestVersion, tooOldError } from './postgres-errors.ts'

/** The limit of connections in the pool of a process. */
const maxConnections = 4
/** The limit of runs of a transaction that the server rolls back because of a conflict. */
const maxRuns = 10
/** The lock timeout (ms) for each of the `tries`. With the default, a write waits about 20 s for other writers, as on SQLite. */
const lockTimeoutPerTry = 67
const defaultTries = 300
/** The time (ms) after which the server ends a statement. burn closes a connection that stays silent for a little longer than that. */
const statementTimeout = 60_000
const silenceTimeout = statementTimeout + 10_000
const connectTimeout = 10_000
const keepAlive = { keepAlive: true, keepAliveInitialDelayMillis: 10_000 }
/** The key of the advisory lock for writes: "burn" in ASCII, so that no other program is likely to use it. */
const writeLockKey = 0x6275726e

/** The type id of `int8`. It is read as a number, because times and counts stay far below 2^53. */
const int8 = 20
const numbers: CustomTypesConfig = {
  // The type has an overload for each format, and one function cannot implement both.
  getTypeParser: ((oid: number, format?: 'text') =>
    oid === int8 ? Number : types.getTypeParser(oid, format)) as CustomTypesConfig['getTypeParser'],
}

/**
 * Opens `postgres://user@host:port/database?…`. The password comes from the same places as with `libpq`: `~/.pgpass`, PGPASSWORD or a
 * client certificate. Throws BurnError `ledger_*`.
 *
 * An advisory lock makes writes run one after the other, as on SQLite, so that rows that a transaction has read cannot change before it
 * writes. With serializable transactions, most would have to run again under contention. Writes that name their rows share the lock, and
 * wait only for these rows.
 */
export async function openPostgres(url: string, { random, tries = defaultTries, silent = silenceTimeout }: LockWait): Promise<Engine> {
  const where = withoutPassword(url)
  const connection = { connectionString: url, application_name: 'burn', connectionTimeoutMillis: connectTimeout, ...keepAlive }
  const notifications = openNotifications(connection, random)
  const pool = openPool({ ...connection, lock_timeout: tries * lockTimeoutPerTry, stream: () => socketWithTimeout(silent) })
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  /**
   * `work` calls `committing` before the commit. If the connection is lost after that, nobody knows whether the transaction was committed.
   */
  const explained = async <T>(work: (committing: () => void) => Promise<T>): Promise<T> => {
    for (let attempt = 1; ; attempt++) {
      let isCommitting = false
      try {
        return await work(() => (isCommitting = true))
      } catch (thrown) {
        if (!isRetryable(thrown) || attempt === maxRuns) throw explainPostgres(thrown, where, isCommitting)
        await pause(random() * 2 ** attempt)
      }
    }
  }
  const close = async () => {
    await notifications.close()
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
    write: <T>(work: (trx: Transaction<Tables>) => Promise<T>, { locks, notifies }: WriteOptions<T> = {}) =>
      explained((committing) =>
        db.transaction().execute(async (trx) => {
          await (locks === undefined ? lockAll(trx) : lockRows(trx, locks))
          const result = await work(trx)
          if (notifies?.(result) === true) await notify(trx, notifications.own)
          committing()
          return result
        }),
      ),
    waitForChange: notifications.waitForChange,
    tables: async (trx) => (await tablesIn(trx)).rows.map(({ name }) => name),
    columns: async (trx) => (await columnsIn(trx)).rows,
    // The server checks its own pages, and reports a damaged one when it reads it.
    integrityErrors: async () => [],
    refreshStatistics,
    close,
  }
}

function openPool(connection: PoolConfig): Pool {
  const pool = new Pool({
    ...connection,
    max: maxConnections,
    types: numbers,
    statement_timeout: statementTimeout,
    idle_in_transaction_session_timeout: statementTimeout,
  })
  // The pool drops an idle connection that ends. The next statement reports what is wrong.
  pool.on('error', () => {})
  // A connection that ends between two statements emits an event that would end the process without a listener. The next statement throws.
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

/** Autovacuum refreshes statistics only once a minute. After a bulk write the planner would join large tables as if they were empty. */
async function refreshStatistics(trx: Transaction<Tables>): Promise<void> {
  for (const name of tableNames) await sql`analyze ${sql.table(name)}`.execute(trx)
}

async function refuseOld(db: Kysely<Tables>, where: string): Promise<void> {
  const { rows } = await sql<{ version: string }>`select current_setting('server_version_num') as version`.execute(db)
  const version = Number(rows[0]?.version)
  if (version < oldestVersion) throw tooOldError(where, `PostgreSQL ${Math.floor(version / 10_000)}`)
}

/**
 * Returns a socket that closes itself when it is silent. A connection that a network failure cut off would otherwise wait, and be used, for
 * ever.
 */
function socketWithTimeout(ms: number): Socket {
  const socket = new Socket()
  return socket.setTimeout(ms, () => socket.destroy(new Error(`timeout: the server was silent for ${ms / 1000} s`)))
}

const ledgerLock = sql`${sql.lit(writeLockKey)}, hashtext(current_schema())`

async function lockAll(trx: Transaction<Tables>): Promise<void> {
  await sql`select pg_advisory_xact_lock(${ledgerLock})`.execute(trx)
}

/** Locks rows in a fixed order, workers before issues and each kind by its key, so that no two transactions wait for each other. */
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
