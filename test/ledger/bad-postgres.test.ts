/** Failures of a PostgreSQL server and of its connection: the error has a code and a hint, and no write is half done. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { sql } from 'kysely'
import { BurnError } from '../../src/core/errors.ts'
import { once } from '../../src/core/memo.ts'
import { brokenInvariants } from '../../src/ledger/invariants.ts'
import { openEngine, openLedger } from '../../src/ledger/open.ts'
import { createStore } from '../../src/ledger/store.ts'
import { mounted } from '../support/mount.ts'
import { startPostgres } from '../support/postgres.ts'
import { serverOfVersion, startProxy } from '../support/faulty-proxy.ts'
import { tableNames } from '../../src/ledger/schema.ts'
import { emptyTables } from './emptying.ts'
import { claimOf, furnish, idOf, issueOf } from './fixtures.ts'

const wait = { random: Math.random }
const server = await startPostgres()
after(() => server?.stop())
const skip = server === null ? 'no PostgreSQL came with the node modules, and none is installed' : false

/** Opens a ledger with workers and issues. */
async function furnished(url: string, more: { readonly silent?: number } = {}) {
  const engine = await openEngine(url, { ...wait, tries: 5, ...more })
  const ledger = createStore(engine)
  await furnish(ledger)
  return { engine, ledger, [Symbol.asyncDispose]: () => engine.close() }
}

const fresh = async () => server!.fresh()
const shared = once(fresh)

/** Returns the URL of the ledger that the tests share, without rows. */
async function emptied(): Promise<string> {
  const engine = await openEngine(await shared(), wait)
  await emptyTables(engine)
  await engine.close()
  return shared()
}

const withSetting = (url: string, setting: string) => `${url}${url.includes('?') ? '&' : '?'}${setting}`
const safe = /^(?:Nothing was (?:written|changed)|The failed transaction wrote nothing)/

/** Asserts that the outcome is a BurnError with this code, whose hint says what is safe. Returns the error. */
async function failsWith(code: string, outcome: Promise<unknown>, hint = safe): Promise<BurnError> {
  const thrown: unknown = await outcome.then(
    () => null,
    (reason: unknown) => reason,
  )
  assert.ok(thrown instanceof BurnError, String(thrown))
  assert.deepEqual([thrown.code, thrown.exit], [code, 1], thrown.message)
  assert.match(thrown.message, /^the ledger postgres:\/\/|^postgres:\/\//)
  assert.match(thrown.hint, hint)
  assert.ok(thrown.hint.length > 60, 'the hint also says what to do')
  return thrown
}

describe('a PostgreSQL ledger', { skip }, () => {
  it('open: refuses a ledger of a newer burn or another program', async () => {
    const [newer, other] = [await fresh(), await fresh()]
    await using written = await furnished(newer)
    await sql`update meta set value = '999' where key = 'version'`.execute(written.engine.db)
    await failsWith('ledger_newer', openLedger(newer, wait))
    await using beside = await furnished(await emptied())
    await sql`create table ${sql.table(`${new URL(other).searchParams.get('options')?.split('=')[1]}.cookies`)} (name text)`.execute(
      beside.engine.db,
    )
    await failsWith('ledger_foreign', openLedger(other, wait))
  })

  it('open: refuses a server that is too old', async () => {
    await using old = await serverOfVersion('90624')
    const { message } = await failsWith('ledger_old', openLedger(old.url, wait))
    assert.match(message, /PostgreSQL 9\b/)
    await using young = await serverOfVersion('100000')
    await assert.rejects(openLedger(young.url, wait), (thrown: BurnError) => thrown.code !== 'ledger_old')
  })

  it('open: refuses unknown users and missing permissions', async () => {
    const url = await emptied()
    await using own = await furnished(url)
    const as = (user: string) => url.replace('//burn@', `//${user}@`)
    await failsWith('ledger_auth', openLedger(as('nobody'), wait), /~\/\.pgpass/)
    await sql`create role poor login`.execute(own.engine.db)
    await failsWith('ledger_readonly', openLedger(as('poor'), wait))
    const reader = await openLedger(url.replace('options=', 'options=-cdefault_transaction_read_only%3Don%20'), wait)
    assert.equal((await reader.openIssues()).length, 4)
    await failsWith('ledger_readonly', reader.claim([claimOf(1)], 'a', 100, 10))
    await reader.close()
  })

  it('check: refreshes the planner statistics before it joins all rows', async () => {
    await using own = await furnished(await emptied())
    const known = async () => {
      const { rows } = await sql<{ rows: number }>`select reltuples as rows from pg_class where oid = 'issue'::regclass`.execute(
        own.engine.db,
      )
      return rows[0]?.rows
    }
    await sql`analyze issue`.execute(own.engine.db)
    await own.ledger.saveIssues([{ repo: 'o/r', issues: [issueOf(100)], cursor: 'c2', complete: false }], 20)
    assert.equal(await known(), 4)
    await own.ledger.check()
    assert.equal(await known(), 5)
  })

  it('timeouts: end the wait for a lock and a slow statement', async () => {
    const url = await emptied()
    await using own = await furnished(url)
    await using other = await furnished(withSetting(url, 'statement_timeout=300'))
    await other.engine.db.transaction().execute(async (trx) => {
      await sql`lock table issue in access exclusive mode`.execute(trx)
      await failsWith('ledger_busy', own.ledger.openIssues())
      await failsWith('ledger_busy', own.ledger.claim([claimOf(1)], 'a', 100, 10))
    })
    assert.equal((await own.ledger.claim([claimOf(1)], 'a', 100, 10)).length, 1)
    const slow = other.engine.write(async (trx) => {
      await trx.insertInto('meta').values({ key: 'kept.half', value: '1' }).execute()
      await sql`select pg_sleep(20)`.execute(trx)
    })
    await failsWith('ledger_slow', slow)
    assert.equal(await own.ledger.loadValue('half'), null)
  })

  it('full disk: is reported, and writes work again after it', async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'burn-full-'))
    t.after(() => rmSync(dir, { recursive: true, force: true }))
    if (!mounted(dir, ['-t', 'tmpfs', '-o', 'size=2m,mode=0777', 'tmpfs', dir])) return t.skip('no small file system can be mounted here')
    try {
      chownSync(dir, 65534, 65534)
      const url = await fresh()
      await using ordinary = await furnished(await emptied())
      await sql`create tablespace small location ${sql.lit(dir)}`.execute(ordinary.engine.db)
      {
        await using own = await furnished(url.replace('options=', 'options=-cdefault_tablespace%3Dsmall%20'))
        // The text is random, because PostgreSQL would compress a repeated one.
        const body = () => Array.from({ length: 40_000 }, () => Math.random().toString(36).slice(2, 12)).join('')
        const large = Array.from({ length: 10 }, (_, index) => issueOf(100 + index, { body: body() }))
        await failsWith('ledger_full', own.ledger.saveIssues([{ repo: 'o/r', issues: large, cursor: 'c2', complete: false }], 20))
        assert.deepEqual([(await own.ledger.openIssues()).length, (await own.ledger.view()).repos[0]?.cursor], [4, 'c1'])
        assert.equal(spawnSync('mount', ['-o', 'remount,size=20m', dir]).status, 0)
        assert.equal((await own.ledger.claim([claimOf(1)], 'a', 100, 10)).length, 1)
        await own.ledger.check()
        await sql`drop table ${sql.join(tableNames.map((name) => sql.table(name)))} cascade`.execute(own.engine.db)
      }
      await sql`drop tablespace small`.execute(ordinary.engine.db)
    } finally {
      spawnSync('umount', ['-l', dir])
    }
  })
})

describe('a connection to a PostgreSQL ledger', { skip }, () => {
  it('ended connection: the write is rolled back, the next one works', async () => {
    const url = await emptied()
    await using own = await furnished(url)
    await using other = await furnished(url)
    const cut = own.engine.write(async (trx) => {
      await trx.insertInto('meta').values({ key: 'kept.half', value: '1' }).execute()
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(trx)
      await sql`select pg_terminate_backend(${rows[0]?.pid})`.execute(other.engine.db)
      await sql`select 1`.execute(trx)
    })
    await failsWith('ledger_unreachable', cut)
    assert.equal(await own.ledger.loadValue('half'), null)
    assert.equal((await own.ledger.claim([claimOf(1)], 'a', 100, 10)).length, 1)
  })

  it('lost commit: a claim is complete or absent, with its lease', async () => {
    const direct = await emptied()
    await using beside = await furnished(direct)
    await using wire = await startProxy(direct)
    await using own = await furnished(wire.url)
    const either = /^The transaction was saved completely or not at all, and burn does not know which of the two\. The next cycle/
    for (const [weather, live] of [
      ['lose commits', 0],
      ['lose answers', 1],
    ] as const) {
      wire.fault = weather
      await failsWith('ledger_unreachable', own.ledger.claim([claimOf(1)], 'a', 100, 10), either)
      wire.fault = 'fair'
      const { dispatches, deliveries } = await own.ledger.view()
      assert.equal(dispatches.length, live)
      assert.deepEqual(
        deliveries.map(({ id, state, lease_owner }) => [id, state, lease_owner]),
        live === 0 ? [] : [[idOf(1), 'planned', 'a']],
      )
      assert.deepEqual(await brokenInvariants(beside.engine.db), [])
    }
    assert.deepEqual(await own.ledger.claim([claimOf(2)], 'a', 100, 11), [], 'the issue is claimed only once')
  })

  it('silent connection: is closed, and a new one works', async () => {
    await using wire = await startProxy(await emptied())
    await using own = await furnished(wire.url, { silent: 400 })
    wire.fault = 'silent'
    await failsWith('ledger_unreachable', own.ledger.claim([claimOf(1)], 'a', 100, 10))
    wire.fault = 'fair'
    assert.equal((await own.ledger.claim([claimOf(1)], 'a', 100, 10)).length, 1)
  })

  it('silent server: opening the ledger fails after a timeout', { timeout: 30_000 }, async () => {
    await using wire = await startProxy(await fresh())
    wire.fault = 'silent'
    await failsWith('ledger_unreachable', openLedger(wire.url, wait))
  })

  it('lost notifications: the next wait opens a new connection', async () => {
    const url = await emptied()
    await using own = await furnished(url)
    await using other = await furnished(url)
    const isNotified = async (during: () => Promise<unknown>) => {
      const stop = AbortSignal.timeout(1500)
      const changed = own.ledger.waitForChange(stop)
      setTimeout(() => void during(), 500)
      await changed
      return !stop.aborted
    }
    const hangUp = () =>
      sql`select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'listen%' or query like '%current_schema() as schema'`.execute(
        other.engine.db,
      )
    assert.equal(await isNotified(hangUp), false)
    assert.equal(await isNotified(() => other.ledger.requeue('o/r#1', 10)), true)
  })

  it('stopped server: is reported, and nothing hangs', async () => {
    await using own = await furnished(await emptied())
    const changed = own.ledger.waitForChange(AbortSignal.timeout(2000))
    await server!.stop()
    await failsWith('ledger_unreachable', own.ledger.view())
    await failsWith('ledger_unreachable', own.ledger.claim([claimOf(1)], 'a', 100, 10))
    await changed
  })
})
