/** `burn sprint list --watch` on a ledger that changes. */
import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Sprint } from '../../src/core/sprint.ts'
import { openIo } from '../../src/cli/io.ts'
import { screenLines, type SprintNow } from '../../src/cli/sprint-watch.ts'
import { newId } from '../../src/core/ids.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { burn, testFleet, until, writeIssues } from '../support/fleet.ts'

const reason = { code: 'prose', text: 'x' } as const

test('sprint list: --watch shows a sprint until it ends', async (t) => {
  const fleet = testFleet(t, (dir, socket) => ({
    name: 'f',
    socket,
    ledger: `sqlite:${dir}/l.db`,
    forge: { kind: 'folder', path: dir, owner: 'me' },
    machines: { box: { windows: [{ name: 'W', names: ['ANN'], repos: ['app'] }] } },
    sprint: { dir: join(dir, 'sprints'), backends: [{ kind: 'cli', agent: 'custom', command: ['true'] }] },
  }))
  writeIssues(fleet.dir, 'app', [{ title: 'First', body: 'x' }])
  await fleet.burn('dispatch', '--dry-run')
  const ledger = await openLedger(`sqlite:${fleet.dir}/l.db`, { random: Math.random })
  t.after(() => ledger.close())
  const id = newId(Date.now(), Math.random)
  const claim = { id, issue: 'me/app#1', worker: 'sprint/here/1', slot: 0, host: 'here', attempt: 1, reason }
  assert.equal(await ledger.claimSprint(claim, 'a', Date.now() + 60_000, Date.now()), 'won')
  await ledger.saveSprint(id, 'a', { stage: 'working', backend: 'cli x' }, Date.now())

  const env = { BURN_SPEC: join(fleet.dir, 'fleet-spec.json'), HOME: join(fleet.dir, 'home') }
  const stop = new AbortController()
  const printed = { rows: [] as SprintNow[], screen: '' }
  let press: (keys: string) => void = () => {}
  const rows = burn(['sprint', 'list', '--watch', '--json'], env, {
    stop: stop.signal,
    onOutput: (text) => void printed.rows.push(JSON.parse(text) as SprintNow),
  })
  const screen = burn(['sprint', 'list', '--watch'], env, {
    terminal: true,
    onTerminal: (pressed) => void (press = pressed),
    onOutput: (text) => void (printed.screen += text),
  })
  await until('the running sprint is shown', () => printed.rows.length === 1 && printed.screen.includes('1 running'))
  assert.deepEqual([printed.rows[0]?.stage, printed.rows[0]?.tokens, printed.rows[0]?.last_call], ['working', 0, null])
  const usage = { turns: 3, tokens_in: 12_000, tokens_out: 300, cost: null }
  const entries = [
    { kind: 'said', by: 'model', text: 'x', model: 'm-1', usage },
    { kind: 'call', tool: 'bash', args: { command: 'npm test' }, ok: true, text: '', ms: 1 },
  ]
  mkdirSync(join(fleet.dir, 'sprints/transcripts'), { recursive: true })
  const lines = entries.map((entry) => `${JSON.stringify({ at: Date.now(), ...entry })}\n`).join('')
  appendFileSync(join(fleet.dir, `sprints/transcripts/${id}.jsonl`), `${lines}{"at":1,"kind":"ca`)
  await until('the tool call is shown', () => printed.rows.length === 2 && printed.screen.includes('bash npm test'))
  const [, { turns, tokens, model, last_call } = {} as SprintNow] = printed.rows
  assert.deepEqual([turns, tokens, model, last_call?.tool, last_call?.args], [3, 12_300, 'm-1', 'bash', 'npm test'])
  const end = { outcome: 'change', failure: null, dispatch: 'review', reason, change_url: 'http://f/1' } as const
  assert.equal(await ledger.endSprint(id, 'a', end, Date.now()), true)
  await until('the end is shown', () => printed.rows.length === 3 && printed.screen.includes('100%'))
  assert.deepEqual([printed.rows[2]?.outcome, printed.rows[2]?.change_url], ['change', 'http://f/1'])
  stop.abort()
  press('\u0003')
  assert.deepEqual([(await rows).code, (await screen).code], [0, 0])
  assert.ok(printed.screen.startsWith('\u001b[?1049h') && printed.screen.endsWith('\u001b[?1049l'), 'the terminal is restored')
})

test('sprint list: the screen of --watch fits narrow terminals', () => {
  const now = Date.now()
  const args = 'a long command '.repeat(9)
  const call = { at: new Date(now - 12_000).toISOString(), tool: 'bash', args, ok: false }
  const about = {
    id: '1',
    issue: 'somebody/a-long-name#123',
    worker: 'sprint/here/1',
    stage: 'working',
    backend: 'runner',
    model: 'qwen',
  } as const
  const times = { started_at: new Date(now - 240_000).toISOString(), ended_at: null }
  const row: SprintNow = { ...about, ...times, turns: 3, tokens: 12_300, last_call: call, outcome: null, failure: null, change_url: null }
  const end = {
    ...row,
    outcome: 'failed',
    failure: 'check_red',
    failure_text: args,
    started_at: now - 9000,
    ended_at: now,
  } as unknown as Sprint
  for (const [width, height] of [
    [40, 8],
    [80, 24],
  ] as const) {
    const io = openIo({ out: () => {}, err: () => {}, input: async () => '', random: Math.random, terminal: () => ({ width, height }) })
    const lines = screenLines({ running: [row, row], ended: [end, end] }, io, { height, now })
    assert.ok(lines.length <= height && lines.every((line) => line.length <= width), lines.join('\n'))
    assert.match(lines.join('\n'), /somebody\/a-long-name#123 {2}working {2}4m\n {2}turn 3, 12K tokens, qwen\n {2}✗ 12s ago: bash a long/)
    if (height > 8) assert.match(lines.join('\n'), / {2} {2}0% {2}0 of 2 {2}runner, qwen/)
    else assert.match(lines.at(-1)!, /more lines$/)
  }
})
