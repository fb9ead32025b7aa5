/** Holds of workers, windows, machines, repos, accounts and the fleet, with their events. */
import type { Transaction } from 'kysely'
import type { NewEvent } from '../core/events.ts'
import type { Account, HoldScope } from '../core/nouns.ts'
import type { Hold, HoldCode, HoldGuard, NewHold } from '../core/ledger/holds.ts'
import type { Db, HoldRow, Tables } from './tables.ts'
import { decodeReason, encodeReason } from '../core/reasons.ts'
import { heldBy, personalCodes, type HoldIndex } from '../decide/holds.ts'
import { appendEvents } from './events.ts'

type Trx = Transaction<Tables>
type Key = Pick<Hold, 'scope' | 'name' | 'code'>

const idOf = ({ scope, name, code }: Key) => `${scope} ${name} ${code}`
const columns = ['scope', 'name', 'code', 'reason', 'until', 'actor', 'created_at'] as const

/** Returns all holds, including expired ones. */
export async function holds(db: Db): Promise<Hold[]> {
  return (await db.selectFrom('hold').select(columns).orderBy('id').execute()).map(toHold)
}

/** For the code of a new hold, the code of another hold on the same target that the new hold replaces. */
const replacedBy: Partial<Record<HoldCode, HoldCode>> = { person: 'drain', drain: 'person' }

/**
 * Returns the holds that people set, and all holds on accounts, as an index. A claim during such a hold fails, even if burn decided to claim
 * before the hold began. `accounts`: the accounts of the workers that claim.
 */
export async function holdsOnClaims(trx: Trx, accounts: readonly Account[], at: number): Promise<HoldIndex> {
  const rows = await trx
    .selectFrom('hold')
    .select(columns)
    .where((eb) => eb.or([eb('code', 'in', [...personalCodes]), eb('scope', '=', 'account')]))
    .execute()
  return heldBy(rows.map(toHold), at, accounts)
}

/** Saves holds, with an event for each. A hold replaces an earlier one with the same scope, name and code. */
export async function saveHolds(trx: Trx, newHolds: readonly NewHold[], at: number): Promise<void> {
  const saved: NewHold[] = []
  for (const { before, ...each } of newHolds) {
    if (!(await isUnchanged(trx, { ...each, ...(before === undefined ? {} : { before }) }))) continue
    const { until, actor } = each
    const reason = encodeReason(each.reason)
    const replaced = replacedBy[each.code]
    if (replaced !== undefined)
      await trx
        .deleteFrom('hold')
        .where('id', '=', idOf({ ...each, code: replaced }))
        .execute()
    await trx
      .insertInto('hold')
      .values({ ...each, reason, id: idOf(each), created_at: at })
      .onConflict((c) => c.column('id').doUpdateSet({ reason, until, actor, created_at: at }))
      .execute()
    saved.push(each)
  }
  await appendEvents(trx, saved.map(heldEvent), at)
}

async function isUnchanged(trx: Trx, { before, ...key }: Key & HoldGuard): Promise<boolean> {
  if (before === undefined) return true
  const row = await trx.selectFrom('hold').select('created_at').where('id', '=', idOf(key)).executeTakeFirst()
  return (row?.created_at ?? null) === before
}

/** Removes holds. Records an event for each hold that existed. Returns the removed holds. */
export async function removeHolds(trx: Trx, keys: readonly (Key & HoldGuard)[], at: number): Promise<Hold[]> {
  const removed: Hold[] = []
  for (const key of keys)
    if (await isUnchanged(trx, key))
      removed.push(...(await trx.deleteFrom('hold').where('id', '=', idOf(key)).returning(columns).execute()).map(toHold))
  await appendEvents(trx, removed.map(resumedEvent), at)
  return removed
}

const toHold = (row: Omit<HoldRow, 'id'>): Hold => ({ ...row, reason: decodeReason(row.reason) })

function heldEvent({ scope, name, code, reason, until, actor: by }: NewHold): NewEvent {
  const actor = by === 'burn' ? 'burn' : 'person'
  if (scope === 'repo' && code === 'forge_refused' && until !== null)
    return { kind: 'repo.rests', ...about(scope, name), actor, payload: { reason, until } }
  if (scope === 'worker' && code === 'retire') {
    const kind = reason.code === 'retired' ? 'worker.retired' : 'worker.retiring'
    return { kind, ...about(scope, name), actor, payload: { reason, until } }
  }
  return { kind: `${scope}.held`, ...about(scope, name), actor, payload: { reason, until } }
}

function resumedEvent({ scope, name, code }: Hold): NewEvent {
  return { kind: `${scope}.resumed`, ...about(scope, name), actor: isPersonal(code) ? 'person' : 'burn', payload: {} }
}

const isPersonal = (code: HoldCode) => personalCodes.some((each) => each === code)

const about = (scope: HoldScope, name: string) => ({ subject: name, issue: null, worker: scope === 'worker' ? name : null })
