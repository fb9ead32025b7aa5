/** Queries for cycles and commands. Indexes keep them fast even if the history is long. */
import type { ExpressionBuilder, Transaction } from 'kysely'
import type { Ledger, LedgerView, CycleView } from '../core/ledger.ts'
import type { IssueRecord } from '../core/ledger/backlog.ts'
import type { ResumeText } from '../core/ledger/claims.ts'
import type { DeliveryView } from '../core/ledger/deliveries.ts'
import type { RepoRecord } from '../core/ledger/forge.ts'
import type { Delivery, Dispatch } from '../core/lifecycle.ts'
import type { WorkerRecord } from '../core/ledger/workers.ts'
import type { IssueRef, WorkerId } from '../core/nouns.ts'
import type { Db, DeliveryRow, Tables } from './tables.ts'
import { sql } from 'kysely'
import { activeStates, liveStates, slotStates, unprovenStates } from '../core/lifecycle.ts'
import { holders, lastAgents } from './agents.ts'
import { isFurther } from './schema.ts'
import { inList, chunks } from './sql.ts'
import { holds } from './holds.ts'
import { leases } from './jobs.ts'
import { liveSprints } from './sprints.ts'
import { elsewhere, issueRecords, savedRules } from './verdicts.ts'
import { toDelivery, toDispatch, toRepoRecord, toWorkerRecord } from './rows.ts'
import { decodeReason } from '../core/reasons.ts'

type Trx = Transaction<Tables>
type Filter<K extends 'dispatches' | 'deliveries'> = Parameters<Ledger[K]>[0]

/** Returns the fleet's current work. */
export async function view(trx: Trx): Promise<LedgerView> {
  const live = await trx.selectFrom('dispatch').selectAll().where(inList('state', liveStates)).orderBy('id').execute()
  return { dispatches: live.map(toDispatch), ...(await sharedView(trx)), elsewhere: await elsewhere(trx) }
}

/** The columns of a `LiveDispatch`. */
export const liveColumns = [
  'id',
  'kind',
  'issue',
  'worker',
  'slot',
  'state',
  'incarnation',
  'change_url',
  'claimed_at',
  'handed_at',
] as const
/** The SQL condition that selects work in review. */
export const reviewed = sql<boolean>`kind = 'work' and state = 'review'`

/**
 * Returns the fleet's current work with only the columns and rows that a cycle needs. Reading all columns and rows is slow for a large
 * fleet.
 */
export async function cycleView(trx: Trx): Promise<CycleView> {
  const live = trx.selectFrom('dispatch').where(inList('state', liveStates)).orderBy('id')
  const dispatches = await live
    .select(liveColumns)
    .where(sql<boolean>`not (${reviewed})`)
    .execute()
  const reviews = await live.select(['issue', 'claimed_at', 'handed_at']).where(reviewed).execute()
  return { dispatches, reviews, rules: await savedRules(trx), has_pending_events: await hasPendingEvents(trx), ...(await sharedView(trx)) }
}

async function hasPendingEvents(trx: Trx): Promise<boolean> {
  return (await trx.selectFrom('issue').select('ref').where('pending_event', 'is not', null).limit(1).executeTakeFirst()) !== undefined
}

/** The number of recent deliveries that the circuit breaker examines: several for each worker of a large fleet. */
const recentLimit = 300

/** Returns the part of the data that `view` and `cycleView` have in common. */
async function sharedView(trx: Trx): Promise<Omit<LedgerView, 'dispatches' | 'elsewhere'>> {
  const active = await trx.selectFrom('delivery').selectAll().where(inList('state', activeStates)).orderBy('id').execute()
  const workers = await workerRecords(trx)
  return {
    deliveries: [...active.map(toDelivery), ...(await unprovenDeliveries(trx))],
    recent: await recentTexts(trx),
    workers,
    agents: await lastAgents(trx),
    holders: await holders(trx),
    repos: await repoRecords(trx),
    holds: await holds(trx),
    sprints: await liveSprints(trx),
    leases: await leases(trx),
  }
}

async function recentTexts(trx: Trx): Promise<DeliveryView['recent']> {
  const facts = ['worker', 'state', 'evidence', 'changed_at'] as const
  const rows = await trx.selectFrom('delivery').select(facts).orderBy('id', 'desc').limit(recentLimit).execute()
  return rows.map((row) => ({ ...row, evidence: decodeReason(row.evidence) }))
}

async function unprovenDeliveries(trx: Trx): Promise<Delivery[]> {
  const rows = await trx
    .selectFrom('delivery')
    .innerJoin('dispatch', 'dispatch.id', 'delivery.dispatch')
    .selectAll('delivery')
    .where(inList('delivery.state', unprovenStates))
    .where(inList('dispatch.state', liveStates))
    .orderBy('delivery.id')
    .execute()
  return rows.map(toDelivery)
}

/** Selects a row if another dispatch occupies the slot of a dispatch in review. Follow-ups of the dispatch in review wait for that slot. */
const slotOfReviewed = sql`select 1 from dispatch o where o.worker = dispatch.worker and o.slot = dispatch.slot and o.kind = 'work'
  and ${inList('o.state', slotStates)}`

/** Returns the deliveries that this owner has to continue, with the state of the workers and dispatches that they depend on. */
export async function deliveryView(trx: Trx, owner: string): Promise<DeliveryView> {
  const active = await trx
    .selectFrom('delivery')
    .leftJoin('dispatch', 'dispatch.id', 'delivery.dispatch')
    .selectAll('delivery')
    .where(inList('delivery.state', activeStates))
    .where('delivery.lease_owner', '=', owner)
    .where((eb) =>
      eb.or([eb('dispatch.id', 'is', null), eb('dispatch.id', '<>', eb.ref('delivery.id')), eb('dispatch.comment_id', 'is not', null)]),
    )
    .where(
      sql<boolean>`not (delivery.state = 'planned' and delivery.kind = 'follow_up' and dispatch.state = 'review' and exists (${slotOfReviewed}))`,
    )
    .orderBy('delivery.id')
    .execute()
  const deliveries = [...active.map(toDelivery), ...(await unprovenDeliveries(trx))]
  return {
    deliveries,
    holds: await holds(trx),
    leases: await leases(trx),
    recent: deliveries.length === 0 ? [] : await recentTexts(trx),
  }
}

/** Returns the dispatches whose comment on the forge is missing or shows an old state. See `ClaimLedger.pendingComments`. */
export async function pendingComments(trx: Trx, owner: string): Promise<Dispatch[]> {
  const wrong = await trx
    .selectFrom('dispatch')
    .selectAll()
    .where('comment_id', 'is not', null)
    .whereRef('comment_state', '<>', 'state')
    .orderBy('id')
    .execute()
  const unwritten = await trx
    .selectFrom('delivery')
    .innerJoin('dispatch', 'dispatch.id', 'delivery.dispatch')
    .selectAll('dispatch')
    .where(inList('delivery.state', activeStates))
    .where('delivery.lease_owner', '=', owner)
    .where('dispatch.state', '=', sql.lit('claimed'))
    .where('dispatch.comment_id', 'is', null)
    .execute()
  const sprinting = await trx
    .selectFrom('sprint')
    .innerJoin('dispatch', 'dispatch.id', 'sprint.id')
    .selectAll('dispatch')
    .where('sprint.ended_at', 'is', null)
    .where('sprint.lease_owner', '=', owner)
    .where('dispatch.comment_id', 'is', null)
    .execute()
  const found = new Map([...wrong, ...unwritten, ...sprinting].map((row) => [row.id, row]))
  const councils = new Set([...found.values()].flatMap(({ kind, issue }) => (kind === 'council' ? [issue] : [])))
  for (const issue of councils) {
    const all = trx.selectFrom('dispatch').selectAll().where('issue', '=', issue).where('kind', '=', 'council')
    for (const row of await all.where(inList('state', liveStates)).execute()) found.set(row.id, row)
  }
  return [...found.values()].map(toDispatch)
}

/** Returns all repos, by name. */
export async function repoRecords(db: Db): Promise<RepoRecord[]> {
  return (await db.selectFrom('repo').selectAll().orderBy('repo').execute()).map(toRepoRecord)
}

/** Returns dispatches, newest first. An id begins with the time of its creation, so the ids give the order. */
export async function dispatches(trx: Trx, { issue, worker, state, since, limit }: Filter<'dispatches'>): Promise<Dispatch[]> {
  let query = trx.selectFrom('dispatch').selectAll().orderBy('id', 'desc')
  if (limit !== undefined) query = query.limit(limit)
  if (issue !== undefined) query = query.where('issue', '=', issue)
  if (worker !== undefined) query = query.where('worker', '=', worker)
  if (state !== undefined) query = query.where('state', '=', state)
  if (since !== undefined) query = query.where('changed_at', '>=', since)
  return (await query.execute()).map(toDispatch)
}

/** Returns deliveries, newest first. A worker's deliveries include all deliveries of its dispatches. */
export async function deliveries(trx: Trx, { ids, about, worker, kind, limit }: Filter<'deliveries'>): Promise<Delivery[]> {
  let query = trx.selectFrom('delivery').selectAll().orderBy('id', 'desc')
  if (limit !== undefined) query = query.limit(limit)
  if (worker !== undefined)
    query = query.where((eb) =>
      eb.or([
        ownDeliveriesOf(eb, worker),
        eb('id', 'in', dispatchesOf(eb, worker)),
        eb.and([isFurther, eb('dispatch', 'in', dispatchesOf(eb, worker))]),
      ]),
    )
  if (kind !== undefined) query = query.where('kind', '=', kind)
  const rows: DeliveryRow[] = []
  if (ids !== undefined) for (const part of chunks(unique(ids))) rows.push(...(await query.where('id', 'in', part).execute()))
  else if (about !== undefined)
    for (const part of chunks(unique(about))) rows.push(...(await query.where(isFurther).where('dispatch', 'in', part).execute()))
  else return (await query.execute()).map(toDelivery)
  return newestFirst(rows, limit).map(toDelivery)
}

const unique = (ids: readonly string[]) => [...new Set(ids)]

function newestFirst<Row extends { readonly id: string }>(rows: readonly Row[], limit = Infinity): Row[] {
  return rows.toSorted((a, b) => (a.id < b.id ? 1 : -1)).slice(0, limit)
}

/** Returns the `resume` messages of these dispatches, oldest first, by dispatch. */
export async function resumeTexts(trx: Trx, dispatches: readonly string[]): Promise<Map<string, ResumeText[]>> {
  const found = new Map<string, ResumeText[]>()
  for (const part of chunks(dispatches)) {
    const rows = await trx
      .selectFrom('delivery')
      .select(['dispatch', 'state', 'planned_at', 'changed_at'])
      .where('dispatch', 'in', part)
      .where(isFurther)
      .where('kind', '=', 'resume')
      .orderBy('id')
      .execute()
    for (const { dispatch, ...row } of rows) if (dispatch !== null) found.set(dispatch, [...(found.get(dispatch) ?? []), row])
  }
  return found
}

/** Returns the lease owners of these dispatches. The lease is on the delivery or, if the dispatch has none, on the sprint. */
export async function leaseOwners(trx: Trx, ids: readonly string[]): Promise<{ id: string; lease_owner: string | null }[]> {
  const found: { id: string; lease_owner: string | null }[] = []
  for (const part of chunks(ids))
    found.push(...(await trx.selectFrom('delivery').select(['id', 'lease_owner']).where('id', 'in', part).execute()))
  const known = new Set(found.map(({ id }) => id))
  for (const part of chunks(ids.filter((id) => !known.has(id))))
    found.push(...(await trx.selectFrom('sprint').select(['id', 'lease_owner']).where('id', 'in', part).execute()))
  return found
}

const dispatchesOf = (eb: ExpressionBuilder<Tables, 'delivery'>, worker: WorkerId) =>
  eb.selectFrom('dispatch').select('id').where('worker', '=', worker)

/** Selects a worker's deliveries that belong to no dispatch. */
function ownDeliveriesOf(eb: ExpressionBuilder<Tables, 'delivery'>, worker: WorkerId) {
  return eb.and([eb('issue', 'is', null), eb('worker', '=', worker)])
}

/** Returns the record of an issue; null if it is unknown. */
export async function issue(trx: Trx, ref: IssueRef): Promise<IssueRecord | null> {
  const row = await trx.selectFrom('issue').selectAll().where('ref', '=', ref).executeTakeFirst()
  return row === undefined ? null : ((await issueRecords(trx, [row]))[0] ?? null)
}

/** Returns all workers, in the order in which burn first recorded them. */
export async function workerRecords(db: Db): Promise<readonly WorkerRecord[]> {
  const workers = await db.selectFrom('worker').selectAll().orderBy('drawn_seq').execute()
  return workers.map(toWorkerRecord)
}
