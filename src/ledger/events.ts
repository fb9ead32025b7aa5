/** What happened, written in the transaction that made it happen. */
import type { Transaction } from 'kysely'
import type { NewEvent } from '../core/events.ts'
import type { Tables } from './schema.ts'
import { createHash } from 'node:crypto'
import { hasElapsed } from '../core/elapsed.ts'
import { insertRows } from './write-rows.ts'

export async function append(trx: Transaction<Tables>, events: readonly NewEvent[], at: number): Promise<void> {
  await insertRows(
    trx,
    'event',
    events.map(({ kind, subject, issue, worker, actor, payload }) => {
      return { at, kind, subject, issue, worker, actor, payload: JSON.stringify(payload) }
    }),
  )
}

/** How long trouble that lasts is said once, milliseconds. */
const saidFor = 3_600_000

export async function recordEvents(trx: Transaction<Tables>, events: readonly NewEvent[], at: number): Promise<void> {
  const fresh: NewEvent[] = []
  for (const event of events) {
    const { kind, subject, payload } = event
    const last = await trx
      .selectFrom('event')
      .select(['at', 'payload'])
      .where('subject', '=', subject)
      .where('kind', '=', kind)
      .orderBy('seq', 'desc')
      .limit(1)
      .executeTakeFirst()
    if (last === undefined || last.payload !== JSON.stringify(payload) || hasElapsed(last.at, saidFor, at)) fresh.push(event)
  }
  await append(trx, fresh, at)
}

/** What stays of a delivery's text once it is emptied: enough to prove which text it was. */
export function fingerprint(text: string): { readonly bytes: number; readonly sha256: string } {
  return { bytes: Buffer.byteLength(text), sha256: createHash('sha256').update(text).digest('hex') }
}
