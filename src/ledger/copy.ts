/** A whole ledger into another place: a backup while it is in use, or a move to another engine, after which the old one is closed to everybody. */
import type { Transaction } from 'kysely'
import type { Engine } from './engine.ts'
import type { LockWait } from './sqlite.ts'
import type { Busy, Tables } from './schema.ts'
import { existsSync } from 'node:fs'
import { sql } from 'kysely'
import { BurnError } from '../core/errors.ts'
import { chunks } from './sql.ts'
import { brokenInvariants } from './invariants.ts'
import { openDatabase, openEngine } from './open.ts'
import { pages, type Page } from './export.ts'
import { schema, tableNames } from './schema.ts'

export interface Copied {
  /** Where it was and where it is, for people; without a password. */
  readonly from: string
  readonly to: string
  readonly rows: number
}

/** Rows a statement: SQLite takes 32,766 parameters, and no table has 40 columns. */
const rowsAtOnce = 512
/** The row that says which ledger this one was copied from, and up to which event. */
const origin = 'copied_from'

/** Throws BurnError `ledger_target` where `to` holds anything but an unfinished copy of the same ledger; nothing is changed then. */
export async function backupLedger(from: string, to: string, wait: LockWait, onRows: (rows: number) => void): Promise<Copied> {
  return between(from, to, wait, (source, target) => source.read((trx) => copy(trx, source, target, onRows)))
}

/**
 * Also closes the old one: whoever opens it afterwards is told where it went. Throws BurnError `ledger_in_use` while a process holds leases in it, and
 * what `backupLedger` throws. Cut off in the middle, it can be run again.
 */
export async function moveLedger(
  { from, to }: { readonly from: string; readonly to: string },
  wait: LockWait,
  now: number,
  onRows: (rows: number) => void,
): Promise<Copied> {
  return between(from, to, wait, (source, target) =>
    source.write(async (trx) => {
      await refuseBusy(trx, source, now)
      const copied = await copy(trx, source, target, onRows)
      await trx.insertInto('meta').values({ key: 'moved_to', value: target.where }).execute()
      return copied
    }),
  )
}

/** What `backupLedger` would do: throws what it would, and changes nothing. */
export async function dryRunBackup(from: string, to: string, wait: LockWait): Promise<Copied> {
  return using(openEngine(from, wait), async (source) => wouldCopy(source, to, wait, await source.read(countRows)))
}

/** What `moveLedger` would do: throws what it would, and changes nothing. */
export async function dryRunMove(from: string, to: string, wait: LockWait, now: number): Promise<Copied> {
  return using(openEngine(from, wait), async (source) => {
    await source.read((trx) => refuseBusy(trx, source, now))
    return wouldCopy(source, to, wait, await source.read(countRows))
  })
}

async function countRows(trx: Transaction<Tables>): Promise<number> {
  let count = 0
  for await (const page of pages(trx)) count += rowsToCopy(page).length
  return count
}

/** The version, and where it came from, each ledger says of itself. */
function rowsToCopy({ table, rows }: Page): Page['rows'] {
  return table === 'meta' ? rows.filter(({ key }) => key !== 'version' && key !== origin) : rows
}

/** A file that is not there is not made, and the tables of a database that is there are not brought up to this version. */
async function wouldCopy(source: Engine, to: string, wait: LockWait, rows: number): Promise<Copied> {
  const file = to.startsWith('sqlite:') ? to.slice('sqlite:'.length) : null
  if (file !== null && !existsSync(file)) return { from: source.where, to: file, rows }
  return using(openDatabase(to, wait), async (target) => {
    refuseSame(source, target)
    await target.read(async (trx) => {
      const tables = await target.tables(trx)
      if (tables.includes('meta')) return refuseUsed(trx, source, target)
      if (tables.length > 0) throw notEmpty(target.where, `it holds another program's tables (${tables[0]})`)
    })
    return { from: source.where, to: target.where, rows }
  })
}

async function between(
  from: string,
  to: string,
  wait: LockWait,
  work: (source: Engine, target: Engine) => Promise<Copied>,
): Promise<Copied> {
  return using(openEngine(from, wait), (source) =>
    using(openEngine(to, wait), async (target) => {
      refuseSame(source, target)
      return work(source, target)
    }),
  )
}

/** Closes it whatever happens. */
async function using<T>(opening: Promise<Engine>, work: (engine: Engine) => Promise<T>): Promise<T> {
  const engine = await opening
  try {
    return await work(engine)
  } finally {
    await engine.close()
  }
}

function refuseSame(source: Engine, target: Engine): void {
  if (target.where === source.where) throw notEmpty(target.where, 'it is the same ledger')
}

/** All of it in one transaction of the target, and checked before that ends. */
async function copy(trx: Transaction<Tables>, source: Engine, target: Engine, onRows: (rows: number) => void): Promise<Copied> {
  return target.write(async (into) => {
    await makeEmpty(into, source, target)
    let rows = 0
    for await (const page of pages(trx)) {
      const given = rowsToCopy(page)
      for (const part of chunks(given, rowsAtOnce))
        await into
          .insertInto(page.table)
          // The rows are of this table, which the compiler cannot follow through a name.
          .values(part as never)
          .execute()
      onRows((rows += given.length))
    }
    await into
      .insertInto('meta')
      .values({ key: origin, value: `${source.where} ${await lastEvent(trx)}` })
      .execute()
    if (target.serial === 'bigserial')
      await sql`select setval(pg_get_serial_sequence('event', 'seq'), greatest(1, (select coalesce(max(seq), 0) from event)))`.execute(into)
    await target.refreshStatistics(into)
    const broken = await brokenInvariants(into)
    if (broken.length > 0)
      throw new BurnError(
        'ledger_rule',
        `the copy breaks its own rules: ${broken.join('; ')}`,
        'Nothing was written. Run burn ledger check.',
      )
    return { from: source.where, to: target.where, rows }
  })
}

async function refuseUsed(into: Transaction<Tables>, source: Engine, target: Engine): Promise<void> {
  const copied = await into.selectFrom('meta').select('value').where('key', '=', origin).executeTakeFirst()
  const last = await lastEvent(into)
  const own = copied === undefined ? null : /^(.*) (\d+)$/s.exec(copied.value)
  if (own === null && last > 0) throw notEmpty(target.where, 'it holds a ledger already')
  if (own !== null && (own[1] !== source.where || Number(own[2]) !== last))
    throw notEmpty(target.where, `it holds a copy of ${own[1]}, or was used since`)
}

/** What a copy that was cut off before the old ledger was closed has left is written anew; nobody has worked with it yet. */
async function makeEmpty(into: Transaction<Tables>, source: Engine, target: Engine): Promise<void> {
  await refuseUsed(into, source, target)
  for (const table of tableNames.toReversed()) if (table !== 'meta') await into.deleteFrom(table).execute()
  await into.deleteFrom('meta').where('key', '<>', 'version').execute()
}

async function lastEvent(trx: Transaction<Tables>): Promise<number> {
  const { last } = await trx
    .selectFrom('event')
    .select((e) => e.fn.max('seq').as('last'))
    .executeTakeFirstOrThrow()
  return Number(last ?? 0)
}

async function refuseBusy(trx: Transaction<Tables>, { where }: Engine, now: number): Promise<void> {
  for (const table of tableNames) {
    const busy = schema[table].busy?.(now)
    if (busy === undefined) continue
    const { rows } = await sql<Busy>`select what, owner, until from (${busy}) as held order by until desc limit 1`.execute(trx)
    const [held] = rows
    if (held === undefined) continue
    const until = new Date(held.until).toISOString().replace(/\.\d+/, '')
    const hint = `Stop that process (burn dispatch, burn sprint run, burn worker loop), or wait until then if it was killed. Then run this again.`
    throw new BurnError('ledger_in_use', `the ledger ${where} is in use: ${held.what} is held by ${held.owner} until ${until}`, hint)
  }
}

function notEmpty(where: string, why: string): BurnError {
  return new BurnError(
    'ledger_target',
    `nothing is copied to ${where}: ${why}`,
    'Nothing was changed. Name a file that is not there, or an empty database or schema.',
    { exit: 2 },
  )
}
