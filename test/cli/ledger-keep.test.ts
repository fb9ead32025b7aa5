/** `burn ledger` backup, move, export, prune and migrate; also `burn job list`, `hold` and `resume` with a real ledger. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { migrate } from '../../src/ledger/migrate.ts'
import { openDatabase, openLedger } from '../../src/ledger/open.ts'
import { ledgerVersion } from '../../src/ledger/schema.ts'
import { claimOf, furnish, hand, idOf } from '../ledger/fixtures.ts'
import { burn, scratch } from '../support/fleet.ts'

/** Writes the spec of a fleet without agents. `more`: further keys of the spec. */
function fleet(t: Parameters<typeof scratch>[0], more: object = {}) {
  const dir = scratch(t)
  const file = join(dir, 'fleet-spec.json')
  mkdirSync(join(dir, 'issues/app'), { recursive: true })
  const write = (ledger: string) =>
    writeFileSync(
      file,
      JSON.stringify({
        name: 'f',
        ledger,
        forge: { kind: 'folder', path: dir, owner: 'me' },
        machines: { box: { windows: [{ name: 'W', panes: 2, repos: ['app'] }] } },
        ...more,
      }),
    )
  write(`sqlite:${dir}/l.db`)
  return { dir, write, burn: (...words: readonly string[]) => burn(words, { BURN_SPEC: file, HOME: dir }) }
}

test('ledger: backup and move make ledgers; the old one says where', async (t) => {
  const { dir, write, burn: run } = fleet(t)
  assert.equal((await run('hold', 'box/W/1', '--reason', 'mine')).code, 2)
  const dry = await run('ledger', 'backup', 'copy.db', '--dry-run')
  assert.match(dry.out, /^Would copy \d+ rows from .*l\.db to .*copy\.db/)
  assert.ok(!existsSync(join(dir, 'copy.db')))
  const backup = await run('ledger', 'backup', 'copy.db')
  assert.equal(backup.code, 0, backup.err)
  assert.match(backup.out, /^Copied \d+ rows from .*l\.db to .*copy\.db$/m)
  assert.equal(statSync(join(dir, 'copy.db')).mode & 0o777, 0o600)
  const would = await run('ledger', 'move', 'sqlite:new.db', '--dry-run')
  assert.match(would.out, /^Would move \d+ rows from .*l\.db to .*new\.db/)
  assert.ok(!existsSync(join(dir, 'new.db')))
  const moved = await run('ledger', 'move', 'sqlite:new.db')
  assert.equal(moved.code, 0, moved.err)
  assert.match(moved.out, /"ledger": "sqlite:.*\/new\.db"/)
  const old = await run('status')
  assert.equal(old.code, 1)
  assert.match(old.err, /ledger_moved|was moved to .*new\.db/)
  assert.match(old.err, /"ledger" in the spec/)
  write(`sqlite:${dir}/new.db`)
  const check = await run('ledger', 'check', '--json')
  assert.equal(check.code, 0, check.err)
  const over = await run('ledger', 'backup', 'new.db')
  assert.equal(over.code, 2)
  assert.match(over.err, /it is the same ledger/)
})

test('ledger export: prints a line per row after a header', async (t) => {
  const { burn: run } = fleet(t)
  const { out, code, err } = await run('ledger', 'export')
  assert.equal(code, 0, err)
  const [head, ...rows] = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { version?: number; table?: string; row?: { id?: string } })
  assert.equal(head?.version, ledgerVersion)
  assert.equal(rows.filter(({ table }) => table === 'worker').length, 2)
})

test('ledger prune: needs an age', async (t) => {
  const { burn: run } = fleet(t)
  const withoutAge = await run('ledger', 'prune')
  assert.equal(withoutAge.code, 2)
  assert.match(withoutAge.err, /--older-than 90d/)
  assert.equal((await run('ledger', 'prune', '--older-than', 'a while')).code, 2)
  const dry = await run('ledger', 'prune', '--older-than', '90d', '--dry-run', '--json')
  assert.deepEqual(dry.json(), { dispatches: 0, deliveries: 0, events: 0, dry_run: true })
  const withRetention = fleet(t, { retention: '365d' })
  assert.match((await withRetention.burn('ledger', 'prune')).out, /^Deleted 0 dispatches/)
})

test('ledger migrate: says what it did', async (t) => {
  const { dir, burn: run } = fleet(t)
  const migrated = async () => (await run('ledger', 'migrate')).out
  assert.match(await migrated(), new RegExp(`l\\.db: created with schema version ${ledgerVersion}$`, 'm'))
  assert.match(await migrated(), new RegExp(`l\\.db: the schema has version ${ledgerVersion} and is up to date$`, 'm'))
  rmSync(join(dir, 'l.db'))
  const old = await openDatabase(`sqlite:${dir}/l.db`, { random: Math.random })
  await migrate(old, ledgerVersion - 1)
  await old.close()
  assert.match(await migrated(), new RegExp(`l\\.db: upgraded the schema from version ${ledgerVersion - 1} to ${ledgerVersion}$`, 'm'))
})

test('JSON: renamed fields have both names', async (t) => {
  const { dir, burn: run } = fleet(t)
  await run('ledger', 'check')
  const ledger = await openLedger(`sqlite:${dir}/l.db`, { random: Math.random })
  await furnish(ledger)
  await hand(ledger, claimOf(1), 10)
  await ledger.saveComments([{ id: idOf(1), comment_id: '7', comment_state: 'claimed' }], 11)
  await ledger.saveBackoff({ subject: 'o/r#1', until: 900, why: { code: 'queued' } }, 12)
  await ledger.close()
  const { dispatches } = (await run('ledger', '--json')).json<{ dispatches: Record<string, unknown>[] }>()
  assert.deepEqual([dispatches[0]?.['comment_state'], dispatches[0]?.['comment_says']], ['claimed', 'claimed'])
  const explained = (await run('explain', 'o/r#1', '--json')).json<{
    dispatches: Record<string, unknown>[]
    record: Record<'backoff' | 'rests', { until: number }>
  }>()
  assert.deepEqual([explained.dispatches[0]?.['comment_state'], explained.dispatches[0]?.['comment_says']], ['claimed', 'claimed'])
  assert.deepEqual([explained.record.backoff.until, explained.record.rests.until], [900, 900])
})

test('job list: prints the result and next run of jobs', async (t) => {
  const { burn: run } = fleet(t, { retention: '90d' })
  assert.equal((await run('dispatch', '--alone')).code, 0)
  const listed = await run('job', 'list')
  assert.match(listed.out, /^dispatch +\S+ ago +done$/m)
  assert.match(listed.out, /^retention +\S+ ago +in (?:1d|23h)\S* +deleted 0 dispatches, 0 deliveries without a dispatch and 0 events$/m)
})

test('hold: holds and resumes a window and the whole fleet', async (t) => {
  const { burn: run } = fleet(t)
  const holding = await run('hold', 'box/W', '--until', '2h', '--reason', 'its disk is replaced', '--json')
  assert.equal(holding.code, 0, holding.err)
  const { until, ...held } = JSON.parse(holding.out) as { until: string }
  assert.deepEqual(held, { held: [{ scope: 'lane', name: 'box/W' }], hold: 'its disk is replaced', drain: false })
  assert.ok(Math.abs(Date.parse(until) - Date.now() - 2 * 3_600_000) < 60_000, until)
  assert.match((await run('hold', 'all')).out, /^the whole fleet is held: by a person$/m)
  assert.match((await run('resume', 'box/W')).out, /^lane box\/W gets work again$/m)
  assert.match((await run('resume', 'box/W')).out, /^there was no hold on lane box\/W\. burn status lists other holds$/m)
  assert.match((await run('ledger', 'check')).out, /hold 1/)
  assert.match(
    (await run('hold', 'box', 'box/W', '--drain', '--until', '08:00')).out,
    /^machine box gets no new work until \S+Z: by a person$/m,
  )
  assert.match((await run('resume', 'box', 'box/W')).out, /^machine box gets work again\nlane box\/W gets work again$/m)
  assert.equal((await run('hold', 'box', '--drain', '--wait')).code, 0)
  for (const wrong of [
    ['all', '--until', '2020-01-01'],
    ['box', 'its', 'disk'],
    ['box', '--wait'],
  ])
    assert.equal((await run('hold', ...wrong)).code, 2)
})
