/** What goes wrong with a server and on the way to it: said with a code, what is safe and what to do, and nothing is half-written. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { sql } from 'kysely'
import { BurnError } from '../../src/core/errors.ts'
import { brokenInvariants } from '../../src/ledger/invariants.ts'
import { openEngine, openLedger } from '../../src/ledger/open.ts'
import { createStore } from '../../src/ledger/store.ts'
import { mounted } from '../support/mount.ts'
import { startPostgres } from '../support/postgres.ts'
import { serverOfVersion, startProxy } from '../support/faulty-proxy.ts'
import { claimOf, furnish, idOf, issueOf } from './fixtures.ts'

const wait = { random: Math.random }
const server = await startPostgres()
after(() => server?.stop())
const skip = server === null ? 'no PostgreSQL came with the node modules, and none is installed' : false

/** A furnished ledger, its tables, and another connection to them. */
async function furnished(url: string, more: { readonly silent?: number } = {}) {
  const engine = await openEngine(url, { ...wait, tries: 5, ...more })
  const ledger = createStore(engine)
  await furnish(ledger)
  return { engine, ledger, [Symbol.asyncDispose]: () => engine.close() }
}

const fresh = async () => server!.fresh()
const withSetting = (url: string, setting: string) => `${url}${url.includes('?') ? '&' : '?'}${setting}`
const safe = /^(?:Nothing was (?:written|changed)|This step wrote nothing)/

/** It must be an error for people, with what is safe in the hint; returns it. */
async function says(code: string, outcome: Promise<unknown>, hint = safe): Promise<BurnError> {
  const thrown: unknown = await outcome.then(
    () => null,
    (reason: unknown) => reason,
  )
  assert.ok(thrown instanceof BurnError, String(thrown))
  assert.deepEqual([thrown.code, thrown.exit], [code, 1], thrown.message)
  assert.match(thrown.message, /^the ledger postgres:\/\/|^postgres:\/\//)
  assert.match(thrown.hint, hint)
  assert.ok(thrown.hint.length > 60, 'and what to do')
  return thrown
}

describe('a PostgreSQL ledger', { skip }, () => {
  it('is refused where a newer burn wrote it, or another program', async () => {
    const [newer, other] = [await fresh(), await fresh()]
    await using written = await furnished(newer)
    await sql`update meta set value = '999' where key = 'version'`.execute(written.engine.db)
    await says('ledger_newer', openLedger(newer, wait))
    await using beside = await furnished(await fresh())
    await sql`create table ${sql.table(`${new URL(other).searchParams.get('options')?.split('=')[1]}.cookies`)} (name text)`.execute(
      beside.engine.db,
    )
    await says('ledger_foreign', openLedger(other, wait))
  })

  it('is refused on a server that is too old', async () => {
    await using old = await serverOfVersion('90624')
    const { message } = await says('ledger_old', openLedger(old.url, wait))
    assert.match(message, /PostgreSQL 9\b/)
    await using young = await serverOfVersion('100000')
    await assert.rejects(openLedger(young.url, wait), (thrown: BurnError) => thrown.code !== 'ledger_old')
  })

  it('is refused to a user that is not there, may not read it, or may only read it', async () => {
    const url = await fresh()
    await using own = await furnished(url)
    const as = (user: string) => url.replace('//burn@', `//${user}@`)
    await says('ledger_auth', openLedger(as('nobody'), wait), /~\/\.pgpass/)
    await sql`create role poor login`.execute(own.engine.db)
    await says('ledger_readonly', openLedger(as('poor'), wait))
    const reader = await openLedger(url.replace('options=', 'options=-cdefault_transaction_read_only%3Don%20'), wait)
    assert.equal((await reader.openIssues()).length, 4)
    await says('ledger_readonly', reader.claim([claimOf(1)], 'a', 100, 10))
    await reader.close()
  })

  it('check: refreshes the planner statistics before it joins all rows', async () => {
    await using own = await furnished(await fresh())
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

  it('waits only so long where a person has locked it, or a statement takes for ever', async () => {
    const url = await fresh()
    await using own = await furnished(url)
    await using other = await furnished(withSetting(url, 'statement_timeout=300'))
    await other.engine.db.transaction().execute(async (trx) => {
      await sql`lock table issue in access exclusive mode`.execute(trx)
      await says('ledger_busy', own.ledger.openIssues())
      await says('ledger_busy', own.ledger.claim([claimOf(1)], 'a', 100, 10))
    })
    assert.equal((await own.ledger.claim([claimOf(1)], 'a', 100, 10)).length, 1)
    const slow = other.engine.write(async (trx) => {
      await trx.insertInto('meta').values({ key: 'kept.half', value: '1' }).execute()
      await sql`select pg_sleep(20)`.execute(trx)
    })
    await says('ledger_slow', slow)
    assert.equal(await own.ledger.loadValue('half'), null)
  })

  it('says so where its disk is full, keeps what it had, and goes on when there is room', async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'burn-full-'))
    t.after(() => rmSync(dir, { recursive: true, force: true }))
    if (!mounted(dir, ['-t', 'tmpfs', '-o', 'size=2m,mode=0777', 'tmpfs', dir])) return t.skip('no small file system can be mounted here')
    try {
      chownSync(dir, 65534, 65534)
      const url = await fresh()
      await using ordinary = await furnished(await fresh())
      await sql`create tablespace small location ${sql.lit(dir)}`.execute(ordinary.engine.db)
      {
        await using own = await furnished(url.replace('options=', 'options=-cdefault_tablespace%3Dsmall%20'))
        // Compressed it would be a few kilobytes.
        const body = () => Array.from({ length: 40_000 }, () => Math.random().toString(36).slice(2, 12)).join('')
        const large = Array.from({ length: 10 }, (_, index) => issueOf(100 + index, { body: body() }))
        await says('ledger_full', own.ledger.saveIssues([{ repo: 'o/r', issues: large, cursor: 'c2', complete: false }], 20))
        assert.deepEqual([(await own.ledger.openIssues()).length, (await own.ledger.view()).repos[0]?.cursor], [4, 'c1'])
        assert.equal(spawnSync('mount', ['-o', 'remount,size=20m', dir]).status, 0)
        assert.equal((await own.ledger.claim([claimOf(1)], 'a', 100, 10)).length, 1)
        await own.ledger.check()
        await sql`drop table event, delivery, dispatch, worker, issue, repo, sprint, hold, job, skip, open_change, meta`.execute(
          own.engine.db,
        )
      }
      await sql`drop tablespace small`.execute(ordinary.engine.db)
    } finally {
      spawnSync('umount', ['-l', dir])
    }
  })
})

describe('a connection to a PostgreSQL ledger', { skip }, () => {
  it('that is ended in the middle of a write leaves nothing of it, and the next write finds another', async () => {
    const url = await fresh()
    await using own = await furnished(url)
    await using other = await furnished(url)
    const cut = own.engine.write(async (trx) => {
      await trx.insertInto('meta').values({ key: 'kept.half', value: '1' }).execute()
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(trx)
      await sql`select pg_terminate_backend(${rows[0]?.pid})`.execute(other.engine.db)
      await sql`select 1`.execute(trx)
    })
    await says('ledger_unreachable', cut)
    assert.equal(await own.ledger.loadValue('half'), null)
    assert.equal((await own.ledger.claim([claimOf(1)], 'a', 100, 10)).length, 1)
  })

  it('that is lost as a claim is committed: it counts whole or not at all, and whoever claimed finds it as its own', async () => {
    const direct = await fresh()
    await using beside = await furnished(direct)
    await using wire = await startProxy(direct)
    await using own = await furnished(wire.url)
    const either = /^This step wrote everything or nothing\. The next cycle/
    for (const [weather, live] of [
      ['lose commits', 0],
      ['lose answers', 1],
    ] as const) {
      wire.fault = weather
      await says('ledger_unreachable', own.ledger.claim([claimOf(1)], 'a', 100, 10), either)
      wire.fault = 'fair'
      const { dispatches, deliveries } = await own.ledger.view()
      assert.equal(dispatches.length, live)
      assert.deepEqual(
        deliveries.map(({ id, state, lease_owner }) => [id, state, lease_owner]),
        live === 0 ? [] : [[idOf(1), 'planned', 'a']],
      )
      assert.deepEqual(await brokenInvariants(beside.engine.db), [])
    }
    assert.deepEqual(await own.ledger.claim([claimOf(2)], 'a', 100, 11), [], 'and nobody gets it again')
  })

  it('that falls silent is given up, and works again when it is back', async () => {
    await using wire = await startProxy(await fresh())
    await using own = await furnished(wire.url, { silent: 400 })
    wire.fault = 'silent'
    await says('ledger_unreachable', own.ledger.claim([claimOf(1)], 'a', 100, 10))
    wire.fault = 'fair'
    assert.equal((await own.ledger.claim([claimOf(1)], 'a', 100, 10)).length, 1)
  })

  it('to a server that accepts it and never answers is given up', { timeout: 30_000 }, async () => {
    await using wire = await startProxy(await fresh())
    wire.fault = 'silent'
    await says('ledger_unreachable', openLedger(wire.url, wait))
  })

  it('on which news are heard may be lost: who rests rests as long as without, and hears again the next time', async () => {
    const url = await fresh()
    await using own = await furnished(url)
    await using other = await furnished(url)
    const heard = async (during: () => Promise<unknown>) => {
      const stop = AbortSignal.timeout(1500)
      const told = own.ledger.waitForChange(stop)
      setTimeout(() => void during(), 500)
      await told
      return !stop.aborted
    }
    const hangUp = () =>
      sql`select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'listen%' or query like '%current_schema() as schema'`.execute(
        other.engine.db,
      )
    assert.equal(await heard(hangUp), false)
    assert.equal(await heard(() => other.ledger.requeue('o/r#1', 10)), true)
  })

  it('to a server that was stopped: said, and nothing hangs', async () => {
    await using own = await furnished(await fresh())
    const told = own.ledger.waitForChange(AbortSignal.timeout(2000))
    await server!.stop()
    await says('ledger_unreachable', own.ledger.view())
    await says('ledger_unreachable', own.ledger.claim([claimOf(1)], 'a', 100, 10))
    await told
  })
})
