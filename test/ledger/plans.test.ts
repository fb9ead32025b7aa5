/** Query plans: no statement of a cycle reads the whole history. */
import type { KyselyPlugin, RootOperationNode, Transaction } from 'kysely'
import type { Tables } from '../../src/ledger/tables.ts'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CompiledQuery } from 'kysely'
import { claim } from '../../src/ledger/claims.ts'
import { events } from '../../src/ledger/history.ts'
import { renewLeases, takeOverDeliveries } from '../../src/ledger/jobs.ts'
import { moveDeliveries, moveDispatches } from '../../src/ledger/moves.ts'
import { openEngine } from '../../src/ledger/open.ts'
import { deliveryView, deliveries, dispatches, cycleView, pendingComments, view } from '../../src/ledger/queries.ts'
import { affectedWork, saveOpenChanges } from '../../src/ledger/open-changes.ts'
import { backoffs } from '../../src/ledger/backoffs.ts'
import { spans } from '../../src/ledger/telemetry.ts'
import { usageSince } from '../../src/ledger/usage.ts'
import { backlog, candidates } from '../../src/ledger/verdicts.ts'
import { knownAgents } from '../../src/ledger/workers.ts'
import { createStore } from '../../src/ledger/store.ts'
import { claimOf, furnish, idOf, workers } from './fixtures.ts'
import { because } from '../support/reasons.ts'

/** Returns SQLite's query plans for the statements of `work`. */
async function plansOf(work: (trx: Transaction<Tables>) => Promise<unknown>): Promise<string[]> {
  const engine = await openEngine('sqlite::memory:', { random: Math.random })
  await furnish(createStore(engine))
  const made: RootOperationNode[] = []
  const watch: KyselyPlugin = {
    transformQuery: ({ node }) => (made.push(node), node),
    transformResult: async ({ result }) => result,
  }
  const written: CompiledQuery[] = []
  await engine.write((trx) => {
    const watched = trx.withPlugin(watch)
    const run = watched.executeQuery.bind(watched)
    return work(Object.assign(watched, { executeQuery: <R>(query: CompiledQuery<R>) => (written.push(query), run(query)) }))
  })
  const executor = engine.db.getExecutor()
  const plans: string[] = []
  const compiled = made.map((node, index) => executor.compileQuery(node, { queryId: String(index) }))
  for (const { sql, parameters } of [...compiled, ...written]) {
    const { rows } = await engine.db.executeQuery<{ detail: string }>(CompiledQuery.raw(`explain query plan ${sql}`, [...parameters]))
    plans.push(...rows.map(({ detail }) => `${detail}   <- ${sql.slice(0, 200)}`))
  }
  await engine.close()
  return plans
}

describe('statements of every cycle', () => {
  it('query plans: reach every growing table through an index', async () => {
    const plans = await plansOf(async (trx) => {
      await claim(trx, [claimOf(1)], { owner: 'a', until: 100 }, 10)
      await moveDeliveries(trx, [{ id: idOf(1), token: 1, from: 'planned', to: 'placing', evidence: because('') }], 'a', 11)
      await moveDeliveries(trx, [{ id: idOf(1), token: 1, from: 'placing', to: 'seen', evidence: because('') }], 'a', 12)
      await moveDispatches(trx, [{ id: idOf(1), from: ['handed', 'review'], to: 'done', reason: because('') }], 13)
      await claim(trx, [claimOf(2, { issue: 'o/r#2', slot: 1 })], { owner: 'a', until: 100 }, 10)
      await moveDispatches(trx, [{ id: idOf(2), from: ['claimed'], to: 'handed', reason: because('') }], 12)
      await moveDispatches(trx, [{ id: idOf(2), from: ['handed'], to: 'lost', reason: because('') }], 13)
      await renewLeases(trx, { owner: 'a', until: 200 })
      await takeOverDeliveries(trx, { owner: 'a', until: 200 }, 14)
      await view(trx)
      await cycleView(trx)
      await spans(trx, { kind: 'worker', since: 10 })
      await usageSince(trx, { since: 0, issues: ['o/r#1'] })
      await affectedWork(trx, { ids: [idOf(1)], issues: ['o/r#1'], urls: ['u'] })
      await saveOpenChanges(trx, [{ repo: 'o/r', changes: [], complete: true }])
      await deliveryView(trx, 'a')
      await knownAgents(trx)
      await pendingComments(trx, 'a')
      await backoffs(trx, 15)
      await backlog(trx)
      await candidates(trx, new Map([['o/r', 3]]), ['o/r#1'])
      await dispatches(trx, { issue: 'o/r#1', limit: 9 })
      await deliveries(trx, { worker: workers[0], kind: 'identity', limit: 1 })
      for (const filter of [{ issue: 'o/r#1' }, { worker: workers[0] }, { subject: idOf(1) }])
        await events(trx, filter, { overlaps: false })
    })
    assert.ok(plans.length > 20 && plans.some((plan) => plan.includes('update dispatch set')))
    const bounded = 'SCAN delivery USING INDEX sqlite_autoindex_delivery_1   <- select "worker", "state", "evidence", "changed_at"'
    const scans = plans.filter((plan) => /^SCAN (?:issue|dispatch|delivery|event|span|usage)\b/.test(plan) && !plan.startsWith(bounded))
    const overHistory = scans.filter(
      (plan) =>
        !/USING (?:COVERING )?INDEX (?:dispatch_live|dispatch_pending_comment|delivery_active|delivery_unproven|issue_standing|issue_closed_at_work|issue_pending_event|dispatch_one_asked)\b/.test(
          plan,
        ),
    )
    assert.deepEqual(overHistory, [])
    assert.deepEqual(
      plans.filter((plan) => plan.includes('TEMP B-TREE') && plan.includes("'queued'")),
      [],
      'the index has each queue in its order',
    )
  })
})
