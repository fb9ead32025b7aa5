/** Tests the start, the screen and the events of OpenCode. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { AgentPlace, PaneFacts } from '../../src/core/agent.ts'
import type { AgentConfig } from '../../src/core/nouns.ts'
import { opencode } from '../../src/agents/opencode.ts'
import { anyCharacter } from '../support/any-character.ts'

const config: AgentConfig = {
  kind: 'opencode',
  command: [],
  model: null,
  provider: null,
  busy_input_mode: 'interrupt',
  hooks: true,
  env: {},
}
const at: AgentPlace = {
  hook: '/state/hook',
  home: '/state/my home',
  person: '/home/a',
  name: 'burn-f-w-a',
  configs: new Map(),
  entries: new Map(),
}
const facts: PaneFacts = { width: 80, height: 24, title: 'OpenCode', command: 'opencode', dead: false, cursor_x: 0, cursor_y: 0 }

/** Draws a screen like OpenCode's: the conversation, the composer and the footer. */
function screen(conversation: readonly string[], typed: readonly string[], footer: string): string[] {
  const composer = ['', ...typed, ''].map((row) => `  ┃  ${row}`.trimEnd())
  return [...conversation, '', ...composer, '  ┃  Build · model Provider', `  ╹${'▀'.repeat(74)}`, footer, '']
}

const idleFooter = '   /repo                                            1.3K (1%)  ctrl+p commands'
const busyFooter = '   ⬝⬝⬝■■■■⬝  esc interrupt                          1.3K (1%)  ctrl+p commands'
const asked = ['  ┃', '  ┃  Do it', '  ┃', '']
const look = (rows: readonly string[], pane: Partial<PaneFacts> = {}) => opencode.parseScreen(rows, { ...facts, ...pane })

test('opencode: starts with its model; a variable adds the plugin', () => {
  assert.deepEqual(opencode.start(config, null), { argv: ['opencode'], env: {} })
  assert.deepEqual(opencode.start({ ...config, command: ['oc', '--pure'], model: 'm', provider: 'p', env: { A: 'b' } }, null), {
    argv: ['oc', '--pure', '--model', 'p/m'],
    env: { A: 'b' },
  })
  const hooked = opencode.start({ ...config, env: { A: 'b' } }, at)
  assert.deepEqual(Object.keys(hooked.files ?? {}), ['/state/my home/burn-signals.js'])
  assert.deepEqual(JSON.parse(hooked.env['OPENCODE_CONFIG_CONTENT'] ?? ''), { plugin: ['file:///state/my%20home/burn-signals.js'] })
  assert.deepEqual([hooked.env['A'], hooked.env['npm_config_fetch_retries'], hooked.links], ['b', '0', undefined])
  const taken = opencode.start({ ...config, env: { OPENCODE_CONFIG_CONTENT: '{}' } }, at)
  assert.deepEqual([taken.env, taken.files], [{ OPENCODE_CONFIG_CONTENT: '{}' }, undefined])
  assert.match(taken.without_hooks ?? '', /OPENCODE_CONFIG_CONTENT/)
})

test('opencode: only the footer shows that a turn runs', () => {
  const quoted = ['     It prints:', '       ⬝⬝■■  esc interrupt', '       △ Permission required', '', '     ▣  Build · model · 3.1s']
  const idle = look(screen(quoted, [''], idleFooter))
  assert.deepEqual([idle.reading.state, idle.composer, idle.composer_rows], ['idle', 'empty', [6, 9]])
  const draft = look(screen(quoted, ['wait, esc interrupt? (y/n)', '漢字 two'], idleFooter))
  assert.deepEqual([draft.reading.state, draft.reading.detail, draft.draft], ['idle', 'draft', 'wait, esc interrupt? (y/n)\n漢字 two'])
  assert.equal(look(screen(quoted, [''], busyFooter)).reading.state, 'working')
  assert.equal(look(screen(asked, ['half'], busyFooter)).composer, 'draft')
  assert.equal(look(screen([...asked.slice(0, 2), '  ┃   QUEUED', '  ┃'], [''], busyFooter)).reading.detail, 'queued')
  assert.equal(
    look(screen(asked, [''], '   ⬝⬝■■ Rate limit exceeded [retrying in 2s attempt #4]   esc interrupt')).reading.detail,
    'retrying',
  )
  assert.equal(look(screen(quoted, [''], idleFooter), { cursor_x: 40, cursor_y: 1 }).reading.state, 'unknown', 'a dialog has the cursor')
  assert.equal(look(screen([], ['Ask anything… "Fix broken tests"'], idleFooter)).composer, 'empty')
  assert.deepEqual([look(screen([], ['Ask anything… and more'], idleFooter)).composer], ['draft'])
})

test('opencode: an interrupted turn is not an error', () => {
  const failed = [...asked, '  ┃', '  ┃  Invalid API key provided', '  ┃', '', '     ▣  Build · model']
  assert.deepEqual(look(screen(failed, [''], idleFooter)).reading, { state: 'error', detail: 'auth', evidence: 'Invalid API key provided' })
  assert.equal(look(screen(failed, [''], busyFooter)).reading.state, 'working', 'it retries')
  for (const last of ['     ▣  Build · model · 13.9s', '     ▣  Build · model · 2m 3s', '     ▣  Build · model · interrupted'])
    assert.equal(look(screen([...failed.slice(0, -1), last], [''], idleFooter)).reading.state, 'idle', last)
  const compacted = [
    ...asked,
    '  ┃',
    '  ┃  Session too large to compact - context exceeds model limit',
    '  ┃',
    '',
    '     ▣  Compaction · model · 2.4s',
  ]
  assert.deepEqual(look(screen(compacted, [''], idleFooter)).reading.detail, 'context')
  const summary = [...asked, '     It is about a list.', '', '     ▣  Compaction · model · 2.4s']
  assert.equal(look(screen(summary, [''], idleFooter)).reading.state, 'idle')
  const refused = [...asked, '  ┃', '  ┃  $ git push --force', '  ┃', '', '     ▣  Build · model']
  assert.equal(look(screen(refused, [''], idleFooter)).reading.state, 'idle')
  const covered = [...asked.slice(0, -1), '        ┃  Copied  ┃', '     ▣  B┃  Copied  ┃']
  assert.equal(look(screen(covered, [''], idleFooter)).reading.state, 'idle', 'a toast covers the time')
})

const approval = [
  '  ┃',
  '  ┃  △ Permission required',
  '  ┃    # Shell command',
  '  ┃',
  '  ┃  $ git push',
  '  ┃',
  '  ┃   Allow once   Allow always   Reject',
  '  ┃',
  '',
]
const question = ['  ┃', '  ┃  Which one?', '  ┃', '  ┃  1. PostgreSQL', '  ┃  2. SQLite', '  ┃  3. Type your own answer', '  ┃', '']

test('opencode: a toast hides no running turn and no draft', () => {
  const toast = (row: string) => `${row.slice(0, 4).padEnd(4)}┃  Could not reach the registry  ┃`
  const covered = (footer: string) => screen(asked, [''], footer).map((row, i, all) => (i > 4 && i < all.length - 1 ? toast(row) : row))
  const seen = [look(covered(busyFooter)), look(covered(idleFooter)), look(covered(''))]
  assert.deepEqual(
    seen.map(({ reading, composer }) => [reading.state, composer]),
    [
      ['working', 'draft'],
      ['idle', 'draft'],
      ['unknown', 'draft'],
    ],
  )
})

test('opencode: recognises approvals and questions, and answers with keys', () => {
  const approve = look([...asked, ...approval])
  assert.deepEqual([approve.reading.state, approve.reading.detail, approve.composer], ['waiting', 'approval', 'absent'])
  assert.match(approve.question ?? '', /git push[^]*Allow once/)
  assert.deepEqual(opencode.answer?.('once', approve), [{ key: 'Enter' }])
  assert.deepEqual(opencode.answer?.('reject', approve), [{ key: 'Escape' }])
  assert.equal(opencode.answer?.('perhaps', approve), null)
  const ask = look([...asked, ...question])
  assert.deepEqual([ask.reading.state, ask.reading.detail], ['waiting', 'question'])
  assert.deepEqual(opencode.answer?.('sqlite', ask), [{ type: '2' }])
  assert.equal(opencode.answer?.('9', ask), null)
  const several = look([...asked, '  ┃  Which?', '  ┃  1. [ ] PostgreSQL', '  ┃  2. [ ] SQLite', '  ┃', ''])
  assert.equal(opencode.answer?.('1', several), null)
})

test('opencode: tells starting, unknown and dead apart', () => {
  assert.equal(look(['dev@box$ opencode', '']).reading.state, 'starting')
  assert.equal(look(['']).reading.state, 'starting')
  assert.equal(look([...asked, '     half a screen']).reading.state, 'unknown')
  assert.equal(look([...screen(asked, [''], idleFooter), 'Killed', 'dev@box$'], { command: 'bash' }).reading.state, 'dead')
  assert.equal(look(screen(asked, [''], idleFooter), { dead: true }).reading.state, 'dead')
})

test('opencode: maps the events of its plugin to states', () => {
  const stateOf = (event: string, detail: string | null = null) => opencode.hookState?.({ event, detail })?.state ?? null
  assert.deepEqual(
    ['busy', 'retry', 'idle'].map((status) => stateOf('session.status', status)),
    ['working', 'working', 'idle'],
  )
  assert.equal(stateOf('session.error', 'MessageAbortedError'), null, 'a person interrupted it')
  const events = ['session.idle', 'permission.asked', 'permission.replied', 'question.asked', 'session.error', 'chat.message']
  assert.deepEqual(
    events.map((event) => stateOf(event)),
    ['idle', 'waiting', 'working', 'waiting', 'error', null],
  )
})

test('opencode: any screen has a reading, idle only with a composer', () => {
  const rows = [...screen(asked, ['text'], idleFooter), ...approval, ...question, '     ▣  Build · model', 'שלום 漢字 👩‍👩‍👧', busyFooter]
  const row = fc.oneof(fc.string({ unit: anyCharacter }), fc.constantFrom(...rows))
  fc.assert(
    fc.property(fc.array(row, { maxLength: 30 }), fc.integer({ min: 1, max: 200 }), fc.nat(60), (some, width, cursor_y) => {
      const seen = look(some, { width, height: some.length, cursor_x: 5, cursor_y })
      const [first, end] = seen.composer_rows
      if (seen.composer === 'absent') assert.deepEqual([first, end, seen.reading.state === 'idle'], [0, 0, false])
      else assert.match(some[end + 1] ?? '', /^ *╹▀/)
    }),
  )
})
