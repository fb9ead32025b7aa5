/** The history, read: what happened, by a cursor that misses nothing, and how long work took. */
import type { RawBuilder, Selectable, Transaction } from 'kysely'
import type { Event, EventFilter } from '../core/events.ts'
import type { DispatchTimes } from '../core/ledger/history.ts'
import type { Time } from '../core/nouns.ts'
import type { Engine } from './engine.ts'
import type { EventRow, Tables } from './schema.ts'
import { sql } from 'kysely'
import { BurnError } from '../core/errors.ts'
import { deliveries, dispatches } from './queries.ts'
import { chunks } from './sql.ts'

type Trx = Transaction<Tables>

/** Events that a query without a limit returns at most; and of so many dispatches and deliveries an issue's or a worker's are. */
const most = 1000

/**
 * Where an event lies. SQLite has one writer at a time, so numbers grow as transactions commit. On PostgreSQL claims overlap, and the one with the higher numbers
 * may commit first: there an event lies by its transaction, then by its number, and a reader stops before the oldest transaction that is still open.
 */
interface Position {
  readonly tx: number
  readonly seq: number
}

const cursorOf = ({ tx, seq }: Position) => `${tx}.${seq}`

/** Throws BurnError `cursor`. */
function positionOf(cursor: string): Position {
  const [, tx, seq] = /^(\d{1,15})\.(\d{1,15})$/.exec(cursor) ?? []
  if (tx === undefined || seq === undefined)
    throw new BurnError('cursor', `${JSON.stringify(cursor)} is no cursor of this ledger`, 'Take the cursor of an event: burn log --json', {
      exit: 2,
    })
  return { tx: Number(tx), seq: Number(seq) }
}

const lies = (is: '>' | '<=', { tx, seq }: Position, { overlaps }: Pick<Engine, 'overlaps'>): RawBuilder<boolean> =>
  overlaps ? sql<boolean>`(tx, seq) ${sql.raw(is)} (${tx}, ${seq})` : sql<boolean>`seq ${sql.raw(is)} ${seq}`

export async function horizon(trx: Trx, { overlaps }: Pick<Engine, 'overlaps'>): Promise<string> {
  const found = overlaps
    ? await sql<Position>`select txid_snapshot_xmin(txid_current_snapshot()) as tx, 0 as seq`.execute(trx)
    : await sql<Position>`select 0 as tx, coalesce(max(seq), 0) as seq from event`.execute(trx)
  return cursorOf(found.rows[0] ?? { tx: 0, seq: 0 })
}

/** The oldest of them first. */
export async function events(trx: Trx, filter: EventFilter, engine: Pick<Engine, 'overlaps'>): Promise<Event[]> {
  const { after, kinds, since, limit = most } = filter
  const until = filter.until ?? (after === undefined ? undefined : await horizon(trx, engine))
  const way = after === undefined ? 'desc' : 'asc'
  let query = trx.selectFrom('event').selectAll().limit(limit)
  if (engine.overlaps) query = query.orderBy(sql`tx`, way)
  query = query.orderBy('seq', way)
  if (after !== undefined) query = query.where(lies('>', positionOf(after), engine))
  if (until !== undefined) query = query.where(lies('<=', positionOf(until), engine))
  if (since !== undefined) query = query.where('at', '>=', since)
  if (kinds !== undefined && kinds.length > 0) query = query.where((eb) => eb.or(kinds.map(isOfKind)))
  if (filter.subject !== undefined) query = query.where('subject', '=', filter.subject)
  // What comes after a cursor is read whole, so it is cheaper to look at each event than to find all that an issue or a worker ever had.
  if (after === undefined) for (const subjects of await subjectsOf(trx, filter)) query = query.where('subject', 'in', subjects)
  else for (const column of ['issue', 'worker'] as const) if (filter[column] !== undefined) query = query.where(column, '=', filter[column])
  // `tx` is among the columns only if the engine has it.
  const rows = (await query.execute()) as (Selectable<EventRow> & { readonly tx?: number })[]
  const found = rows.map(toEvent)
  return way === 'desc' ? found.toReversed() : found
}

function isOfKind(kind: string): RawBuilder<boolean> {
  if (!kind.endsWith('*')) return sql<boolean>`kind = ${kind}`
  const prefix = kind.slice(0, -1)
  return sql<boolean>`substr(kind, 1, ${sql.lit(prefix.length)}) = ${prefix}`
}

/** Subjects, one list for each part of the filter: events are found by their subject alone. */
async function subjectsOf(trx: Trx, { issue, worker }: EventFilter): Promise<string[][]> {
  const lists: string[][] = []
  if (issue !== undefined) {
    const about = (await dispatches(trx, { issue, limit: most })).map(({ id }) => id)
    lists.push([issue, ...about, ...(await deliveries(trx, { about, limit: most })).map(({ id }) => id)])
  }
  if (worker !== undefined) lists.push([worker, ...(await deliveries(trx, { worker, limit: most })).map(({ id }) => id)])
  return lists
}

function toEvent({ tx = 0, payload, ...row }: Selectable<EventRow> & { readonly tx?: number }): Event {
  // Rows with an actor were written by `append`; the others by a version that knew sentences only.
  const data: unknown = row.actor === null ? { prose: payload } : JSON.parse(payload)
  // Its payload is that of its kind: `append` takes no other.
  return { ...row, cursor: cursorOf({ tx, seq: row.seq }), payload: data } as Event
}

export async function dispatchTimes(trx: Trx, limit: number): Promise<DispatchTimes[]> {
  const rows = await trx
    .selectFrom('dispatch')
    .select(['id', 'worker', 'issue', 'state', 'handed_at', 'changed_at'])
    .where('kind', '=', sql.lit('work'))
    .where('handed_at', 'is not', null)
    .where('state', 'not in', ['claimed', 'handed'])
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
  const reviewed = new Map<string, Time>()
  for (const part of chunks(rows)) {
    const ids = part.map(({ id }) => id)
    const seen = await trx
      .selectFrom('event')
      .select(['subject', 'at'])
      .where('subject', 'in', ids)
      .where('kind', '=', 'dispatch.review')
      .execute()
    for (const { subject, at } of seen) if (!reviewed.has(subject)) reviewed.set(subject, at)
  }
  return rows.map(({ id, handed_at, changed_at, ...row }) => {
    return { ...row, handed_at: handed_at ?? 0, review_at: reviewed.get(id) ?? null, ended_at: changed_at }
  })
}
