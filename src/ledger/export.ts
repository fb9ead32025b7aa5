/** A ledger as lines of JSON, for whoever wants to reckon with it elsewhere. */
import type { LockWait } from './sqlite.ts'
import { ledgerVersion } from './schema.ts'
import { openEngine } from './open.ts'
import { pages } from './pages.ts'

/** One line a row, `{"table": …, "row": {…}}`, all as of one moment; the first says which version of the tables it is. */
export async function exportLedger(url: string, wait: LockWait, line: (text: string) => void): Promise<void> {
  const engine = await openEngine(url, wait)
  try {
    await engine.read(async (trx) => {
      line(JSON.stringify({ ledger: engine.where, version: ledgerVersion }))
      for await (const { table, rows } of pages(trx)) for (const row of rows) line(JSON.stringify({ table, row }))
    })
  } finally {
    await engine.close()
  }
}
