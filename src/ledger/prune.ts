/** Deletes old rows by the retention rules of each table (`schema.ts`). No other code deletes an event. */
import type { RawBuilder, Transaction } from 'kysely'
import type { Pruned } from '../core/ledger/history.ts'
import type { Time } from '../core/nouns.ts'
import type { Tables } from './tables.ts'
import { sql } from 'kysely'
import { appendEvents } from './events.ts'
import { attemptsOf } from './invariants.ts'
import { endedTexts, schema, tableNames } from './schema.ts'

/**
 * Deletes history that ended before the time `before`. Returns the number of deleted rows per table. With `dryRun`, only counts the rows.
 */
export async function prune(trx: Transaction<Tables>, before: Time, at: Time, dryRun: boolean): Promise<Pruned> {
  const count = async (keys: RawBuilder<unknown> | undefined) =>
    keys === undefined ? 0 : Number((await sql<{ n: number }>`select count(*) as n from (${keys}) as found`.execute(trx)).rows[0]?.n ?? 0)
  const found: Pruned = {
    dispatches: await count(schema.dispatch.prunable?.(before)),
    deliveries: await count(endedTexts(before)),
    events: await count(schema.event.prunable?.(before)),
  }
  if (dryRun) return found
  for (const table of tableNames.toReversed()) {
    const { key, prunable } = schema[table]
    // The dispatches' events are deleted at this point, so the dispatches no longer count as attempts. Their own rows still exist and name
    // the issues to update.
    if (table === 'dispatch' && found.dispatches > 0) await countAttempts(trx, before)
    if (prunable !== undefined) await sql`delete from ${sql.table(table)} where ${sql.ref(key)} in (${prunable(before)})`.execute(trx)
  }
  if (found.dispatches + found.deliveries + found.events === 0) return found
  await appendEvents(
    trx,
    [{ kind: 'ledger.pruned', subject: 'ledger', issue: null, worker: null, actor: 'burn', payload: { ...found, before } }],
    at,
  )
  return found
}

async function countAttempts(trx: Transaction<Tables>, before: Time): Promise<void> {
  const touched = sql`select issue from dispatch where id in (${schema.dispatch.prunable?.(before)})`
  await sql`update issue set attempts = ${attemptsOf('issue.ref')} where ref in (${touched})`.execute(trx)
}
