/** Reads names from a ledger on SQLite for completion. It loads no query builder, and never creates or changes a ledger. */
import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { ifCode } from '../core/errors.ts'

/** The names in a ledger. */
export interface RecentNames {
  /** The ids of all workers that burn has recorded. */
  readonly workers: readonly string[]
  /** Open issues first, then the newest ones. */
  readonly issues: readonly { readonly ref: string; readonly title: string }[]
}

const none: RecentNames = { workers: [], issues: [] }
/** The time (ms) for which SQLite waits for a lock. A person waits for the result. */
const busyTimeout = 50

/** Returns the names in the ledger at this path; none if there is no ledger, or if SQLite cannot read it now. `limit`: issues at most. */
export async function recentNames(path: string, limit: number): Promise<RecentNames> {
  if (!existsSync(path)) return none
  return read(path, limit).catch(ifCode(['ERR_SQLITE_ERROR'], none))
}

async function read(path: string, limit: number): Promise<RecentNames> {
  const file = pathToFileURL(path)
  // Without this mode, SQLite would create the files of the write-ahead log, and would not remove them.
  if (!existsSync(`${path}-wal`)) file.searchParams.set('immutable', '1')
  const ledger = new DatabaseSync(file, { readOnly: true, timeout: busyTimeout })
  try {
    const rows = (sql: string) => ledger.prepare(sql).all()
    const workers = rows('select id from worker order by id').map(({ id }) => String(id))
    const newest = `select ref, title from issue order by state = 'open' desc, updated_at desc limit ${limit}`
    return { workers, issues: rows(newest).map(({ ref, title }) => ({ ref: String(ref), title: String(title) })) }
  } finally {
    ledger.close()
  }
}
