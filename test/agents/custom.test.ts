/** Tests agents that a spec declares by patterns. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { PaneFacts } from '../../src/core/agent.ts'
import type { CustomAgent } from '../../src/core/custom-agent.ts'
import { paneAgent } from '../../src/agents/index.ts'
import { parseSpec } from '../../src/spec/load.ts'
import { completeSpec } from '../../src/spec/complete.ts'
import { SpecError } from '../../src/spec/findings.ts'
import { anyCharacter } from '../support/any-character.ts'

const facts: PaneFacts = { width: 80, height: 24, title: '', command: 'my-agent', dead: false, cursor_x: 0, cursor_y: 0 }
const small = {
  kind: 'custom',
  command: ['my-agent', '--tty'],
  patterns: {
    ready: '^my-agent \\d',
    composer: '^> ?(.*)$',
    below: '^─{10,}$',
    placeholder: '^Ask me$',
    working: ['^\\* thinking'],
    waiting: ['\\(y/n\\)$'],
    error: ['^Error: '],
    rows: 3,
  },
  submit: 'M-Enter',
  submit_delay: '2s',
  collapses: 5,
}

function specText(agent: unknown, window: Record<string, unknown> = {}): string {
  const windows = [{ name: 'A', repos: ['app'], names: ['ONE'], ...window }]
  return JSON.stringify({ forge: { kind: 'folder', path: '/f' }, agent, machines: { box: { windows } } }, null, 1)
}

function workerOf(agent: unknown, window: Record<string, unknown> = {}) {
  const text = specText(agent, window)
  const { fleet } = completeSpec(parseSpec(text, 'spec.json'), {
    file: '/spec.json',
    home: '/home/a',
    ownFile: (_, name) => name,
    known: [],
    text,
  })
  return fleet.machines[0]!.windows[0]!.workers[0]!.agent
}

/** Returns each finding as `line:column what`. */
function findings(agent: unknown, window: Record<string, unknown> = {}): string[] {
  try {
    workerOf(agent, window)
    return []
  } catch (thrown) {
    assert.ok(thrown instanceof SpecError, String(thrown))
    return thrown.findings.map(({ line, column, what }) => `${line}:${column} ${what}`)
  }
}

const rule = '─'.repeat(20)
const look = (rows: readonly string[], pane: Partial<PaneFacts> = {}) => paneAgent(workerOf(small)).parseScreen(rows, { ...facts, ...pane })
const state = (rows: readonly string[], pane: Partial<PaneFacts> = {}) => look(rows, pane).reading.state

test('custom: starts, parses, types and submits as the spec says', () => {
  const config = workerOf(small)
  const kind = paneAgent(config)
  assert.deepEqual(kind.start(config, null).argv, ['my-agent', '--tty'])
  assert.deepEqual([kind.submit, kind.limits.submit_delay], ['\u001b\r', 2000])

  const banner = 'my-agent 1.0'
  assert.equal(state([]), 'starting')
  assert.equal(state(['dev@box$ my-agent']), 'starting')
  assert.equal(state([banner]), 'unknown', 'it is up, but shows no composer')
  assert.equal(state([banner, '> ', rule, '80 % left']), 'idle')
  assert.equal(state([banner, '> ', '80 % left']), 'unknown', 'no row closes the composer')
  assert.equal(state([banner, '* thinking', '> ', rule]), 'working')
  assert.equal(state([banner, '* thinking', '', '', '', '> ', rule]), 'idle', 'too far above')
  assert.equal(state([banner, '> * thinking', '(y/n)', rule]), 'idle', 'a draft shows no state')
  assert.equal(state([banner, 'Error: 500', '> ', rule]), 'error')
  assert.equal(state([banner, '> ', rule], { dead: true }), 'dead')
  assert.equal(state([banner, '> ', rule, 'dev@box$'], { command: 'bash' }), 'dead')

  const draft = look([banner, '> one', '  two', rule])
  assert.deepEqual([draft.composer, draft.draft, draft.composer_rows], ['draft', 'one\n  two', [1, 3]])
  assert.equal(look([banner, '> Ask me', rule]).composer, 'empty')

  const asks = look([banner, 'Remove it all?', 'Sure (y/n)'])
  assert.deepEqual([asks.reading.state, asks.question], ['waiting', `${banner}\nRemove it all?\nSure (y/n)`])
  assert.deepEqual(kind.answer?.('y', asks), [{ type: 'y' }, { key: 'Enter' }])
  assert.equal(kind.answer?.('y\u001b[201~', asks), null)
})

test('custom: any rows have a reading, idle only with a composer', () => {
  const custom = workerOf(small).custom as CustomAgent
  const row = fc.oneof(
    fc.string({ unit: anyCharacter, maxLength: 600 }),
    fc.constantFrom('> ', '> a', rule, '* thinking', 'ok (y/n)', '', 'Error: x', 'my-agent 1', 'שלום 漢字 👩‍👩‍👧'),
  )
  fc.assert(
    fc.property(fc.array(row, { maxLength: 30 }), fc.integer({ min: 1, max: 300 }), (rows, width) => {
      const seen = paneAgent({ kind: 'custom', custom }).parseScreen(rows, { ...facts, width, height: rows.length })
      const [first, end] = seen.composer_rows
      if (seen.reading.state === 'idle') assert.ok(rows[first]!.startsWith('>') && end > first)
      if (seen.composer === 'absent') assert.deepEqual([first, end], [0, 0])
      assert.equal(paneAgent({ kind: 'custom' }).parseScreen(rows, facts).composer, 'absent', 'without patterns it recognises no composer')
    }),
  )
})

test('custom: refuses broken or slow patterns with line and column', () => {
  const composer = (pattern: string) => findings({ ...small, patterns: { composer: pattern } })
  assert.deepEqual(composer('^> (.*'), ['13:16 agent.patterns.composer is not a regular expression: /^> (.*/u: Unterminated group'])
  assert.match(composer('^> .*$').join(), /^13:16 .*must have one group/)
  assert.match(composer('^(>) (.*)$').join(), /^13:16 .*must have one group/)
  for (const slow of ['^(a+)+$', '^((?:a|a)*)b', '^([a-z]+ ?)*$', '(\\s*\\w*){2,}', '^(.*)\\1$', '^(?:(?:x?y)+z)*()'])
    assert.match(composer(slow).join(), /^13:16 .*forever/, slow)
  assert.match(composer('^(.*.*.*.*)$').join(), /too many repeats without a limit: write/)
  assert.match(composer(`^(${'.{0,20}'.repeat(8)})$`).join(), /too many repeats/)
  assert.match(composer('> (.*.*.*)$').join(), /too many repeats without a limit, and does not begin/)
  for (const fine of ['^ {0,9}│\\s*(.*?)\\s*│$', '^(?:❯|>) ?(.*)$', '^\\[(?:[^\\]]{1,9})?\\] (.*)$', '(?<draft>[)(*]+)', '^([\\p{L}]*)$'])
    assert.deepEqual(composer(fine), [], fine)
  assert.match(findings({ ...small, patterns: { composer: '^(.*)$', working: ['ok', '['] } }).join(), /working.*not a regular expression/)
})

test('custom: reports missing keys; the nearest value counts', () => {
  assert.deepEqual(findings({ kind: 'custom' }), ['7:11 an agent of kind "custom" needs "command" and "patterns"'])
  const window = { agent: { kind: 'custom', command: ['x'] } }
  assert.match(findings({ kind: 'hermes' }, window).join(), /needs "patterns"$/)
  assert.match(findings({ ...small, kind: 'hermes' }, window).join(), /needs "patterns"$/, "another kind's patterns do not count")
  const near = workerOf(small, { agent: { submit: 'C-d', patterns: { composer: '^\\$ (.*)$' } } })
  assert.deepEqual(
    [near.command, near.custom?.submit, near.custom?.composer, near.custom?.working],
    [['my-agent', '--tty'], 'C-d', '^\\$ (.*)$', []],
  )
  assert.equal(workerOf({ kind: 'hermes' }).custom, undefined)
})
