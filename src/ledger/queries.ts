/** Reading: what the deciders need, and what people ask for. None of it slows down with history. */
import type { ExpressionBuilder, Transaction } from 'kysely'
import type { Event, IssueRecord, Ledger, LedgerView } from '../core/ledger.ts'
import type { Delivery, Dispatch } from '../core/lives.ts'
import type { IssueRef, WorkerId } from '../core/nouns.ts'
import type { Tables } from './tables.ts'
import { sql } from 'kysely'
import { activeStates, liveStates } from '../core/lives.ts'
import { among } from './engine.ts'
import { issueRecords } from './failures.ts'
import { toDelivery, toDispatch, toEvent, toRepoRecord, toWorkerRecord } from './rows.ts'

type Trx = Transaction<Tables>
type Filter<K extends 'dispatches' | 'deliveries' | 'events'> = Parameters<Ledger[K]>[0]

/** Rows that a query without a limit returns at most. */
const most = 1000

export async function view(trx: Trx): Promise<LedgerView> {
  const live = await trx.selectFrom('dispatch').selectAll().where(among('state', liveStates)).orderBy('id').execute()
  const unsaid = await trx
    .selectFrom('dispatch')
    .selectAll()
    .where('comment_id', 'is not', null)
    .whereRef('comment_says', '<>', 'state')
    .orderBy('id')
    .execute()
  const active = await trx.selectFrom('delivery').selectAll().where(among('state', activeStates)).orderBy('id').execute()
  const unproven = await trx
    .selectFrom('dispatch')
    .innerJoin('delivery', 'delivery.id', 'dispatch.id')
    .selectAll('delivery')
    .where(among('dispatch.state', liveStates))
    .where('delivery.state', '=', 'unknown')
    .orderBy('dispatch.id')
    .execute()
  const open = await trx.selectFrom('issue').selectAll().where('state', '=', sql.lit('open')).execute()
  const workers = await trx.selectFrom('worker').selectAll().where('retired_at', 'is', null).orderBy('drawn_seq').execute()
  const repos = await trx.selectFrom('repo').selectAll().orderBy('repo').execute()
  return {
    dispatches: live.map(toDispatch),
    unsaid: unsaid.map(toDispatch).filter(({ state }) => !liveStates.includes(state)),
    deliveries: [...active, ...unproven].map(toDelivery),
    issues: await issueRecords(trx, open),
    workers: workers.map(toWorkerRecord),
    repos: repos.map(toRepoRecord),
  }
}

/** Newest first: ids begin with their time. */
export async function dispatches(trx: Trx, { issue, worker, state, limit = most }: Filter<'dispatches'>): Promise<Dispatch[]> {
  let query = trx.selectFrom('dispatch').selectAll().orderBy('id', 'desc').limit(limit)
  if (issue !== undefined) query = query.where('issue', '=', issue)
  if (worker !== undefined) query = query.where('worker', '=', worker)
  if (state !== undefined) query = query.where('state', '=', state)
  return (await query.execute()).map(toDispatch)
}

/** Newest first. */
export async function deliveries(trx: Trx, { ids, worker, kind, limit = most }: Filter<'deliveries'>): Promise<Delivery[]> {
  if (ids?.length === 0) return []
  let query = trx.selectFrom('delivery').selectAll().orderBy('id', 'desc').limit(limit)
  if (ids !== undefined) query = query.where('id', 'in', ids)
  if (worker !== undefined)
    query = query.where((eb) =>
      eb.or([ownOf(eb, worker), eb('id', 'in', eb.selectFrom('dispatch').select('id').where('worker', '=', worker))]),
    )
  if (kind !== undefined) query = query.where('kind', '=', kind)
  return (await query.execute()).map(toDelivery)
}

/** A worker's deliveries that belong to no dispatch. */
function ownOf(eb: ExpressionBuilder<Tables, 'delivery'>, worker: WorkerId) {
  return eb.and([eb('issue', 'is', null), eb('worker', '=', worker)])
}

/** The newest ones, oldest first. */
export async function events(trx: Trx, { issue, worker, subject, limit = most }: Filter<'events'>): Promise<Event[]> {
  let query = trx.selectFrom('event').selectAll().orderBy('seq', 'desc').limit(limit)
  if (issue !== undefined) query = query.where('subject', 'in', [issue, ...(await dispatches(trx, { issue, limit })).map(({ id }) => id)])
  if (worker !== undefined)
    query = query.where('subject', 'in', [worker, ...(await deliveries(trx, { worker, limit })).map(({ id }) => id)])
  if (subject !== undefined) query = query.where('subject', '=', subject)
  return (await query.execute()).toReversed().map(toEvent)
}

export async function issue(trx: Trx, ref: IssueRef): Promise<IssueRecord | null> {
  const row = await trx.selectFrom('issue').selectAll().where('ref', '=', ref).executeTakeFirst()
  return row === undefined ? null : ((await issueRecords(trx, [row]))[0] ?? null)
}

const tables = ['issue', 'worker', 'repo', 'dispatch', 'delivery', 'event'] as const

export async function counts(trx: Trx): Promise<Record<string, number>> {
  const rows: Record<string, number> = {}
  for (const table of tables) {
    const { count } = await trx
      .selectFrom(table)
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
    rows[table] = Number(count)
  }
  return rows
}
