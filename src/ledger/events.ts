/** Writes events, in the transaction of the changes that they report. */
import type { Transaction } from 'kysely'
import type { NewEvent } from '../core/events.ts'
import type { EventNote } from '../core/ledger/history.ts'
import type { Tables } from './tables.ts'
import { createHash } from 'node:crypto'
import { hasElapsed } from '../core/elapsed.ts'
import { insertRows } from './write-rows.ts'

/** Writes events to the ledger. */
export async function appendEvents(trx: Transaction<Tables>, events: readonly NewEvent[], at: number): Promise<void> {
  await insertRows(
    trx,
    'event',
    events.map(({ kind, subject, issue, worker, actor, payload }) => {
      return { at, kind, subject, issue, worker, actor, payload: JSON.stringify(payload) }
    }),
  )
}

/** The time (ms) in which burn does not record the same event of a subject again. */
const repeatInterval = 3_600_000

/**
 * Records events. Skips an event if it equals the last event of the same subject and kind, and that event is younger than `repeatInterval`.
 */
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
    if (last === undefined || last.payload !== JSON.stringify(payload) || hasElapsed(last.at, repeatInterval, at)) fresh.push(event)
  }
  await appendEvents(trx, fresh, at)
}

/** Returns the notes whose subject has had no event of the same kind since `since`. */
export async function newNotes(trx: Transaction<Tables>, notes: readonly EventNote[]): Promise<EventNote[]> {
  const fresh: EventNote[] = []
  for (const note of notes) {
    const { kind, subject } = note.event
    const query = trx.selectFrom('event').select('seq').where('subject', '=', subject).where('kind', '=', kind)
    if ((await query.where('at', '>=', note.since).limit(1).executeTakeFirst()) === undefined) fresh.push(note)
  }
  return fresh
}

/** Records the notes whose subject has had no event of the same kind since `since`. */
export async function noteEvents(trx: Transaction<Tables>, notes: readonly EventNote[], at: number): Promise<void> {
  const fresh = await newNotes(trx, notes)
  await appendEvents(
    trx,
    fresh.map(({ event }) => event),
    at,
  )
}

/** Returns the size (bytes) and the hash of a delivery's text. They still identify the text after the ledger has deleted it. */
export function fingerprint(text: string): { readonly bytes: number; readonly sha256: string } {
  return { bytes: Buffer.byteLength(text), sha256: createHash('sha256').update(text).digest('hex') }
}
