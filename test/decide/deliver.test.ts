import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Delivery, DeliveryState } from '../../src/core/lifecycle.ts'
import type { DeliveryStep } from '../../src/decide/delivery-step.ts'
import type { Observation } from '../../src/decide/observation.ts'
import { deliveryTransitions } from '../../src/core/lifecycle.ts'
import { deliveryLimits, nextStep } from '../../src/decide/delivery-step.ts'
import { observe } from '../../src/decide/observation.ts'
import { delivery, id, limits, line, seen, screenOf } from './observations.ts'
import { pane } from './pane.ts'
import { because, said } from '../support/reasons.ts'

const brief = (next: DeliveryStep) => (next.do === 'move' ? next.to : next.do)
const ours = { in_composer: true, parsed: screenOf('idle', 'draft') }
const beside = { tag_in_composer: true, parsed: screenOf('idle', 'draft') }
const limitMenu = { ...screenOf('error', 'absent'), closes_menu: '\r' }
const left = { leftover: true, parsed: screenOf('idle', 'draft') }
const gone = { incarnation: null, parsed: screenOf('dead', 'absent') }

/** A delivery whose process recorded that it would type after the text `before`. */
const untyped = delivery('placing', { evidence: { code: 'line_placing', after: 'before' } })

type Row = readonly [what: string, delivery: Delivery, observation: Observation, now: number, expected: string]

const table: readonly Row[] = [
  ['an idle agent', delivery('planned'), seen(), 1, 'place'],
  ['an idle agent, the file is not written', delivery('planned'), seen({ line: null }), 1, 'write'],
  ['a working agent queues the text', delivery('planned'), seen({ parsed: screenOf('working') }), 1, 'place'],
  ['an agent whose last turn failed', delivery('planned'), seen({ parsed: screenOf('error') }), 1, 'place'],
  ...(['starting', 'waiting', 'unknown', 'dead', 'unreachable'] as const).map((s): Row => [
    `planned, ${s}`,
    delivery('planned'),
    seen({ parsed: screenOf(s) }),
    1,
    'wait',
  ]),
  ['a draft', delivery('planned'), seen({ parsed: screenOf('idle', 'draft') }), 1, 'wait'],
  ['no composer', delivery('planned'), seen({ parsed: screenOf('idle', 'absent') }), 1, 'wait'],
  ['attended', delivery('planned'), seen({ attended: because('held: mine') }), 1, 'wait'],
  ['another text is on its way', delivery('planned'), seen({ busy: true }), 1, 'wait'],
  ['no agent', delivery('planned'), seen(gone), 1, 'refused'],
  ['not captured', delivery('planned'), seen({ parsed: null }), 1, 'wait'],
  ['meant for another incarnation', delivery('planned', { incarnation: '1.%1.9' }), seen(), 1, 'refused'],
  ['unreachable', delivery('planned'), seen({ reachable: false }), 1, 'wait'],
  ['planned too long', delivery('planned'), seen({ parsed: screenOf('waiting') }), limits.planned, 'refused'],
  ['planned too long, unreachable', delivery('planned'), seen({ reachable: false }), limits.planned, 'refused'],
  ['planned too long, although burn could type it now', delivery('planned'), seen(), limits.planned, 'refused'],
  ['a menu that needs no answer', delivery('planned'), seen({ parsed: limitMenu }), 1, 'close_menu'],
  ['an abandoned line of burn', delivery('planned'), seen(left), 1, 'take_back'],
  ['an abandoned line of burn, but a person is typing', delivery('planned'), seen({ ...left, attended: because('a person') }), 1, 'wait'],
  [
    'an abandoned line of burn under a question',
    delivery('planned'),
    seen({ leftover: true, parsed: screenOf('waiting', 'draft') }),
    1,
    'wait',
  ],
  [
    'an abandoned line in a pane that is too small to read',
    delivery('planned'),
    seen({ leftover: true, parsed: screenOf('unknown', 'draft') }),
    1,
    'take_back',
  ],
  ['writing its file failed a moment ago', delivery('planned'), seen({ unwritten: { why: because('full'), again: 5 } }), 4, 'wait'],
  ['writing its file failed some time ago', delivery('planned'), seen({ unwritten: { why: because('full'), again: 5 } }), 5, 'place'],
  ['planned, but its tag is in the composer', delivery('planned'), seen(beside), 1, 'placing'],
  ['planned, but its id is on the screen: the ledger lost writes', delivery('planned'), seen({ outside_since: -1000 }), 1, 'placing'],
  ['planned too long, but the line is in the composer', delivery('planned'), seen(ours), limits.planned, 'placing'],

  ['placing, the line is not shown yet', delivery('placing'), seen(), 9_999, 'wait'],
  ['placing, the line never shows', delivery('placing'), seen(), 10_000, 'unknown'],
  ['placing, in the composer', delivery('placing'), seen(ours), 1, 'submit'],
  ['placing, in the composer, but a person is typing', delivery('placing'), seen({ ...ours, attended: because('a person') }), 1, 'placed'],
  ['placing, in the composer late', delivery('placing'), seen(ours), 99_999, 'submit'],
  ['placing, outside the composer: submitted before a crash', delivery('placing'), seen({ outside_since: -1000 }), 1, 'seen'],
  ['placing, outside for a moment: a half-drawn frame', delivery('placing'), seen({ outside_since: 0 }), 499, 'wait'],
  ['placed, outside for a moment: a half-drawn frame', delivery('placed'), seen({ outside_since: 0 }), 499, 'wait'],
  ['placed, its whole line outside after Enter', delivery('placed', { presses: 1 }), seen({ outside_since: 1, whole: true }), 1, 'seen'],
  [
    'placed, only its id outside after Enter: a half-drawn row',
    delivery('placed', { presses: 1 }),
    seen({ outside_since: 1 }),
    1,
    'submitted',
  ],
  ['submitted, only its id outside for a while', delivery('submitted', { presses: 1 }), seen({ outside_since: 1 }), 501, 'seen'],
  ['placing, a part of it in the composer', delivery('placing'), seen(beside), 9_999, 'wait'],
  ['placing, not alone in the composer for long', delivery('placing'), seen(beside), 10_000, 'unknown'],
  [
    'placing, in a composer that is too small to read',
    delivery('placing'),
    seen({ ...ours, parsed: screenOf('unknown', 'draft') }),
    1,
    'placed',
  ],
  [
    'placed, in a composer that is too small to read',
    delivery('placed'),
    seen({ ...ours, parsed: screenOf('unknown', 'draft') }),
    9_999,
    'wait',
  ],
  ['placed, its state stays unknown', delivery('placed'), seen({ ...ours, parsed: screenOf('unknown', 'draft') }), 10_000, 'abandon'],
  ['placing, agent gone', delivery('placing'), seen(gone), 1, 'unknown'],
  ['placing, a successor shows the same words', delivery('placing'), seen({ incarnation: '1.%1.11', outside_since: -1000 }), 1, 'unknown'],
  ['placing, unreachable for long', delivery('placing'), seen({ reachable: false }), 99_999, 'wait'],

  ['placed', delivery('placed'), seen(ours), 1, 'submit'],
  [
    'placed behind a running turn that queues it',
    delivery('placed'),
    seen({ in_composer: true, parsed: screenOf('working', 'draft') }),
    1,
    'submit',
  ],
  [
    'placed, Enter would interrupt the turn',
    delivery('placed'),
    seen({ in_composer: true, parsed: screenOf('working', 'draft', true) }),
    99_999,
    'wait',
  ],
  ...(['starting', 'waiting', 'unknown', 'dead'] as const).map((s): Row => [
    `placed, ${s}`,
    delivery('placed'),
    seen({ in_composer: true, parsed: screenOf(s, 'draft') }),
    1,
    'wait',
  ]),
  ['placed, attended', delivery('placed'), seen({ ...ours, attended: because('a person is typing') }), 1, 'wait'],
  ['placed, Enter just pressed', delivery('placed', { presses: 1 }), seen(ours), 2_999, 'wait'],
  ['placed, the agent ignored Enter', delivery('placed', { presses: 1 }), seen(ours), 3_000, 'submit'],
  ['placed, the agent ignored three Enters, a moment ago', delivery('placed', { presses: 3 }), seen(ours), 2_999, 'wait'],
  ['placed, the agent ignored three Enters', delivery('placed', { presses: 3 }), seen(ours), 3_000, 'abandon'],
  ['placed, Enter pressed, and a person types beside it', delivery('placed', { presses: 1 }), seen(beside), 9_999, 'wait'],
  ['placed, composer emptied by Enter', delivery('placed', { presses: 1 }), seen(), 1, 'submitted'],
  [
    'placed, Enter pressed, no composer recognised',
    delivery('placed', { presses: 1 }),
    seen({ parsed: screenOf('unknown', 'absent') }),
    9_999,
    'wait',
  ],
  [
    'placed, Enter pressed, no composer recognised for long',
    delivery('placed', { presses: 1 }),
    seen({ parsed: screenOf('unknown', 'absent') }),
    10_000,
    'unknown',
  ],
  ['placed, the text is gone without Enter', delivery('placed'), seen(), 9_999, 'wait'],
  ['placed, the text is gone without Enter for long', delivery('placed'), seen(), 10_000, 'unknown'],
  ['placed, outside the composer', delivery('placed'), seen({ outside_since: -1000 }), 1, 'seen'],
  ['placed, outside and still in the composer', delivery('placed'), seen({ ...ours, outside_since: -1000 }), 1, 'submit'],
  ['placed, agent gone before Enter', delivery('placed'), seen(gone), 1, 'refused'],
  ['placed, agent gone after Enter', delivery('placed', { presses: 1 }), seen(gone), 1, 'unknown'],

  ['submitted, its id is not shown yet', delivery('submitted', { presses: 1 }), seen(), 19_999, 'wait'],
  ['submitted, its id never shows', delivery('submitted', { presses: 1 }), seen(), 20_000, 'unknown'],
  ['submitted, its id shows', delivery('submitted', { presses: 1 }), seen({ outside_since: -1000 }), 1, 'seen'],
  ['submitted, but a redraw still shows it in the composer', delivery('submitted', { presses: 1 }), seen(ours), 3_000, 'submit'],
  [
    'submitted, queued behind a running turn',
    delivery('submitted', { presses: 1 }),
    seen({ idle_since: null, parsed: screenOf('working') }),
    99_999,
    'wait',
  ],
  ['submitted, the agent has just become idle', delivery('submitted', { presses: 1 }), seen({ idle_since: 80_000 }), 99_999, 'wait'],
  [
    'an identity text is never queued',
    delivery('submitted', { kind: 'identity', presses: 1 }),
    seen({ idle_since: null }),
    20_000,
    'unknown',
  ],
  ['submitted, the agent has been idle for long', delivery('submitted', { presses: 1 }), seen({ idle_since: 79_999 }), 99_999, 'unknown'],
  ['submitted, agent gone', delivery('submitted', { presses: 1 }), seen(gone), 1, 'unknown'],

  ['the breaker of its kind is open', delivery('planned'), seen({ stopped: because('the composer is not recognised') }), 1, 'wait'],
  [
    'a placed text continues while the breaker is open',
    delivery('placed'),
    seen({ ...ours, stopped: because('the composer is not recognised') }),
    1,
    'submit',
  ],
  ['unknown, its id shows up', delivery('unknown'), seen({ outside_since: -1000 }), 99_999, 'seen'],
  ['unknown, in the composer: Enter is not pressed again', delivery('unknown'), seen({ ...ours, leftover: true }), 99_999, 'take_back'],
  [
    'unknown, in the composer, but a person is typing',
    delivery('unknown'),
    seen({ ...ours, leftover: true, attended: because('a person') }),
    99_999,
    'wait',
  ],
  [
    'unknown, in the composer of a successor',
    delivery('unknown'),
    seen({ ...ours, leftover: true, incarnation: '1.%1.11' }),
    99_999,
    'wait',
  ],
  ['unknown, a successor', delivery('unknown'), seen({ incarnation: '1.%1.11', outside_since: -1000 }), 1, 'wait'],
  ['placing, tmux has not pasted the line', untyped, seen({ last_text: 'before' }), 1, 'place'],
  ['placing, tmux has not pasted the line, long ago', untyped, seen({ last_text: 'before' }), limits.planned, 'place'],
  ['placing, not pasted, and a draft', untyped, seen({ last_text: 'before', parsed: screenOf('idle', 'draft') }), 99_999, 'wait'],
  [
    'placing, not pasted, a draft for long',
    untyped,
    seen({ last_text: 'before', parsed: screenOf('idle', 'draft') }),
    limits.planned,
    'unknown',
  ],
  ['placing, not pasted, and held', untyped, seen({ last_text: 'before', attended: because('held') }), 99_999, 'wait'],
  ['placing, tmux has pasted the line', untyped, seen({ last_text: id }), 9_999, 'wait'],
  ['placing, tmux has pasted the line, long ago', untyped, seen({ last_text: id }), 10_000, 'unknown'],
  ['placing, tmux has pasted another text since', untyped, seen({ last_text: 'later' }), 10_000, 'unknown'],
  ['placing by an older burn', delivery('placing', { evidence: { code: 'line_placing' } }), seen(), 10_000, 'unknown'],
  ['placing, not pasted, but its tag is on the screen', untyped, seen({ last_text: 'before', outside_since: 1 }), 2, 'wait'],
  ['placing, not pasted, a successor', untyped, seen({ last_text: 'before', incarnation: '1.%1.11' }), 1, 'unknown'],
  ['planned, tmux has pasted the line', delivery('planned'), seen({ last_text: id }), 1, 'placing'],
  ['seen', delivery('seen'), seen(), 99_999, 'wait'],
  ['refused', delivery('refused'), seen(), 99_999, 'wait'],
  ['mangled', delivery('mangled'), seen({ hook_report: 'text' }), 99_999, 'wait'],
]

test('deliver: each row of the table has its step', () => {
  for (const [what, before, observation, now, expected] of table)
    assert.equal(brief(nextStep(before, observation, limits, now)), expected, what)
})

test('deliver: each step is legal, and each wait ends', () => {
  for (const [what, before, observation, now] of table) {
    const next = nextStep(before, observation, limits, now)
    if (next.do === 'move') assert.ok(deliveryTransitions[before.state].includes(next.to), what)
    if (next.do === 'submit') assert.ok(deliveryTransitions[before.state].includes(next.to), what)
    if (next.do !== 'wait') continue
    assert.ok(said(next.reason).length > 0, what)
    if (next.until === null) continue
    assert.ok(next.until > now, what)
    assert.notEqual(brief(nextStep(before, observation, limits, next.until)), 'wait', `${what}: time alone changes the answer`)
  }
})

test("deliver: an identity text does not outwait its agent's start", () => {
  const kind = { limits: { ready: 1000, placed: 1, seen: 1, submit_delay: 0 } }
  const starting = seen({ parsed: screenOf('starting', 'absent') })
  assert.equal(brief(nextStep(delivery('planned', { kind: 'identity' }), starting, deliveryLimits(kind, 'identity'), 999)), 'wait')
  assert.equal(brief(nextStep(delivery('planned', { kind: 'identity' }), starting, deliveryLimits(kind, 'identity'), 1000)), 'refused')
})

test('deliver: waits for the submit delay before Enter', () => {
  const slow = deliveryLimits({ limits: { ready: 1000, placed: 10_000, seen: 20_000, submit_delay: 700 } }, 'work')
  assert.equal(brief(nextStep(delivery('placing'), seen(ours), slow, 5000)), 'placed')
  assert.deepEqual(nextStep(delivery('placed', { changed_at: 5000 }), seen(ours), slow, 5699), {
    do: 'wait',
    reason: { code: 'enter_too_soon' },
    until: 5700,
  })
  assert.equal(brief(nextStep(delivery('placed', { changed_at: 5000 }), seen(ours), slow, 5700)), 'submit')
})

test('deliver: a clock set back by hours neither delays nor proves', () => {
  const before = 6 * 3_600_000
  const now = 1_000
  const begun = (state: DeliveryState, presses = 0) => delivery(state, { planned_at: before, changed_at: before, presses })
  assert.equal(brief(nextStep(begun('planned'), seen({ parsed: screenOf('waiting') }), limits, now)), 'refused')
  assert.equal(brief(nextStep(begun('placing'), seen(), limits, now)), 'unknown')
  assert.equal(brief(nextStep(begun('submitted', 1), seen(), limits, now)), 'unknown')
  assert.equal(
    brief(nextStep(begun('placed', 1), seen(ours), limits, now)),
    'submit',
    'Enter again, because the text is still in the composer',
  )
  const facts = {
    delivery: { id, typed: line },
    pane,
    server_started: 1,
    parsed: { ...screenOf('idle'), composer_rows: [2, 3] as const },
    screen: [`● [burn ${id}]`, '', '❯', '──'],
  }
  const later = observe({
    ...facts,
    hold: null,
    busy: false,
    reachable: true,
    now,
    machine_now: now,
    before: { outside_since: before, idle_since: before, line: null, unwritten: null },
  })
  assert.equal(later.outside_since, now, 'a time in the future counts from now on')
  assert.equal(brief(nextStep(begun('placing'), { ...later, parsed: screenOf('unknown', 'absent') }, limits, now)), 'unknown')
})
