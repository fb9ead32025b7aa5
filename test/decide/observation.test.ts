import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lineChecksum } from '../../src/core/typed-line.ts'
import { observe } from '../../src/decide/observation.ts'
import { id, line, me, screenOf } from './observations.ts'
import { pane } from './pane.ts'
import { said } from '../support/reasons.ts'

test('observation: finds the id, the agent and a person', () => {
  const rows = line.match(/.{1,40}/g) ?? []
  const screen = ['● do this', '', `❯ ${rows[0]}`, ...rows.slice(1), '────']
  const drafted = { ...screenOf('idle', 'draft'), composer_rows: [2, 2 + rows.length] as const, draft: rows.join('\n') }
  const of = {
    delivery: { id, typed: line },
    pane,
    server_started: 1,
    parsed: drafted,
    screen,
    hold: null,
    busy: false,
    reachable: true,
    now: 100_000,
    // The machine's clock differs from ours.
    machine_now: 10_000_000,
  }
  assert.deepEqual(observe(of), {
    reachable: true,
    incarnation: me,
    ended: null,
    parsed: of.parsed,
    in_composer: true,
    tag_in_composer: false,
    outside_since: null,
    whole: false,
    done: false,
    hook_report: null,
    hooked: false,
    idle_since: of.now,
    leftover: false,
    last_text: '',
    line,
    unwritten: null,
    attended: null,
    busy: false,
    stopped: null,
  })
  const echoed = {
    ...of,
    parsed: { ...screenOf('idle'), composer_rows: [rows.length + 1, rows.length + 2] as const },
    screen: [`● ${rows[0]}`, ...rows.slice(1).map((row) => `  ${row}`), '', '❯', '────'],
  }
  const { outside_since, whole } = observe(echoed)
  assert.deepEqual([outside_since, whole], [echoed.now, true], 'wrapped over several rows')
  const cut = observe({
    ...echoed,
    screen: ['  Queued for the next turn: ', rows[0] ?? '', '', '❯'],
    parsed: { ...echoed.parsed, composer_rows: [3, 4] },
  })
  assert.deepEqual([cut.outside_since, cut.whole], [echoed.now, false], 'the screen shows only the beginning of the line')
  const listed = observe({ ...echoed, screen: [`  ${id}.md`, '', '❯'], parsed: { ...echoed.parsed, composer_rows: [2, 3] } })
  assert.equal(listed.outside_since, null, "its file's name is not its tag")
  for (const draft of [`[burn 0k3v9w\n2x4abcd]`, rows.slice(0, 2).join('\n'), `${line} and hurry`]) {
    const { in_composer, tag_in_composer } = observe({ ...of, parsed: { ...of.parsed, draft } })
    assert.deepEqual([in_composer, tag_in_composer], [false, true], draft)
  }
  const signal = (sum: string) => ({ ...of, pane: { ...pane, signal: `1 2 UserPromptSubmit - ${id}${sum}` } })
  assert.equal(observe(signal('')).hook_report, 'id')
  assert.equal(observe(signal('')).hooked, true)
  assert.equal(observe(signal(`:${lineChecksum(line)}`)).hook_report, 'text')
  assert.equal(observe(signal(':12')).hook_report, 'other')
  assert.equal(observe(signal(`:12,${id}:${lineChecksum(line)}`)).hook_report, 'text', 'one event with the line is enough')
  assert.equal(observe({ ...signal(':12'), delivery: { id, typed: null } }).hook_report, 'id', 'there is no line to compare with')
  const scrolled = { ...of, pane: { ...pane, in_mode: true } }
  assert.equal(observe(scrolled).attended, null, 'tmux pastes in copy mode')
  assert.deepEqual(observe({ ...scrolled, mode_blocks: true }).attended, { code: 'pane_scrolled' })
  const above = [`● ${rows[0]}`, ...rows.slice(1)]
  assert.equal(observe({ ...echoed, screen: ['', '', '', '❯'], above }).whole, true, 'in the history')
  assert.equal(
    observe({ ...echoed, parsed: screenOf('unknown', 'absent') }).outside_since,
    null,
    'without a recognised composer the id may be inside of it',
  )
  assert.equal(observe({ ...of, pane: { ...pane, agent_pid: 9 } }).incarnation, null)
  assert.deepEqual(observe({ ...of, pane: { ...pane, keyed_at: 9_940_001 } }).attended, { code: 'person_typing' })
  assert.equal(observe({ ...of, pane: { ...pane, keyed_at: 9_940_000 } }).attended, null)
  assert.equal(
    said(
      observe({ ...of, hold: { code: 'held', scope: 'worker', name: 'm/W/A', until: null, why: { code: 'prose', text: 'mine' } } })
        .attended,
    ),
    'held: mine',
  )
})
