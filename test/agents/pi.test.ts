/** Tests the start, the screen, the events and the recorded tokens of pi. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { AgentPlace, PaneFacts } from '../../src/core/agent.ts'
import type { AgentConfig } from '../../src/core/nouns.ts'
import { pi } from '../../src/agents/pi.ts'
import { anyCharacter } from '../support/any-character.ts'
import { piUsage } from '../../src/agents/pi-usage.ts'

const config: AgentConfig = { kind: 'pi', command: [], model: null, provider: null, busy_input_mode: 'interrupt', hooks: true, env: {} }
const at: AgentPlace = {
  hook: '/state/hook',
  home: '/state/home',
  person: '/home/a',
  name: 'burn-f-w-a',
  configs: new Map(),
  entries: new Map(),
}
const facts: PaneFacts = { width: 80, height: 24, title: 'π - repo', command: 'pi', dead: false, cursor_x: 0, cursor_y: 0 }
const rule = '─'.repeat(80)
const footer = ['~/repo (main)', '↑2.5k ↓112 1.0%/131k (auto)                                         some-model']
const screen = (conversation: readonly string[], typed: readonly string[] = ['']) => [...conversation, '', rule, ...typed, rule, ...footer]
const look = (rows: readonly string[], pane: Partial<PaneFacts> = {}) => pi.parseScreen(rows, { ...facts, ...pane })

test('pi: starts with its model, and with an extension for hooks', () => {
  assert.deepEqual(pi.start(config, null), { argv: ['pi'], env: {} })
  const hooked = pi.start({ ...config, command: ['pi', '--no-session'], model: 'm', provider: 'p', env: { A: 'b' } }, at)
  const file = '/state/home/burn-signals.js'
  assert.deepEqual(hooked.argv, ['pi', '--no-session', '--provider', 'p', '--model', 'm', '--extension', file])
  assert.deepEqual([hooked.env, Object.keys(hooked.files ?? {})], [{ A: 'b' }, [file]])
})

test('pi: only the loader above the composer shows a turn', () => {
  const quoted = [' It prints:', '', ' ⠋ Working...', ' Error: no', '', ' None of that happens any more.']
  const idle = look(screen(quoted))
  assert.deepEqual([idle.reading.state, idle.composer, idle.composer_rows], ['idle', 'empty', [8, 9]])
  const draft = look(screen(quoted, ['⠋ Working... (y/n)', '漢字']))
  assert.deepEqual([draft.reading.state, draft.reading.detail, draft.draft], ['idle', 'draft', '⠋ Working... (y/n)\n漢字'])
  assert.equal(look(screen([...quoted, '', ' ⠙ Working...'])).reading.state, 'working')
  assert.equal(look(screen([' Error: 500', '', ' ⠧ Retrying (2/2) in 1s... (escape to', ' cancel)'])).reading.detail, 'retrying')
  const queued = look(screen([' Steering: then the docs', ' ↳ Alt+Up to edit all queued messages', '', ' ⠦ Working...']))
  assert.deepEqual([queued.reading.state, queued.reading.detail, queued.interrupts], ['working', 'queued', false])
  const scrolled = look([' Done.', '', `─── ↑ 3 more ${'─'.repeat(40)}`, 'a', 'b', `─── ↓ 12 more ${'─'.repeat(40)}`, ...footer])
  assert.deepEqual([scrolled.reading.state, scrolled.draft], ['idle', 'a\nb'])
  assert.equal(look(screen(quoted), { cursor_x: 3, cursor_y: 1 }).reading.state, 'unknown')
})

test('pi: the upper rule of newer versions shows a turn', () => {
  const busy = (label: string, typed: readonly string[] = [''], above: readonly string[] = [' Done.', '']) =>
    look([...above, `── ${label} ${'─'.repeat(60)}`, ...typed, rule, ...footer])
  const { reading, composer, composer_rows } = busy('⠧ Working')
  assert.deepEqual([reading.state, reading.detail, composer, composer_rows], ['working', null, 'empty', [3, 4]])
  assert.deepEqual([busy('⠧ Working', ['a', 'b']).draft, busy('⠧ Working ── ↑ 3 more', ['b']).draft], ['a\nb', 'b'])
  assert.equal(busy('⠙ Retrying (1/3) in 2s... (escape to cancel)').reading.detail, 'retrying')
  assert.equal(busy('⠦ Working', [''], [' Steering: then the docs', '']).reading.detail, 'queued')
  const narrow = look([' Done.', '', `───⠧${'─'.repeat(8)}`, '', '─'.repeat(12), ...footer])
  assert.equal(narrow.reading.state, 'working')
  const scrolled = look([' Done.', '', `${'─'.repeat(20)} ↑ 3 more ${'─'.repeat(20)}`, 'a', rule, ...footer])
  assert.deepEqual([scrolled.reading.state, scrolled.draft], ['idle', 'a'])
})

test('pi: an interrupted turn is not an error', () => {
  const state = (last: readonly string[]) => [look(screen(last)).reading.state, look(screen(last)).reading.detail]
  assert.deepEqual(state([' Error: Retry failed after 2 attempts: 429 Rate limit', ' exceeded, please slow down']), ['error', 'rate limit'])
  const full = [
    ' Error: 400 too many tokens',
    '',
    ' Context overflow recovery failed after one compact-and-retry attempt. Try reducing context.',
  ]
  assert.deepEqual(state(full), ['error', 'context'])
  assert.deepEqual(state([' Error: 401 Invalid API key provided']), ['error', 'auth'])
  assert.deepEqual(state([' Error: Connection error.']), ['error', 'connection'])
  assert.deepEqual(state([' Error: Connection error.', '', ' Operation aborted']), ['idle', null])
})

test("pi: a menu in the composer's place is a question", () => {
  const asks = look(screen([' Done.'], ['', ' Allow this?', '', ' → Yes', '   No', '', ' ↑↓ navigate  enter select  esc cancel', '']))
  assert.deepEqual([asks.reading.state, asks.composer], ['waiting', 'absent'])
  assert.match(asks.question ?? '', /Allow this\?[^]*❯ 1\. Yes\n {2}2\. No/)
  assert.deepEqual(pi.answer?.('no', asks), [{ key: 'Down' }, { key: 'Enter' }])
})

test('pi: tells starting, unknown and dead apart', () => {
  assert.equal(look(['dev@box$ pi', 'fd not found. Offline mode enabled, skipping download.']).reading.state, 'starting')
  assert.equal(look([' pi v0.73.1', ' escape interrupt']).reading.state, 'unknown')
  assert.equal(look([...screen([' Done.']), '', 'dev@box$ pi', 'Killed', 'dev@box$'], { command: 'bash' }).reading.state, 'dead')
  assert.equal(look([...screen([' Done.']), '', 'some', 'other', 'program', 'here']).reading.state, 'unknown')
  assert.equal(look(screen([' Done.']), { dead: true }).reading.state, 'dead')
})

test('pi: maps the events of its extension to states', () => {
  const stateOf = (event: string, detail: string | null = null) => pi.hookState?.({ event, detail })?.state ?? null
  assert.deepEqual(
    ['input', 'agent_start', 'tool_call', 'agent_end'].map((event) => stateOf(event)),
    [null, 'working', 'working', 'idle'],
  )
  assert.equal(stateOf('agent_end', 'error'), 'error')
  assert.equal(stateOf('agent_end', 'aborted'), 'idle')
})

test('pi: any screen has a reading, idle only between its rules', () => {
  const rows = [rule, ...footer, ' ⠙ Working...', ' Error: 500', 'text', '', '─── ↑ 3 more ────', ' enter select', 'שלום 漢字 👩‍👩‍👧']
  const row = fc.oneof(fc.string({ unit: anyCharacter }), fc.constantFrom(...rows))
  fc.assert(
    fc.property(fc.array(row, { maxLength: 30 }), fc.integer({ min: 1, max: 200 }), fc.nat(60), (some, width, cursor_y) => {
      const seen = look(some, { width, height: some.length, cursor_x: 5, cursor_y })
      const [first, end] = seen.composer_rows
      if (seen.composer === 'absent') assert.deepEqual([first, end, seen.reading.state === 'idle'], [0, 0, false])
      else for (const each of [some[first - 1], some[end]]) assert.match(each ?? '', /^───/)
    }),
  )
})

test('usage: a failed request of pi counts nothing', () => {
  const line = (input: number, more: object) => {
    const usage = { input, output: 0, cacheRead: 0, cacheWrite: 0, totalTokens: input, cost: { total: 0 } }
    const message = { role: 'assistant', content: [], provider: 'stub', model: 'stub', usage, timestamp: 1795860720869, ...more }
    return JSON.stringify({ type: 'message', id: `898f99b${input}`, timestamp: '2026-11-28T10:12:00.961Z', message })
  }
  const failed = line(0, { stopReason: 'error', errorMessage: '500: {"type":"server_error"}' })
  const { uses } = piUsage.read(null, [failed, line(7, { stopReason: 'aborted' })])
  assert.deepEqual(
    uses.map(({ calls, input }) => [calls, input]),
    [[1, 7]],
  )
})
