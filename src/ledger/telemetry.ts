/** Spans and measures. The spans of one sample and their events are saved in one transaction. */
import type { Transaction } from 'kysely'
import type { SampleChanges, SpanFilter, TelemetryLedger } from '../core/ledger/telemetry.ts'
import type { Measure, Span } from '../core/span.ts'
import type { Db, MeasureRow, OpenSpanRow, SpanGroupRow, SpanRow, Tables } from './tables.ts'
import { issueNumber, repoOf } from '../core/refs.ts'
import { hour, summarise } from '../decide/roll-up.ts'
import { appendEvents } from './events.ts'
import { groupAge, groupHash, groupIds, idFrom, nextId, type GroupTexts } from './groups.ts'
import { chunks } from './sql.ts'

type Trx = Transaction<Tables>

/** Returns the spans that have not ended, by their kinds and subjects. */
export async function openSpans(db: Db): Promise<Span[]> {
  return (await db.selectFrom('open_span').selectAll().orderBy('id').execute()).map(toOpenSpan)
}

/** Returns the spans that overlap a period, oldest first. */
export async function spans(trx: Trx, { kind, subject, since, until }: SpanFilter): Promise<Span[]> {
  let ended = trx.selectFrom('span').innerJoin('span_group', 'span_group.id', 'span.group_id').select(columns)
  let open = trx.selectFrom('open_span').selectAll()
  if (kind !== undefined) [ended, open] = [ended.where('kind', '=', kind), open.where('kind', '=', kind)]
  if (subject !== undefined) [ended, open] = [ended.where('subject', '=', subject), open.where('subject', '=', subject)]
  if (since !== undefined) ended = ended.where('span.id', '>=', idFrom(since)).where('ended_at', '>', since)
  if (until !== undefined) [ended, open] = [ended.where('began_at', '<', until), open.where('began_at', '<', until)]
  const rows = await ended.orderBy('began_at').orderBy('span.id').execute()
  const all = [...rows.map(toEndedSpan), ...(await open.orderBy('id').execute()).map(toOpenSpan)]
  return all.toSorted((a, b) => a.began_at - b.began_at)
}

const texts = ['kind', 'subject', 'machine', 'state', 'detail', 'repo', 'incarnation'] as const
const columns = [...texts, 'number', 'began_at', 'seen_at', 'ended_at', 'evidence', 'reported'] as const

/**
 * Saves new and changed spans, measures and events. Throws BurnError `ledger_rule` if a subject has another open span, which does not end
 * in this sample.
 */
export async function saveSample(trx: Trx, { spans: changed, measures: taken, events }: SampleChanges, at: number): Promise<void> {
  const ended = changed.flatMap(({ ended_at, ...span }) => (ended_at === null ? [] : [{ ...span, ended_at }]))
  await saveEnded(trx, ended, at)
  const open = changed.filter(({ ended_at }) => ended_at === null)
  await saveOpen(trx, open, ended)
  await saveMeasures(trx, taken)
  if (events.length > 0) await appendEvents(trx, events, at)
}

type EndedSpan = Span & { readonly ended_at: number }

/** Adds ended spans. The id of a row is not before its end, also if the clock was set back. */
async function saveEnded(trx: Trx, ended: readonly EndedSpan[], at: number): Promise<void> {
  if (ended.length === 0) return
  const timeOf = ({ ended_at }: EndedSpan) => Math.max(at, ended_at)
  const grouped = ended.map((span) => ({ span, ...groupOf(span) }))
  const groups = new Map(grouped.map(({ hash, group }) => [hash, group]))
  const ids = await groupIds(trx, 'span_group', groups, Math.max(...ended.map(timeOf)))
  for (const [time, some] of Map.groupBy(grouped, ({ span }) => timeOf(span))) {
    const first = await nextId(trx, 'span', time, time + 1000)
    const rows = some.map(({ span: { issue, began_at, seen_at, ended_at, evidence, reported }, hash }, index): SpanRow => {
      const number = issue === null ? null : issueNumber(issue)
      return { id: first + index, began_at, seen_at, ended_at, number, group_id: ids.get(hash)!, evidence, reported }
    })
    for (const part of chunks(rows, 64)) await trx.insertInto('span').values(part).execute()
  }
}

/** Saves open spans, and deletes those that ended. */
async function saveOpen(trx: Trx, open: readonly Span[], ended: readonly Span[]): Promise<void> {
  const present = new Map<string, number>()
  for (const part of chunks([...open, ...ended].map(keyOf))) {
    const rows = await trx.selectFrom('open_span').select(['id', 'began_at']).where('id', 'in', part).execute()
    for (const { id, began_at } of rows) present.set(id, began_at)
  }
  const isPresent = (span: Span) => present.get(keyOf(span)) === span.began_at
  const over = new Set(ended.filter(isPresent).map(keyOf))
  const isKnown = (span: Span) => isPresent(span) || over.has(keyOf(span))
  // On PostgreSQL an update in place needs no new entries in indexes.
  for (const part of chunks(open.filter(isKnown).map(toOpenRow), 64))
    await trx
      .insertInto('open_span')
      .values(part)
      .onConflict((c) => c.column('id').doUpdateSet((eb) => Object.fromEntries(changing.map((name) => [name, eb.ref(`excluded.${name}`)]))))
      .execute()
  const begun = open.filter((span) => !isKnown(span)).map(toOpenRow)
  for (const part of chunks(begun, 64)) await trx.insertInto('open_span').values(part).execute()
  for (const span of open) over.delete(keyOf(span))
  for (const part of chunks([...over])) await trx.deleteFrom('open_span').where('id', 'in', part).execute()
}

const changing = ['machine', 'state', 'detail', 'issue', 'incarnation', 'evidence', 'began_at', 'seen_at', 'reported'] as const

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

/** Replaces the samples of each full hour by summaries. Deletes summaries and spans from before `keep_since`, and the positions of old files. */
export async function rollUp(trx: Trx, before: number, keep_since: number): Promise<void> {
  const end = Math.floor(before / hour) * hour
  const old = await trx.selectFrom('measure').selectAll().where('period', '=', 0).where('at', '<', end).execute()
  await saveMeasures(trx, summarise(old.map(toMeasure)))
  await trx.deleteFrom('measure').where('period', '=', 0).where('at', '<', end).execute()
  await trx.deleteFrom('measure').where('at', '<', keep_since).execute()
  await trx.deleteFrom('span').where('id', '<', idFrom(keep_since)).execute()
  // Agents begin a session file for each conversation. Without a path, a row is the time of the last listing of a machine.
  await trx.deleteFrom('usage_source').where('path', '<>', '').where('read_at', '<', end).execute()
  await trx
    .deleteFrom('span_group')
    .where('used_at', '<', keep_since - groupAge)
    .execute()
}

function toRow({ subject, at, period, numbers }: Measure): MeasureRow {
  return { id: `${subject} ${at} ${period}`, subject, at, period, numbers: JSON.stringify(numbers) }
}

function toMeasure({ subject, at, period, numbers }: MeasureRow): Measure {
  // The column holds the JSON that `toRow` wrote.
  return { subject, at, period, numbers: JSON.parse(numbers) as Measure['numbers'] }
}

const keyOf = ({ kind, subject }: Pick<Span, 'kind' | 'subject'>) => `${kind} ${subject}`

function toOpenRow({ ended_at: _ended_at, ...span }: Span): OpenSpanRow {
  return { ...span, id: keyOf(span) }
}

function toOpenSpan({ id: _id, ...span }: OpenSpanRow): Span {
  return { ...span, ended_at: null }
}

/** Returns the texts that many spans share, with their hash. */
function groupOf({ issue, ...span }: Span) {
  const { kind, subject, machine, state, detail, repo, incarnation } = { ...span, repo: issue === null ? null : repoOf(issue) }
  const group: GroupTexts<SpanGroupRow> = { kind, subject, machine, state, detail, repo, incarnation }
  return { group, hash: groupHash(texts.map((name) => group[name])) }
}

function toEndedSpan(row: Omit<SpanRow, 'id' | 'group_id'> & GroupTexts<SpanGroupRow>): Span {
  const { kind, subject, machine, state, detail, repo, number, incarnation, evidence, began_at, seen_at, ended_at, reported } = row
  const issue = repo === null || number === null ? null : `${repo}#${number}`
  return { kind, subject, machine, state, detail, issue, incarnation, evidence, began_at, seen_at, ended_at, reported }
}
