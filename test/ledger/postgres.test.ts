/** The conformance suite on a local PostgreSQL server, and tests of locks, cursors and notifications. */
import type { Opened } from './fixtures.ts'
import assert from 'node:assert/strict'
import { after, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { claim, lockedRows } from '../../src/ledger/claims.ts'
import { openEngine, openLedger } from '../../src/ledger/open.ts'
import { createStore } from '../../src/ledger/store.ts'
import { sharedPostgres } from '../support/postgres.ts'
import { conformance } from './conformance.ts'
import { batchOf } from './batches.ts'
import { claimOf, furnish, holdWorker, idOf, withCode, workers } from './fixtures.ts'
import { emptyTables } from './emptying.ts'
import { copying, files } from './keeping.ts'
import { furnished, processes, start } from './processes.ts'
import { schemas } from './schema.ts'
import { sequences } from './sequences.ts'
import { because } from '../support/reasons.ts'

/** Opens a ledger that waits only briefly for locks. */
async function impatient(url: string) {
  const engine = await openEngine(url, { random: Math.random, tries: 3 })
  return { engine, ledger: createStore(engine) }
}

/** Tells whether slow tests run, too (npm run postgres). They always run on SQLite. */
const whole = process.env['BURN_POSTGRES'] === 'all'

const server = await sharedPostgres()

if (server === null)
  it('PostgreSQL: is not installed', { skip: 'no PostgreSQL came with the node modules, and none is installed' }, () => {})
else {
  // The ledger is emptied after each test: creating a new one each time is slow.
  const shared = await server.fresh()
  const engine = await openEngine(shared, { random: Math.random })
  after(() => engine.close())
  const open = async (): Promise<Opened> => {
    return { engine, ledger: createStore(engine), [Symbol.asyncDispose]: () => emptyTables(engine) }
  }
  conformance(`PostgreSQL ${server.version}`, open, whole)
  sequences(`PostgreSQL ${server.version}`, open, whole ? 40 : 1)
  const fresh = files(after)
  schemas(`PostgreSQL ${server.version}`, server.fresh)
  copying(`from a file to PostgreSQL ${server.version}`, { from: fresh, to: server.fresh })
  if (whole) copying(`from PostgreSQL ${server.version} to a file`, { from: server.fresh, to: fresh })
  if (whole) processes(`PostgreSQL ${server.version}`, async () => ({ url: await server.fresh(), [Symbol.asyncDispose]: async () => {} }))

  it('locks: claims wait only for the same workers or issues', async () => {
    await using shared = await furnished({ url: await server.fresh(), [Symbol.asyncDispose]: async () => {} })
    await using child = await start(shared.url, 'a', 'stuck')
    assert.equal(await child.line(), 'inside')
    const { ledger: other, engine } = await impatient(shared.url)
    assert.equal((await other.claim(batchOf('b', 1, 25, 500), 'b', 1000, 10)).length, 25)
    const [first] = batchOf('c', 0, 25, 500)
    const elsewhere = { worker: 'm/W/N90', slot: 9, issue: 'o/r#400' }
    for (const claims of [[{ ...first!, ...elsewhere, issue: first!.issue }], [{ ...first!, ...elsewhere, worker: first!.worker }]])
      await assert.rejects(other.claim(claims, 'c', 1000, 10), withCode('ledger_busy'))
    await assert.rejects(holdWorker(other, 'm/W/N0', 'looking', 11), withCode('ledger_busy'))
    await assert.rejects(other.requeue('o/r#499', 11), withCode('ledger_busy'))
    await assert.rejects(
      other.moveDispatches([{ id: 'b-25', from: ['claimed'], to: 'released', reason: because('') }], 11),
      withCode('ledger_busy'),
    )
    await engine.close()
  })

  it('cursor: misses no event of overlapping transactions', async () => {
    await using opened = await open()
    const [first, second] = [opened.engine, await openEngine(shared, { random: Math.random })]
    const reader = createStore(second)
    await furnish(reader)
    const start = await reader.horizon()
    const kindsAfter = async (cursor: string) => {
      const events = await reader.events({ after: cursor })
      return { subjects: events.map(({ subject }) => subject), cursor: events.at(-1)?.cursor ?? cursor }
    }
    const written = Promise.withResolvers<void>()
    const proceed = Promise.withResolvers<void>()
    const claims = (count: number) => [claimOf(count, { issue: `o/r#${count}`, worker: workers[count]! })]
    const slow = first.write(
      async (trx) => {
        await claim(trx, claims(1), { owner: 'a', until: 100 }, 10)
        written.resolve()
        await proceed.promise
      },
      { locks: lockedRows(claims(1)) },
    )
    await written.promise
    // The second transaction gets higher event numbers than the first, and commits before it.
    await second.write((trx) => claim(trx, claims(2), { owner: 'b', until: 100 }, 11), { locks: lockedRows(claims(2)) })
    assert.equal((await reader.events({ subject: idOf(2) })).length, 2, 'the events are committed')
    const early = await kindsAfter(start)
    assert.deepEqual(early.subjects, [], 'the cursor stops before them, because the first transaction is open')
    proceed.resolve()
    await slow
    const late = await kindsAfter(early.cursor)
    assert.deepEqual(late.subjects, [idOf(1), idOf(1), idOf(2), idOf(2)])
    assert.deepEqual((await kindsAfter(late.cursor)).subjects, [])
    await second.close()
  })

  it('deadlocks: none happened in all these tests', async () => {
    const { rows } = await sql<{ deadlocks: number }>`select deadlocks from pg_stat_database where datname = current_database()`.execute(
      engine.db,
    )
    assert.deepEqual(rows, [{ deadlocks: 0 }])
  })

  it('notifications: arrive when another process frees something', async () => {
    await using opened = await open()
    assert.ok(opened)
    const [waiting, other, elsewhere] = await Promise.all(
      [shared, shared, await server.fresh()].map((at) => openLedger(at, { random: Math.random })),
    )
    for (const ledger of [waiting!, elsewhere!]) await furnish(ledger)
    const isNotified = async (write: () => Promise<unknown>) => {
      const stop = AbortSignal.timeout(1000)
      const changed = waiting!.waitForChange(stop)
      // The first call opens a connection.
      await sleep(300)
      await write()
      await changed
      return !stop.aborted
    }
    assert.equal(await isNotified(() => waiting!.requeue('o/r#1', 10)), false)
    assert.equal(await isNotified(() => elsewhere!.requeue('o/r#1', 10)), false)
    assert.equal(await isNotified(() => other!.claim([claimOf(1)], 'a', 100, 10)), false)
    assert.equal(await isNotified(() => other!.requeue('o/r#1', 10)), false, 'the issue is live')
    const release = () => other!.moveDispatches([{ id: idOf(1), from: ['claimed'], to: 'released', reason: because('by hand') }], 11)
    assert.equal(await isNotified(() => holdWorker(other!, workers[0], 'mine', 11)), false)
    for (const write of [release, () => other!.requeue('o/r#1', 12), () => holdWorker(other!, workers[0], null, 13)])
      assert.equal(await isNotified(write), true)
    assert.equal(await isNotified(() => holdWorker(other!, workers[0], null, 14)), false, 'the worker is not held')
    await other!.requeue('o/r#2', 15)
    await sleep(300)
    assert.equal(await isNotified(async () => {}), true, 'a notification before the call counts')
    for (const ledger of [waiting!, other!, elsewhere!]) await ledger.close()
  })

  it('where: has no password', async () => {
    const url = new URL(shared)
    url.password = 'hunter2'
    const engine = await openEngine(url.toString(), { random: Math.random })
    assert.ok(!engine.where.includes('hunter2'))
    await engine.close()
  })

  it('open: reports a missing database and a missing server', async () => {
    const url = new URL(shared)
    url.pathname = '/nothing'
    await assert.rejects(openEngine(url.toString(), { random: Math.random }), withCode('ledger_open'))
    url.port = '1'
    await assert.rejects(openEngine(url.toString(), { random: Math.random }), withCode('ledger_unreachable'))
  })

  after(() => server.stop())
}
