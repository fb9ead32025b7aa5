/** Retention: what ended long ago is forgotten, with its events. The one thing that ever takes an event away. */
import type { RawBuilder, Transaction } from 'kysely'
import type { Pruned } from '../core/ledger.ts'
import type { Time } from '../core/nouns.ts'
import type { Tables } from './tables.ts'
import { sql } from 'kysely'
import { activeStates, liveStates } from '../core/lives.ts'
import { among } from './engine.ts'
import { append } from './events.ts'

/**
 * Dispatches that ended before `before`, of issues that are closed: all but the one that says that its issue is done. An open issue keeps its whole
 * story, since its attempts are counted from it.
 */
const oldDispatches = (before: Time) => sql<{ id: string }>`select d.id from dispatch d join issue i on i.ref = d.issue
  where d.changed_at < ${before} and not ${among('d.state', liveStates)} and i.state <> 'open' and (d.comment_id is null or d.comment_says = d.state)
  and not (d.kind = 'work' and d.state = 'done' and i.done = 1
    and d.id = (select max(l.id) from dispatch l where l.issue = d.issue and l.kind = 'work' and l.state = 'done'))`

/** Texts of no dispatch that ended before then, but each worker's last of a kind: it says whether its agent was told who it is. */
const oldDeliveries = (before: Time) => sql<{ id: string }>`select v.id from delivery v
  where v.issue is null and v.changed_at < ${before} and not ${among('v.state', activeStates)}
  and v.id < (select max(l.id) from delivery l where l.worker = v.worker and l.kind = v.kind and l.issue is null)`

/** Events from before then of nothing that is kept. Requeuing bounds how far back attempts are counted, so it stays. */
const oldEvents = (before: Time, gone: RawBuilder<unknown>) => sql<{ seq: number }>`select e.seq from event e
  where e.at < ${before} and e.kind <> 'issue.requeued'
  and not exists (select 1 from dispatch d where d.id = e.subject and d.id not in (${gone}))
  and not exists (select 1 from delivery v where v.id = e.subject and v.id not in (${gone}))`

/** With `dryRun` nothing is changed: the numbers say what would be forgotten. */
export async function prune(trx: Transaction<Tables>, before: Time, at: Time, dryRun: boolean): Promise<Pruned> {
  const gone = sql`${oldDispatches(before)} union all ${oldDeliveries(before)}`
  const count = async (query: RawBuilder<unknown>) =>
    Number((await sql<{ n: number }>`select count(*) as n from (${query}) as found`.execute(trx)).rows[0]?.n ?? 0)
  const found: Pruned = {
    dispatches: await count(oldDispatches(before)),
    deliveries: await count(oldDeliveries(before)),
    events: await count(oldEvents(before, gone)),
  }
  if (dryRun || found.dispatches + found.deliveries + found.events === 0) return found
  await sql`delete from event where seq in (select seq from (${oldEvents(before, gone)}) as old)`.execute(trx)
  const ids = (await gone.execute(trx)).rows as readonly { readonly id: string }[]
  const issues = sql`select issue from dispatch where id in (${oldDispatches(before)})`
  const touched = (await issues.execute(trx)).rows as readonly { readonly issue: string }[]
  for (const { id } of ids) {
    await trx.deleteFrom('delivery').where('id', '=', id).execute()
    await trx.deleteFrom('dispatch').where('id', '=', id).execute()
  }
  for (const ref of new Set(touched.map(({ issue }) => issue))) await recount(trx, ref)
  const text = `${found.dispatches} dispatches, ${found.deliveries} other texts and ${found.events} events from before ${new Date(before).toISOString()}`
  await append(trx, [{ kind: 'ledger.pruned', subject: 'ledger', issue: null, worker: null, text }], at)
  return found
}

/** What is counted of a closed issue must be what can still be shown. */
async function recount(trx: Transaction<Tables>, ref: string): Promise<void> {
  await sql`update issue set attempts = (
    select count(*) from dispatch d join event e on e.subject = d.id and e.kind = 'dispatch.' || d.state
    where d.issue = issue.ref and d.kind = 'work' and d.state in ('failed', 'lost')
    and e.seq > coalesce((select max(r.seq) from event r where r.subject = issue.ref and r.kind = 'issue.requeued'), 0)) where ref = ${ref}`.execute(
    trx,
  )
}
