/** Claims issues for workers: writes the dispatch, its delivery and their events in one transaction. */
import type { Transaction } from 'kysely'
import type { Claim, ClaimLedger } from '../core/ledger/claims.ts'
import type { PlannedText } from '../core/ledger/deliveries.ts'
import type { Delivery, Dispatch } from '../core/lifecycle.ts'
import type { NewEvent } from '../core/events.ts'
import type { DeliveryRow, DispatchRow, Tables } from './tables.ts'
import { sql } from 'kysely'
import { isFurther } from './schema.ts'
import type { LockedRows } from './engine.ts'
import { chunks } from './sql.ts'
import { appendEvents, fingerprint } from './events.ts'
import { holdsOnClaims } from './holds.ts'
import { toDelivery, toDispatch } from './rows.ts'
import { takenColumns } from './verdicts.ts'
import { insertRows, writeRows } from './write-rows.ts'
import { encodeReason } from '../core/reasons.ts'
import { repoOf } from '../core/refs.ts'

/** The owner of a lease, and the time when the lease ends. */
export interface Lease {
  readonly owner: string
  readonly until: number
}

/** Returns the rows to lock for these claims. Two transactions may run at the same time if they lock no common row. */
export function lockedRows(claims: readonly Claim[]): LockedRows {
  return { workers: claims.map(({ worker }) => worker), issues: claims.map(({ issue }) => issue) }
}

/** For each claim whose issue and slot are free, writes a dispatch, a delivery and events. Returns the new dispatches. */
export async function claim(trx: Transaction<Tables>, claims: readonly Claim[], lease: Lease, at: number): Promise<Dispatch[]> {
  const won: Dispatch[] = []
  for (const part of chunks(await stillClaimable(trx, claims, at))) {
    const rows = part.map((each): DispatchRow => claimedRow(each, at))
    // The unique indexes reject a claim if another dispatch has the issue or the slot. Earlier reads may be out of date.
    const inserted = new Set((await insertRows(trx, 'dispatch', rows, 'on conflict do nothing returning id')).map(({ id }) => id))
    const mine = part.filter(({ id }) => inserted.has(id))
    won.push(...rows.filter(({ id }) => inserted.has(id)).map(toDispatch))
    const texts = mine.map((each) => planned({ ...each, about: { dispatch: each.id, issue: each.issue } }, lease, at))
    await insertRows(trx, 'delivery', texts)
    const events = mine.map(({ id, issue, worker, reason }): NewEvent => {
      return { kind: 'dispatch.claimed', subject: id, issue, worker, actor: 'burn', payload: { reason } }
    })
    await appendEvents(trx, [...events, ...texts.map(plannedEvent)], at)
    const work = mine.flatMap(({ kind, issue }) => (kind === 'work' ? [issue] : []))
    if (work.length > 0) await trx.updateTable('issue').set(takenColumns).where('ref', 'in', work).execute()
    const used = [...new Set(mine.filter(({ kind }) => kind === 'work').map(({ worker }) => worker))]
    if (used.length > 0) await trx.updateTable('worker').set({ used_at: at }).where('id', 'in', used).execute()
  }
  return won
}

/**
 * Returns the claims whose issue is still open and not stopped. Omits a claim if, since the decision, a person held the worker or the repo,
 * or a hold on its account began. Omits a claim of kind `work` if, since that decision, the issue was done, was attempted, or got an open
 * change or other assignees.
 */
export async function stillClaimable<C extends Pick<Claim, 'issue' | 'kind' | 'attempt' | 'worker' | 'assignees' | 'accounts'>>(
  trx: Transaction<Tables>,
  claims: readonly C[],
  at: number,
): Promise<C[]> {
  const due: C[] = []
  const accounts = claims.flatMap(({ worker, accounts: names = [] }) => names.map((name) => ({ name, workers: [worker] })))
  const held = await holdsOnClaims(trx, accounts, at)
  for (const part of chunks(claims.filter(({ worker, issue }) => held.worker(worker) === null && held.repo(repoOf(issue)) === null))) {
    const rows = await trx
      .selectFrom('issue')
      .select(['ref', 'done', 'attempts', 'open_change', 'assignees'])
      .where('ref', 'in', [...new Set(part.map(({ issue }) => issue))])
      .where('state', '=', sql.lit('open'))
      .where('stopped_by', 'is', null)
      // burn is about to assign these issues to somebody on the forge.
      .where('ref', 'not in', (eb) => eb.selectFrom('delegation').select('issue').where('state', '=', sql.lit('assigning')))
      .execute()
    const open = new Map(rows.map((row) => [row.ref, row]))
    for (const each of part) {
      const row = open.get(each.issue)
      if (row === undefined) continue
      const same = each.assignees === undefined || row.assignees === JSON.stringify(each.assignees)
      const isFree = row.done === 0 && row.open_change === null && row.attempts === each.attempt - 1 && same
      if (each.kind === 'council' || isFree) due.push(each)
    }
  }
  return due
}

/** Returns the row of a new dispatch. */
export function claimedRow({ id, kind, issue, worker, slot, attempt, reason }: Omit<Claim, 'text'>, at: number): DispatchRow {
  const unknown = { comment_id: null, comment_state: null, incarnation: null, change_url: null, handed_at: null }
  return {
    id,
    kind,
    issue,
    worker,
    slot,
    state: 'claimed',
    attempt,
    reason: encodeReason(reason),
    state_reason: encodeReason(reason),
    ...unknown,
    claimed_at: at,
    changed_at: at,
  }
}

function planned({ id, kind, worker, text, about, incarnation = null }: PlannedText, lease: Lease, at: number): DeliveryRow {
  const leased = { lease_owner: lease.owner, lease_token: 1, lease_until: lease.until }
  return {
    id,
    kind,
    dispatch: about?.dispatch ?? null,
    issue: about?.issue ?? null,
    worker,
    state: 'planned',
    text,
    typed: null,
    proof: null,
    incarnation,
    evidence: encodeReason({ code: 'planned' }),
    presses: 0,
    planned_at: at,
    changed_at: at,
    ...leased,
  }
}

/**
 * Plans deliveries that do not come from claims. Skips deliveries that another process has already planned. Returns the planned deliveries.
 */
export async function planDeliveries(
  trx: Transaction<Tables>,
  texts: readonly PlannedText[],
  lease: Lease,
  at: number,
): Promise<Delivery[]> {
  const rows: DeliveryRow[] = []
  for (const text of texts) if (await stillWanted(trx, text)) rows.push(planned(text, lease, at))
  await insertRows(trx, 'delivery', rows)
  await appendEvents(trx, rows.map(plannedEvent), at)
  return rows.map(toDelivery)
}

/** Tells whether a planned message is still needed: its dispatch is `handed`, and has exactly `about.before` messages of this kind. */
async function stillWanted(trx: Transaction<Tables>, { kind, about }: PlannedText): Promise<boolean> {
  if (about?.before === undefined) return true
  const row = await trx.selectFrom('dispatch').select('state').where('id', '=', about.dispatch).executeTakeFirst()
  if (row?.state !== 'handed') return false
  const { count } = await trx
    .selectFrom('delivery')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('dispatch', '=', about.dispatch)
    .where(isFurther)
    .where('kind', '=', kind)
    .executeTakeFirstOrThrow()
  return Number(count) === about.before
}

function plannedEvent({ id, issue, worker, kind, text }: DeliveryRow): NewEvent {
  return { kind: 'delivery.planned', subject: id, issue, worker, actor: 'burn', payload: { kind, ...fingerprint(text) } }
}

/** Saves the state and the id of each dispatch's comment on the forge. Records an event for each. */
export async function saveComments(
  trx: Transaction<Tables>,
  comments: Parameters<ClaimLedger['saveComments']>[0],
  at: number,
): Promise<void> {
  const rows = comments.map(({ id, comment_id, comment_state }) => ({ id, comment_id, comment_state }))
  const ending = 'returning id, issue, worker, comment_id, comment_state'
  const saved = await writeRows(trx, { table: 'dispatch', columns: ['comment_id', 'comment_state'] }, rows, ending)
  const events = saved.map(({ id, issue, worker, comment_id, comment_state }): NewEvent => {
    const payload = { comment: String(comment_id), says: String(comment_state) }
    return { kind: 'dispatch.commented', subject: String(id), issue: String(issue), worker: String(worker), actor: 'burn', payload }
  })
  await appendEvents(trx, events, at)
}
