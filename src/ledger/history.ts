/** Reads events and the times of dispatches. A reader that continues from a cursor misses no event. */
import type { RawBuilder, Selectable, Transaction } from 'kysely'
import type { Event, EventFilter, EventsAbout } from '../core/events.ts'
import type { DispatchTimes } from '../core/ledger/history.ts'
import type { Time } from '../core/nouns.ts'
import type { Engine } from './engine.ts'
import type { EventRow, Tables } from './tables.ts'
import { sql } from 'kysely'
import { BurnError } from '../core/errors.ts'
import { deliveries, dispatches } from './queries.ts'
import { keysOf } from '../core/json.ts'
import { dispatchTransitions, liveStates, type DispatchState } from '../core/lifecycle.ts'
import { chunks, inList } from './sql.ts'

type Trx = Transaction<Tables>

/**
 * The default limit of events. When events are filtered by issue or worker, the same limit also applies to the dispatches and deliveries
 * whose events are included.
 */
const defaultLimit = 1000

/**
 * The position of an event in the order of reading. SQLite has one writer at a time, so `seq` grows in the order of commits. On PostgreSQL
 * transactions overlap, and a transaction with a higher `seq` may commit first. On PostgreSQL, events are therefore ordered by transaction
 * id, then by `seq`, and a reader stops before the oldest open transaction.
 */
interface Position {
  readonly tx: number
  readonly seq: number
}

const cursorOf = ({ tx, seq }: Position) => `${tx}.${seq}`

/** Parses a cursor. Throws BurnError `cursor`. */
function positionOf(cursor: string): Position {
  const [, tx, seq] = /^(\d{1,15})\.(\d{1,15})$/.exec(cursor) ?? []
  if (tx === undefined || seq === undefined)
    throw new BurnError(
      'cursor',
      `${JSON.stringify(cursor)} is not a cursor of this ledger`,
      'Use the cursor that burn log --json shows for an event.',
      { exit: 2 },
    )
  return { tx: Number(tx), seq: Number(seq) }
}

const compared = (is: '>' | '<=', { tx, seq }: Position, { overlaps }: Pick<Engine, 'overlaps'>): RawBuilder<boolean> =>
  overlaps ? sql<boolean>`(tx, seq) ${sql.raw(is)} (${tx}, ${seq})` : sql<boolean>`seq ${sql.raw(is)} ${seq}`

/** Returns the cursor up to which reading is safe: no open transaction can still add an event before it. */
export async function horizon(trx: Trx, { overlaps }: Pick<Engine, 'overlaps'>): Promise<string> {
  const found = overlaps
    ? await sql<Position>`select txid_snapshot_xmin(txid_current_snapshot()) as tx, 0 as seq`.execute(trx)
    : await sql<Position>`select 0 as tx, coalesce(max(seq), 0) as seq from event`.execute(trx)
  return cursorOf(found.rows[0] ?? { tx: 0, seq: 0 })
}

/** Returns events, oldest first. Without `after`, returns the newest events up to the limit. Throws BurnError `cursor`. */
export async function events(trx: Trx, filter: EventFilter, engine: Pick<Engine, 'overlaps'>): Promise<Event[]> {
  const { after, kinds, since, limit = defaultLimit } = filter
  const until = filter.until ?? (after === undefined ? undefined : await horizon(trx, engine))
  const order = after === undefined ? 'desc' : 'asc'
  let query = trx.selectFrom('event').selectAll().limit(limit)
  if (engine.overlaps) query = query.orderBy(sql`tx`, order)
  query = query.orderBy('seq', order)
  if (after !== undefined) query = query.where(compared('>', positionOf(after), engine))
  if (until !== undefined) query = query.where(compared('<=', positionOf(until), engine))
  if (since !== undefined) query = query.where('at', '>=', since).where('seq', '>=', await firstSince(trx, since))
  if (kinds !== undefined && kinds.length > 0) query = query.where((eb) => eb.or(kinds.map(isOfKind)))
  if (filter.subject !== undefined) query = query.where('subject', '=', filter.subject)
  for (const group of filter.about ?? []) query = query.where(belongsTo(group))
  // Only a few events follow a cursor. Filtering them is cheaper than finding all dispatches of an issue or a worker.
  if (after === undefined) for (const subjects of await subjectsOf(trx, filter)) query = query.where('subject', 'in', subjects)
  else for (const column of ['issue', 'worker'] as const) if (filter[column] !== undefined) query = query.where(column, '=', filter[column])
  // Only PostgreSQL has the column `tx`.
  const rows = (await query.execute()) as (Selectable<EventRow> & { readonly tx?: number })[]
  const found = rows.map(toEvent)
  return order === 'desc' ? found.toReversed() : found
}

/**
 * Returns the condition that an event belongs to a group. It needs no index: `since` and the limit bound the events that the query reads. An
 * event of an issue names no worker, so it belongs to the worker that had the issue at that time.
 */
function belongsTo({ workers, issues, repos, subjects }: EventsAbout): RawBuilder<boolean> {
  const isOneOf = (column: string, values: readonly string[]) =>
    values.length === 0 ? [] : [sql<boolean>`${sql.ref(column)} in (${sql.join(values)})`]
  const had = isOneOf('dispatch.worker', workers).map(
    (isWorker) => sql<boolean>`(event.worker is null and event.issue is not null and exists (select 1 from dispatch
      where dispatch.issue = event.issue and ${isWorker} and dispatch.claimed_at <= event.at
      and (${inList('dispatch.state', liveStates)} or event.at <= dispatch.changed_at)))`,
  )
  const conditions = [
    ...isOneOf('event.subject', [...subjects, ...repos, ...workers]),
    ...isOneOf('event.issue', issues),
    ...isOneOf('event.worker', workers),
    ...repos.map((repo) => sql<boolean>`substr(event.issue, 1, ${sql.lit(repo.length + 1)}) = ${`${repo}#`}`),
    ...had,
  ]
  return sql<boolean>`(${sql.join(conditions, sql` or `)})`
}

function isOfKind(kind: string): RawBuilder<boolean> {
  if (!kind.endsWith('*')) return sql<boolean>`kind = ${kind}`
  const prefix = kind.slice(0, -1)
  return sql<boolean>`substr(kind, 1, ${sql.lit(prefix.length)}) = ${prefix}`
}

/**
 * Returns the subjects whose events belong to the issue, and those whose events belong to the worker, as one list per filter. The only
 * index of events is on their subject.
 */
async function subjectsOf(trx: Trx, { issue, worker }: EventFilter): Promise<string[][]> {
  const lists: string[][] = []
  if (issue !== undefined) {
    const about = (await dispatches(trx, { issue, limit: defaultLimit })).map(({ id }) => id)
    lists.push([issue, ...about, ...(await deliveries(trx, { about, limit: defaultLimit })).map(({ id }) => id)])
  }
  if (worker !== undefined) lists.push([worker, ...(await deliveries(trx, { worker, limit: defaultLimit })).map(({ id }) => id)])
  return lists
}

function toEvent({ tx = 0, payload, ...row }: Selectable<EventRow> & { readonly tx?: number }): Event {
  // `appendEvents` writes an actor. Rows without one come from an old version of burn, and their payload is a sentence.
  const data: unknown = row.actor === null ? { prose: payload } : JSON.parse(payload)
  // The types of `appendEvents` ensure that the payload fits the kind.
  return { ...row, cursor: cursorOf({ tx, seq: row.seq }), payload: data } as Event
}

/** The largest difference (ms) between the order of events and the order of their times, when several machines write events. */
const clockSkew = 10 * 60_000

/**
 * Returns a `seq` so that no earlier event is from `since` or later. Events have no index on their time, but their times grow with `seq`,
 * so a binary search finds the place without reading the whole history.
 */
async function firstSince(trx: Trx, since: Time): Promise<number> {
  const bounds = await sql<{ low: number | null; high: number | null }>`select min(seq) as low, max(seq) as high from event`.execute(trx)
  let low = Number(bounds.rows[0]?.low ?? 0)
  let high = Number(bounds.rows[0]?.high ?? 0)
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const found = await trx.selectFrom('event').select('at').where('seq', '>=', middle).orderBy('seq').limit(1).executeTakeFirst()
    if (found === undefined || found.at >= since - clockSkew) high = middle
    else low = middle + 1
  }
  return low
}

const reachedKinds = keysOf(dispatchTransitions).map((state) => `dispatch.${state}`)

/** Returns how many `work` dispatches reached each state from `since` until `until`. A dispatch that reached a state twice counts once. */
export async function reached(trx: Trx, since: Time, until: Time): Promise<{ state: DispatchState; count: number }[]> {
  const { rows } = await sql<{ kind: string; count: number }>`select kind, count(distinct subject) as count from event
    where seq >= ${await firstSince(trx, since)} and at >= ${since} and at < ${until} and ${inList('kind', reachedKinds)}
    and subject not in (select id from dispatch where kind = 'council') group by kind order by kind`.execute(trx)
  // Each kind is one of `reachedKinds`.
  return rows.map(({ kind, count }) => ({ state: kind.slice('dispatch.'.length) as DispatchState, count: Number(count) }))
}

/** Returns the times of the newest `work` dispatches that an agent received and that no longer occupy a slot. */
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
