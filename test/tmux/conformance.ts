/** The behaviour that every implementation of the `Tmux` port must have, tested on a real tmux server. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import * as fc from 'fast-check'
import type { Machine } from '../../src/core/nouns.ts'
import type { Tmux } from '../../src/core/ports.ts'
import { openTmux, type FirstWindow } from '../../src/tmux/open.ts'
import { captureMachine } from '../../src/tmux/panes.ts'
import { clock } from '../support/clock.ts'
import { privateSocket } from '../support/tmux.ts'

/** The first window of a session: one pane that prints nothing. */
export const quiet: FirstWindow = { name: 'first', width: 200, height: 50, command: ['sh', '-c', 'exec cat >/dev/null'] }

/** Returns a local machine whose tmux server is at this socket. */
export function machineOn(socket: string, more: Partial<Machine> = {}): Machine {
  return {
    name: 'box',
    transport: { kind: 'local' },
    cores: null,
    ram_gb: null,
    session: 'T',
    socket,
    tmux: 'tmux',
    windows: [],
    state_dir: '~/state',
    ...more,
  }
}

/** Creates a session with one silent pane, and opens its channel. */
export async function raised(t: TestContext, more: Partial<Machine> = {}): Promise<{ machine: Machine; tmux: Tmux }> {
  const machine = machineOn(privateSocket(t), more)
  const tmux = await openTmux(machine, { clock, create: quiet })
  t.after(() => tmux.close())
  return { machine, tmux }
}

/** Texts with special characters of tmux, a shell or the protocol. */
export const hostile = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.string({
    unit: fc.constantFrom('"', "'", '\\', '$', '`', '#', '{', '}', '~', ';', '%', ' ', '\n', '\t', '(', ')', 'a', '€', '🜍'),
    maxLength: 40,
  }),
  fc.constantFrom(
    '%end 1 2 1',
    '%begin 1 2 1',
    '%exit',
    '',
    ';',
    'a;',
    '\\;',
    '$(touch /tmp/x)',
    '`id`',
    '#{pane_id}',
    '#(id)',
    '~/x',
    '-t',
    '\u0007',
    '%0',
  ),
)

/** Runs the tests of the port on one implementation. */
export function tmuxConformance(form: string, open: (t: TestContext) => Promise<{ machine: Machine; tmux: Tmux }>): void {
  test(`${form}: replies come in order, one for each line`, async (t) => {
    const { tmux } = await open(t)
    const replies = await tmux.run(
      Array.from({ length: 50 }, (_, i) => [
        ['display-message', '-p', `a${i}`],
        ['display-message', '-p', `b${i}`],
      ]),
    )
    assert.deepEqual(
      replies.map(({ lines }) => lines),
      Array.from({ length: 50 }, (_, i) => [`a${i}`, `b${i}`]),
    )
  })

  test(`${form}: an error stops only its own line`, async (t) => {
    const { tmux } = await open(t)
    const print = (text: string) => ['display-message', '-p', text]
    const [first, second, third] = await tmux.run([
      [print('one'), ['kill-pane', '-t', '%99'], print('never')],
      [['kill-window', '-t', '@99']],
      [print('two')],
    ])
    assert.deepEqual(first, { ok: false, lines: ['one'], error: "can't find pane: %99" })
    assert.match(second?.error ?? '', /can't find window/)
    assert.deepEqual(third, { ok: true, lines: ['two'], error: null })
  })

  test(`${form}: if-shell and run-shell answer within their line`, async (t) => {
    const { tmux } = await open(t)
    const [first, second, third] = await tmux.run([
      [
        ['if-shell', '-F', '1', 'display-message -p in1 ; display-message -p in2'],
        ['display-message', '-p', 'after'],
      ],
      [['run-shell', '-C', '-t', '=T:', '#{W:#{P:display-message -p "pane" ; }}']],
      [['display-message', '-p', 'last']],
    ])
    assert.deepEqual(
      [first, second, third].map((reply) => reply?.lines),
      [['in1', 'in2', 'after'], ['pane'], ['last']],
    )
  })

  test(`${form}: every argument arrives unchanged`, async (t) => {
    const { tmux } = await open(t)
    const property = fc.asyncProperty(
      fc.array(
        hostile.filter((text) => text !== '' && !text.includes('\0')),
        { minLength: 1, maxLength: 8 },
      ),
      async (texts) => {
        const replies = await tmux.run(
          texts.map((text) => [
            ['set-option', '-s', '@text', text],
            ['show-options', '-s', '-v', '@text'],
          ]),
        )
        assert.deepEqual(
          replies.map(({ lines }) => lines.join('\n')),
          texts.map((text) => text.toWellFormed()),
        )
      },
    )
    await fc.assert(property, { numRuns: form === 'control mode' ? 60 : 15 })
    await assert.rejects(async () => tmux.run([[['display-message', 'a\0b']]]), { code: 'bad_argument' })
  })

  test(`${form}: a screen that imitates the protocol is only text`, async (t) => {
    const { machine, tmux } = await open(t)
    const screen = ['%end 1 2 1', '%begin 1 2 1', '%exit', '%error 1 2 1']
    await tmux.run([[['respawn-pane', '-k', '-t', '=T:', 'sh', '-c', `printf '%s\\n' "$@"; exec cat >/dev/null`, 'sh', ...screen]]])
    for (const end = Date.now() + 5_000; ;) {
      const { screens } = await captureMachine(tmux, machine)
      const rows = [...screens.values()][0] ?? []
      if (rows[3] === screen[3]) {
        assert.deepEqual(rows.slice(0, 4), screen)
        break
      }
      assert.ok(Date.now() < end, rows.join('\n'))
    }
    assert.deepEqual((await tmux.run([[['display-message', '-p', 'still here']]]))[0]?.lines, ['still here'])
  })

  test(`${form}: transfers a megabyte whole`, async (t) => {
    const { tmux } = await open(t)
    const text = `${'x'.repeat(98)}€\n`.repeat(10_000)
    const [reply] = await tmux.run([
      [
        ['set-buffer', '-b', 'big', text],
        ['list-buffers', '-F', '#{buffer_name} #{buffer_size}'],
      ],
    ])
    assert.deepEqual(reply, { ok: true, lines: [`big ${Buffer.byteLength(text)}`], error: null })
  })

  test(`${form}: accepts an empty list of lines`, async (t) => {
    const { tmux } = await open(t)
    assert.deepEqual(await tmux.run([]), [])
  })

  test(`${form}: reports a server that ended as unreachable`, async (t) => {
    const { tmux } = await open(t)
    await tmux.run([[['kill-server']]]).catch(() => undefined /* the server may end before it answers */)
    await assert.rejects(tmux.run([[['display-message', '-p', 'x']]]), { code: 'machine_unreachable' })
  })
}
