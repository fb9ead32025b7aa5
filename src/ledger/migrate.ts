/** Upgrades a ledger's tables to the version of this burn. Refuses databases that it must not change. */
import type { Transaction } from 'kysely'
import type { Engine } from './engine.ts'
import type { Tables } from './tables.ts'
import { BurnError } from '../core/errors.ts'
import { createTables } from './create-tables.ts'
import { migrations } from './migrations.ts'
import { createNewTables, newTablesVersion } from './new-tables.ts'
import { ledgerVersion } from './schema.ts'

/**
 * Upgrades the tables to version `to` in one transaction. Returns the previous version, 0 for a new ledger, or null if the tables were
 * current. Throws BurnError `ledger_newer` if a newer burn wrote the ledger, `ledger_moved` if the ledger was moved, and `ledger_foreign`
 * if another program owns the database.
 */
export async function migrate(engine: Engine, to = ledgerVersion): Promise<number | null> {
  const stored = await engine.read(async (trx) => {
    const found = await storedVersion(trx, engine)
    if (found > 0) await refuseMoved(trx, engine)
    return found
  })
  if (refuseNewer(stored, engine) === to) return null
  return engine.write(async (trx) => {
    const from = refuseNewer(await storedVersion(trx, engine), engine)
    if (from === to) return null
    if (from === 0) await refuseForeign(trx, engine)
    const isNew = from === 0 && to >= newTablesVersion
    if (isNew) await createNewTables(trx, engine)
    else if (from === 0) await createTables({ meta: 'key key, value text!' }, trx, engine.serial)
    for (const migration of migrations.slice(isNew ? newTablesVersion : from, to)) await migration(trx, engine)
    const row = { key: 'version', value: String(to) }
    await trx
      .insertInto('meta')
      .values(row)
      .onConflict((c) => c.column('key').doUpdateSet({ value: row.value }))
      .execute()
    return from
  })
}

/** Returns the version of the tables; 0 if there are none. */
async function storedVersion(trx: Transaction<Tables>, { tables }: Engine): Promise<number> {
  if (!(await tables(trx)).includes('meta')) return 0
  const row = await trx.selectFrom('meta').select('value').where('key', '=', 'version').executeTakeFirst()
  return Number(row?.value ?? 0)
}

function refuseNewer(found: number, { where }: Engine): number {
  if (found <= ledgerVersion) return found
  const hint =
    'Nothing was changed. Use the newer version of burn that wrote this ledger, or name another ledger under "ledger" in the spec.'
  throw new BurnError(
    'ledger_newer',
    `the ledger ${where} has version ${found}, but this version of burn supports ledgers only up to version ${ledgerVersion}`,
    hint,
  )
}

/** Throws BurnError `ledger_moved`. If a fleet used the old and the new ledger, it would dispatch the same issue twice. */
async function refuseMoved(trx: Transaction<Tables>, { where }: Engine): Promise<void> {
  const moved = await trx.selectFrom('meta').select('value').where('key', '=', 'moved_to').executeTakeFirst()
  if (moved === undefined) return
  const hint = `Write the new location under "ledger" in the spec. To use this ledger again, delete the row "moved_to" from its table "meta".`
  throw new BurnError('ledger_moved', `the ledger ${where} was moved to ${moved.value}`, hint)
}

async function refuseForeign(trx: Transaction<Tables>, { where, tables }: Engine): Promise<void> {
  const [other] = await tables(trx)
  if (other === undefined) return
  const hint = 'Nothing was changed. Name an unused file, database or schema under "ledger" in the spec.'
  throw new BurnError('ledger_foreign', `${where} belongs to another program, because it has a table "${other}"`, hint)
}
