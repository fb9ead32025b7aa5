/** `burn log`: past events, newest last, and new events with `--follow`. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test, type TestContext } from 'node:test'
import { eventReference } from '../../src/cli/commands/log.ts'
import { exportFields, measuredNumbers } from '../../src/decide/telemetry-export.ts'
import { burn, scratch, until } from '../support/fleet.ts'

interface Shown {
  readonly cursor: string
  readonly kind: string
  readonly text: string
  readonly actor: string
  readonly payload: Readonly<Record<string, unknown>>
}

function fleet(t: TestContext) {
  const dir = scratch(t)
  const file = join(dir, 'fleet-spec.json')
  const spec = {
    name: 'f',
    ledger: `sqlite:${dir}/l.db`,
    forge: { kind: 'folder', path: dir, owner: 'me' },
    machines: { box: { windows: [{ name: 'W', names: ['ANN', 'BOB'], panes: 2, repos: ['app', 'W'] }] } },
  }
  writeFileSync(file, JSON.stringify(spec))
  return (words: readonly string[], given?: Parameters<typeof burn>[2]) => burn(words, { BURN_SPEC: file, HOME: dir }, given)
}

test('log: filters by kind, worker and time; JSON has cursors', async (t) => {
  const run = fleet(t)
  for (const words of [
    ['hold', 'ANN', '--reason', 'lunch'],
    ['hold', 'BOB', '--reason', 'a demo'],
    ['resume', 'ANN'],
  ])
    assert.equal((await run(words)).code, 0)
  const all = await run(['log'])
  assert.equal(all.code, 0, all.err)
  assert.deepEqual(
    all.out
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/^\S+Z {2}/, ''))
      .slice(-3),
    ['ANN  held: lunch', 'BOB  held: a demo', 'ANN  the hold ended'],
  )
  assert.match((await run(['log', '--kind', 'worker.*', '--limit', '1'])).out, /^\S+Z {2}ANN {2}the hold ended\n$/)
  for (const named of [['BOB'], ['--worker', 'BOB'], ['box', '--worker', 'box/W/BOB']])
    assert.match((await run(['log', ...named, '--since', '1h'])).out, /^(?:\S+Z {2}BOB {2}.*\n)?\S+Z {2}BOB {2}held: a demo\n$/)
  assert.deepEqual(await run(['log', '--since', '2100-01-01']).then(({ out, err }) => [out, err]), ['', 'no events match\n'])
  const { events } = (await run(['log', '--kind', 'worker.held', '--json'])).json<{ events: Shown[] }>()
  assert.deepEqual(
    events.map(({ actor, text, payload }) => [actor, text, payload['reason']]),
    [
      ['person', 'lunch', 'lunch'],
      ['person', 'a demo', 'a demo'],
    ],
  )
  const rest = (await run(['log', '--after', events[0]?.cursor ?? '', '--json'])).json<{ events: Shown[] }>()
  assert.deepEqual(
    rest.events.map(({ kind }) => kind),
    ['worker.held', 'worker.resumed'],
  )
})

test('log: refuses unknown names, kinds, times and cursors', async (t) => {
  const run = fleet(t)
  for (const [words, says] of [
    [['--kind', 'delivery.sen'], /there is no kind "delivery.sen"[^]*did you mean delivery.seen/],
    [['--since', 'later'], /"later" is not a time or an age[^]*8h[^]*2026-12-24/],
    [['--after', 'here'], /"here" is not a cursor/],
    [['ANNE'], /name_unknown[^]*did you mean ANN\?/],
    [['W'], /name_ambiguous[^]*box\/W or me\/W/],
    [['appp#7'], /issue_unknown[^]*did you mean me\/app#7\?/],
  ] as const) {
    const { code, err } = await run(['log', ...words])
    assert.equal(code, 2)
    assert.match(err, says)
  }
  const old = await run(['ledger', 'events', '--limit', '3', '--json'])
  assert.deepEqual([old.code, Array.isArray(old.json<{ events: Shown[] }>().events)], [0, true])
  assert.match(old.err, /^deprecated: burn ledger events is now burn log/)
})

test('log: --follow prints events of other processes once', async (t) => {
  const run = fleet(t)
  assert.equal((await run(['hold', 'ANN', '--reason', 'lunch'])).code, 0)
  const stop = new AbortController()
  t.after(() => stop.abort())
  const seen: string[] = []
  const onOutput = (text: string) => void seen.push((JSON.parse(text) as Shown).kind)
  const kinds = ['--kind', 'worker.held', 'worker.resumed']
  const follows = run(['log', '--follow', '--json', ...kinds], { stop: stop.signal, onOutput })
  await until('it shows what was there', () => seen.length === 1)
  for (const words of [
    ['hold', 'BOB', '--reason', 'a demo'],
    ['resume', 'ANN'],
    ['resume', 'BOB'],
  ])
    assert.equal((await run(words)).code, 0)
  await until('it shows what was added', () => seen.length >= 4)
  stop.abort()
  await follows
  assert.deepEqual(seen, ['worker.held', 'worker.held', 'worker.resumed', 'worker.resumed'])
})

test('docs: events.md is what burn log kinds prints', () => {
  const document = readFileSync(resolve(import.meta.dirname, '../../docs/reference/events.md'), 'utf8')
  assert.equal(document.trim(), eventReference().trim(), 'run: burn log kinds > docs/reference/events.md')
})

test('log: exports events and samples without their texts', async (t) => {
  const run = fleet(t)
  assert.equal((await run(['hold', 'ANN', '--reason', 'the secret plan'])).code, 0)
  const { out, code, err } = await run(['log', '--format', 'jsonl', '--samples'])
  assert.equal(code, 0, err)
  const held = out.split('\n').find((line) => line.includes('worker.held')) ?? ''
  assert.deepEqual(
    { ...(JSON.parse(held) as object), at: '' },
    {
      version: 1,
      record: 'event',
      at: '',
      kind: 'worker.held',
      subject: 'box/W/ANN',
      worker: 'box/W/ANN',
      actor: 'person',
      reason: 'prose',
    },
  )
  assert.doesNotMatch(out, /secret plan/)
  const file = join(scratch(t), 'telemetry.csv')
  const saved = await run(['log', '--format', 'csv', '--kind', 'worker.held', '--output', file])
  assert.equal(saved.out, `wrote ${file}\n`)
  const [head, ...rows] = readFileSync(file, 'utf8').trimEnd().split('\n')
  assert.deepEqual([head, rows.length], [Object.keys(exportFields).join(','), 1])
  for (const words of [['--samples'], ['--format', 'xml'], ['--format', 'csv', '--follow']])
    assert.equal((await run(['log', ...words])).code, 2, words.join(' '))
})

test('telemetry: the reference describes each field and number', () => {
  const page = readFileSync(resolve(import.meta.dirname, '../../docs/reference/telemetry.md'), 'utf8')
  const rows = page.split('\n').filter((line) => line.startsWith('| `'))
  const known = Object.entries({ ...exportFields, ...measuredNumbers }).map(([name, meaning]) => `| \`${name}\` | ${meaning} |`)
  assert.deepEqual(rows, known)
})
