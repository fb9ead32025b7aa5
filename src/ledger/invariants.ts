/**
 * The ledger's own rules, as queries for rows that break them. `burn ledger check` runs these queries, and tests run them after every
 * write.
 */
import type { RawBuilder, Transaction } from 'kysely'
import type { Db, Tables } from './tables.ts'
import { sql } from 'kysely'
import { activeStates, deliveryTransitions, dispatchTransitions, liveStates, pastingStates, slotStates } from '../core/lifecycle.ts'
import { tableNames } from './schema.ts'
import { inList } from './sql.ts'

/** Returns an SQL expression: the number of an issue's failed or lost dispatches since it was last requeued. */
export function attemptsOf(issue: string): RawBuilder<number> {
  return sql`(select count(*) from dispatch d join event e on e.subject = d.id and e.kind = 'dispatch.' || d.state
    where d.issue = ${sql.ref(issue)} and d.kind = 'work' and d.state in ('failed', 'lost')
    and e.seq > coalesce((select max(r.seq) from event r where r.subject = ${sql.ref(issue)} and r.kind = 'issue.requeued'), 0))`
}

const live = inList('d.state', liveStates)

/**
 * Rules about live rows. Their queries read no history. Each query returns the broken rows in the column `what`, in SQL that both engines
 * understand.
 */
const liveRules = () => ({
  'each issue has at most one live work dispatch': sql`select d.issue as what from dispatch d where d.kind = 'work' and ${live} group by d.issue having count(*) > 1`,
  'each issue has at most one live council dispatch for each worker': sql`select d.issue || ' ' || d.worker as what from dispatch d where d.kind = 'council' and ${live} group by d.issue, d.worker having count(*) > 1`,
  'each slot of a worker has at most one work dispatch': sql`select d.worker as what from dispatch d where d.kind = 'work' and ${inList('d.state', slotStates)} group by d.worker, d.slot having count(*) > 1`,
  'the composer of a worker has at most one message from burn': sql`select v.worker as what from delivery v where ${inList('v.state', pastingStates)} group by v.worker having count(*) > 1`,
  'the standing of an issue is "taken" if the issue has a live work dispatch, and only then': sql`select i.ref as what from issue i where i.standing = 'taken'
      and not exists (select 1 from dispatch d where d.issue = i.ref and d.kind = 'work' and ${live})
      union all select d.issue from dispatch d join issue i on i.ref = d.issue where d.kind = 'work' and ${live} and (i.standing is null or i.standing <> 'taken')`,
})

/** Rules about history. History never changes, so a broken rule stays broken, and tests need to check these rules only at the end. */
function historyRules() {
  const active = inList('v.state', activeStates)
  const ended = (count: string) => sql`(select count(*) from event e where e.subject = d.id and e.kind = ${sql.lit(count)})`
  return {
    'each dispatch and delivery has a known state': sql`select d.id as what from dispatch d where not ${inList('d.state', Object.keys(dispatchTransitions))}
      union all select v.id from delivery v where not ${inList('v.state', Object.keys(deliveryTransitions))}`,
    'work dispatches have a slot, and council dispatches have none': sql`select d.id as what from dispatch d where (d.kind = 'work') = (d.slot is null)`,
    'a dispatch has a delivery to its worker, or a sprint, but not both': sql`select d.id as what from dispatch d
      left join sprint s on s.id = d.id and s.worker = d.worker and s.issue = d.issue
      where exists (select 1 from delivery v where v.worker = d.worker and v.issue = d.issue
        and ((v.id = d.id and v.kind = d.kind) or (v.dispatch = d.id and v.kind = 'follow_up'))) = (s.id is not null)`,
    'a running sprint has a lease and a live dispatch; an ended sprint has no lease, and its dispatch is neither "claimed" nor "handed"': sql`select s.id as what from sprint s
      left join dispatch d on d.id = s.id where (s.ended_at is null and (s.lease_owner is null or d.id is null or not ${live}))
      or (s.ended_at is not null and (s.lease_owner is not null or s.outcome is null or d.state in ('claimed', 'handed')))`,
    'the delivery of an ended dispatch is not "planned"': sql`select d.id as what from dispatch d join delivery v on v.id = d.id where v.state = 'planned' and not ${live}`,
    'an active delivery has a lease; an ended delivery has no lease and no text': sql`select v.id as what from delivery v
      where (${active} and v.lease_owner is null) or (not ${active} and (v.lease_owner is not null or v.text <> ''))`,
    'only a "seen" delivery has a proof; only an active or "unknown" delivery has a typed line': sql`select v.id as what from delivery v
      where (v.state <> 'seen' and v.proof is not null) or (v.typed is not null and not ${active} and v.state <> 'unknown')`,
    'a dispatch that is "handed" or in "review" has the time when it became "handed"': sql`select d.id as what from dispatch d where d.state in ('handed', 'review') and d.handed_at is null`,
    'the ledger has an event for the current state of each dispatch and delivery': sql`select d.id as what from dispatch d where ${ended('dispatch.claimed')} <> 1
      or not exists (select 1 from event e where e.subject = d.id and e.kind = 'dispatch.' || d.state)
      union all select v.id from delivery v where not exists (select 1 from event e where e.subject = v.id and e.kind = 'delivery.' || v.state)`,
    'burn placed each message at most once': sql`select e.subject as what from event e where e.kind = 'delivery.placing' group by e.subject having count(*) > 1`,
    'the row of an issue names one of its open changes, if there is one': sql`select i.ref as what from issue i
      where i.open_change is distinct from (select min(o.name) from open_change o where o.issue = i.ref)`,
    'an issue that is done has a work dispatch that is "done"': sql`select i.ref as what from issue i where i.done = 1
      and not exists (select 1 from dispatch d where d.issue = i.ref and d.kind = 'work' and d.state = 'done')`,
    'each span and each row of usage has its group': sql`select cast(s.id as text) as what from span s
      where not exists (select 1 from span_group g where g.id = s.group_id)
      union all select cast(u.id as text) from usage u where not exists (select 1 from usage_group g where g.id = u.group_id)`,
    'the attempts of an issue are the number of its failed and lost dispatches since it was last requeued': sql`select i.ref as what from issue i where i.attempts <> ${attemptsOf('i.ref')}`,
  }
}

/** Returns the broken rules, each with up to five of the rows that break it. Empty if all rules hold. One statement checks all rules. */
export async function brokenInvariants(db: Db | Transaction<Tables>, of: 'all' | 'live' = 'all'): Promise<string[]> {
  const rules = Object.entries(of === 'live' ? liveRules() : { ...liveRules(), ...historyRules() })
  const queries = rules.map(([, query], rule) => {
    return sql`select * from (select ${sql.lit(rule)} as rule, what from (${query}) as broken limit 5) as rows_of_rule`
  })
  const { rows } = await sql<{ rule: number; what: string }>`${sql.join(queries, sql` union all `)}`.execute(db)
  return rules.flatMap(([rule], index) => {
    const found = rows.filter((row) => row.rule === index).map(({ what }) => what)
    return found.length === 0 ? [] : [`${rule}: ${found.join(', ')}`]
  })
}

/** Returns the number of rows of each table, without `meta`. */
export async function rowCounts(trx: Transaction<Tables>): Promise<Record<string, number>> {
  const counted = tableNames.filter((name) => name !== 'meta')
  const counts = counted.map((name) => sql`(select count(*) from ${sql.table(name)}) as ${sql.ref(name)}`)
  const { rows } = await sql<Record<string, number>>`select ${sql.join(counts)}`.execute(trx)
  return Object.fromEntries(counted.map((name) => [name, Number(rows[0]?.[name])]))
}
