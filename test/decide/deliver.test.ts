import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Delivery, DeliveryState } from '../../src/core/lives.ts'
import type { ReadingState } from '../../src/core/nouns.ts'
import type { Look } from '../../src/core/agent.ts'
import type { DeliverySight, DeliveryStep } from '../../src/decide/deliver.ts'
import { deliverySteps } from '../../src/core/lives.ts'
import { deliveryLimits, deliverySight, step } from '../../src/decide/deliver.ts'
import { pane } from './pane.ts'

const id = '0k3v9w2x4abcd'
const limits = deliveryLimits({ limits: { ready: 1000, placed: 10_000, seen: 20_000, settle: 0 } }, 'work')
const me = '1.%1.10'

function delivery(state: DeliveryState, more: Partial<Delivery> = {}): Delivery {
  const base = {
    id,
    kind: 'work',
    dispatch: null,
    worker: 'm/W/A',
    text: 'do',
    evidence: '',
    presses: 0,
    planned_at: 0,
    changed_at: 0,
    lease_owner: 'o',
    lease_token: 1,
    lease_until: 9,
  } as const
  return { ...base, state, incarnation: state === 'planned' ? null : me, ...more }
}

function look(state: ReadingState, composer: Look['composer'] = 'empty', interrupts = false): Look {
  return {
    reading: { state, detail: null, evidence: '' },
    composer,
    composer_rows: [2, 3],
    draft: composer === 'draft' ? 'text' : '',
    interrupts,
  }
}

function sight(more: Partial<DeliverySight> = {}): DeliverySight {
  return {
    reachable: true,
    incarnation: me,
    look: look('idle'),
    in_composer: false,
    elsewhere: null,
    told: false,
    stopped: null,
    attended: null,
    busy: false,
    ...more,
  }
}

const brief = (next: DeliveryStep) => (next.do === 'move' ? next.to : next.do)
const ours = { in_composer: true, look: look('idle', 'draft') }
const gone = { incarnation: null, look: look('dead', 'absent') }

type Row = readonly [what: string, delivery: Delivery, sight: DeliverySight, now: number, expected: string]

const table: readonly Row[] = [
  ['an idle agent', delivery('planned'), sight(), 1, 'place'],
  ['a working agent: queue, do not scan for idle', delivery('planned'), sight({ look: look('working') }), 1, 'place'],
  ['an agent whose last turn failed', delivery('planned'), sight({ look: look('error') }), 1, 'place'],
  ...(['starting', 'waiting', 'unknown', 'dead', 'unreachable'] as const).map((s): Row => [
    `planned, ${s}`,
    delivery('planned'),
    sight({ look: look(s) }),
    1,
    'wait',
  ]),
  ['a draft', delivery('planned'), sight({ look: look('idle', 'draft') }), 1, 'wait'],
  ['no composer', delivery('planned'), sight({ look: look('idle', 'absent') }), 1, 'wait'],
  ['attended', delivery('planned'), sight({ attended: 'held: mine' }), 1, 'wait'],
  ['another text under way', delivery('planned'), sight({ busy: true }), 1, 'wait'],
  ['no agent', delivery('planned'), sight(gone), 1, 'refused'],
  ['not captured', delivery('planned'), sight({ look: null }), 1, 'wait'],
  ['meant for another incarnation', delivery('planned', { incarnation: '1.%1.9' }), sight(), 1, 'refused'],
  ['unreachable', delivery('planned'), sight({ reachable: false }), 1, 'wait'],
  ['planned too long', delivery('planned'), sight({ look: look('waiting') }), limits.planned, 'refused'],
  ['planned too long, unreachable', delivery('planned'), sight({ reachable: false }), limits.planned, 'refused'],
  ['planned too long, even where it could be placed now', delivery('planned'), sight(), limits.planned, 'refused'],
  ['planned, but its id is there: a ledger that lost a moment', delivery('planned'), sight({ elsewhere: -1000 }), 1, 'placing'],
  ['planned too long, but its id is there', delivery('planned'), sight(ours), limits.planned, 'placing'],

  ['placing, nothing shown yet', delivery('placing'), sight(), 9_999, 'wait'],
  ['placing, nothing ever shown', delivery('placing'), sight(), 10_000, 'unknown'],
  ['placing, in the composer', delivery('placing'), sight(ours), 1, 'submit'],
  ['placing, in the composer, but a person is typing', delivery('placing'), sight({ ...ours, attended: 'a person' }), 1, 'placed'],
  ['placing, in the composer after all', delivery('placing'), sight(ours), 99_999, 'submit'],
  ['placing, elsewhere: submitted before a crash', delivery('placing'), sight({ elsewhere: -1000 }), 1, 'seen'],
  ['placing, elsewhere for a moment: a frame half drawn', delivery('placing'), sight({ elsewhere: 0 }), 499, 'wait'],
  ['placed, elsewhere for a moment: a frame half drawn', delivery('placed'), sight({ elsewhere: 0 }), 499, 'wait'],
  ['placed, elsewhere for a moment after our Enter', delivery('placed', { presses: 1 }), sight({ elsewhere: 1 }), 1, 'seen'],
  ['placing, agent gone', delivery('placing'), sight(gone), 1, 'unknown'],
  [
    'placing, a successor with the same words on its screen',
    delivery('placing'),
    sight({ incarnation: '1.%1.11', elsewhere: -1000 }),
    1,
    'unknown',
  ],
  ['placing, unreachable for ever', delivery('placing'), sight({ reachable: false }), 99_999, 'wait'],

  ['placed', delivery('placed'), sight(ours), 1, 'submit'],
  [
    'placed behind a working turn that queues',
    delivery('placed'),
    sight({ in_composer: true, look: look('working', 'draft') }),
    1,
    'submit',
  ],
  [
    'placed, Enter would cut the turn',
    delivery('placed'),
    sight({ in_composer: true, look: look('working', 'draft', true) }),
    99_999,
    'wait',
  ],
  ...(['starting', 'waiting', 'unknown', 'dead'] as const).map((s): Row => [
    `placed, ${s}`,
    delivery('placed'),
    sight({ in_composer: true, look: look(s, 'draft') }),
    1,
    'wait',
  ]),
  ['placed, attended', delivery('placed'), sight({ ...ours, attended: 'a person is typing' }), 1, 'wait'],
  ['placed, Enter just pressed', delivery('placed', { presses: 1 }), sight(ours), 2_999, 'wait'],
  ['placed, Enter swallowed', delivery('placed', { presses: 1 }), sight(ours), 3_000, 'submit'],
  ['placed, Enter swallowed thrice, a moment ago', delivery('placed', { presses: 3 }), sight(ours), 2_999, 'wait'],
  ['placed, Enter swallowed thrice', delivery('placed', { presses: 3 }), sight(ours), 3_000, 'unknown'],
  ['placed, composer emptied by Enter', delivery('placed', { presses: 1 }), sight(), 1, 'submitted'],
  [
    'placed, Enter pressed, no composer recognised',
    delivery('placed', { presses: 1 }),
    sight({ look: look('unknown', 'absent') }),
    9_999,
    'wait',
  ],
  [
    'placed, Enter pressed, no composer ever again',
    delivery('placed', { presses: 1 }),
    sight({ look: look('unknown', 'absent') }),
    10_000,
    'unknown',
  ],
  ['placed, text gone without our Enter', delivery('placed'), sight(), 9_999, 'wait'],
  ['placed, text gone without our Enter for long', delivery('placed'), sight(), 10_000, 'unknown'],
  ['placed, elsewhere', delivery('placed'), sight({ elsewhere: -1000 }), 1, 'seen'],
  ['placed, elsewhere and still in the composer', delivery('placed'), sight({ ...ours, elsewhere: -1000 }), 1, 'submit'],
  ['placed, agent gone, never entered', delivery('placed'), sight(gone), 1, 'refused'],
  ['placed, agent gone after Enter', delivery('placed', { presses: 1 }), sight(gone), 1, 'unknown'],

  ['submitted, not shown yet', delivery('submitted', { presses: 1 }), sight(), 19_999, 'wait'],
  ['submitted, never shown', delivery('submitted', { presses: 1 }), sight(), 20_000, 'unknown'],
  ['submitted, shown', delivery('submitted', { presses: 1 }), sight({ elsewhere: -1000 }), 1, 'seen'],
  ['submitted, but a redraw shows it in the composer still', delivery('submitted', { presses: 1 }), sight(ours), 3_000, 'submit'],
  ['submitted, agent gone', delivery('submitted', { presses: 1 }), sight(gone), 1, 'unknown'],

  ['a kind that behaves as nobody knows', delivery('planned'), sight({ stopped: 'the composer is not recognised' }), 1, 'wait'],
  ['what is placed already goes on', delivery('placed'), sight({ ...ours, stopped: 'the composer is not recognised' }), 1, 'submit'],
  ['submitted, told of by the agent itself', delivery('submitted', { presses: 1 }), sight({ told: true }), 1, 'seen'],
  ['unknown, told of later', delivery('unknown'), sight({ told: true }), 99_999, 'seen'],
  ['told of by a successor', delivery('submitted', { presses: 1 }), sight({ incarnation: '1.%1.11', told: true }), 1, 'unknown'],
  ['unknown, shows up', delivery('unknown'), sight({ elsewhere: -1000 }), 99_999, 'seen'],
  ['unknown, in the composer: never again', delivery('unknown'), sight(ours), 99_999, 'wait'],
  ['unknown, a successor', delivery('unknown'), sight({ incarnation: '1.%1.11', elsewhere: -1000 }), 1, 'wait'],
  ['seen', delivery('seen'), sight(), 99_999, 'wait'],
  ['refused', delivery('refused'), sight(), 99_999, 'wait'],
]

test('deliver: every case of the table', () => {
  for (const [what, before, seen, now, expected] of table) assert.equal(brief(step(before, seen, limits, now)), expected, what)
})

test('deliver: every step is one that the two lives allow, and only time that matters is waited for', () => {
  for (const [what, before, seen, now] of table) {
    const next = step(before, seen, limits, now)
    if (next.do === 'move') assert.ok(deliverySteps[before.state].includes(next.to), what)
    if (next.do === 'submit') assert.ok(deliverySteps[before.state].includes(next.to), what)
    if (next.do !== 'wait') continue
    assert.ok(next.reason.length > 0, what)
    if (next.until === null) continue
    assert.ok(next.until > now, what)
    assert.notEqual(brief(step(before, seen, limits, next.until)), 'wait', `${what}: time alone changes the answer`)
  }
})

test('deliver: an identity waits only until its agent should be ready', () => {
  const kind = { limits: { ready: 1000, placed: 1, seen: 1, settle: 0 } }
  const starting = sight({ look: look('starting', 'absent') })
  assert.equal(brief(step(delivery('planned', { kind: 'identity' }), starting, deliveryLimits(kind, 'identity'), 999)), 'wait')
  assert.equal(brief(step(delivery('planned', { kind: 'identity' }), starting, deliveryLimits(kind, 'identity'), 1000)), 'refused')
})

test('deliver: where Enter counts only after a while, the text stays in the composer for that while', () => {
  const slow = deliveryLimits({ limits: { ready: 1000, placed: 10_000, seen: 20_000, settle: 700 } }, 'work')
  assert.equal(brief(step(delivery('placing'), sight(ours), slow, 5000)), 'placed')
  assert.deepEqual(step(delivery('placed', { changed_at: 5000 }), sight(ours), slow, 5699), {
    do: 'wait',
    reason: 'Enter would not count yet',
    until: 5700,
  })
  assert.equal(brief(step(delivery('placed', { changed_at: 5000 }), sight(ours), slow, 5700)), 'submit')
})

test('deliver: a sight says where the id is, whose pane it is, and who is at it', () => {
  const screen = ['● do this', '', '❯ [burn 0k3v9w', '2x4abcd] it', '────']
  const of = {
    id,
    pane,
    server_started: 1,
    look: { ...look('idle', 'draft'), composer_rows: [2, 4] as const, draft: '[burn 0k3v9w\n2x4abcd] it' },
    screen,
    hold: null,
    busy: false,
    reachable: true,
    now: 100_000,
    // Its clock goes otherwise than ours.
    machine_now: 10_000_000,
  }
  assert.deepEqual(deliverySight(of), {
    reachable: true,
    incarnation: me,
    ended: null,
    look: of.look,
    in_composer: true,
    elsewhere: null,
    told: false,
    attended: null,
    busy: false,
    stopped: null,
  })
  const echoed = {
    ...of,
    look: { ...look('idle'), composer_rows: [3, 4] as const },
    screen: [`● [burn ${id.slice(0, 6)}`, `${id.slice(6)}]`, '', '❯', '────'],
  }
  assert.equal(deliverySight(echoed).elsewhere, echoed.now, 'wrapped over two rows')
  for (const draft of ['[burn 0k3v9w\n2x4abcd]', '[burn 0k3v9w2x4abcd] ', '/queue [burn 0k3v9w2x4abcd]'])
    assert.equal(deliverySight({ ...of, look: { ...of.look, draft } }).in_composer, false, `${draft}: its text is still on the way`)
  assert.equal(deliverySight({ ...of, look: { ...of.look, draft: 'the end of it\n[burn 0k3v9w2x4abcd]' } }).in_composer, true)
  const scrolled = { ...of, pane: { ...pane, in_mode: true } }
  assert.equal(deliverySight(scrolled).attended, null, 'a paste gets through')
  assert.equal(deliverySight({ ...scrolled, mode_blocks: true }).attended, 'somebody scrolls in this pane')
  assert.equal(deliverySight({ ...echoed, screen: ['', '', '', '❯'], above: [`● [burn ${id}]`] }).elsewhere, echoed.now, 'in the history')
  assert.equal(deliverySight({ ...echoed, look: look('unknown', 'absent') }).elsewhere, null, 'no composer recognised: it may be in it')
  assert.equal(deliverySight({ ...of, pane: { ...pane, agent_pid: 9 } }).incarnation, null)
  assert.equal(deliverySight({ ...of, pane: { ...pane, keyed_at: 9_940_001 } }).attended, 'a person is typing in this pane')
  assert.equal(deliverySight({ ...of, pane: { ...pane, keyed_at: 9_940_000 } }).attended, null)
  assert.match(deliverySight({ ...of, pane: { ...pane, input: 'synchronized' } }).attended ?? '', /synchronize-panes is on/)
  assert.match(deliverySight({ ...of, pane: { ...pane, input: 'disabled' } }).attended ?? '', /input to its pane is disabled/)
  assert.equal(deliverySight({ ...of, hold: 'mine' }).attended, 'held: mine')
})

test('deliver: a clock that was set back by hours holds nothing up for hours, and proves nothing', () => {
  const before = 6 * 3_600_000
  const now = 1_000
  const begun = (state: DeliveryState, presses = 0) => delivery(state, { planned_at: before, changed_at: before, presses })
  assert.equal(brief(step(begun('planned'), sight({ look: look('waiting') }), limits, now)), 'refused')
  assert.equal(brief(step(begun('placing'), sight(), limits, now)), 'unknown')
  assert.equal(brief(step(begun('submitted', 1), sight(), limits, now)), 'unknown')
  assert.equal(brief(step(begun('placed', 1), sight(ours), limits, now)), 'submit', 'Enter again, since the text is still there')
  const seen = {
    id,
    pane,
    server_started: 1,
    look: { ...look('idle'), composer_rows: [2, 3] as const },
    screen: [`● [burn ${id}]`, '', '❯', '──'],
  }
  const later = deliverySight({ ...seen, hold: null, busy: false, reachable: true, now, machine_now: now, elsewhere: before })
  assert.equal(later.elsewhere, now, 'what was seen in the future counts from now on')
  assert.equal(brief(step(begun('placing'), { ...later, look: look('unknown', 'absent') }, limits, now)), 'unknown')
})
