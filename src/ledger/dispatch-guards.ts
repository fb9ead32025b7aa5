/** The guards of transitions of dispatches: conditions that must still hold when the ledger applies a transition. */
import type { Transaction } from 'kysely'
import type { DispatchMove } from '../core/ledger/claims.ts'
import type { DispatchRow, Tables } from './tables.ts'
import { sql } from 'kysely'
import { slotStates } from '../core/lifecycle.ts'
import { encodeReason } from '../core/reasons.ts'
import { resumeTexts } from './queries.ts'
import { inList } from './sql.ts'

type Trx = Transaction<Tables>

/** Returns true if the guards of a transition hold: `resumes_seen`, `holder`, `handed_by` and `handed_at`. */
export async function guardsHold(trx: Trx, row: DispatchRow, move: DispatchMove): Promise<boolean> {
  const { id, resumes_seen, holder, handed_by, handed_at } = move
  if (handed_at !== undefined && row.handed_at !== handed_at) return false
  if (resumes_seen !== undefined && ((await resumeTexts(trx, [id])).get(id)?.length ?? 0) !== resumes_seen) return false
  if (holder !== undefined && row.incarnation !== holder.incarnation) return false
  if (holder !== undefined && (await lastAgentId(trx, row.worker)) !== holder.last_agent) return false
  return handed_by === undefined || row.state_reason === encodeReason({ code: 'change_needs_work', text: handed_by })
}

async function lastAgentId(trx: Trx, worker: string): Promise<string | null> {
  const query = trx
    .selectFrom('agent')
    .select((eb) => eb.fn.max('id').as('id'))
    .where('worker', '=', worker)
  return (await query.executeTakeFirst())?.id ?? null
}

/**
 * Tells whether another dispatch occupies the slot. `moving` has the new rows of the dispatches that change state in the same transaction.
 */
export async function slotTaken(
  trx: Trx,
  { id, kind, worker, slot }: DispatchRow,
  moving: ReadonlyMap<string, DispatchRow>,
): Promise<boolean> {
  if (kind !== 'work' || slot === null) return false
  const rows = await trx
    .selectFrom('dispatch')
    .select(['id', 'state'])
    .where('worker', '=', worker)
    .where('slot', '=', slot)
    .where('kind', '=', sql.lit('work'))
    .where(inList('state', slotStates))
    .where('id', '<>', id)
    .execute()
  const stays = rows.some((row) => slotStates.includes(moving.get(row.id)?.state ?? row.state))
  return (
    stays ||
    [...moving.values()].some((row) => row.id !== id && row.worker === worker && row.slot === slot && slotStates.includes(row.state))
  )
}
