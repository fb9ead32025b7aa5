/** Changes in review: the facts that burn last read about each, its stage, and the steps that burn took. */
import type { Transaction } from 'kysely'
import type { ChangeStep } from '../core/change-loop.ts'
import type { StepAction, StepOutcome } from '../core/change-stages.ts'
import type {
  ChangeLedger,
  DispatchInReview,
  NewStep,
  ReviewView,
  SprintFollowUp,
  SprintHolder,
  StepKey,
  WatchedChange,
} from '../core/ledger/changes.ts'
import type { NewEvent } from '../core/events.ts'
import type { Reason } from '../core/reasons.ts'
import type { ChangeStepRow, ChangeWatchRow, Tables } from './tables.ts'
import { sql } from 'kysely'
import { decodeReason, encodeReason } from '../core/reasons.ts'
import { appendEvents } from './events.ts'
import { planDeliveries } from './claims.ts'
import { chunks, inList } from './sql.ts'
import { slotStates } from '../core/lifecycle.ts'
import { moveDispatches } from './moves.ts'
import { recordWorkers } from './workers.ts'

type Trx = Transaction<Tables>

/** Returns all dispatches with an open change, and their steps. */
export async function reviewView(trx: Trx): Promise<ReviewView> {
  const rows = await trx
    .selectFrom('dispatch')
    .select(['id', 'issue', 'worker', 'slot', 'state', 'incarnation', 'changed_at', 'change_url'])
    .select(sql<number>`(select count(*) from sprint s where s.id = dispatch.id)`.as('sprints'))
    .where('kind', '=', sql.lit('work'))
    .where(inList('state', ['handed', 'review']))
    .where('change_url', 'is not', null)
    .orderBy('id')
    .execute()
  const ids = rows.map(({ id }) => id)
  const watched = new Map<string, WatchedChange>()
  for (const part of chunks(ids))
    for (const row of await trx.selectFrom('change_watch').selectAll().where('dispatch', 'in', part).execute())
      watched.set(row.dispatch, toWatched(row))
  const dispatches = rows.map(({ sprints, change_url, ...row }): DispatchInReview => {
    return { ...row, change_url: change_url ?? '', sprint: Number(sprints) > 0, watched: watched.get(row.id) ?? null }
  })
  return { dispatches, steps: await changeSteps(trx, ids) }
}

function toWatched({
  dispatch,
  ref,
  facts,
  first_pusher,
  protected_paths,
  read_at,
  stage,
  reason,
  staged_at,
}: ChangeWatchRow): WatchedChange {
  return {
    dispatch,
    ref,
    // The casts are safe: only `saveChanges` writes this JSON.
    ...(JSON.parse(facts) as Pick<WatchedChange, 'state' | 'protection'>),
    first_pusher,
    // The cast is safe for the same reason.
    protected_paths: protected_paths === null ? null : (JSON.parse(protected_paths) as readonly string[]),
    read_at,
    stage,
    reason: decodeReason(reason),
    staged_at,
  }
}

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

/** Saves the facts about changes. */
export async function saveChanges(trx: Trx, changes: Parameters<ChangeLedger['saveChanges']>[0]): Promise<void> {
  const rows = changes.map(({ dispatch, ref, state, protection, first_pusher, protected_paths, read_at }): ChangeWatchRow => {
    const paths = protected_paths === null ? null : JSON.stringify(protected_paths)
    const unjudged = { stage: 'watched', reason: encodeReason({ code: 'change_for_review' }), staged_at: read_at } as const
    return { dispatch, ref, facts: JSON.stringify({ state, protection }), first_pusher, protected_paths: paths, read_at, ...unjudged }
  })
  for (const part of chunks(rows, 64))
    await trx
      .insertInto('change_watch')
      .values([...part])
      .onConflict((c) =>
        c.column('dispatch').doUpdateSet((eb) => ({
          ref: eb.ref('excluded.ref'),
          facts: eb.ref('excluded.facts'),
          protected_paths: eb.ref('excluded.protected_paths'),
          read_at: eb.ref('excluded.read_at'),
          first_pusher: sql<string | null>`coalesce(change_watch.first_pusher, excluded.first_pusher)`,
        })),
      )
      .execute()
}

/** Saves the stages of changes, and an event for each stage that is new. */
export async function saveStages(trx: Trx, stages: Parameters<ChangeLedger['saveStages']>[0], at: number): Promise<void> {
  const events: NewEvent[] = []
  for (const { dispatch, stage, reason } of stages) {
    const before = await trx
      .selectFrom('change_watch')
      .innerJoin('dispatch', 'dispatch.id', 'change_watch.dispatch')
      .select(['change_watch.stage', 'change_watch.ref', 'dispatch.issue', 'dispatch.worker'])
      .where('change_watch.dispatch', '=', dispatch)
      .executeTakeFirst()
    if (before === undefined) continue
    const isNew = before.stage !== stage
    await trx
      .updateTable('change_watch')
      .set({ stage, reason: encodeReason(reason), ...(isNew ? { staged_at: at } : {}) })
      .where('dispatch', '=', dispatch)
      .execute()
    const payload = { change: before.ref, stage, reason }
    if (isNew) events.push({ kind: 'change.stage', subject: dispatch, issue: before.issue, worker: before.worker, actor: 'burn', payload })
  }
  await appendEvents(trx, events, at)
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
    .onConflict((c) => c.column('id').doNothing())
    .returning('id')
    .execute()
  if (inserted.length === 0) return false
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

/** Saves the outcome of a step, with an event. */
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
  const { issue, worker } = await trx
    .selectFrom('dispatch')
    .select(['issue', 'worker'])
    .where('id', '=', key.dispatch)
    .executeTakeFirstOrThrow()
  const payload = { action: key.action, attempt: key.attempt, outcome, reason }
  await appendEvents(trx, [{ kind: 'change.step', subject: key.dispatch, issue, worker, actor: 'burn', payload }], at)
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
  // The usage of the earlier run is in the table `usage`, so the counters can begin again.
  const counters = { turns: 0, tokens_in: 0, tokens_out: 0, cost: null, started_at: at }
  const again = { stage: 'claimed', outcome: null, failure: null, failure_text: null, ended_at: null, ...counters } as const
  await trx
    .updateTable('sprint')
    .set({ ...again, worker, host, lease_owner: owner, lease_until: until })
    .where('id', '=', key.dispatch)
    .execute()
  return true
}
