import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Delivery, DeliveryState } from '../../src/core/lifecycle.ts'
import type { DeliveryStep } from '../../src/decide/delivery-step.ts'
import type { Observation } from '../../src/decide/observation.ts'
import { deliveryTransitions } from '../../src/core/lifecycle.ts'
import { deliveryLimits, nextStep } from '../../src/decide/delivery-step.ts'
import { observe } from '../../src/decide/observation.ts'
import { delivery, id, limits, line, look, sight } from './observations.ts'
import { pane } from './pane.ts'
import { because, said } from '../support/reasons.ts'

const brief = (next: DeliveryStep) => (next.do === 'move' ? next.to : next.do)
const ours = { in_composer: true, look: look('idle', 'draft') }
const beside = { tag_in_composer: true, look: look('idle', 'draft') }
const left = { leftover: true, look: look('idle', 'draft') }
const gone = { incarnation: null, look: look('dead', 'absent') }

type Row = readonly [what: string, delivery: Delivery, sight: Observation, now: number, expected: string]

const table: readonly Row[] = [
  ['an idle agent', delivery('planned'), sight(), 1, 'place'],
  ['an idle agent, and its file is not written', delivery('planned'), sight({ line: null }), 1, 'write'],
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
  ['attended', delivery('planned'), sight({ attended: because('held: mine') }), 1, 'wait'],
  ['another text under way', delivery('planned'), sight({ busy: true }), 1, 'wait'],
  ['no agent', delivery('planned'), sight(gone), 1, 'refused'],
  ['not captured', delivery('planned'), sight({ look: null }), 1, 'wait'],
  ['meant for another incarnation', delivery('planned', { incarnation: '1.%1.9' }), sight(), 1, 'refused'],
  ['unreachable', delivery('planned'), sight({ reachable: false }), 1, 'wait'],
  ['planned too long', delivery('planned'), sight({ look: look('waiting') }), limits.planned, 'refused'],
  ['planned too long, unreachable', delivery('planned'), sight({ reachable: false }), limits.planned, 'refused'],
  ['planned too long, even where it could be placed now', delivery('planned'), sight(), limits.planned, 'refused'],
  ['an abandoned line of ours', delivery('planned'), sight(left), 1, 'take_back'],
  ['an abandoned line of ours, but a person is typing', delivery('planned'), sight({ ...left, attended: because('a person') }), 1, 'wait'],
  ['an abandoned line of ours under a question', delivery('planned'), sight({ leftover: true, look: look('waiting', 'draft') }), 1, 'wait'],
  [
    'an abandoned line in a pane too low to be read',
    delivery('planned'),
    sight({ leftover: true, look: look('unknown', 'draft') }),
    1,
    'take_back',
  ],
  ['its file could not be written a moment ago', delivery('planned'), sight({ unwritten: { why: because('full'), again: 5 } }), 4, 'wait'],
  [
    'its file could not be written some time ago',
    delivery('planned'),
    sight({ unwritten: { why: because('full'), again: 5 } }),
    5,
    'place',
  ],
  ['planned, but its tag is in the composer', delivery('planned'), sight(beside), 1, 'placing'],
  ['planned, but its id is there: a ledger that lost a moment', delivery('planned'), sight({ outside_since: -1000 }), 1, 'placing'],
  ['planned too long, but its id is there', delivery('planned'), sight(ours), limits.planned, 'placing'],

  ['placing, nothing shown yet', delivery('placing'), sight(), 9_999, 'wait'],
  ['placing, nothing ever shown', delivery('placing'), sight(), 10_000, 'unknown'],
  ['placing, in the composer', delivery('placing'), sight(ours), 1, 'submit'],
  ['placing, in the composer, but a person is typing', delivery('placing'), sight({ ...ours, attended: because('a person') }), 1, 'placed'],
  ['placing, in the composer after all', delivery('placing'), sight(ours), 99_999, 'submit'],
  ['placing, elsewhere: submitted before a crash', delivery('placing'), sight({ outside_since: -1000 }), 1, 'seen'],
  ['placing, elsewhere for a moment: a frame half drawn', delivery('placing'), sight({ outside_since: 0 }), 499, 'wait'],
  ['placed, elsewhere for a moment: a frame half drawn', delivery('placed'), sight({ outside_since: 0 }), 499, 'wait'],
  [
    'placed, its whole line elsewhere after our Enter',
    delivery('placed', { presses: 1 }),
    sight({ outside_since: 1, whole: true }),
    1,
    'seen',
  ],
  [
    'placed, its id alone elsewhere after our Enter: a row half drawn',
    delivery('placed', { presses: 1 }),
    sight({ outside_since: 1 }),
    1,
    'submitted',
  ],
  ['submitted, its id alone elsewhere for a while', delivery('submitted', { presses: 1 }), sight({ outside_since: 1 }), 501, 'seen'],
  ['placing, a part of it in the composer', delivery('placing'), sight(beside), 9_999, 'wait'],
  ['placing, something beside it in the composer for long', delivery('placing'), sight(beside), 10_000, 'unknown'],
  ['placing, in a composer too low to be read', delivery('placing'), sight({ ...ours, look: look('unknown', 'draft') }), 1, 'placed'],
  ['placed, in a composer too low to be read', delivery('placed'), sight({ ...ours, look: look('unknown', 'draft') }), 9_999, 'wait'],
  ['placed, and never read', delivery('placed'), sight({ ...ours, look: look('unknown', 'draft') }), 10_000, 'abandon'],
  ['placing, agent gone', delivery('placing'), sight(gone), 1, 'unknown'],
  [
    'placing, a successor with the same words on its screen',
    delivery('placing'),
    sight({ incarnation: '1.%1.11', outside_since: -1000 }),
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
  ['placed, attended', delivery('placed'), sight({ ...ours, attended: because('a person is typing') }), 1, 'wait'],
  ['placed, Enter just pressed', delivery('placed', { presses: 1 }), sight(ours), 2_999, 'wait'],
  ['placed, Enter swallowed', delivery('placed', { presses: 1 }), sight(ours), 3_000, 'submit'],
  ['placed, Enter swallowed thrice, a moment ago', delivery('placed', { presses: 3 }), sight(ours), 2_999, 'wait'],
  ['placed, Enter swallowed thrice', delivery('placed', { presses: 3 }), sight(ours), 3_000, 'abandon'],
  ['placed, Enter pressed, and somebody types beside it', delivery('placed', { presses: 1 }), sight(beside), 9_999, 'wait'],
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
  ['placed, elsewhere', delivery('placed'), sight({ outside_since: -1000 }), 1, 'seen'],
  ['placed, elsewhere and still in the composer', delivery('placed'), sight({ ...ours, outside_since: -1000 }), 1, 'submit'],
  ['placed, agent gone, never entered', delivery('placed'), sight(gone), 1, 'refused'],
  ['placed, agent gone after Enter', delivery('placed', { presses: 1 }), sight(gone), 1, 'unknown'],

  ['submitted, not shown yet', delivery('submitted', { presses: 1 }), sight(), 19_999, 'wait'],
  ['submitted, never shown', delivery('submitted', { presses: 1 }), sight(), 20_000, 'unknown'],
  ['submitted, shown', delivery('submitted', { presses: 1 }), sight({ outside_since: -1000 }), 1, 'seen'],
  ['submitted, but a redraw shows it in the composer still', delivery('submitted', { presses: 1 }), sight(ours), 3_000, 'submit'],
  [
    'submitted, queued behind a turn that runs',
    delivery('submitted', { presses: 1 }),
    sight({ idle_since: null, look: look('working') }),
    99_999,
    'wait',
  ],
  [
    'submitted, its turn is due: the agent has just come to rest',
    delivery('submitted', { presses: 1 }),
    sight({ idle_since: 80_000 }),
    99_999,
    'wait',
  ],
  [
    'an identity: nothing came before it',
    delivery('submitted', { kind: 'identity', presses: 1 }),
    sight({ idle_since: null }),
    20_000,
    'unknown',
  ],
  ['submitted, its turn did not come', delivery('submitted', { presses: 1 }), sight({ idle_since: 79_999 }), 99_999, 'unknown'],
  ['submitted, agent gone', delivery('submitted', { presses: 1 }), sight(gone), 1, 'unknown'],

  ['a kind that behaves as nobody knows', delivery('planned'), sight({ stopped: because('the composer is not recognised') }), 1, 'wait'],
  [
    'what is placed already goes on',
    delivery('placed'),
    sight({ ...ours, stopped: because('the composer is not recognised') }),
    1,
    'submit',
  ],
  ['submitted, told of by the agent itself', delivery('submitted', { presses: 1 }), sight({ told: 'id' }), 1, 'seen'],
  ['unknown, told of later', delivery('unknown'), sight({ told: 'text' }), 99_999, 'seen'],
  ['told of by a successor', delivery('submitted', { presses: 1 }), sight({ incarnation: '1.%1.11', told: 'text' }), 1, 'unknown'],
  ['told of another text under its id', delivery('submitted', { presses: 1 }), sight({ told: 'other' }), 1, 'mangled'],
  [
    'told of another text, and the line is not on the screen',
    delivery('placed', { presses: 1 }),
    sight({ told: 'other', outside_since: 1 }),
    600,
    'mangled',
  ],
  [
    'told of another text, and the whole line is on the screen',
    delivery('submitted', { presses: 1 }),
    sight({ told: 'other', outside_since: 1, whole: true }),
    2,
    'seen',
  ],
  ['unknown, another text told of later', delivery('unknown'), sight({ told: 'other' }), 99_999, 'mangled'],
  ['unknown, shows up', delivery('unknown'), sight({ outside_since: -1000 }), 99_999, 'seen'],
  ['unknown, in the composer: never entered again', delivery('unknown'), sight({ ...ours, leftover: true }), 99_999, 'take_back'],
  [
    'unknown, in the composer, but a person is typing',
    delivery('unknown'),
    sight({ ...ours, leftover: true, attended: because('a person') }),
    99_999,
    'wait',
  ],
  [
    'unknown, in the composer of a successor',
    delivery('unknown'),
    sight({ ...ours, leftover: true, incarnation: '1.%1.11' }),
    99_999,
    'wait',
  ],
  ['unknown, a successor', delivery('unknown'), sight({ incarnation: '1.%1.11', outside_since: -1000 }), 1, 'wait'],
  ['seen', delivery('seen'), sight(), 99_999, 'wait'],
  ['refused', delivery('refused'), sight(), 99_999, 'wait'],
  ['mangled', delivery('mangled'), sight({ told: 'text' }), 99_999, 'wait'],
]

test('deliver: every case of the table', () => {
  for (const [what, before, seen, now, expected] of table) assert.equal(brief(nextStep(before, seen, limits, now)), expected, what)
})

test('deliver: every step is one that the two lives allow, and only time that matters is waited for', () => {
  for (const [what, before, seen, now] of table) {
    const next = nextStep(before, seen, limits, now)
    if (next.do === 'move') assert.ok(deliveryTransitions[before.state].includes(next.to), what)
    if (next.do === 'submit') assert.ok(deliveryTransitions[before.state].includes(next.to), what)
    if (next.do !== 'wait') continue
    assert.ok(said(next.reason).length > 0, what)
    if (next.until === null) continue
    assert.ok(next.until > now, what)
    assert.notEqual(brief(nextStep(before, seen, limits, next.until)), 'wait', `${what}: time alone changes the answer`)
  }
})

test('deliver: an identity waits only until its agent should be ready', () => {
  const kind = { limits: { ready: 1000, placed: 1, seen: 1, submit_delay: 0 } }
  const starting = sight({ look: look('starting', 'absent') })
  assert.equal(brief(nextStep(delivery('planned', { kind: 'identity' }), starting, deliveryLimits(kind, 'identity'), 999)), 'wait')
  assert.equal(brief(nextStep(delivery('planned', { kind: 'identity' }), starting, deliveryLimits(kind, 'identity'), 1000)), 'refused')
})

test('deliver: where Enter counts only after a while, the text stays in the composer for that while', () => {
  const slow = deliveryLimits({ limits: { ready: 1000, placed: 10_000, seen: 20_000, submit_delay: 700 } }, 'work')
  assert.equal(brief(nextStep(delivery('placing'), sight(ours), slow, 5000)), 'placed')
  assert.deepEqual(nextStep(delivery('placed', { changed_at: 5000 }), sight(ours), slow, 5699), {
    do: 'wait',
    reason: { code: 'enter_too_soon' },
    until: 5700,
  })
  assert.equal(brief(nextStep(delivery('placed', { changed_at: 5000 }), sight(ours), slow, 5700)), 'submit')
})

test('deliver: a clock that was set back by hours holds nothing up for hours, and proves nothing', () => {
  const before = 6 * 3_600_000
  const now = 1_000
  const begun = (state: DeliveryState, presses = 0) => delivery(state, { planned_at: before, changed_at: before, presses })
  assert.equal(brief(nextStep(begun('planned'), sight({ look: look('waiting') }), limits, now)), 'refused')
  assert.equal(brief(nextStep(begun('placing'), sight(), limits, now)), 'unknown')
  assert.equal(brief(nextStep(begun('submitted', 1), sight(), limits, now)), 'unknown')
  assert.equal(brief(nextStep(begun('placed', 1), sight(ours), limits, now)), 'submit', 'Enter again, since the text is still there')
  const seen = {
    delivery: { id, typed: line },
    pane,
    server_started: 1,
    look: { ...look('idle'), composer_rows: [2, 3] as const },
    screen: [`● [burn ${id}]`, '', '❯', '──'],
  }
  const later = observe({
    ...seen,
    hold: null,
    busy: false,
    reachable: true,
    now,
    machine_now: now,
    before: { outside_since: before, idle_since: before, line: null, unwritten: null },
  })
  assert.equal(later.outside_since, now, 'what was seen in the future counts from now on')
  assert.equal(brief(nextStep(begun('placing'), { ...later, look: look('unknown', 'absent') }, limits, now)), 'unknown')
})
