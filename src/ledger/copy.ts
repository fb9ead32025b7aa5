/** Copies a whole ledger, either as a backup while the ledger is in use, or to move it. After a move, nobody can open the old ledger. */
import type { Transaction } from 'kysely'
import type { Engine } from './engine.ts'
import type { LockWait } from './sqlite.ts'
import type { Tables } from './tables.ts'
import type { HeldLease } from './schema.ts'
import { existsSync } from 'node:fs'
import { sql } from 'kysely'
import { BurnError } from '../core/errors.ts'
import { chunks } from './sql.ts'
import { brokenInvariants } from './invariants.ts'
import { openDatabase, openEngine } from './open.ts'
import { pages, type Page } from './export.ts'
import { valueKey } from './jobs.ts'
import { notificationCursorKey } from './notifications.ts'
import { schema, tableNames } from './schema.ts'

/** The result of a copy. */
export interface Copied {
  /** The locations of both ledgers, without passwords, for messages. */
  readonly from: string
  readonly to: string
  readonly rows: number
}

/** The number of rows in a statement. SQLite allows 32,766 parameters, and no table has 40 columns. */
const rowsPerStatement = 512
/** The key in `meta` under which a copy stores the location of the original ledger, and the last event that was copied. */
const origin = 'copied_from'

/**
 * Copies a ledger from one snapshot. Throws BurnError `ledger_target`, and changes nothing, unless the target is empty or has an unused
 * copy of the same ledger.
 */
export async function backupLedger(from: string, to: string, wait: LockWait, onRows: (rows: number) => void): Promise<Copied> {
  return withEngines(from, to, wait, (source, target) => source.read((trx) => copy(trx, source, target, onRows)))
}

/**
 * Copies a ledger, then closes the old one: opening the old ledger fails with an error that names the new location. An interrupted move can
 * be run again. Throws BurnError `ledger_in_use` while a process holds leases in the old ledger, and the errors of `backupLedger`.
 */
export async function moveLedger(
  { from, to }: { readonly from: string; readonly to: string },
  wait: LockWait,
  now: number,
  onRows: (rows: number) => void,
): Promise<Copied> {
  return withEngines(from, to, wait, (source, target) =>
    source.write(async (trx) => {
      await refuseBusy(trx, source, now)
      const copied = await copy(trx, source, target, onRows)
      await trx.insertInto('meta').values({ key: 'moved_to', value: target.where }).execute()
      return copied
    }),
  )
}

/** Returns the result of `backupLedger` without changing anything. Throws the same errors. */
export async function dryRunBackup(from: string, to: string, wait: LockWait): Promise<Copied> {
  return withEngine(openEngine(from, wait), async (source) => dryRunCopy(source, to, wait, await source.read(countRows)))
}

/** Returns the result of `moveLedger` without changing anything. Throws the same errors. */
export async function dryRunMove(from: string, to: string, wait: LockWait, now: number): Promise<Copied> {
  return withEngine(openEngine(from, wait), async (source) => {
    await source.read((trx) => refuseBusy(trx, source, now))
    return dryRunCopy(source, to, wait, await source.read(countRows))
  })
}

async function countRows(trx: Transaction<Tables>): Promise<number> {
  let count = 0
  for await (const page of pages(trx)) count += rowsToCopy(page).length
  return count
}

/** The keys in `meta` that a copy does not get. It has its own version and origin, and the position of an event is valid in one ledger only. */
const ownKeys = ['version', origin, valueKey(notificationCursorKey)]

/** Returns the rows of a page that the copy needs. */
function rowsToCopy({ table, rows }: Page): Page['rows'] {
  return table === 'meta' ? rows.filter(({ key }) => !ownKeys.includes(String(key))) : rows
}

/** Checks the target as a copy would. Unlike `openEngine`, it creates no file and upgrades no tables. */
async function dryRunCopy(source: Engine, to: string, wait: LockWait, rows: number): Promise<Copied> {
  const file = to.startsWith('sqlite:') ? to.slice('sqlite:'.length) : null
  if (file !== null && !existsSync(file)) return { from: source.where, to: file, rows }
  return withEngine(openDatabase(to, wait), async (target) => {
    refuseSame(source, target)
    await target.read(async (trx) => {
      const tables = await target.tables(trx)
      if (tables.includes('meta')) return refuseUsed(trx, source, target)
      if (tables.length > 0) throw unusableTargetError(target.where, `it has a table of another program (${tables[0]})`)
    })
    return { from: source.where, to: target.where, rows }
  })
}

async function withEngines(
  from: string,
  to: string,
  wait: LockWait,
  work: (source: Engine, target: Engine) => Promise<Copied>,
): Promise<Copied> {
  return withEngine(openEngine(from, wait), (source) =>
    withEngine(openEngine(to, wait), async (target) => {
      refuseSame(source, target)
      return work(source, target)
    }),
  )
}

/** Runs `work` on an engine, and closes the engine even if `work` throws. */
async function withEngine<T>(opening: Promise<Engine>, work: (engine: Engine) => Promise<T>): Promise<T> {
  const engine = await opening
  try {
    return await work(engine)
  } finally {
    await engine.close()
  }
}

function refuseSame(source: Engine, target: Engine): void {
  if (target.where === source.where) throw unusableTargetError(target.where, 'it is the same ledger')
}

/** Copies all rows in one transaction of the target, and checks the copy before it is committed. */
async function copy(trx: Transaction<Tables>, source: Engine, target: Engine, onRows: (rows: number) => void): Promise<Copied> {
  return target.write(async (into) => {
    await makeEmpty(into, source, target)
    let rows = 0
    for await (const page of pages(trx)) {
      const pageRows = rowsToCopy(page)
      for (const part of chunks(pageRows, rowsPerStatement))
        await into
          .insertInto(page.table)
          // The compiler cannot tell that the rows belong to this table.
          .values(part as never)
          .execute()
      onRows((rows += pageRows.length))
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
        `the copy breaks the ledger's rules: ${broken.join('; ')}`,
        'Nothing was written. To check the original ledger, run: burn ledger check',
      )
    return { from: source.where, to: target.where, rows }
  })
}

/** Throws BurnError `ledger_target` if the target has data, unless the data is an unused copy of the source. */
async function refuseUsed(into: Transaction<Tables>, source: Engine, target: Engine): Promise<void> {
  const copied = await into.selectFrom('meta').select('value').where('key', '=', origin).executeTakeFirst()
  const last = await lastEvent(into)
  const own = copied === undefined ? null : /^(.*) (\d+)$/s.exec(copied.value)
  if (own === null && last > 0) throw unusableTargetError(target.where, 'the target already contains a ledger')
  if (own !== null && own[1] !== source.where)
    throw unusableTargetError(target.where, `the target contains a copy of a different ledger, ${own[1]}`)
  if (own !== null && Number(own[2]) !== last)
    throw unusableTargetError(target.where, 'the target contains an older copy, which burn has already used as a ledger')
}

/** Deletes the rows of an earlier, unused copy from the target. */
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
    const leases = schema[table].heldLeases?.(now)
    if (leases === undefined) continue
    const { rows } = await sql<HeldLease>`select what, owner, until from (${leases}) as held order by until desc limit 1`.execute(trx)
    const [held] = rows
    if (held === undefined) continue
    const until = new Date(held.until).toISOString().replace(/\.\d+/, '')
    const hint = `Stop the process that holds the lease (burn dispatch, burn sprint run or burn worker loop). If the process was killed, wait until the lease expires. Then run this command again.`
    throw new BurnError(
      'ledger_in_use',
      `the ledger ${where} is in use: ${held.owner} holds the lease on ${held.what} until ${until}`,
      hint,
    )
  }
}

function unusableTargetError(where: string, why: string): BurnError {
  return new BurnError(
    'ledger_target',
    `burn cannot copy the ledger to ${where}: ${why}`,
    'Nothing was changed. Name a file that does not exist, or an empty database or schema.',
    { exit: 2 },
  )
}
