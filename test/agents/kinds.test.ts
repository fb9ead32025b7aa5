/** Tests the registry of agent kinds, and the start of Hermes. */
import type { AgentConfig } from '../../src/core/nouns.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { hermes } from '../../src/agents/hermes.ts'
import { paneAgentCache, paneAgent } from '../../src/agents/index.ts'
import { BurnError } from '../../src/core/errors.ts'
import { agentNames } from '../../src/core/agent-kinds.ts'
import { anyCharacter } from '../support/any-character.ts'

const config: AgentConfig = {
  kind: 'hermes',
  command: ['hermes', 'chat', '--yolo'],
  model: null,
  provider: null,
  busy_input_mode: 'interrupt',
  hooks: true,
  env: {},
}

test('agents: finds each kind by name, and suggests the right ones', () => {
  for (const kind of agentNames) assert.equal(paneAgent({ kind }).kind, kind)
  assert.throws(
    () => paneAgent({ kind: 'hermse' }),
    (thrown) =>
      thrown instanceof BurnError &&
      thrown.code === 'agent_unknown' &&
      thrown.exit === 2 &&
      /did you mean hermes\?.*hermes, .*shell/.test(thrown.hint),
  )
  assert.throws(
    () => paneAgent({ kind: 'zzz' }),
    (thrown) => thrown instanceof BurnError && !/did you mean/.test(thrown.hint),
  )
})

test('agents: parses a screen once for each pane', () => {
  const kindOf = paneAgentCache()
  const shell = kindOf({ kind: 'shell' })
  assert.equal(kindOf({ kind: 'shell' }), shell)
  const screen = ['$ ']
  const pane = { dead: false, command: 'bash', cursor_x: 2, cursor_y: 0, width: 80, height: 1, title: '' }
  const look = shell.parseScreen(screen, pane)
  assert.equal(shell.parseScreen(screen, pane), look)
  const dead = shell.parseScreen(screen, { ...pane, dead: true })
  assert.deepEqual([look.reading.state === 'dead', dead.reading.state], [false, 'dead'])
  assert.deepEqual(shell.parseScreen(screen, pane), look)
  assert.notEqual(shell.parseScreen(['$ '], pane), look)
})

test('agents: hermes starts with model and provider of the spec', () => {
  assert.deepEqual(hermes.start(config, null).argv, ['hermes', 'chat', '--yolo'])
  assert.deepEqual(hermes.start({ ...config, command: [] }, null).argv, ['hermes', 'chat', '--yolo'])
  assert.deepEqual(
    hermes.start({ ...config, model: 'm', provider: 'p', busy_input_mode: 'interrupt', hooks: true, env: { A: 'b' } }, null),
    {
      argv: ['hermes', 'chat', '--yolo', '-m', 'm', '--provider', 'p'],
      env: { A: 'b' },
    },
  )
})

test('agents: hermes is idle only with status bar, rule and prompt', () => {
  const row = fc.oneof(
    fc.string({ unit: anyCharacter }),
    fc.constantFrom('❯', '❯ text', '⚕ ❯ msg=interrupt · /queue', '─'.repeat(80), '', ' ⚕ model │ 1% │ 4s │ ⏲ 1s', '? ❯'),
  )
  fc.assert(
    fc.property(fc.array(row, { maxLength: 24 }), fc.constantFrom(57, 80, 200), (screen, width) => {
      const look = hermes.parseScreen(screen, { width, height: 24, title: '', command: 'python', dead: false, cursor_x: 0, cursor_y: 0 })
      const [first, end] = look.composer_rows
      if (look.composer === 'absent') assert.equal(first, end)
      else assert.ok(screen[first - 2]!.startsWith(' ⚕ ') && screen[first - 1]!.startsWith('────') && end > first)
      if (look.composer === 'absent') assert.notEqual(look.reading.state, 'idle')
    }),
  )
})
