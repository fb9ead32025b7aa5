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

/** A screen as it draws one: what was said, the composer, the footer. */
function screen(said: readonly string[], typed: readonly string[], footer: string): string[] {
  const composer = ['', ...typed, ''].map((row) => `  ┃  ${row}`.trimEnd())
  return [...said, '', ...composer, '  ┃  Build · model Provider', `  ╹${'▀'.repeat(74)}`, footer, '']
}

const resting = '   /repo                                            1.3K (1%)  ctrl+p commands'
const running = '   ⬝⬝⬝■■■■⬝  esc interrupt                          1.3K (1%)  ctrl+p commands'
const asked = ['  ┃', '  ┃  Do it', '  ┃', '']
const look = (rows: readonly string[], pane: Partial<PaneFacts> = {}) => opencode.parseScreen(rows, { ...facts, ...pane })

test('opencode: starts with its model, and is heard by a variable, not by a file of the person', () => {
  assert.deepEqual(opencode.start(config, null), { argv: ['opencode'], env: {} })
  assert.deepEqual(opencode.start({ ...config, command: ['oc', '--pure'], model: 'm', provider: 'p', env: { A: 'b' } }, null), {
    argv: ['oc', '--pure', '--model', 'p/m'],
    env: { A: 'b' },
  })
  const heard = opencode.start({ ...config, env: { A: 'b' } }, at)
  assert.deepEqual(Object.keys(heard.files ?? {}), ['/state/my home/burn-signals.js'])
  assert.deepEqual(JSON.parse(heard.env['OPENCODE_CONFIG_CONTENT'] ?? ''), { plugin: ['file:///state/my%20home/burn-signals.js'] })
  assert.deepEqual([heard.env['A'], heard.env['npm_config_fetch_retries'], heard.links], ['b', '0', undefined])
  const taken = opencode.start({ ...config, env: { OPENCODE_CONFIG_CONTENT: '{}' } }, at)
  assert.deepEqual([taken.env, taken.files], [{ OPENCODE_CONFIG_CONTENT: '{}' }, undefined])
  assert.match(taken.without_hooks ?? '', /OPENCODE_CONFIG_CONTENT/)
})

test('opencode: the footer says whether a turn runs, whatever is quoted above it or typed', () => {
  const quoted = ['     It prints:', '       ⬝⬝■■  esc interrupt', '       △ Permission required', '', '     ▣  Build · model · 3.1s']
  const idle = look(screen(quoted, [''], resting))
  assert.deepEqual([idle.reading.state, idle.composer, idle.composer_rows], ['idle', 'empty', [6, 9]])
  const draft = look(screen(quoted, ['wait, esc interrupt? (y/n)', '漢字 two'], resting))
  assert.deepEqual([draft.reading.state, draft.reading.detail, draft.draft], ['idle', 'draft', 'wait, esc interrupt? (y/n)\n漢字 two'])
  assert.equal(look(screen(quoted, [''], running)).reading.state, 'working')
  assert.equal(look(screen(asked, ['half'], running)).composer, 'draft')
  assert.equal(look(screen([...asked.slice(0, 2), '  ┃   QUEUED', '  ┃'], [''], running)).reading.detail, 'queued')
  assert.equal(
    look(screen(asked, [''], '   ⬝⬝■■ Rate limit exceeded [retrying in 2s attempt #4]   esc interrupt')).reading.detail,
    'retrying',
  )
  assert.equal(look(screen(quoted, [''], resting), { cursor_x: 40, cursor_y: 1 }).reading.state, 'unknown', 'a dialog has the cursor')
  assert.equal(look(screen([], ['Ask anything… "Fix broken tests"'], resting)).composer, 'empty')
  assert.deepEqual([look(screen([], ['Ask anything… and more'], resting)).composer], ['draft'])
})

test('opencode: a failed turn is an error, one that was cut or a tool that was refused is not', () => {
  const failed = [...asked, '  ┃', '  ┃  Invalid API key provided', '  ┃', '', '     ▣  Build · model']
  assert.deepEqual(look(screen(failed, [''], resting)).reading, { state: 'error', detail: 'auth', evidence: 'Invalid API key provided' })
  assert.equal(look(screen(failed, [''], running)).reading.state, 'working', 'it tries again')
  for (const last of ['     ▣  Build · model · 13.9s', '     ▣  Build · model · 2m 3s', '     ▣  Build · model · interrupted'])
    assert.equal(look(screen([...failed.slice(0, -1), last], [''], resting)).reading.state, 'idle', last)
  const compacted = [
    ...asked,
    '  ┃',
    '  ┃  Session too large to compact - context exceeds model limit',
    '  ┃',
    '',
    '     ▣  Compaction · model · 2.4s',
  ]
  assert.deepEqual(look(screen(compacted, [''], resting)).reading.detail, 'context')
  const summary = [...asked, '     It is about a list.', '', '     ▣  Compaction · model · 2.4s']
  assert.equal(look(screen(summary, [''], resting)).reading.state, 'idle')
  const refused = [...asked, '  ┃', '  ┃  $ git push --force', '  ┃', '', '     ▣  Build · model']
  assert.equal(look(screen(refused, [''], resting)).reading.state, 'idle')
  const covered = [...asked.slice(0, -1), '        ┃  Copied  ┃', '     ▣  B┃  Copied  ┃']
  assert.equal(look(screen(covered, [''], resting)).reading.state, 'idle', 'a toast covers the time')
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

test('opencode: a toast over a narrow composer hides no running turn, and no draft is taken for none', () => {
  const toast = (row: string) => `${row.slice(0, 4).padEnd(4)}┃  Could not reach the registry  ┃`
  const covered = (footer: string) => screen(asked, [''], footer).map((row, i, all) => (i > 4 && i < all.length - 1 ? toast(row) : row))
  const seen = [look(covered(running)), look(covered(resting)), look(covered(''))]
  assert.deepEqual(
    seen.map(({ reading, composer }) => [reading.state, composer]),
    [
      ['working', 'draft'],
      ['idle', 'draft'],
      ['unknown', 'draft'],
    ],
  )
})

test('opencode: what it asks stands where the composer was, and is answered by a digit or a key; nothing is typed into it', () => {
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

test('opencode: nothing of it drawn is starting; what a shell stands behind, or a dead pane, is dead', () => {
  assert.equal(look(['dev@box$ opencode', '']).reading.state, 'starting')
  assert.equal(look(['']).reading.state, 'starting')
  assert.equal(look([...asked, '     half a screen']).reading.state, 'unknown')
  assert.equal(look([...screen(asked, [''], resting), 'Killed', 'dev@box$'], { command: 'bash' }).reading.state, 'dead')
  assert.equal(look(screen(asked, [''], resting), { dead: true }).reading.state, 'dead')
})

test('opencode: what its plugin tells is understood', () => {
  const heard = (event: string, detail: string | null = null) => opencode.hookState?.({ event, detail })?.state ?? null
  assert.deepEqual(
    ['busy', 'retry', 'idle'].map((status) => heard('session.status', status)),
    ['working', 'working', 'idle'],
  )
  assert.equal(heard('session.error', 'MessageAbortedError'), null, 'a person cut it')
  const events = ['session.idle', 'permission.asked', 'permission.replied', 'question.asked', 'session.error', 'chat.message']
  assert.deepEqual(
    events.map((event) => heard(event)),
    ['idle', 'waiting', 'working', 'waiting', 'error', null],
  )
})

test('opencode: whatever the screen, there is a reading, and idle only above its own closing row', () => {
  const rows = [...screen(asked, ['text'], resting), ...approval, ...question, '     ▣  Build · model', 'שלום 漢字 👩‍👩‍👧', running]
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
