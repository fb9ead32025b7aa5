/** Tests that Hermes' screen is read in every skin and language, and which settings burn writes for its workers. */
import type { AgentPlace, PaneFacts } from '../../src/core/agent.ts'
import type { AgentConfig } from '../../src/core/nouns.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hermes } from '../../src/agents/hermes.ts'
import { hermesConfig } from '../../src/agents/hermes-home.ts'

const rule = '─'.repeat(80)
const idleBar = ' ☤ stub │ 1.2K/131K │ [░░] 1% │ 4s │ ⏲ 1s'
const busyBar = ' ☤ stub │ 1.2K/131K │ [░░] 1% │ 9s │ ⏱ 5s'

/** Parses a screen whose composer has these rows. The cursor is at the column `cursor_x` of the first of these rows. */
function read(bar: string, composer: readonly string[], { width = 80, cursor_x = 0 } = {}) {
  const rows = ['● hello', ' Done.', bar, rule.slice(0, width), ...composer, ...(width < 64 ? [] : [rule])]
  const pane: PaneFacts = { width, height: 24, title: '', command: 'python', dead: false, cursor_x, cursor_y: 4 }
  const { reading, composer: content, draft } = hermes.parseScreen(rows, pane)
  return [reading.state, reading.detail, content, draft]
}

test('hermes: reads the prompt of every skin', () => {
  for (const sign of ['❯', '⚔', 'Ψ', '✦', '◉', '>>>', '$', 'coder ⚔', 'coder >'])
    assert.deepEqual(read(idleBar, [sign]), ['idle', null, 'empty', ''], sign)
  assert.deepEqual(read(idleBar, ['⚔ a draft']), ['idle', null, 'draft', 'a draft'])
  assert.deepEqual(read(' ☤ stub · 4s', ['⚔'], { width: 57 }), ['idle', null, 'empty', ''])
  assert.equal(read(' ☤ stub · 4s', ['>>>'], { width: 57 })[0], 'unknown', 'a sign that burn does not know, and no clock')
})

test('hermes: reads states in every skin and language', () => {
  const busy = 'Nachricht=Abbruch · /queue · Strg+C'
  for (const skin of ['❯', '⚔', 'Ψ', 'coder ⚔', '>>>']) {
    const cursor_x = `☤ ${skin} `.length
    assert.deepEqual(read(busyBar, [`☤ ${skin} ${busy}`], { cursor_x }), ['working', null, 'empty', ''], skin)
    assert.deepEqual(read(busyBar, [`⚠ ${skin} 1/2/3 eingeben`], { cursor_x }), ['waiting', 'approval', 'empty', ''], skin)
    assert.deepEqual(read(busyBar, [`☤ ${skin} more work`], { cursor_x: cursor_x + 9 }), ['working', null, 'draft', 'more work'], skin)
  }
  assert.deepEqual(read(busyBar, [`⚙ ❯ ${busy}`], { cursor_x: 4 }), ['waiting', 'question', 'empty', ''], 'a connection to confirm')
  assert.deepEqual(read(busyBar, ['◉ ◉ '], { cursor_x: 4 }).slice(0, 2), ['unknown', 'voice'])
})

test('hermes: finds the status bar by its place', () => {
  for (const bar of [' ✚ stub │ 1% │ ⏲ 1s', ' ▮ 80% │ ☤ stub │ ⏲ 1s']) assert.equal(read(bar, ['❯'])[0], 'idle', bar)
  assert.equal(read(' ✚ stub │ 1% │ ⏱ 1s', ['✚✚ words'])[0], 'working', 'the clock runs')
})

test("hermes: a worker's profile fixes screen, skin and language", () => {
  const config: AgentConfig = { kind: 'hermes', command: [], model: null, provider: null, busy_input_mode: 'queue', hooks: true, env: {} }
  const own = { display: { skin: 'ares', interface: 'tui', language: 'de', statusbar: 'off' }, model: 'm' }
  const configs = new Map([[hermesConfig, own]])
  const at: AgentPlace = { hook: '/s/hook', home: '/s/home', person: '/home/a', name: 'burn-f-w-a', configs, entries: new Map() }
  const { env, files } = hermes.start(config, at)
  const [text = ''] = Object.values(files ?? {})
  const written = JSON.parse(text) as Record<string, unknown>
  assert.deepEqual(written['display'], { busy_input_mode: 'queue', interface: 'cli', skin: 'default', language: 'en' })
  assert.equal(written['model'], 'm')
  assert.deepEqual([env['HERMES_LANGUAGE'], env['HERMES_TUI']], ['en', '0'])
})
