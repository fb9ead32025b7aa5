/** Opens a ledger by its URL, on SQLite or PostgreSQL. */
import type { Ledger } from '../core/ledger.ts'
import type { Engine } from './engine.ts'
import type { LockWait } from './sqlite.ts'
import { isAbsolute } from 'node:path'
import { BurnError } from '../core/errors.ts'
import { ledgerVersion } from './schema.ts'
import { openSqlite } from './sqlite.ts'
import { createStore } from './store.ts'

/**
 * Opens `sqlite:/absolute/path`, `sqlite::memory:` or `postgres://user@host/database`. Creates a missing file and missing tables, and
 * upgrades old tables. Throws BurnError `ledger_*`; in this case the tables are unchanged.
 */
export async function openLedger(url: string, wait: LockWait): Promise<Ledger> {
  return createStore(await openEngine(url, wait))
}

/** Returns the database engine of a ledger, with its tables upgraded. Throws BurnError `ledger_*`. */
export async function openEngine(url: string, wait: LockWait): Promise<Engine> {
  const engine = await openDatabase(url, wait)
  try {
    if (await isCurrent(engine)) return engine
    const { migrate } = await import('./migrate.ts')
    return { ...engine, upgraded_from: await migrate(engine) }
  } catch (thrown) {
    await engine.close()
    throw thrown
  }
}

/**
 * Tells whether the tables have this version and the ledger was not moved. If so, burn need not load the migrations, which makes most
 * starts faster.
 */
async function isCurrent(engine: Engine): Promise<boolean> {
  return engine.read(async (trx) => {
    if (!(await engine.tables(trx)).includes('meta')) return false
    const rows = await trx.selectFrom('meta').selectAll().where('key', 'in', ['version', 'moved_to']).execute()
    return rows.length === 1 && rows[0]?.value === String(ledgerVersion)
  })
}

/** Opens the database without creating or upgrading tables. Creates the file if it is missing. Throws BurnError `ledger_*`. */
export async function openDatabase(url: string, wait: LockWait): Promise<Engine> {
  return /^postgres(?:ql)?:\/\//.test(url) ? (await import('./postgres.ts')).openPostgres(url, wait) : openFile(url, wait)
}

async function openFile(url: string, wait: LockWait): Promise<Engine> {
  const path = url.startsWith('sqlite:') ? url.slice('sqlite:'.length) : ''
  if (path !== ':memory:' && !isAbsolute(path)) {
    throw new BurnError(
      'ledger_url',
      `"${url}" is not the URL of a ledger`,
      'Write "sqlite:/absolute/path" or "postgres://user@host/database" under "ledger" in the spec.',
      { exit: 2 },
    )
  }
  return openSqlite(path, wait)
}
