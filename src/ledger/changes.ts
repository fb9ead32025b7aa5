/** Changes in review: the facts that burn last read about each, and its stage. */
import type { Transaction } from 'kysely'
import type { ChangeLedger, DispatchInReview, ChangeToEnd, ReadChange, ReviewView, WatchedChange } from '../core/ledger/changes.ts'
import type { NewEvent } from '../core/events.ts'
import type { ChangeWatchRow, Tables } from './tables.ts'
import { sql } from 'kysely'
import { decodeReason, encodeReason } from '../core/reasons.ts'
import { changeSteps } from './change-steps.ts'
import { appendEvents } from './events.ts'
import { chunks, inList } from './sql.ts'

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

/** Returns all dispatches with a change that is open or kept, without the facts about the changes. */
export async function reviewedChanges(trx: Trx): Promise<ChangeToEnd[]> {
  const rows = await trx
    .selectFrom('dispatch')
    .leftJoin('change_watch', 'change_watch.dispatch', 'dispatch.id')
    .select(['dispatch.id', 'issue', 'changed_at', 'state_reason', 'change_url', 'stage', 'change_watch.reason', 'staged_at'])
    .where('kind', '=', sql.lit('work'))
    .where(inList('state', ['handed', 'review']))
    .where((eb) => eb.or([eb('change_url', 'is not', null), eb('state', '=', sql.lit('review'))]))
    .orderBy('changed_at')
    .execute()
  return rows.map(({ stage, reason, staged_at, state_reason, ...row }) => {
    const watched = stage === null || reason === null || staged_at === null ? null : { stage, reason: decodeReason(reason), staged_at }
    return { ...row, state_reason: decodeReason(state_reason), watched }
  })
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

/** Saves the facts about changes, and an event for each new approval. */
export async function saveChanges(trx: Trx, changes: Parameters<ChangeLedger['saveChanges']>[0], at: number): Promise<void> {
  await appendEvents(trx, (await Promise.all(changes.map((change) => newApprovals(trx, change)))).flat(), at)
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

/** Returns an event for each approval that the saved facts about a change do not have. */
async function newApprovals(trx: Trx, { dispatch, ref, approvals }: ReadChange): Promise<NewEvent[]> {
  if (approvals.length === 0) return []
  const about = await trx.selectFrom('dispatch').select(['issue', 'worker']).where('id', '=', dispatch).executeTakeFirstOrThrow()
  const row = await trx.selectFrom('change_watch').selectAll().where('dispatch', '=', dispatch).executeTakeFirst()
  const known = new Set(row === undefined ? [] : toWatched(row).state.reviews.map(({ id }) => id))
  return approvals
    .filter(({ id }) => !known.has(id))
    .map(({ author: by }) => {
      return { kind: 'change.approved', subject: dispatch, ...about, actor: 'forge', payload: { change: ref, by } }
    })
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
