/** Holds: rows of what gets nothing, by whatever it is held. */
import type { Transaction } from 'kysely'
import type { Hold } from '../core/ledger/holds.ts'
import type { NewEvent } from './events.ts'
import type { HoldRow, Tables } from './schema.ts'
import { decodeReason, encodeReason } from '../core/reasons.ts'
import { sentence } from '../decide/wording.ts'
import { append } from './events.ts'

type Trx = Transaction<Tables>
type Key = Pick<Hold, 'scope' | 'name' | 'code'>

const idOf = ({ scope, name, code }: Key) => `${scope} ${name} ${code}`
const columns = ['scope', 'name', 'code', 'reason', 'until', 'actor', 'created_at'] as const

export async function holds(trx: Trx): Promise<Hold[]> {
  return (await trx.selectFrom('hold').select(columns).orderBy('id').execute()).map(toHold)
}

export async function hold(trx: Trx, given: readonly Omit<Hold, 'created_at'>[], at: number): Promise<void> {
  for (const each of given) {
    const { until, actor } = each
    const reason = encodeReason(each.reason)
    await trx
      .insertInto('hold')
      .values({ ...each, reason, id: idOf(each), created_at: at })
      .onConflict((c) => c.column('id').doUpdateSet({ reason, until, actor, created_at: at }))
      .execute()
  }
  await append(
    trx,
    given.map((each) => holdEvent(each, 'held')),
    at,
  )
}

export async function resume(trx: Trx, keys: readonly Key[], at: number): Promise<Hold[]> {
  const gone: Hold[] = []
  for (const key of keys) gone.push(...(await trx.deleteFrom('hold').where('id', '=', idOf(key)).returning(columns).execute()).map(toHold))
  await append(
    trx,
    gone.map((each) => holdEvent(each, 'resumed')),
    at,
  )
  return gone
}

const toHold = (row: Omit<HoldRow, 'id'>): Hold => ({ ...row, reason: decodeReason(row.reason) })

function holdEvent({ scope, name, code, reason, until }: Omit<Hold, 'created_at'>, step: 'held' | 'resumed'): NewEvent {
  const why = until === null ? sentence(reason) : `${sentence(reason)}; until ${new Date(until).toISOString()}`
  const kind = code === 'forge_refused' && step === 'held' ? `${scope}.rests` : `${scope}.${step}`
  return { kind, subject: name, issue: null, worker: scope === 'worker' ? name : null, text: step === 'held' ? why : '' }
}
