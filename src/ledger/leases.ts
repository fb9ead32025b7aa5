/** Who may step which active delivery: a lease with a token that is raised whenever it changes hands. */
import type { Transaction } from 'kysely'
import type { Delivery } from '../core/lives.ts'
import type { Lease } from './claims.ts'
import type { Tables } from './tables.ts'
import { activeStates } from '../core/lives.ts'
import { among } from './engine.ts'
import { append } from './events.ts'
import { toDelivery } from './rows.ts'

const active = among('state', activeStates)

export async function takeOver(trx: Transaction<Tables>, { owner, until }: Lease, at: number): Promise<Delivery[]> {
  const rows = await trx
    .updateTable('delivery')
    .set((eb) => ({ lease_owner: owner, lease_token: eb('lease_token', '+', 1), lease_until: until }))
    .where(active)
    .where('lease_until', '<=', at)
    .returningAll()
    .execute()
  const events = rows.map(({ id, issue, worker, lease_token }) => {
    return { kind: 'delivery.taken_over', subject: id, issue, worker, text: `by ${owner}, token ${lease_token}` }
  })
  await append(trx, events, at)
  return rows.map(toDelivery)
}

/** No event: a heartbeat changes nothing that a person would ask about. */
export async function renew(trx: Transaction<Tables>, { owner, until }: Lease): Promise<string[]> {
  const rows = await trx
    .updateTable('delivery')
    .set({ lease_until: until })
    .where(active)
    .where('lease_owner', '=', owner)
    .returning('id')
    .execute()
  return rows.map(({ id }) => id)
}
