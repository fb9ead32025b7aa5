/** Retention: what ended long ago is forgotten, as the registry says of each table. The one thing that ever takes an event away. */
import type { RawBuilder, Transaction } from 'kysely'
import type { Pruned } from '../core/ledger/history.ts'
import type { Time } from '../core/nouns.ts'
import type { Tables } from './schema.ts'
import { sql } from 'kysely'
import { append } from './events.ts'
import { attemptsOf } from './invariants.ts'
import { endedTexts, schema, tableNames } from './schema.ts'

/** With `dryRun` nothing is changed: the numbers say what would be forgotten. */
export async function prune(trx: Transaction<Tables>, before: Time, at: Time, dryRun: boolean): Promise<Pruned> {
  const count = async (keys: RawBuilder<unknown> | undefined) =>
    keys === undefined ? 0 : Number((await sql<{ n: number }>`select count(*) as n from (${keys}) as found`.execute(trx)).rows[0]?.n ?? 0)
  const found: Pruned = {
    dispatches: await count(schema.dispatch.forgets?.(before)),
    deliveries: await count(endedTexts(before)),
    events: await count(schema.event.forgets?.(before)),
  }
  if (dryRun) return found
  for (const table of tableNames.toReversed()) {
    const { key, forgets } = schema[table]
    // A dispatch without its events no longer counts as an attempt, and it still says which issue that is of.
    if (table === 'dispatch' && found.dispatches > 0) await countAttempts(trx, before)
    if (forgets !== undefined) await sql`delete from ${sql.table(table)} where ${sql.ref(key)} in (${forgets(before)})`.execute(trx)
  }
  if (found.dispatches + found.deliveries + found.events === 0) return found
  await append(
    trx,
    [{ kind: 'ledger.pruned', subject: 'ledger', issue: null, worker: null, actor: 'burn', payload: { ...found, before } }],
    at,
  )
  return found
}

async function countAttempts(trx: Transaction<Tables>, before: Time): Promise<void> {
  const touched = sql`select issue from dispatch where id in (${schema.dispatch.forgets?.(before)})`
  await sql`update issue set attempts = ${attemptsOf('issue.ref')} where ref in (${touched})`.execute(trx)
}
