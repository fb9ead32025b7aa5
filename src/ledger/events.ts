/** What happened, written in the transaction that made it happen. */
import type { Transaction } from 'kysely'
import type { Event } from '../core/ledger/history.ts'
import type { Tables } from './schema.ts'
import { createHash } from 'node:crypto'
import { insertRows } from './write-rows.ts'

export type NewEvent = Omit<Event, 'seq' | 'at'>

export async function append(trx: Transaction<Tables>, events: readonly NewEvent[], at: number): Promise<void> {
  await insertRows(
    trx,
    'event',
    events.map(({ kind, subject, issue, worker, text }) => ({ at, kind, subject, issue, worker, text })),
  )
}

/** What stays of a delivery's text once it is emptied: enough to prove which text it was. */
export function fingerprint(text: string): string {
  return `${Buffer.byteLength(text)} bytes, sha256 ${createHash('sha256').update(text).digest('hex')}`
}
