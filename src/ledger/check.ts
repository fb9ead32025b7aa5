/** Checks a ledger: the integrity of its database, its tables, and the rules of its data. */
import type { Ledger } from '../core/ledger.ts'
import type { Engine } from './engine.ts'
import { BurnError } from '../core/errors.ts'
import { brokenInvariants, rowCounts } from './invariants.ts'
import { ledgerVersion, schemaDifferences } from './schema.ts'

/** Checks a ledger. Throws BurnError `ledger_corrupt` if the database is damaged, and `ledger_rule` if its data breaks a rule. */
export async function checkLedger(engine: Engine): ReturnType<Ledger['check']> {
  const { read, integrityErrors, columns, where, upgraded_from, refreshStatistics } = engine
  const broken = [...(await integrityErrors()), ...schemaDifferences(await read(columns))]
  if (broken.length > 0) {
    const hint =
      'Stop all burn processes that use this ledger. Keep a copy of the file with its -wal and -shm files, and put a backup in its place.'
    throw new BurnError('ledger_corrupt', `the ledger ${where} is damaged: ${broken.join('; ')}`, hint)
  }
  return read(async (trx) => {
    await refreshStatistics(trx)
    const violations = await brokenInvariants(trx)
    if (violations.length > 0) {
      const hint = 'Nothing was changed. This is a bug in burn: please report it with this message and a copy of the ledger.'
      throw new BurnError('ledger_rule', `the ledger ${where} breaks its own rules: ${violations.join('; ')}`, hint)
    }
    return { where, version: ledgerVersion, upgraded_from, rows: await rowCounts(trx) }
  })
}
