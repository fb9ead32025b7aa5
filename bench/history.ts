/** Writes a long history to a ledger with set-based SQL, because the store would take hours. */
import type { Engine } from '../src/ledger/engine.ts'
import { sql } from 'kysely'

/** Writes dispatches with the deliveries and events that the ledger's rules require. Each issue has a lost dispatch and a done dispatch. */
export async function writeHistory(engine: Engine, dispatches: number, workers: number): Promise<void> {
  const each = sql`with recursive n(i) as (select 0 union all select i + 1 from n where i < ${sql.lit(dispatches - 1)}),
    d(i, id, issue, worker, state, attempt) as (select i, 'h' || cast(100000000000 + i as text), 'o/r#' || cast(i / 2 as text),
      'm0/W/N' || cast(i % ${sql.lit(workers)} as text), case i % 2 when 0 then 'lost' else 'done' end, i % 2 + 1 from n)`
  await engine.write(async (trx) => {
    // Turn off foreign-key checks: the references are valid, and checking them takes longer than writing the rows.
    if (engine.serial === 'bigserial') await sql`set local session_replication_role = replica; set local statement_timeout = 0`.execute(trx)
    await sql`insert into issue (ref, repo, number, title, body, labels, assignees, author, state, created_at, updated_at, comments, url, attempts, done)
      ${each} select issue, 'o/r', i / 2, 'title', 'body', '[]', '[]', 'ann', 'closed', i, i, 0, 'http://forge/', 1, 1 from d where i % 2 = 1`.execute(
      trx,
    )
    await sql`insert into dispatch (id, kind, issue, worker, slot, state, attempt, reason, state_reason, incarnation, claimed_at, handed_at, changed_at)
      ${each} select id, 'work', issue, worker, 0, state, attempt, 'its home repo', 'its change was merged', '1.%1.9', i, i, i from d`.execute(
      trx,
    )
    await sql`insert into delivery (id, kind, issue, worker, state, text, incarnation, evidence, presses, planned_at, changed_at, lease_token, lease_until)
      ${each} select id, 'work', issue, worker, 'seen', '', '1.%1.9', 'its id shows', 1, i, i, 1, 0 from d`.execute(trx)
    await sql`insert into event (at, kind, subject, issue, worker, actor, payload)
      ${each}, k(nr, kind) as (values (1, 'dispatch.claimed'), (2, 'delivery.planned'), (3, 'delivery.placing'), (4, 'delivery.seen'), (5, 'dispatch.handed'),
        (6, 'dispatch.'))
      select i, case nr when 6 then kind || state else kind end, id, issue, worker, 'burn', '{"reason":{"code":"queued"}}' from d cross join k order by i, nr`.execute(
      trx,
    )
  })
}
