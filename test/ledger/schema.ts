/** Tests of the registry of tables, of migrations, and of the export. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { CompiledQuery, sql } from 'kysely'
import type { Engine } from '../../src/ledger/engine.ts'
import { exportLedger } from '../../src/ledger/export.ts'
import { brokenInvariants } from '../../src/ledger/invariants.ts'
import { migrate } from '../../src/ledger/migrate.ts'
import { openDatabase, openEngine } from '../../src/ledger/open.ts'
import { renamedColumns } from '../../src/ledger/renamed-columns.ts'
import type { Tables } from '../../src/ledger/tables.ts'
import { schemaDifferences, ledgerVersion, schema, tableNames } from '../../src/ledger/schema.ts'
import { createStore } from '../../src/ledger/store.ts'
import { because } from '../support/reasons.ts'
import { workers } from './fixtures.ts'
import { eventText } from '../../src/decide/event-kinds.ts'

const wait = { random: Math.random }
/**
 * The output of `burn ledger export` in released versions. Version 4 has rows in all tables; version 5 has values in all columns that
 * version 6 renames.
 */
const exports = { 4: new URL('version-4.jsonl', import.meta.url), 5: new URL('version-5.jsonl', import.meta.url) }

/** Declares the tests of an engine. */
export function schemas(name: string, fresh: () => Promise<string>): void {
  describe(`tables on ${name}`, () => {
    it('registry: has every table of the database, with all of its columns', async () => {
      const engine = await openEngine(await fresh(), wait)
      const columns = await engine.read(engine.columns)
      const wrong = schemaDifferences(columns).join('; ')
      assert.equal(wrong, '', `${wrong}: src/ledger/migrations.ts needs a migration that makes the tables as src/ledger/schema.ts has them`)
      assert.ok(columns.length > 100)
      assert.deepEqual(schemaDifferences(columns.filter(({ column }) => column !== 'open_change')), ['issue.open_change is missing'])
      assert.deepEqual(schemaDifferences([...columns, { table: 'cookie', column: 'name' }]), ['cookie.name is unknown'])
      for (const table of tableNames) assert.ok(schema[table].columns.includes(schema[table].key), table)
      await engine.close()
    })

    it('new ledger: has the tables and indexes of an upgraded one', async () => {
      const upgraded = await openDatabase(await fresh(), wait)
      await migrate(upgraded, 1)
      await migrate(upgraded)
      const begun = await openEngine(await fresh(), wait)
      const expected = await describeTables(upgraded)
      assert.ok(expected.length > 200)
      assert.deepEqual(await describeTables(begun), expected)
      await Promise.all([upgraded.close(), begun.close()])
    })

    it('migration: keeps the data of version 4', async () => {
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
      assert.deepEqual((await ledger.issue('o/r#4'))?.backoff, { until: 900, why: { code: 'forge_refuses', why: 'deleted' } })
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

    it('migration: keeps the data of renamed columns of version 5', async () => {
      const url = await fresh()
      await (await released(url, 5)).close()
      const engine = await openEngine(url, wait)
      const ledger = createStore(engine)
      assert.equal((await ledger.check()).upgraded_from, 5)
      assert.deepEqual((await ledger.issue('o/r#3'))?.backoff, { until: 900, why: { code: 'forge_refuses', why: 'locked' } })
      assert.deepEqual(
        (await ledger.backoffs(899)).map(({ subject }) => subject),
        ['o/r#3'],
      )
      assert.deepEqual((await ledger.issue('o/r#4'))?.backoff, { until: 950, why: because('its author is blocked') })
      assert.equal((await ledger.issue('o/r#2'))?.approval, 'current')
      assert.deepEqual(
        (await ledger.repos()).map(({ repo, wait_reason, unread }) => [repo, wait_reason, unread]),
        [
          ['o/gone', null, { since: 30, why: '403' }],
          ['o/r', because('all are full'), null],
        ],
      )
      assert.deepEqual(
        (await ledger.pendingComments('a')).map(({ id, comment_state }) => [id, comment_state]),
        [['0000000000001', 'claimed']],
      )
      assert.equal((await ledger.cycleView()).has_pending_events, true)
      await ledger.writePendingEvents(50)
      const written = (await ledger.events({ limit: 99 })).filter(({ at }) => at === 50)
      assert.deepEqual(
        written.map(({ kind, subject }) => `${kind} ${subject}`),
        ['issue.closed o/r#4', 'issue.found o/r#6'],
      )
      assert.equal((await ledger.cycleView()).has_pending_events, false)
      await ledger.close()
    })

    it('migration: keeps the spans and tokens of version 18', async () => {
      const url = await fresh()
      const old = await openDatabase(url, wait)
      await migrate(old, 18)
      await sql`insert into span (id, kind, subject, machine, state, detail, issue, incarnation, evidence, began_at, seen_at, ended_at, reported) values
        ('a1', 'worker', 'm/W/A', 'm', 'working', null, 'o/r#7', 'i1', 'x', 10, 15, 20, null),
        ('a2', 'worker', 'm/W/A', 'm', 'waiting', 'approval', 'o/r#7', 'i1', 'ok?', 20, 25, 30, 'worker.waiting'),
        ('a3', 'worker', 'm/W/A', 'm', 'working', null, 'o/r#8', 'i1', 'y', 30, 35, 40, null),
        ('b1', 'machine', 'm', 'm', 'up', null, null, null, '', 5, 20, 20, null),
        ('a4', 'worker', 'm/W/A', 'm', 'idle', null, null, 'i1', 'z', 40, 45, null, null)`.execute(old.db)
      await sql`insert into usage (id, source, worker, incarnation, issue, agent, provider, model_asked, model_answered, hour, last_at, calls, input,
        cache_read, cache_write, output, reasoning, reported_cost, subscription) values
        ('u1', 'pane', 'm/W/A', 'i1', 'o/r#7', 'claude', 'p', 'a', 'b', 3600000, 3600005, 1, 3000000000, 4, 5, 6, 7, 0.5, 0),
        ('u2', 'pane', 'm/W/A', 'i1', '', 'claude', 'p', 'a', 'b', 3600000, 3600006, 2, 3, null, null, 6, null, null, 0),
        ('u3', 'sprint', 'sprint/1', '', 'o/r#8', 'codex', 'p', 'a', 'a', 7200000, 7200001, 1, 2, null, null, 3, null, null, null)`.execute(
        old.db,
      )
      await old.close()
      const ledger = createStore(await openEngine(url, wait))
      const span = {
        kind: 'worker' as const,
        subject: 'm/W/A',
        machine: 'm',
        state: 'working',
        detail: null,
        issue: 'o/r#7',
        incarnation: 'i1',
      }
      const first = { ...span, evidence: 'x', began_at: 10, seen_at: 15, ended_at: 20, reported: null }
      const second = { ...first, state: 'waiting', detail: 'approval', evidence: 'ok?', began_at: 20, seen_at: 25, ended_at: 30 }
      const machine = { ...first, kind: 'machine', subject: 'm', state: 'up', issue: null, incarnation: null, evidence: '' }
      const open = { ...first, state: 'idle', issue: null, evidence: 'z', began_at: 40, seen_at: 45, ended_at: null }
      const spans = [
        { ...machine, began_at: 5, seen_at: 20 },
        first,
        { ...second, reported: 'worker.waiting' },
        { ...first, issue: 'o/r#8', evidence: 'y', began_at: 30, seen_at: 35, ended_at: 40 },
        open,
      ]
      assert.deepEqual(await ledger.spans({}), spans)
      assert.deepEqual(await ledger.openSpans(), [open])
      const model = { agent: 'claude', provider: 'p', model_asked: 'a', model_answered: 'b', subscription: false }
      const about = { source: 'pane' as const, worker: 'm/W/A', incarnation: 'i1', ...model, hour: 3_600_000 }
      const tokens = { calls: 1, input: 3e9, cache_read: 4, cache_write: 5, output: 6, reasoning: 7, reported_cost: 0.5 }
      const unknown = { cache_read: null, cache_write: null, reasoning: null, reported_cost: null }
      const own = { ...about, issue: 'o/r#7', last_at: 3_600_005, ...tokens }
      const other = { ...about, issue: '', last_at: 3_600_006, ...unknown, calls: 2, input: 3, output: 6 }
      const later = { ...other, source: 'sprint', worker: 'sprint/1', incarnation: '', issue: 'o/r#8', agent: 'codex', model_answered: 'a' }
      const sprint = { ...later, subscription: null, hour: 7_200_000, last_at: 7_200_001, calls: 1, input: 2, output: 3 }
      assert.deepEqual(await ledger.usage({ since: 0 }), [own, other, sprint])
      await ledger.addUsage([own], [])
      assert.deepEqual(
        (await ledger.usage({ since: 0, issues: ['o/r#7'] })).map(({ calls }) => calls),
        [2],
        'the same group',
      )
      await ledger.check()
      await ledger.close()
    })

    it('upgraded_from: is set by the process that upgrades', async () => {
      const url = await fresh()
      const upgrades = async () => {
        const engine = await openEngine(url, wait)
        const { version, upgraded_from } = await createStore(engine).check()
        await engine.close()
        return { version, upgraded_from }
      }
      assert.deepEqual(await upgrades(), { version: ledgerVersion, upgraded_from: 0 })
      assert.deepEqual(await upgrades(), { version: ledgerVersion, upgraded_from: null })
    })

    it('export: prints renamed columns under both names', async () => {
      const url = await fresh()
      await (await released(url, 5)).close()
      const lines: string[] = []
      await exportLedger(url, wait, (line) => lines.push(line))
      const exported = new Map(lines.slice(1).map((line) => [keyOf(line), JSON.parse(line) as ExportedRow]))
      const before = readFileSync(exports[5], 'utf8').trim().split('\n').slice(1)
      for (const line of before) {
        const { table, row } = JSON.parse(line) as ExportedRow
        if (row['key'] === 'version') continue
        const now = exported.get(keyOf(line))?.row ?? {}
        for (const [column, value] of Object.entries(row)) assert.deepEqual(now[column], value, `${table}.${column}`)
        for (const { from, to } of renamedColumns.filter((each) => each.table === table)) assert.deepEqual(now[to], row[from], to)
      }
    })
  })
}

/** Returns all columns with their types, defaults and references, and all indexes, as sorted lines. */
async function describeTables({ db, serial }: Engine): Promise<string[]> {
  const statement =
    serial === 'integer'
      ? sql`select m.name as "table", p.name, p.type, p."notnull", p.dflt_value, p.pk from sqlite_schema m, pragma_table_info(m.name) p
          union all select m.name, f."from", f."table", f."to", '', '' from sqlite_schema m, pragma_foreign_key_list(m.name) f
          union all select name, lower(sql), '', '', '', '' from sqlite_schema where type = 'index' and sql is not null`
      : sql`select table_name, column_name, data_type, is_nullable, replace(column_default, current_schema(), '')
            from information_schema.columns where table_schema = current_schema()
          union all select tablename, replace(indexdef, current_schema(), ''), '', '', '' from pg_indexes where schemaname = current_schema()
          union all select conrelid::regclass::text, pg_get_constraintdef(oid), '', '', '' from pg_constraint
            where connamespace = current_schema()::regnamespace`
  const { rows } = await statement.execute(db)
  return rows.map((row) => Object.values(row as object).join(' ')).toSorted()
}

interface ExportedRow {
  readonly table: keyof Tables
  readonly row: Readonly<Record<string, unknown>>
}

function keyOf(line: string): string {
  const { table, row } = JSON.parse(line) as ExportedRow
  return `${table} ${String(row[schema[table].key])}`
}

/** Writes a ledger of version 4, which also has rows in the form of earlier versions. */
async function version4(url: string): Promise<void> {
  const engine = await released(url, 4)
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

/** Returns a database with the tables and the exported rows of a released version. */
async function released(url: string, version: keyof typeof exports): Promise<Engine> {
  const engine = await openDatabase(url, wait)
  await migrate(engine, version)
  const numbered = engine.serial === 'bigserial'
  const rows = readFileSync(exports[version], 'utf8').trim().split('\n').slice(1)
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
  if (numbered) await sql`select setval(pg_get_serial_sequence('event', 'seq'), (select max(seq) from event))`.execute(engine.db)
  return engine
}
