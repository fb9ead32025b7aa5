/** Spans and measures. The spans of one sample and their events are saved in one transaction. */
import type { Transaction } from 'kysely'
import type { SampleChanges, SpanFilter, TelemetryLedger } from '../core/ledger/telemetry.ts'
import type { Measure, Span } from '../core/span.ts'
import type { Db, MeasureRow, Tables } from './tables.ts'
import { hour, summarise } from '../decide/roll-up.ts'
import { appendEvents } from './events.ts'
import { chunks } from './sql.ts'

type Trx = Transaction<Tables>

/** Returns the spans that have not ended, in the order of their ids. */
export async function openSpans(db: Db): Promise<Span[]> {
  return db.selectFrom('span').selectAll().where('ended_at', 'is', null).orderBy('id').execute()
}

/** Returns the spans that overlap a period, oldest first. */
export async function spans(trx: Trx, { kind, subject, since, until }: SpanFilter): Promise<Span[]> {
  let query = trx.selectFrom('span').selectAll()
  if (kind !== undefined) query = query.where('kind', '=', kind)
  if (subject !== undefined) query = query.where('subject', '=', subject)
  if (since !== undefined) query = query.where((eb) => eb.or([eb('ended_at', 'is', null), eb('ended_at', '>', since)]))
  if (until !== undefined) query = query.where('began_at', '<', until)
  return query.orderBy('began_at').orderBy('id').execute()
}

/** Saves new and changed spans, measures and events. */
export async function saveSample(trx: Trx, { spans: changed, measures: taken, events }: SampleChanges, at: number): Promise<void> {
  // A span that ends makes room for the next one of its subject, because only one span of a subject may be open.
  const ordered = changed.toSorted((a, b) => Number(a.ended_at === null) - Number(b.ended_at === null))
  for (const part of chunks(ordered, 64))
    await trx
      .insertInto('span')
      .values(part)
      .onConflict((c) =>
        c.column('id').doUpdateSet((eb) => ({
          detail: eb.ref('excluded.detail'),
          evidence: eb.ref('excluded.evidence'),
          seen_at: eb.ref('excluded.seen_at'),
          ended_at: eb.ref('excluded.ended_at'),
          reported: eb.ref('excluded.reported'),
        })),
      )
      .execute()
  await saveMeasures(trx, taken)
  if (events.length > 0) await appendEvents(trx, events, at)
}

async function saveMeasures(trx: Trx, taken: readonly Measure[]): Promise<void> {
  for (const part of chunks(taken))
    await trx
      .insertInto('measure')
      .values(part.map(toRow))
      .onConflict((c) => c.column('id').doUpdateSet((eb) => ({ numbers: eb.ref('excluded.numbers') })))
      .execute()
}

/** Returns measures of a period, oldest first. */
export async function measures(trx: Trx, { subject, since, until }: Parameters<TelemetryLedger['measures']>[0]): Promise<Measure[]> {
  let query = trx.selectFrom('measure').selectAll().where('at', '>=', since)
  if (subject !== undefined) query = query.where('subject', '=', subject)
  if (until !== undefined) query = query.where('at', '<', until)
  return (await query.orderBy('at').orderBy('subject').execute()).map(toMeasure)
}

/** Replaces the samples of each full hour by summaries, and deletes summaries and spans from before `keep_since`. */
export async function rollUp(trx: Trx, before: number, keep_since: number): Promise<void> {
  const end = Math.floor(before / hour) * hour
  const old = await trx.selectFrom('measure').selectAll().where('period', '=', 0).where('at', '<', end).execute()
  await saveMeasures(trx, summarise(old.map(toMeasure)))
  await trx.deleteFrom('measure').where('period', '=', 0).where('at', '<', end).execute()
  await trx.deleteFrom('measure').where('at', '<', keep_since).execute()
  await trx.deleteFrom('span').where('ended_at', '<', keep_since).execute()
}

function toRow({ subject, at, period, numbers }: Measure): MeasureRow {
  return { id: `${subject} ${at} ${period}`, subject, at, period, numbers: JSON.stringify(numbers) }
}

function toMeasure({ subject, at, period, numbers }: MeasureRow): Measure {
  // The column holds the JSON that `toRow` wrote.
  return { subject, at, period, numbers: JSON.parse(numbers) as Measure['numbers'] }
}
