/** Sprints, and the issues that workers skip. Only the owner of a sprint's lease writes to the sprint's row. */
import type { Selectable, Transaction } from 'kysely'
import type { Sprint } from '../core/sprint.ts'
import type { Skip, SprintClaim, SprintEnd, SprintLedger, SprintProgress } from '../core/ledger/sprints.ts'
import type { Lease } from './claims.ts'
import type { DispatchRow, SprintRow, Tables } from './tables.ts'
import { sql } from 'kysely'
import { liveStates } from '../core/lifecycle.ts'
import { claimedRow, stillClaimable } from './claims.ts'
import { inList, chunks } from './sql.ts'
import { appendEvents } from './events.ts'
import { takenColumns } from './verdicts.ts'
import { recordWorkers } from './workers.ts'
import { addUsage } from './usage.ts'
import { newSprintUsage } from '../decide/usage.ts'
import { decodeReason, encodeReason } from '../core/reasons.ts'
import { sentence } from '../decide/wording.ts'

type Trx = Transaction<Tables>

/**
 * Claims an issue for a sprint. Returns `won` on success, `issue` if the issue is already claimed, or `worker` if the worker's slot is
 * occupied.
 */
export async function claimSprint(trx: Trx, claim: SprintClaim, lease: Lease, at: number): Promise<'won' | 'issue' | 'worker'> {
  const { id, issue, worker, reason } = claim
  const work = { ...claim, kind: 'work' as const }
  if ((await stillClaimable(trx, [work], at)).length === 0) return 'issue'
  await recordWorkers(trx, [{ id: worker, drawn: false }], at)
  // As in `claim`, the unique indexes reject the claim if another dispatch has the issue or the slot.
  const won = await trx
    .insertInto('dispatch')
    .values(claimedRow(work, at))
    .onConflict((c) => c.doNothing())
    .returning('id')
    .execute()
  if (won.length === 0) return (await isTaken(trx, issue)) ? 'issue' : 'worker'
  await trx
    .insertInto('sprint')
    .values(freshRow(claim, lease, at))
    .execute()
  await trx.updateTable('issue').set(takenColumns).where('ref', '=', issue).execute()
  await trx.updateTable('worker').set({ used_at: at }).where('id', '=', worker).execute()
  await appendEvents(trx, [{ kind: 'dispatch.claimed', subject: id, issue, worker, actor: 'burn', payload: { reason } }], at)
  return 'won'
}

async function isTaken(trx: Trx, issue: string): Promise<boolean> {
  const live = trx.selectFrom('dispatch').select('id').where('issue', '=', issue).where('kind', '=', 'work')
  return (await live.where(inList('state', liveStates)).executeTakeFirst()) !== undefined
}

function freshRow({ id, issue, worker, host }: SprintClaim, lease: Lease, at: number): SprintRow {
  const unknown = { backend: null, model: null, provider: null, cost: null, outcome: null, failure: null, failure_text: null }
  const unchecked = { check_command: null, check_result: null, change_url: null }
  const used = { turns: 0, tokens_in: 0, tokens_out: 0 }
  const leased = { lease_owner: lease.owner, lease_until: lease.until }
  return { id, issue, worker, host, stage: 'claimed', ...unknown, ...unchecked, ...used, started_at: at, ended_at: null, ...leased }
}

/** A sprint, and the owner that must hold the sprint's lease. */
export interface HeldSprint {
  readonly id: string
  readonly owner: string
}

/** Selects the sprint if it has not ended and this owner holds the lease. */
function held(trx: Trx, id: string, owner: string) {
  return trx.selectFrom('sprint').selectAll().where('id', '=', id).where('lease_owner', '=', owner).where('ended_at', 'is', null)
}

/** Saves the progress of a sprint, and adds its new tokens to the usage. Returns false if this owner no longer holds the lease. */
export async function saveSprint(trx: Trx, { id, owner }: HeldSprint, progress: SprintProgress, at: number): Promise<boolean> {
  const before = await held(trx, id, owner).executeTakeFirst()
  if (before === undefined) return false
  if (Object.keys(progress).length > 0) await trx.updateTable('sprint').set(progress).where('id', '=', id).execute()
  await addUsage(trx, newSprintUsage(before, { ...before, ...progress }, at))
  return true
}

/**
 * Writes the result of a sprint. The caller changes the state of the dispatch in the same transaction. Returns false if this owner no
 * longer holds the lease.
 */
export async function endSprintRow(trx: Trx, { id, owner }: HeldSprint, end: SprintEnd, at: number): Promise<boolean> {
  const before = await held(trx, id, owner).executeTakeFirst()
  if (before === undefined) return false
  const { failure, dispatch: _dispatch, reason: _reason, ...rest } = end
  await addUsage(trx, newSprintUsage(before, { ...before, ...rest }, at))
  const row = { ...rest, failure: failure?.class ?? null, failure_text: failure?.reason ?? null }
  await trx
    .updateTable('sprint')
    .set({ ...row, ...endedColumns, ended_at: at })
    .where('id', '=', id)
    .execute()
  return true
}

/**
 * Saves that a kept change was published. Clears `comment_state`, so that burn updates the comment, which still says that the change is
 * kept. Returns false if the dispatch has no kept change.
 */
export async function publishSprint(trx: Trx, id: string, url: string, at: number): Promise<boolean> {
  const opened = await trx
    .updateTable('dispatch')
    .set({ change_url: url, state_reason: encodeReason({ code: 'change_for_review' }), comment_state: '' })
    .where('id', '=', id)
    .where('state', '=', sql.lit('review'))
    .where('change_url', 'is', null)
    .returning(['issue', 'worker'])
    .executeTakeFirst()
  if (opened === undefined) return false
  const row = { outcome: 'change', failure: null, failure_text: null, change_url: url } as const
  await trx.updateTable('sprint').set(row).where('id', '=', id).execute()
  await appendEvents(
    trx,
    [{ kind: 'dispatch.review', subject: id, ...opened, actor: 'person', payload: { reason: { code: 'change_published', url } } }],
    at,
  )
  return true
}

const endedColumns = { stage: 'ended', lease_owner: null, lease_until: 0 } as const

/**
 * Ends the sprints whose dispatches ended for a reason outside the sprint: the issue was closed, a person released it, or the process of
 * the sprint is gone.
 */
export async function endSprintsOf(trx: Trx, moved: readonly DispatchRow[], at: number): Promise<void> {
  for (const part of chunks(moved.filter(({ kind, state }) => kind === 'work' && state !== 'handed'))) {
    const rows = await trx
      .selectFrom('sprint')
      .selectAll()
      .where(
        'id',
        'in',
        part.map(({ id }) => id),
      )
      .where('ended_at', 'is', null)
      .execute()
    for (const row of rows) {
      const dispatch = part.find(({ id }) => id === row.id)
      const isExpired = row.lease_until <= at
      // The sprint is still running and writes its own result: its dispatch is in review only because another process found the change that
      // the sprint just opened.
      if (dispatch === undefined || (dispatch.state === 'review' && !isExpired)) continue
      await trx
        .updateTable('sprint')
        .set({ ...resultOf(dispatch, isExpired), ...endedColumns, ended_at: at })
        .where('id', '=', row.id)
        .execute()
    }
  }
}

function resultOf({ state, state_reason, change_url }: DispatchRow, isExpired: boolean) {
  if (change_url !== null && (state === 'review' || state === 'done')) return { outcome: 'change', change_url } as const
  const failure = state === 'done' ? 'issue_gone' : isExpired ? 'crashed' : 'fenced'
  return {
    outcome: state === 'failed' || state === 'lost' ? 'failed' : 'given_back',
    failure,
    failure_text: sentence(decodeReason(state_reason)),
  } as const
}

/** Returns the sprints that have not ended. */
export async function liveSprints(trx: Trx): Promise<Sprint[]> {
  return (await trx.selectFrom('sprint').selectAll().where('ended_at', 'is', null).orderBy('id').execute()).map(toSprint)
}

/** Returns sprints, newest first. */
export async function sprints(trx: Trx, filter: Parameters<SprintLedger['sprints']>[0]): Promise<Sprint[]> {
  let query = trx.selectFrom('sprint').selectAll().orderBy('id', 'desc')
  if (filter.limit !== undefined) query = query.limit(filter.limit)
  if (filter.issue !== undefined) query = query.where('issue', '=', filter.issue)
  if (filter.live !== undefined) query = query.where('ended_at', filter.live ? 'is' : 'is not', null)
  if (filter.since !== undefined) query = query.where('ended_at', '>=', filter.since)
  if (filter.ids === undefined) return (await query.execute()).map(toSprint)
  const rows: SprintRow[] = []
  // The ids are sorted in descending order, so that the newest rows come first across all chunks.
  for (const part of chunks([...new Set(filter.ids)].toSorted().toReversed())) rows.push(...(await query.where('id', 'in', part).execute()))
  return rows.slice(0, filter.limit).map(toSprint)
}

function toSprint(row: Selectable<SprintRow>): Sprint {
  return { ...row }
}

const idOf = (worker: string, issue: string) => `${worker} ${issue}`

/** Saves that a worker skips an issue, and records an event. */
export async function skip(trx: Trx, each: Skip): Promise<void> {
  const { worker, issue, until, reason, at } = each
  await trx
    .insertInto('skip')
    .values({ ...each, id: idOf(worker, issue) })
    .onConflict((c) => c.column('id').doUpdateSet({ until, reason, at }))
    .execute()
  await appendEvents(trx, [{ kind: 'issue.skipped', subject: issue, issue, worker, actor: 'burn', payload: { why: reason, until } }], at)
}

/** Removes the skip of an issue by a worker. Returns false if there was none. */
export async function unskip(trx: Trx, worker: string, issue: string): Promise<boolean> {
  const removed = await trx.deleteFrom('skip').where('id', '=', idOf(worker, issue)).returning('id').execute()
  return removed.length > 0
}

/** Returns the skips that apply at the time `at`, of one worker or of all workers. */
export async function skips(trx: Trx, at: number, worker: string | undefined): Promise<Skip[]> {
  let query = trx
    .selectFrom('skip')
    .select(['worker', 'issue', 'until', 'reason', 'at'])
    .where((eb) => eb.or([eb('until', 'is', null), eb('until', '>', at)]))
  if (worker !== undefined) query = query.where('worker', '=', worker)
  return query.orderBy('worker').orderBy('issue').execute()
}
