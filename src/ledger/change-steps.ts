/** The steps that burn took for changes in review, and the follow-ups that wait for sprints. */
import type { Transaction } from 'kysely'
import type { ChangeStep } from '../core/change-loop.ts'
import type { StepAction, StepOutcome } from '../core/change-stages.ts'
import type { NewStep, SprintFollowUp, SprintHolder, StepKey } from '../core/ledger/changes.ts'
import type { NewEvent } from '../core/events.ts'
import type { Reason } from '../core/reasons.ts'
import type { ChangeStepRow, Tables } from './tables.ts'
import { sql } from 'kysely'
import { stepTimeout } from '../core/change-stages.ts'
import { slotStates } from '../core/lifecycle.ts'
import { decodeReason, encodeReason } from '../core/reasons.ts'
import { planDeliveries } from './claims.ts'
import { appendEvents } from './events.ts'
import { moveDispatches } from './moves.ts'
import { chunks, inList } from './sql.ts'
import { recordWorkers } from './workers.ts'

type Trx = Transaction<Tables>

/** Returns the steps of these dispatches, oldest first, with the states of their deliveries. */
export async function changeSteps(trx: Trx, dispatches: readonly string[], action?: StepAction): Promise<ChangeStep[]> {
  const found: ChangeStep[] = []
  for (const part of chunks(dispatches)) {
    let query = trx
      .selectFrom('change_step')
      .leftJoin('delivery', 'delivery.id', 'change_step.delivery')
      .selectAll('change_step')
      .select('delivery.state as delivered')
      .where('change_step.dispatch', 'in', part)
    if (action !== undefined) query = query.where('action', '=', action)
    const rows = await query.orderBy('change_step.at').orderBy('change_step.id').execute()
    for (const { id: _id, sprint_text: _text, reason, ...row } of rows) found.push({ ...row, reason: decodeReason(reason) })
  }
  return found
}

/** A lease that has already expired, so that the next process that takes over leases delivers the text. */
const expiredLease = { owner: 'nobody', until: 0 }

const stepId = ({ dispatch, action, signature, attempt }: StepKey) => `${dispatch} ${action} ${attempt} ${signature}`

/** Records a step, and plans its text. See `ChangeLedger.beginStep`. */
export async function beginStep(trx: Trx, step: NewStep, at: number): Promise<boolean> {
  const { dispatch, action, attempt, reason, text, hand_over } = step
  const row = await trx.selectFrom('dispatch').selectAll().where('id', '=', dispatch).executeTakeFirst()
  if (row === undefined || row.state !== 'review') return false
  if (hand_over !== undefined && (await isSlotTaken(trx, hand_over))) return false
  const worker = hand_over?.worker ?? step.worker
  const inserted = await trx
    .insertInto('change_step')
    .values(stepRow({ ...step, worker }, at))
    // burn repeats a step whose process was killed. The texts of follow-ups have their own leases.
    .onConflict((c) =>
      c
        .column('id')
        .doUpdateSet({ at })
        .where('change_step.outcome', '=', 'planned')
        .where('change_step.at', '<=', at - stepTimeout)
        .where('change_step.delivery', 'is', null)
        .where('change_step.sprint_text', 'is', null),
    )
    .returning('id')
    .execute()
  if (inserted.length === 0) return false
  await endInterrupted(trx, step, at)
  if (hand_over !== undefined)
    await trx
      .updateTable('dispatch')
      .set({ ...hand_over, incarnation: null })
      .where('id', '=', dispatch)
      .execute()
  if (text !== undefined) {
    const planned = {
      id: text.id,
      text: text.text,
      incarnation: text.incarnation,
      kind: 'follow_up',
      worker: worker ?? row.worker,
    } as const
    await planDeliveries(trx, [{ ...planned, about: { dispatch, issue: row.issue } }], expiredLease, at)
  }
  const payload = { action, attempt, outcome: 'planned', reason } as const
  await appendEvents(
    trx,
    [{ kind: 'change.step', subject: dispatch, issue: row.issue, worker: worker ?? row.worker, actor: 'burn', payload }],
    at,
  )
  return true
}

/** Ends the steps of a dispatch that were interrupted and that burn no longer needs, because the change has moved on. */
async function endInterrupted(trx: Trx, step: StepKey, at: number): Promise<void> {
  await trx
    .updateTable('change_step')
    .set({ outcome: 'failed', reason: encodeReason({ code: 'step_interrupted' }) })
    .where('dispatch', '=', step.dispatch)
    .where('id', '<>', stepId(step))
    .where('outcome', '=', 'planned')
    .where('at', '<=', at - stepTimeout)
    .where('delivery', 'is', null)
    .where('sprint_text', 'is', null)
    .execute()
}

function stepRow({ dispatch, action, signature, attempt, head, worker, reason, text, sprint_text }: NewStep, at: number): ChangeStepRow {
  const key = { dispatch, action, signature, attempt }
  return {
    id: stepId(key),
    ...key,
    head,
    worker,
    delivery: text?.id ?? null,
    sprint_text: sprint_text ?? null,
    outcome: 'planned',
    reason: encodeReason(reason),
    at,
  }
}

async function isSlotTaken(trx: Trx, { worker, slot }: NonNullable<NewStep['hand_over']>): Promise<boolean> {
  const taken = await trx
    .selectFrom('dispatch')
    .select('id')
    .where('worker', '=', worker)
    .where('slot', '=', slot)
    .where('kind', '=', sql.lit('work'))
    .where(inList('state', slotStates))
    .executeTakeFirst()
  return taken !== undefined
}

/** Saves the outcome of a step, with its events. */
export async function endStep(
  trx: Trx,
  key: StepKey,
  { outcome, reason }: { readonly outcome: StepOutcome; readonly reason: Reason },
  at: number,
): Promise<void> {
  const saved = await trx
    .updateTable('change_step')
    .set({ outcome, reason: encodeReason(reason) })
    .where('id', '=', stepId(key))
    .where('outcome', '=', 'planned')
    .returning('dispatch')
    .executeTakeFirst()
  if (saved === undefined) return
  const { issue, worker, ref } = await trx
    .selectFrom('dispatch')
    .leftJoin('change_watch', 'change_watch.dispatch', 'dispatch.id')
    .select(['dispatch.issue', 'dispatch.worker', 'change_watch.ref'])
    .where('dispatch.id', '=', key.dispatch)
    .executeTakeFirstOrThrow()
  const about = { subject: key.dispatch, issue, worker, actor: 'burn' } as const
  const events: NewEvent[] = [{ kind: 'change.step', ...about, payload: { action: key.action, attempt: key.attempt, outcome, reason } }]
  // One transaction with the outcome: a crash neither loses the call of a person, nor repeats it.
  if (key.action === 'escalate' && outcome === 'done')
    events.push({ kind: 'change.escalated', ...about, payload: { change: ref ?? '', reason } })
  await appendEvents(trx, events, at)
}

/** Returns the follow-ups that wait for a sprint. See `ChangeLedger.sprintFollowUps`. */
export async function sprintFollowUps(trx: Trx): Promise<SprintFollowUp[]> {
  const rows = await trx
    .selectFrom('change_step')
    .innerJoin('dispatch', 'dispatch.id', 'change_step.dispatch')
    .select(['dispatch', 'action', 'signature', 'change_step.attempt', 'sprint_text', 'issue', 'change_url'])
    .where('outcome', '=', 'planned')
    .where('sprint_text', 'is not', null)
    .where('dispatch.state', '=', sql.lit('review'))
    .orderBy('at')
    .execute()
  return rows.map(({ sprint_text, change_url, ...row }) => ({ ...row, text: sprint_text ?? '', change_url: change_url ?? '' }))
}

/** Gives a follow-up to a sprint. See `ChangeLedger.continueSprint`. */
export async function continueSprint(trx: Trx, key: StepKey, by: SprintHolder, at: number): Promise<boolean> {
  const { worker, host, owner, until } = by
  const dispatch = await trx.selectFrom('dispatch').select('state').where('id', '=', key.dispatch).executeTakeFirst()
  if (dispatch?.state !== 'review' || (await isSlotTaken(trx, { worker, slot: 0 }))) return false
  const taken = await trx
    .updateTable('change_step')
    .set({ outcome: 'done', sprint_text: null, worker })
    .where('id', '=', stepId(key))
    .where('outcome', '=', 'planned')
    .returning('id')
    .executeTakeFirst()
  if (taken === undefined) return false
  await recordWorkers(trx, [{ id: worker, drawn: false }], at)
  await trx.updateTable('dispatch').set({ worker, slot: 0 }).where('id', '=', key.dispatch).execute()
  const reason = { code: 'change_needs_work', text: key.action } as const
  const moved = await moveDispatches(trx, [{ id: key.dispatch, from: ['review'], to: 'handed', reason }], at)
  if (moved.length === 0) throw new Error(`the dispatch ${key.dispatch} changed within a transaction`)
  // The counters of the earlier runs stay, and the new run adds to them.
  const again = { stage: 'claimed', outcome: null, failure: null, failure_text: null, started_at: at, ended_at: null } as const
  await trx
    .updateTable('sprint')
    .set({ ...again, worker, host, lease_owner: owner, lease_until: until })
    .where('id', '=', key.dispatch)
    .execute()
  return true
}
