/** The PostgreSQL engine, which uses `pg` and Kysely's dialect. Dispatchers on several machines can share a ledger in PostgreSQL. */
import type { Transaction } from 'kysely'
import type { Engine, LockedRows, WriteOptions } from './engine.ts'
import type { LockWait } from './sqlite.ts'
import type { Tables } from './tables.ts'
import type { Column } from './schema.ts'
import { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { CompiledQuery, Kysely, PostgresDialect, sql } from 'kysely'
import { Pool, type CustomTypesConfig, type PoolConfig, types } from 'pg'
import { openNotifications, notify } from './postgres-notify.ts'
import { tableNames } from './schema.ts'
import { explainPostgres, isRetryable, oldestVersion, tooOldError } from './postgres-errors.ts'

/** The maximum number of connections in the pool of one process. */
const maxConnections = 4
/** The maximum number of times that a transaction is run if the server rolls it back because of a conflict. */
const maxRuns = 10
/**
 * The lock timeout (ms) of each attempt. With the default number of attempts, a write waits about 20 s for other writers, as with SQLite.
 */
const lockTimeoutPerTry = 67
const defaultTries = 300
/** The time (ms) after which the server cancels a statement. burn closes a connection that stays silent for a little longer. */
const statementTimeout = 60_000
const silenceTimeout = statementTimeout + 10_000
const connectTimeout = 10_000
const keepAlive = { keepAlive: true, keepAliveInitialDelayMillis: 10_000 }
/** The key of the advisory lock for writes. It is "burn" in ASCII, so that other programs are unlikely to use the same key. */
const writeLockKey = 0x6275726e

/** The type id of `int8`. burn reads such values as numbers, because times and counts stay far below 2^53. */
const int8 = 20
const numbers: CustomTypesConfig = {
  // The type of `getTypeParser` has an overload for each format, and one function cannot implement both.
  getTypeParser: ((oid: number, format?: 'text') =>
    oid === int8 ? Number : types.getTypeParser(oid, format)) as CustomTypesConfig['getTypeParser'],
}

/**
 * Opens `postgres://user@host:port/database?…`. The password is looked up as in `libpq`: in `~/.pgpass`, PGPASSWORD or a client
 * certificate. Throws BurnError `ledger_*`.
 *
 * An advisory lock serializes writes, as on SQLite, so that the rows that a transaction has read cannot change before it writes.
 * Serializable transactions would do the same, but under contention most of them would have to run again. Writes that list their rows share
 * the advisory lock, and wait only for writes to the same rows.
 */
export async function openPostgres(url: string, { random, tries = defaultTries, silent = silenceTimeout }: LockWait): Promise<Engine> {
  const where = withoutPassword(url)
  const connection = { connectionString: url, application_name: 'burn', connectionTimeoutMillis: connectTimeout, ...keepAlive }
  const notifications = openNotifications(connection, random)
  const pool = openPool({ ...connection, lock_timeout: tries * lockTimeoutPerTry, stream: () => socketWithTimeout(silent) })
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  /**
   * `work` calls `committing` before the commit. If the connection is lost later, burn cannot know whether the transaction was committed.
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
    query: (work) => explained(() => work(db)),
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
    script,
    waitForChange: notifications.waitForChange,
    tables: async (trx) => (await tablesIn(trx)).rows.map(({ name }) => name),
    columns: async (trx) => (await columnsIn(trx)).rows,
    // The server checks its pages itself, and reports a damaged page when it reads that page.
    integrityErrors: async () => [],
    bytes: bytesOf,
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
  // When an idle connection closes, the pool removes the connection. If the server is down, the next statement throws.
  pool.on('error', () => {})
  // A connection that closes between two statements emits `error`. Without a listener, this event would end the process. The next statement
  // throws.
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

/** Without parameters, `pg` sends the text as one simple query, which may have several statements. */
async function script(trx: Transaction<Tables>, statements: readonly string[]): Promise<void> {
  await trx.executeQuery(CompiledQuery.raw(statements.join(';')))
}

/**
 * Autovacuum refreshes statistics at most once a minute. Until then, after a bulk write, the planner would join large tables as if they
 * were empty.
 */
async function refreshStatistics(trx: Transaction<Tables>): Promise<void> {
  await script(
    trx,
    tableNames.map((name) => `analyze "${name}"`),
  )
}

async function bytesOf(trx: Transaction<Tables>): Promise<number> {
  const sizes = tableNames.map((name) => sql`pg_total_relation_size(${sql.lit(name)}::regclass)`)
  const { rows } = await sql<{ bytes: string }>`select ${sql.join(sizes, sql` + `)} as bytes`.execute(trx)
  return Number(rows[0]?.bytes ?? 0)
}

async function refuseOld(db: Kysely<Tables>, where: string): Promise<void> {
  const { rows } = await sql<{ version: string }>`select current_setting('server_version_num') as version`.execute(db)
  const version = Number(rows[0]?.version)
  if (version < oldestVersion) throw tooOldError(where, `PostgreSQL ${Math.floor(version / 10_000)}`)
}

/**
 * Returns a socket that closes itself after this time without data. Otherwise burn would wait for ever on a connection that a network
 * failure has cut off.
 */
function socketWithTimeout(ms: number): Socket {
  const socket = new Socket()
  return socket.setTimeout(ms, () => socket.destroy(new Error(`timeout: the server was silent for ${ms / 1000} s`)))
}

const ledgerLock = sql`${sql.lit(writeLockKey)}, hashtext(current_schema())`

async function lockAll(trx: Transaction<Tables>): Promise<void> {
  await sql`select pg_advisory_xact_lock(${ledgerLock})`.execute(trx)
}

/** Locks rows in a fixed order, so that no two transactions wait for each other: workers before issues, and each sorted by key. */
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
