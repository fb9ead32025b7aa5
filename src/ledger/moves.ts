/** Steps of dispatches and deliveries: refused where `lives.ts` has no such step, left out where the row has moved on. */
import type { Transaction } from 'kysely'
import type { DeliveryMove, DispatchMove } from '../core/ledger.ts'
import type { Delivery, DeliveryState, Dispatch } from '../core/lives.ts'
import type { NewEvent } from './events.ts'
import type { DeliveryRow, DispatchRow, Tables } from './tables.ts'
import { BurnError } from '../core/errors.ts'
import { activeStates, deliverySteps, dispatchSteps, liveStates, pastingStates, slotStates } from '../core/lives.ts'
import { carried } from './carry.ts'
import { among, chunks } from './engine.ts'
import { append } from './events.ts'
import { toDelivery, toDispatch } from './rows.ts'
import { toJudge } from './verdicts.ts'

function refuseStep(what: string, id: string, from: string, to: string): never {
  throw new BurnError(
    'ledger_step',
    `${what} ${id}: no step leads from ${from} to ${to}`,
    'Nothing was written. This is a mistake in burn: please report it with this message.',
  )
}

export async function moveDispatches(trx: Transaction<Tables>, moves: readonly DispatchMove[], at: number): Promise<Dispatch[]> {
  for (const { id, from, to } of moves) for (const each of from) if (!dispatchSteps[each].includes(to)) refuseStep('dispatch', id, each, to)
  const moved: DispatchRow[] = []
  for (const move of moves) {
    const row = await moveDispatch(trx, move, at)
    if (row !== undefined) moved.push(row)
  }
  await append(
    trx,
    moved.map(({ id, state, issue, worker, state_reason }) => ({
      kind: `dispatch.${state}`,
      subject: id,
      issue,
      worker,
      text: state_reason,
    })),
    at,
  )
  await countOnIssues(trx, moved)
  await refusePlanned(trx, moved, at)
  return moved.map(toDispatch)
}

async function moveDispatch(trx: Transaction<Tables>, move: DispatchMove, at: number): Promise<DispatchRow | undefined> {
  const { id, from, to, reason, incarnation, change_url } = move
  // A list that is empty, or a slot that another dispatch fills by now, is no step.
  const again = slotStates.includes(to) && from.some((each) => !slotStates.includes(each))
  if (from.length === 0 || (again && (await slotTaken(trx, id)))) return undefined
  return trx
    .updateTable('dispatch')
    .set({
      state: to,
      state_reason: reason,
      changed_at: at,
      ...(to === 'handed' ? { handed_at: at } : {}),
      ...(incarnation === undefined ? {} : { incarnation }),
      ...(change_url === undefined ? {} : { change_url }),
    })
    .where('id', '=', id)
    .where('state', 'in', from)
    .returningAll()
    .executeTakeFirst()
}

/** A change that goes back to its worker needs its slot again. */
async function slotTaken(trx: Transaction<Tables>, id: string): Promise<boolean> {
  const other = await trx
    .selectFrom('dispatch as mine')
    .innerJoin('dispatch as other', (join) => join.onRef('other.worker', '=', 'mine.worker').onRef('other.slot', '=', 'mine.slot'))
    .select('other.id')
    .where('mine.id', '=', id)
    .where('mine.kind', '=', 'work')
    .where('other.kind', '=', 'work')
    .where(among('other.state', slotStates))
    .whereRef('other.id', '!=', 'mine.id')
    .executeTakeFirst()
  return other !== undefined
}

/** Kept on the issue, so that no view counts history; and what came back is judged again. */
async function countOnIssues(trx: Transaction<Tables>, moved: readonly DispatchRow[]): Promise<void> {
  for (const { kind, issue, state } of moved) {
    if (kind !== 'work' || liveStates.includes(state)) continue
    const failed = state === 'failed' || state === 'lost'
    await trx
      .updateTable('issue')
      .set((eb) => ({ ...toJudge, ...(failed ? { attempts: eb('attempts', '+', 1) } : state === 'done' ? { done: 1 } : {}) }))
      .where('ref', '=', issue)
      .execute()
  }
}

/** What was not begun is not begun any more once its dispatch has ended. */
async function refusePlanned(trx: Transaction<Tables>, moved: readonly DispatchRow[], at: number): Promise<void> {
  const ended = moved.filter(({ state }) => !liveStates.includes(state))
  for (const part of chunks(ended)) {
    const evidence = 'its dispatch ended before it was placed'
    const rows = await trx
      .updateTable('delivery')
      .set({ state: 'refused', evidence, changed_at: at, ...over })
      .where(
        'id',
        'in',
        part.map(({ id }) => id),
      )
      .where('state', '=', 'planned')
      .returningAll()
      .execute()
    await append(trx, rows.map(stepped), at)
  }
}

/** A delivery that has ended keeps no text and no lease; its first event keeps the text's size and hash. */
const over = { text: '', lease_owner: null, lease_until: 0 }

export async function moveDeliveries(
  trx: Transaction<Tables>,
  moves: readonly DeliveryMove[],
  owner: string,
  at: number,
): Promise<Delivery[]> {
  for (const { id, from, to } of moves) if (!deliverySteps[from].includes(to)) refuseStep('delivery', id, from, to)
  const moved: DeliveryRow[] = []
  for (const move of moves) {
    const row = await moveDelivery(trx, move, owner, at)
    if (row !== undefined) moved.push(row)
  }
  await append(trx, moved.map(stepped), at)
  await moveDispatches(trx, carried(moved), at)
  return moved.map(toDelivery)
}

const isActive = (state: DeliveryState) => activeStates.includes(state)

async function moveDelivery(trx: Transaction<Tables>, move: DeliveryMove, owner: string, at: number): Promise<DeliveryRow | undefined> {
  const { id, token, from, to, evidence, incarnation, presses } = move
  let update = trx
    .updateTable('delivery')
    .set({
      state: to,
      evidence,
      changed_at: at,
      ...(incarnation === undefined ? {} : { incarnation }),
      ...(presses === undefined ? {} : { presses }),
      ...(isActive(to) ? {} : over),
    })
    .where('id', '=', id)
    .where('state', '=', from)
    .where('lease_token', '=', token)
  if (isActive(from)) update = update.where('lease_owner', '=', owner)
  if (pastingStates.includes(to) && !pastingStates.includes(from)) {
    update = update.where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('delivery as other')
            .select('other.id')
            .whereRef('other.worker', '=', 'delivery.worker')
            .where(among('other.state', pastingStates)),
        ),
      ),
    )
  }
  return update.returningAll().executeTakeFirst()
}

function stepped({ id, state, issue, worker, evidence, presses }: DeliveryRow): NewEvent {
  const pressed = presses === 0 ? '' : ` (Enter pressed: ${presses})`
  return { kind: `delivery.${state}`, subject: id, issue, worker, text: `${evidence}${pressed}` }
}
