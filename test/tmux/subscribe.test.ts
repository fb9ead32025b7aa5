/** Tests the notifications of a real tmux: the changes that they report, and that none can pass for a reply. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { TmuxReply } from '../../src/core/ports.ts'
import { openTmux } from '../../src/tmux/open.ts'
import { captureMachine } from '../../src/tmux/panes.ts'
import { ReplyParser } from '../../src/tmux/protocol.ts'
import { OneShotTmux } from '../../src/tmux/one-shot.ts'
import { captureChangedPanes, subscribe } from '../../src/tmux/subscribe.ts'
import { clock } from '../support/clock.ts'
import { until } from '../support/fleet.ts'
import { tmuxOn } from '../support/tmux.ts'
import { hostile, machineOn, raised } from './conformance.ts'

test('ReplyParser: notifications report ids, and never change a reply', () => {
  const line = hostile.map((text) => text.replaceAll('\n', ' '))
  const value = fc.oneof(
    line,
    line.map((text) => text.padEnd(10_000, 'é%begin 1 2 1 ')),
  )
  const notification = fc.record({ window: fc.nat(99), pane: fc.option(fc.nat(999)), value })
  const step = fc.record({ reply: fc.array(line, { maxLength: 4 }), before: fc.array(notification, { maxLength: 3 }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 6 }), fc.integer({ min: 1, max: 700 }), (steps, size) => {
      const replies: TmuxReply[] = []
      const changed: string[] = []
      const parser = new ReplyParser(
        'nonce',
        (reply) => replies.push(reply),
        (id) => changed.push(id),
      )
      const written = steps.flatMap(({ reply, before }, i) => [
        ...before.map((n) => `%subscription-changed burn-panes $0 @${n.window} 1 ${n.pane === null ? '-' : `%${n.pane}`} : ${n.value}`),
        `%begin 9 ${i}7 1`,
        ...reply,
        `%end 9 ${i}7 1`,
        `%begin 9 ${i}8 1`,
        parser.mark(i),
        `%end 9 ${i}8 1`,
      ])
      const bytes = Buffer.from(written.map((each) => `${each}\n`).join(''))
      for (let at = 0; at < bytes.length; at += size) parser.feed(bytes.subarray(at, at + size))
      assert.deepEqual(
        replies.map(({ lines }) => lines),
        steps.map(({ reply }) => reply),
      )
      const expected = steps.flatMap(({ before }) => before.map((n) => (n.pane === null ? `@${n.window}` : `%${n.pane}`)))
      assert.deepEqual(changed, expected)
    }),
    { numRuns: 60 },
  )
})

test('subscribe: reports a screen that was drawn over in place', async (t) => {
  const { machine, tmux } = await raised(t)
  const changed = new Set<string>()
  tmuxOn(machine.socket, 'split-window', '-d', '-t', '=T:', 'printf "\\033[?1049hold"; tmux wait-for go; printf "\\033[1;1Hnew"; exec cat')
  tmuxOn(machine.socket, 'new-window', '-d', '-t', '=T:', 'exec cat')
  const all = tmuxOn(machine.socket, 'list-panes', '-s', '-t', '=T', '-F', '#{pane_id} #{window_id}')
  const [, [pane = '', window = ''] = [], [other = '', otherWindow = ''] = []] = all
    .trim()
    .split('\n')
    .map((row) => row.split(' '))
  tmuxOn(machine.socket, 'select-pane', '-t', other, '-T', `%end 1 2 1 ${'é% '.repeat(3_000)}`)
  assert.equal(await subscribe(tmux, { changed: (id) => changed.add(id), ended: () => {} }), true)
  await until('the first values arrived', () => changed.has(pane) && changed.has(window) && changed.has(otherWindow))
  const shows = async () => (await captureMachine(tmux, machine)).screens
  await until('the old text is drawn', async () => (await shows()).get(pane)?.[0] === 'old')
  const before = await captureMachine(tmux, machine)
  changed.clear()
  tmuxOn(machine.socket, 'wait-for', '-S', 'go')
  await until('the redraw was reported', async () => changed.has(window) && (await shows()).get(pane)?.[0] === 'new')
  const after = await captureChangedPanes(tmux, machine, before, new Set([window]))
  assert.equal(after.screens.get(pane)?.[0], 'new')
  assert.equal(after.screens.get(other), before.screens.get(other), 'a pane without a change is not captured')
})

test('subscribe: reports the end of a control-mode channel only', async (t) => {
  const { machine } = await raised(t)
  const tmux = await openTmux(machine, { clock })
  const ended: string[] = []
  await subscribe(tmux, { changed: () => {}, ended: ({ message }) => ended.push(message) })
  tmuxOn(machine.socket, 'kill-server')
  await until('the end was reported', () => ended.length > 0)
  assert.equal(ended.length, 1)
  await tmux.close()
  assert.equal(await subscribe(new OneShotTmux(machineOn('none')), { changed: () => {}, ended: () => {} }), false)
})
