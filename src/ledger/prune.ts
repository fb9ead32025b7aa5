/** Retention: what ended long ago is forgotten, with its events. The one thing that ever takes an event away. */
import type { RawBuilder, Transaction } from 'kysely'
import type { Pruned } from '../core/ledger/history.ts'
import type { Time } from '../core/nouns.ts'
import type { Tables } from './tables.ts'
import { sql } from 'kysely'
import { activeStates, liveStates } from '../core/lives.ts'
import { among } from './engine.ts'
import { append } from './events.ts'
import { attemptsOf } from './invariants.ts'

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

/** What it was that is gone, as ids of their events' subjects. */
const gone = (before: Time) => sql`select id from (${oldDispatches(before)}) as a union all select id from (${oldDeliveries(before)}) as b
  union all select v.id from delivery v where v.kind in ('follow_up', 'resume') and v.dispatch in (${oldDispatches(before)})`

/** Its events. */
const itsEvents = (before: Time) => sql`select e.seq from event e where e.at < ${before} and e.subject in (${gone(before)})`

/** Events from before then of what is no dispatch and no delivery, or is none any more. Requeuing bounds how far back attempts are counted, so it stays. */
const otherEvents = (before: Time) => sql`select e.seq from event e where e.at < ${before} and e.kind <> 'issue.requeued'
  and not exists (select 1 from dispatch d where d.id = e.subject) and not exists (select 1 from delivery v where v.id = e.subject)`

/**
 * With `dryRun` nothing is changed: the numbers say what would be forgotten. Each statement is about all of it at once, and their order matters: events
 * go first, since a dispatch without them is counted on its issue no more; and dispatches last, since they say which issues that are.
 */
export async function prune(trx: Transaction<Tables>, before: Time, at: Time, dryRun: boolean): Promise<Pruned> {
  const count = async (query: RawBuilder<unknown>) =>
    Number((await sql<{ n: number }>`select count(*) as n from (${query}) as found`.execute(trx)).rows[0]?.n ?? 0)
  const found: Pruned = {
    dispatches: await count(oldDispatches(before)),
    deliveries: await count(oldDeliveries(before)),
    events: (await count(itsEvents(before))) + (await count(otherEvents(before))),
  }
  if (dryRun || found.dispatches + found.deliveries + found.events === 0) return found
  for (const events of [otherEvents(before), itsEvents(before)]) await sql`delete from event where seq in (${events})`.execute(trx)
  for (const table of ['delivery', 'sprint']) await sql`delete from ${sql.table(table)} where id in (${gone(before)})`.execute(trx)
  const touched = sql`select issue from dispatch where id in (${oldDispatches(before)})`
  await sql`update issue set attempts = ${attemptsOf('issue.ref')} where ref in (${touched})`.execute(trx)
  await sql`delete from dispatch where id in (${oldDispatches(before)})`.execute(trx)
  const text = `${found.dispatches} dispatches, ${found.deliveries} other texts and ${found.events} events from before ${new Date(before).toISOString()}`
  await append(trx, [{ kind: 'ledger.pruned', subject: 'ledger', issue: null, worker: null, text }], at)
  return found
}
