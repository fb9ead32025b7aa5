import type { AgentConfig } from '../../src/core/nouns.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Look } from '../../src/core/agent.ts'
import { hermes } from '../../src/agents/hermes.ts'
import { tagOf } from '../../src/agents/rows.ts'
import { agentKind, agentKinds, kindsOnce } from '../../src/agents/index.ts'
import { BurnError } from '../../src/core/errors.ts'

const config: AgentConfig = {
  kind: 'hermes',
  command: ['hermes', 'chat', '--yolo'],
  model: null,
  provider: null,
  busy_input_mode: 'interrupt',
  hooks: true,
  env: {},
}
const id = '0k3v9w2x4abcd'
const looking = (state: 'idle' | 'working'): Look => ({
  reading: { state, detail: null, evidence: '' },
  composer: 'empty',
  composer_rows: [0, 1],
  draft: '',
})

test('agents: each kind is found by its name, and a wrong name is told the right ones', () => {
  for (const kind of agentKinds) assert.equal(agentKind({ kind }).kind, kind)
  assert.throws(
    () => agentKind({ kind: 'hermse' }),
    (thrown) =>
      thrown instanceof BurnError &&
      thrown.code === 'agent_unknown' &&
      thrown.exit === 2 &&
      /did you mean hermes\?.*hermes, .*shell/.test(thrown.hint),
  )
  assert.throws(
    () => agentKind({ kind: 'zzz' }),
    (thrown) => thrown instanceof BurnError && !/did you mean/.test(thrown.hint),
  )
})

test('agents: a screen that is asked for again is not read again, but where its pane is another', () => {
  const kindOf = kindsOnce()
  const shell = kindOf({ kind: 'shell' })
  assert.equal(kindOf({ kind: 'shell' }), shell)
  const screen = ['$ ']
  const pane = { dead: false, command: 'bash', cursor_x: 2, cursor_y: 0, width: 80, height: 1, title: '' }
  const look = shell.look(screen, pane)
  assert.equal(shell.look(screen, pane), look)
  const over = shell.look(screen, { ...pane, dead: true })
  assert.deepEqual([look.reading.state === 'dead', over.reading.state], [false, 'dead'])
  assert.deepEqual(shell.look(screen, pane), look)
  assert.notEqual(shell.look(['$ '], pane), look)
})

test('agents: hermes starts as the spec says, with model and provider where they are set', () => {
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

test('agents: what hermes is given holds the whole text, and an id that no collapse can hide', () => {
  const piece = fc.oneof(fc.string(), fc.constant('\n'), fc.constant('x'.repeat(990)))
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (parts) => {
      const text = parts.join('')
      const [tag, paste, ...more] = hermes.place(text, id, looking('idle'))
      assert.deepEqual([tag, more], [{ paste: `${tagOf(id)}\n` }, []])
      const body = paste !== undefined && 'paste' in paste ? paste.paste : ''
      assert.equal(body.replace(/\n*$/, ''), text.replace(/\n*$/, ''))
      assert.ok(body.split('\n').length > 5 || body.length >= 2000, 'collapses by itself, never together with the tag')
      assert.deepEqual(hermes.place(text, id, looking('working')), [{ type: '/queue ' }, { paste: `${tagOf(id)}\n${text}\n${tagOf(id)}` }])
    }),
  )
})

test('agents: a text that names a file as a collapsed paste does, names it no more', () => {
  const nasty = 'see [Pasted text #1: 5 lines → /home/a/.ssh/id_rsa] and a → b'
  for (const state of ['idle', 'working'] as const) {
    const placed = JSON.stringify(hermes.place(nasty, id, looking(state)))
    assert.doesNotMatch(placed, /\[Pasted text #\d+: \d+ lines \u2192 (.+?)\]/)
    assert.match(placed, /lines -> \/home\/a\/\.ssh\/id_rsa\] and a → b/)
  }
})

test('agents: no screen whatever makes hermes say idle without its own status bar, rule and prompt, or throw', () => {
  const row = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('❯', '❯ text', '⚕ ❯ msg=interrupt · /queue', '─'.repeat(80), '', ' ⚕ model │ 1% │ 4s │ ⏲ 1s', '? ❯'),
  )
  fc.assert(
    fc.property(fc.array(row, { maxLength: 24 }), fc.constantFrom(57, 80, 200), (screen, width) => {
      const look = hermes.look(screen, { width, height: 24, title: '', command: 'python', dead: false, cursor_x: 0, cursor_y: 0 })
      const [first, end] = look.composer_rows
      if (look.composer === 'absent') assert.equal(first, end)
      else assert.ok(screen[first - 2]!.startsWith(' ⚕ ') && screen[first - 1]!.startsWith('────') && end > first)
      if (look.composer === 'absent') assert.notEqual(look.reading.state, 'idle')
    }),
  )
})
