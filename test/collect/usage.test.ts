/** Usage that the job `usage` collects from the files and databases of agents. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { appendFileSync, chmodSync, mkdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { DatabaseSync } from 'node:sqlite'
import type { PeriodReport } from '../../src/core/period-report.ts'
import type { UsageRecord } from '../../src/core/usage.ts'
import { addTokens } from '../../src/decide/usage.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { testFleet } from '../support/fleet.ts'
import { recordings, recordPaths, served, writeRecord } from '../support/usage-records.ts'

const kinds = ['claude', 'codex', 'gemini', 'qwen', 'pi', 'opencode', 'hermes'] as const

/** Creates a fleet with one worker for each kind. The worker's name is the kind in capital letters. */
function usageFleet(t: TestContext, only: readonly string[], machine: (dir: string) => object = () => ({})) {
  const fleet = testFleet(t, (dir, socket) => ({
    name: 'f',
    session: 'F',
    socket,
    dir: join(dir, 'w'),
    ledger: `sqlite:${dir}/l.db`,
    forge: { kind: 'folder', path: dir, owner: 'me' },
    machines: {
      box: {
        ...machine(dir),
        windows: only.map((kind) => ({ name: kind.slice(0, 4), names: [kind.toUpperCase()], repos: ['app'], agent: { kind } })),
      },
    },
  }))
  const home = join(fleet.dir, 'home')
  const dirOf = (kind: string) => join(fleet.dir, 'w', 'box', kind.slice(0, 4), kind.toUpperCase())
  const pathsOf = (kind: string) => recordPaths(kind, dirOf(kind), `burn-f-${kind.slice(0, 4)}-${kind}`).map((path) => join(home, path))
  for (const kind of only) mkdirSync(dirOf(kind), { recursive: true })
  const usage = async () => {
    const ledger = await openLedger(`sqlite:${fleet.dir}/l.db`, { random: Math.random })
    try {
      return { records: await ledger.usage({ since: 0 }), failed: await ledger.failedUsageSources() }
    } finally {
      await ledger.close()
    }
  }
  const collect = async () => {
    const ran = await fleet.burn('job', 'run', 'usage', '--json')
    assert.equal(ran.code, 0, ran.err)
    return ran.json<{ results: string[] }>().results.join('\n')
  }
  return { ...fleet, home, dirOf, pathsOf, usage, collect }
}

function totalOf(records: readonly UsageRecord[]) {
  if (records.length === 0) return null
  const { calls, input, cache_read, output } = records.reduce((sum, each) => ({ ...sum, ...addTokens(sum, each) }))
  return { calls, input, cache_read, output }
}

const recently = () => Date.now() - 5 * 60_000

test('usage: counts the tokens of each agent kind once', async (t) => {
  const fleet = usageFleet(t, kinds)
  for (const kind of kinds) {
    const texts = recordings(kind, fleet.dirOf(kind), recently())
    fleet.pathsOf(kind).forEach((path, index) => writeRecord(path, texts[index]!))
  }
  // Sessions of the person in other directories belong to no worker.
  for (const kind of ['claude', 'codex'])
    recordPaths(kind, '/elsewhere', '').forEach((path, index) =>
      writeRecord(join(fleet.home, path.replace('rollout-1', 'rollout-2')), recordings(kind, '/elsewhere', recently())[index]!),
    )
  assert.equal(await fleet.collect(), 'usage box: 39 requests')
  const { records } = await fleet.usage()
  for (const kind of kinds) {
    const own = records.filter(({ agent }) => agent === kind)
    assert.deepEqual(totalOf(own), served[kind], kind)
    assert.deepEqual([...new Set(own.map(({ worker }) => worker))], [`box/${kind.slice(0, 4)}/${kind.toUpperCase()}`])
  }
  assert.equal(await fleet.collect(), 'usage box: 0 requests')
  const costs = (await fleet.burn('costs', '--by', 'worker', '--json')).json<{
    rows: { key: string; cost: number | null }[]
    unpriced_models: string[]
    unread: unknown[]
  }>()
  assert.equal(costs.rows.length, 7)
  const costOf = (name: string) => costs.rows.find(({ key }) => key.endsWith(name))?.cost
  assert.equal(costOf('CLAUDE')?.toFixed(6), '0.026579')
  assert.equal(costOf('CODEX'), null)
  assert.deepEqual([costs.unpriced_models, costs.unread], [['stub', 'stub-answered'], []])
  const { total } = (await fleet.burn('costs', '--json')).json<{ total: object }>()
  const report = (await fleet.burn('report', '--json')).json<PeriodReport>()
  assert.deepEqual([report.costs?.total, report.costs?.by_model.length, report.costs?.per_merged], [total, 4, null])
  const shown = await fleet.burn('costs')
  assert.match(shown.out, /^MODEL +CALLS +INPUT .*\nclaude-opus-4-6 +4 +5.1K +907 +210 +0\.03\n/)
  writeRecord(join(fleet.home, '.claude/settings.json'), '{"model":"sonnet"}')
  const drift = await fleet.burn('model', 'drift', '--json')
  const found = drift.json<{ workers: { id: string; state: string; used: { model: string; source: string } }[] }>()
  assert.deepEqual(
    found.workers.map(({ state, used: { model, source } }) => [state, model, source]),
    [
      ['wrong_model', 'claude-opus-4-6', 'answered'],
      ['unknown', 'stub', 'asked'],
      ['unknown', 'gemini-2.5-pro', 'answered'],
      ['unknown', 'stub-answered', 'answered'],
      ['unknown', 'stub-answered', 'answered'],
      ['unknown', 'stub', 'asked'],
      ['unknown', 'stub', 'asked'],
    ],
  )
  assert.equal(drift.code, 1)
  assert.match(shown.out, /\nNo price is known for stub, stub-answered\. Set "prices" in the spec\.\n$/)
  assert.ok(shown.out.split('\n').every((line) => line.length <= 80))
})

test('usage: reads machines behind a transport', async (t) => {
  const fleet = usageFleet(t, ['claude', 'hermes'], (dir) => ({ exec: ['env', `HOME=${dir}/home`] }))
  for (const kind of ['claude', 'hermes'])
    fleet.pathsOf(kind).forEach((path, index) => writeRecord(path, recordings(kind, fleet.dirOf(kind), recently())[index]!))
  assert.equal(await fleet.collect(), 'usage box: 16 requests')
  assert.equal(await fleet.collect(), 'usage box: 0 requests')
  const { records } = await fleet.usage()
  assert.deepEqual(totalOf(records.filter(({ agent }) => agent === 'hermes')), served['hermes'])
})

/** Returns a line of Claude with 10 input tokens. */
function claudeLine(id: string, at = Date.now()): string {
  const message = { id, model: 'm', usage: { input_tokens: 10, output_tokens: 1 } }
  return `${JSON.stringify({ type: 'assistant', timestamp: new Date(at).toISOString(), requestId: id, message })}\n`
}

test('usage: reads a growing, rewritten and replaced file once', async (t) => {
  const fleet = usageFleet(t, ['claude'])
  const [path = '', other = ''] = fleet.pathsOf('claude')
  const counted = async () => (await fleet.collect(), totalOf((await fleet.usage()).records)?.calls ?? null)
  mkdirSync(dirname(path), { recursive: true })
  const at = recently()
  const [one, two, three] = [claudeLine('a', at), claudeLine('b', at + 1000), claudeLine('c', at + 2000)]
  writeFileSync(path, one + two.slice(0, 30))
  assert.equal(await counted(), 1)
  assert.equal(await counted(), 1)
  appendFileSync(path, two.slice(30) + three)
  assert.equal(await counted(), 3)
  // The same content in a new file, as after a rewrite.
  writeFileSync(`${path}.new`, one + two + three)
  renameSync(`${path}.new`, path)
  assert.equal(await counted(), 3)
  writeFileSync(path, one + claudeLine('d'))
  assert.equal(await counted(), 4)
  // A rewrite in place that makes the file longer.
  writeFileSync(path, claudeLine('x'.repeat(900), Date.now() + 500) + claudeLine('f', Date.now() + 500))
  assert.equal(await counted(), 6)
  // A new session repeats old requests, as a fork does, and has one of its own.
  writeFileSync(other, one + two + claudeLine('e', Date.now() + 1500))
  assert.equal(await counted(), 7)
})

test('usage: skips a line that is longer than one reading', async (t) => {
  const fleet = usageFleet(t, ['claude'])
  const [path = ''] = fleet.pathsOf('claude')
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, claudeLine('a') + 'x'.repeat(33 * 1024 * 1024) + '\n' + claudeLine('b'))
  assert.equal(await fleet.collect(), 'usage box: 2 requests')
  assert.equal(await fleet.collect(), 'usage box: 0 requests')
})

test('usage: reports files and databases that it cannot read', async (t) => {
  const fleet = usageFleet(t, ['claude', 'hermes'])
  const [path = ''] = fleet.pathsOf('claude')
  writeRecord(path, claudeLine('a'))
  const [database = ''] = fleet.pathsOf('hermes')
  mkdirSync(dirname(database), { recursive: true })
  const db = new DatabaseSync(database)
  db.exec('create table session_model_usage (renamed text)')
  db.exec('pragma locking_mode = exclusive; begin exclusive')
  chmodSync(path, 0o000)
  const isRoot = process.getuid?.() === 0
  assert.match(await fleet.collect(), isRoot ? /1 file or database could not be read/ : /2 files or databases could not be read/)
  const failures = async () => (await fleet.usage()).failed.map(({ failure }) => failure)
  assert.match((await failures()).at(-1)!, /locked/)
  db.exec('commit')
  db.close()
  chmodSync(path, 0o600)
  await fleet.collect()
  assert.match((await failures()).join(), /^no such (?:column|table)/)
  assert.equal(totalOf((await fleet.usage()).records)?.calls, 1)
  assert.ok(statSync(database).size > 0)
  rmSync(database)
  await fleet.collect()
  assert.deepEqual(await failures(), [], 'a database that is gone has no unread tokens')
})

test('usage: corrects a wrong clock, and reports a missing Python', async (t) => {
  const ahead = 30 * 3600
  const fleet = usageFleet(t, ['claude', 'hermes'], (dir) => ({ exec: ['env', `HOME=${dir}/home`, `PATH=${dir}/bin`] }))
  const bin = join(fleet.dir, 'bin')
  mkdirSync(bin)
  for (const name of ['sh', 'find', 'ls', 'tail', 'head', 'sed', 'tmux']) {
    const program = execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim()
    symlinkSync(program, join(bin, name))
  }
  writeFileSync(join(bin, 'date'), `#!/bin/sh\necho $(($(/bin/date +%s) + ${ahead}))\n`, { mode: 0o755 })
  const [path = ''] = fleet.pathsOf('claude')
  const at = Date.now() - 60_000
  writeRecord(path, claudeLine('a', at + ahead * 1000))
  for (const database of fleet.pathsOf('hermes')) writeRecord(database, 'create table a (b text)')
  assert.equal(await fleet.collect(), 'usage box: 1 request; 1 file or database could not be read')
  const { records, failed } = await fleet.usage()
  assert.ok(Math.abs(records[0]!.last_at - at) < 5_000)
  assert.deepEqual(
    failed.map(({ failure }) => failure),
    ['the machine has no Python 3 with the module sqlite3'],
  )
})

test('usage: an unreachable machine is unknown, not zero', async (t) => {
  const fleet = usageFleet(t, ['claude'], () => ({ exec: ['false'] }))
  assert.equal(await fleet.collect(), 'usage box: unknown: the machine did not answer')
})

test('usage: health finds an agent at work without tokens', async (t) => {
  const fleet = usageFleet(t, ['claude'])
  const [path = ''] = fleet.pathsOf('claude')
  mkdirSync(dirname(path), { recursive: true })
  const minute = 60_000
  const began_at = Date.now() - 40 * minute
  writeFileSync(path, claudeLine('a', began_at - minute))
  await fleet.collect()
  const ledger = await openLedger(`sqlite:${fleet.dir}/l.db`, { random: Math.random })
  const state = { kind: 'worker', subject: 'box/clau/CLAUDE', machine: 'box', state: 'working', evidence: 'x' } as const
  const span = { ...state, detail: null, issue: null, incarnation: null, began_at, ended_at: null, reported: null }
  await ledger.saveSample({ spans: [{ ...span, seen_at: Date.now() }], measures: [], events: [] }, Date.now())
  await ledger.close()
  const judged = async () => {
    const { rules } = (await fleet.burn('health', '--json')).json<{ rules: { rule: string; status: string; evidence: string }[] }>()
    const { status, evidence } = rules.find(({ rule }) => rule === 'tokens') ?? {}
    return `${status}: ${evidence}`
  }
  assert.equal(await judged(), 'warn: 1 worker at work without tokens: box/clau/CLAUDE')
  appendFileSync(path, claudeLine('b', began_at + minute))
  await fleet.collect()
  assert.equal(await judged(), 'ok: 1 long turn uses tokens')
})
