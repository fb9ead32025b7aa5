/** A ledger by its URL. */
import type { Ledger } from '../core/ledger.ts'
import type { Engine } from './engine.ts'
import type { LockWait } from './sqlite.ts'
import { isAbsolute } from 'node:path'
import { BurnError } from '../core/errors.ts'
import { ledgerVersion } from './schema.ts'
import { openSqlite } from './sqlite.ts'
import { createStore } from './store.ts'

/** `sqlite:/absolute/path`, `sqlite::memory:` or `postgres://user@host/database`. Creates its tables where they are missing, and a file where it is missing. Throws BurnError `ledger_*`; nothing is half-made then. */
export async function openLedger(url: string, wait: LockWait): Promise<Ledger> {
  return createStore(await openEngine(url, wait))
}

/** The engine below the store, with its tables in place: for checks of the tables themselves. */
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

/** Returns whether its tables are of this version and in use. Only otherwise are migrations loaded: most starts do without them. */
async function isCurrent(engine: Engine): Promise<boolean> {
  return engine.read(async (trx) => {
    if (!(await engine.tables(trx)).includes('meta')) return false
    const rows = await trx.selectFrom('meta').selectAll().where('key', 'in', ['version', 'moved_to']).execute()
    return rows.length === 1 && rows[0]?.value === String(ledgerVersion)
  })
}

/** The database as it is: a file is made where it is missing, and nothing is written into it. */
export async function openDatabase(url: string, wait: LockWait): Promise<Engine> {
  return /^postgres(?:ql)?:\/\//.test(url) ? (await import('./postgres.ts')).openPostgres(url, wait) : openFile(url, wait)
}

async function openFile(url: string, wait: LockWait): Promise<Engine> {
  const path = url.startsWith('sqlite:') ? url.slice('sqlite:'.length) : ''
  if (path !== ':memory:' && !isAbsolute(path)) {
    throw new BurnError(
      'ledger_url',
      `"${url}" names no ledger`,
      'Write "sqlite:/absolute/path" or "postgres://user@host/database" under "ledger" in the spec.',
      { exit: 2 },
    )
  }
  return openSqlite(path, wait)
}
