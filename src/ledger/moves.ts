/**
 * Applies transitions of dispatches and deliveries. Throws an error for a transition that `core/lifecycle.ts` does not list. Skips a
 * transition if the row has changed in the meantime. No other write runs at the same time, so each function reads its rows once and writes
 * them in batches.
 */
import type { Transaction } from 'kysely'
import type { DispatchMove } from '../core/ledger/claims.ts'
import type { DeliveryMove } from '../core/ledger/deliveries.ts'
import type { SprintEnd } from '../core/ledger/sprints.ts'
import type { Delivery, DeliveryState, Dispatch } from '../core/lifecycle.ts'
import type { NewEvent } from '../core/events.ts'
import type { Reason } from '../core/reasons.ts'
import type { DeliveryRow, DispatchRow, Tables } from './tables.ts'
import { sql } from 'kysely'
import { BurnError } from '../core/errors.ts'
import {
  activeStates,
  deliveryTransitions,
  dispatchTransitions,
  followUpKinds,
  liveStates,
  pastingStates,
  slotStates,
} from '../core/lifecycle.ts'
import { startedByOthers } from './agents.ts'
import { guardsHold, slotTaken } from './dispatch-guards.ts'
import { dispatchMovesOf } from './delivery-effects.ts'
import { planDeliveries } from './claims.ts'
import { isFurther } from './schema.ts'
import { inList, chunks } from './sql.ts'
import { appendEvents } from './events.ts'
import { toDelivery, toDispatch } from './rows.ts'
import { endSprintRow, endSprintsOf, saveSprint, type HeldSprint } from './sprints.ts'
import { unjudgedColumns } from './verdicts.ts'
import { writeRows } from './write-rows.ts'
import { decodeReason, encodeReason } from '../core/reasons.ts'

type Trx = Transaction<Tables>

function refuseTransition(what: string, id: string, from: string, to: string): never {
  throw new BurnError(
    'ledger_step',
    `${what} ${id}: the state cannot change from ${from} to ${to}`,
    'Nothing was written. This is a bug in burn: please report it with this message.',
  )
}

/**
 * Applies transitions of dispatches, and updates everything that depends on them. Returns the dispatches that changed state. Throws
 * BurnError `ledger_step`.
 */
export async function moveDispatches(trx: Trx, moves: readonly DispatchMove[], at: number): Promise<Dispatch[]> {
  for (const { id, from, to } of moves)
    for (const each of from) if (!dispatchTransitions[each].includes(to)) refuseTransition('dispatch', id, each, to)
  if (moves.length === 0) return []
  const rows = await rowsOf(trx, 'dispatch', moves)
  const moved: DispatchRow[] = []
  const reviewed = new Set<string>()
  for (const move of moves) {
    const { id, from, to, reason, incarnation, change_url } = move
    const row = rows.get(id)
    if (row === undefined || !from.includes(row.state)) continue
    if (!(await guardsHold(trx, row, move))) continue
    // A dispatch needs its slot again when it leaves `review` for `handed`. If another dispatch has the slot, the follow-up waits: see
    // `waitsForSlot`.
    if (slotStates.includes(to) && !slotStates.includes(row.state) && (await slotTaken(trx, row, rows))) continue
    const next: DispatchRow = {
      ...row,
      state: to,
      state_reason: encodeReason(reason),
      changed_at: at,
      handed_at: to === 'handed' ? at : row.handed_at,
      incarnation: incarnation ?? row.incarnation,
      change_url: change_url === undefined ? row.change_url : change_url,
    }
    if (row.state === 'review') reviewed.add(id)
    rows.set(id, next)
    moved.push(next)
  }
  await writeRows(
    trx,
    { table: 'dispatch', columns: ['state', 'state_reason', 'changed_at', 'handed_at', 'incarnation', 'change_url'] },
    moved,
  )
  await appendEvents(
    trx,
    moved.map(({ id, state, issue, worker, state_reason }): NewEvent => {
      const reason = decodeReason(state_reason)
      const actor = reason.code === 'released_by_person' || reason.code === 'stopped' ? 'person' : 'burn'
      return { kind: `dispatch.${state}`, subject: id, issue, worker, actor, payload: { reason } }
    }),
    at,
  )
  await countOnIssues(trx, moved)
  await refusePlanned(trx, moved, reviewed, at)
  await endSprintsOf(trx, moved, at)
  await planFollowUps(trx, moves, moved, at)
  return moved.map(toDispatch)
}

/** A lease that has already expired, so that the next process that takes over leases delivers the message. */
const expiredLease = { owner: 'nobody', until: 0 }

/**
 * Plans follow-ups in the same transaction as the transitions of their dispatches. Otherwise a crash could lose a follow-up or send it
 * twice.
 */
async function planFollowUps(trx: Trx, moves: readonly DispatchMove[], moved: readonly DispatchRow[], at: number): Promise<void> {
  const followUps = new Map(moves.flatMap(({ id, follow_up }) => (follow_up === undefined ? [] : [[id, follow_up] as const])))
  const texts = moved.flatMap(({ id, issue, worker, incarnation }) => {
    const text = followUps.get(id)
    return text === undefined ? [] : [{ ...text, kind: 'follow_up' as const, worker, about: { dispatch: id, issue }, incarnation }]
  })
  if (texts.length > 0) await planDeliveries(trx, texts, expiredLease, at)
}

/** Returns the current rows of the dispatches or deliveries in `moves`, by id. */
async function rowsOf(trx: Trx, table: 'dispatch', moves: readonly { readonly id: string }[]): Promise<Map<string, DispatchRow>>
async function rowsOf(trx: Trx, table: 'delivery', moves: readonly { readonly id: string }[]): Promise<Map<string, DeliveryRow>>
async function rowsOf(trx: Trx, table: 'dispatch' | 'delivery', moves: readonly { readonly id: string }[]): Promise<Map<string, unknown>> {
  const found = new Map<string, unknown>()
  for (const part of chunks([...new Set(moves.map(({ id }) => id))])) {
    const rows = await trx.selectFrom(table).selectAll().where('id', 'in', part).execute()
    for (const row of rows) found.set(row.id, row)
  }
  return found
}

/**
 * Updates the counters of issues whose dispatches ended, so that views need not count history. The next cycle judges these issues again.
 */
async function countOnIssues(trx: Trx, moved: readonly DispatchRow[]): Promise<void> {
  const ended = moved.filter(({ kind, state }) => kind === 'work' && !liveStates.includes(state))
  for (const [state, same] of Map.groupBy(ended, (row) => row.state)) {
    const failed = state === 'failed' || state === 'lost'
    for (const part of chunks(same)) {
      await trx
        .updateTable('issue')
        .set((eb) => ({ ...unjudgedColumns, ...(failed ? { attempts: eb('attempts', '+', 1) } : state === 'done' ? { done: 1 } : {}) }))
        .where(
          'ref',
          'in',
          part.map(({ issue }) => issue),
        )
        .execute()
    }
  }
}

/**
 * Sets planned deliveries of dispatches that ended to `refused`. A follow-up stays planned if it tells the agent that its dispatch ended.
 * A follow-up of a dispatch that was in review (`reviewed` has its id) asks for more work on the change, so it becomes `refused`, too.
 */
async function refusePlanned(trx: Trx, moved: readonly DispatchRow[], reviewed: ReadonlySet<string>, at: number): Promise<void> {
  const ended = moved.filter(({ state }) => !liveStates.includes(state))
  for (const part of chunks(ended)) {
    const ids = part.map(({ id }) => id)
    const set = { state: 'refused', evidence: encodeReason({ code: 'dispatch_ended' }), changed_at: at, ...endedColumns } as const
    const refuse = trx.updateTable('delivery').set(set).where('state', '=', sql.lit('planned'))
    const refuseFollowUps = async (about: readonly string[]) =>
      about.length === 0 ? [] : refuse.where('dispatch', 'in', about).where(isFurther).returningAll().execute()
    const rows = [
      ...(await refuse.where('id', 'in', ids).returningAll().execute()),
      ...(await refuse.where('dispatch', 'in', ids).where(isFurther).where('kind', 'not in', followUpKinds).returningAll().execute()),
      ...(await refuseFollowUps(ids.filter((id) => reviewed.has(id)))),
    ]
    await appendEvents(trx, rows.map(movedEvent), at)
  }
}

/** An ended delivery keeps neither its text nor its lease. The event `delivery.planned` keeps the size and the hash of the text. */
const endedColumns = { text: '', lease_owner: null, lease_until: 0 }
/**
 * burn keeps the typed line while the text may still be in a composer or appear on the screen later, because it searches screens for this
 * line.
 */
const keepsTyped = (state: DeliveryState) => isActive(state) || state === 'unknown'

/**
 * Applies transitions of deliveries, and the transitions of dispatches that follow from them. Returns the deliveries that changed state.
 * Throws BurnError `ledger_step`.
 */
export async function moveDeliveries(trx: Trx, given: readonly DeliveryMove[], owner: string, at: number): Promise<Delivery[]> {
  // Rows are sorted by id, because writing adjacent rows together is faster.
  const moves = given.toSorted((a, b) => (a.id < b.id ? -1 : Number(a.id > b.id)))
  for (const { id, from, to } of moves) if (!deliveryTransitions[from].includes(to)) refuseTransition('delivery', id, from, to)
  const rows = await rowsOf(trx, 'delivery', moves)
  const pasting = await pastingInto(trx, rows, moves, { owner, at })
  const moved: DeliveryRow[] = []
  const told: DeliveryRow[] = []
  for (const { id, token, from, to: wanted, evidence: why, incarnation, presses, typed, proof } of moves) {
    const row = rows.get(id)
    if (row === undefined || row.state !== from || row.lease_token !== token || (isActive(from) && row.lease_owner !== owner)) continue
    if (isPasting(wanted) && !isPasting(from)) {
      if (pasting.has(row.worker) || (await waitsForSlot(trx, row))) continue
      pasting.add(row.worker)
    }
    const isOver = wanted === 'placing' && from === 'placing' && (await isOutdated(trx, row))
    const to = isOver ? 'unknown' : wanted
    const evidence: Reason = isOver ? { code: 'dispatch_ended' } : why
    const next: DeliveryRow = {
      ...row,
      state: to,
      evidence: encodeReason(evidence),
      changed_at: at,
      incarnation: incarnation ?? row.incarnation,
      presses: presses ?? row.presses,
      typed: keepsTyped(to) ? (typed ?? row.typed) : null,
      proof: to === 'seen' ? (proof ?? 'id') : null,
      ...(isActive(to) ? {} : endedColumns),
    }
    rows.set(id, next)
    moved.push(next)
    // If burn types a line again, the ledger already has the event of the first attempt.
    if (from !== 'placing' || to !== 'placing') told.push(next)
  }
  const columns = ['state', 'evidence', 'changed_at', 'incarnation', 'presses', 'typed', 'proof'] as const
  const after = [...new Map(moved.map((row) => [row.id, row])).values()]
  await writeRows(
    trx,
    { table: 'delivery', columns },
    after.filter(({ state }) => isActive(state)),
  )
  await writeRows(
    trx,
    { table: 'delivery', columns: [...columns, 'text', 'lease_owner', 'lease_until'] },
    after.filter(({ state }) => !isActive(state)),
  )
  await appendEvents(trx, told.map(movedEvent), at)
  await moveDispatches(trx, dispatchMovesOf(moved), at)
  return moved.map(toDelivery)
}

/** Tells whether a delivery must wait: it is a follow-up about a change in review, and another dispatch occupies its slot. */
async function waitsForSlot(trx: Trx, { kind, dispatch }: DeliveryRow): Promise<boolean> {
  if (kind !== 'follow_up' || dispatch === null) return false
  const row = await trx.selectFrom('dispatch').selectAll().where('id', '=', dispatch).executeTakeFirst()
  return row?.state === 'review' && (await slotTaken(trx, row, new Map()))
}

/** Tells whether the dispatch of a text ended after burn planned the text, so that burn must not type it again. A correction still counts. */
async function isOutdated(trx: Trx, { kind, dispatch, planned_at }: DeliveryRow): Promise<boolean> {
  if (kind === 'correction' || dispatch === null) return false
  const row = await trx.selectFrom('dispatch').select(['state', 'changed_at']).where('id', '=', dispatch).executeTakeFirst()
  return row !== undefined && !liveStates.includes(row.state) && planned_at < row.changed_at
}

const isActive = (state: DeliveryState) => activeStates.includes(state)
const isPasting = (state: DeliveryState) => pastingStates.includes(state)

/**
 * Returns the workers in `moves` to which burn must type nothing now: they already have a delivery in state `placing` or `placed`, or
 * another process starts or restarts their agent.
 */
async function pastingInto(
  trx: Trx,
  rows: ReadonlyMap<string, DeliveryRow>,
  moves: readonly DeliveryMove[],
  { owner, at }: { readonly owner: string; readonly at: number },
): Promise<Set<string>> {
  const workers = new Set(moves.flatMap(({ id, from, to }) => (isPasting(to) && !isPasting(from) ? (rows.get(id)?.worker ?? []) : [])))
  const found = new Set<string>()
  for (const part of chunks([...workers])) {
    const pasting = await trx
      .selectFrom('delivery')
      .select('worker')
      .where('worker', 'in', part)
      .where(inList('state', pastingStates))
      .execute()
    for (const { worker } of pasting) found.add(worker)
    for (const worker of await startedByOthers(trx, part, owner, at)) found.add(worker)
  }
  return found
}

function movedEvent({ id, state, issue, worker, evidence, presses }: DeliveryRow): NewEvent {
  if (state === 'planned') throw new RangeError('a delivery cannot return to the state "planned"')
  return { kind: `delivery.${state}`, subject: id, issue, worker, actor: 'burn', payload: { reason: decodeReason(evidence), presses } }
}

/** Sets a sprint's dispatch to `handed` when the first backend starts. Returns false if this owner no longer holds the sprint's lease. */
export async function handSprint(trx: Trx, id: string, owner: string, at: number): Promise<boolean> {
  const held = await saveSprint(trx, { id, owner }, { stage: 'working' }, at)
  return held && (await moveDispatches(trx, [{ id, from: ['claimed'], to: 'handed', reason: { code: 'sprint_began' } }], at)).length > 0
}

/**
 * Ends a sprint and updates its dispatch. Returns false if the sprint has already ended, or this owner no longer holds the sprint's lease.
 */
export async function endSprint(trx: Trx, { id, owner }: HeldSprint, end: SprintEnd, at: number): Promise<boolean> {
  if (!(await endSprintRow(trx, { id, owner }, end, at))) return false
  const change = end.change_url === undefined ? {} : { change_url: end.change_url }
  // Only a handed dispatch can fail or go to review. If the dispatch is still `claimed`, it can only be released.
  const from = end.dispatch === 'released' ? (['claimed', 'handed'] as const) : (['handed'] as const)
  const moved = await moveDispatches(trx, [{ id, from, to: end.dispatch, reason: end.reason, ...change }], at)
  if (moved.length === 0) await moveDispatches(trx, [{ id, from: ['claimed'], to: 'released', reason: end.reason }], at)
  return true
}
