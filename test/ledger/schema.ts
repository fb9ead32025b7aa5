/** The registry of tables against the database, and ledgers that older versions wrote. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { CompiledQuery, sql } from 'kysely'
import { brokenInvariants } from '../../src/ledger/invariants.ts'
import { migrate } from '../../src/ledger/migrations.ts'
import { openDatabase, openEngine } from '../../src/ledger/open.ts'
import { differences, schema, tableNames, type Tables } from '../../src/ledger/schema.ts'
import { createStore } from '../../src/ledger/store.ts'
import { because } from '../support/reasons.ts'
import { workers } from './fixtures.ts'
import { eventText } from '../../src/decide/event-kinds.ts'

const wait = { random: Math.random }
/** What `burn ledger export` of the released version printed of a ledger with rows in all of its tables. */
const released = new URL('version-4.jsonl', import.meta.url)

export function schemas(name: string, fresh: () => Promise<string>): void {
  describe(`tables on ${name}`, () => {
    it('registry: has every table of the database, with all of its columns', async () => {
      const engine = await openEngine(await fresh(), wait)
      const columns = await engine.read(engine.columns)
      const wrong = differences(columns).join('; ')
      assert.equal(wrong, '', `${wrong}: src/ledger/migrations.ts needs a migration that makes the tables as src/ledger/schema.ts has them`)
      assert.ok(columns.length > 100)
      assert.deepEqual(differences(columns.filter(({ column }) => column !== 'open_change')), ['issue.open_change is missing'])
      assert.deepEqual(differences([...columns, { table: 'cookie', column: 'name' }]), ["cookie.name is not the ledger's"])
      for (const table of tableNames) assert.ok(schema[table].columns.includes(schema[table].key), table)
      await engine.close()
    })

    it('migration: brings a ledger of version 4 up with its data', async () => {
      const url = await fresh()
      await version4(url)
      const engine = await openEngine(url, wait)
      const ledger = createStore(engine)
      await ledger.check()
      assert.deepEqual(await brokenInvariants(engine.db), [])
      assert.deepEqual(await ledger.holds(), [
        { scope: 'repo', name: 'o/r', code: 'forge_refused', reason: because('archived'), until: 950, actor: '', created_at: 29 },
        { scope: 'worker', name: workers[1], code: 'person', reason: because('trying something'), until: null, actor: '', created_at: 27 },
      ])
      const day = 86_400_000
      const idle = { owner: null, until: null, last_result: null }
      assert.deepEqual(await ledger.jobs(), [
        { name: `loop ${workers[2]}`, period: null, owner: 'b', until: 5000, last_run: null, last_result: null, next_run: null },
        { name: 'retention', period: day, last_run: 31, next_run: 31 + day, ...idle },
        { name: 'sprint prune', period: day, last_run: 32, next_run: 32 + day, ...idle },
      ])
      assert.deepEqual([await ledger.loadValue('spec'), await ledger.loadValue('pruned_at')], ['abc', null])
      assert.deepEqual((await ledger.issue('o/r#4'))?.rests, { until: 900, why: { code: 'forge_refuses', why: 'deleted' } })
      assert.deepEqual(
        (await ledger.candidates(new Map([['o/r', 9]]))).flatMap(({ issue, priority, standing }) =>
          standing === 'queued' ? [[issue.ref, priority]] : [],
        ),
        [['o/r#8', 0]],
      )
      assert.equal((await ledger.view()).dispatches.length, 3)
      const kinds = async (about: string) => (await ledger.deliveries({ about: [about] })).map(({ kind }) => kind)
      assert.deepEqual([await kinds('0000000000002'), await kinds('0000000000003')], [['correction'], ['follow_up']])
      const [first] = await ledger.events({ after: '0.0' })
      assert.deepEqual([first?.actor, Object.keys(first?.payload ?? {})], [null, ['prose']])
      assert.doesNotMatch(eventText(first!), /^[{]/)
      await ledger.close()
    })
  })
}

/** A ledger as the released version left it. */
async function version4(url: string): Promise<void> {
  const engine = await openDatabase(url, wait)
  await migrate(engine, 4)
  const numbered = engine.serial === 'bigserial'
  const rows = readFileSync(released, 'utf8').trim().split('\n').slice(1)
  await engine.write(async (trx) => {
    for (const line of rows) {
      const { table, row } = JSON.parse(line) as { table: keyof Tables; row: Record<string, unknown> }
      if (table === 'meta' && row['key'] === 'version') continue
      const columns = Object.keys(row)
      const places = columns.map((_, index) => (numbered ? `$${index + 1}` : '?'))
      const statement = `insert into ${table} (${columns.map((each) => `"${each}"`).join(', ')}) values (${places.join(', ')})`
      await trx.executeQuery(CompiledQuery.raw(statement, Object.values(row)))
    }
  })
  await sql`update issue set rests_why = 'the forge refuses it: ' || rests_why where rests_why = 'deleted'`.execute(engine.db)
  await sql`update dispatch set state = 'handed', incarnation = '1.%1.9', handed_at = 20 where id = '0000000000002'`.execute(engine.db)
  await sql`insert into event (seq, at, kind, subject, text) values (901, 22, 'dispatch.handed', '0000000000002', ''),
    (902, 22, 'delivery.mangled', '0000000000002', '')`.execute(engine.db)
  const ended = sql`text = '', lease_owner = null, lease_until = 0`
  await sql`update delivery set state = 'mangled', ${ended} where id = '0000000000002'`.execute(engine.db)
  await sql`update delivery set kind = 'follow_up', issue = 'o/r#2', dispatch = '0000000000002' where id = '0000000000006'`.execute(
    engine.db,
  )
  await engine.close()
}
