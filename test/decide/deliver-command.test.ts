/** The next step of a delivery that is a command of the agent program. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Delivery, DeliveryState } from '../../src/core/lifecycle.ts'
import type { Observation } from '../../src/decide/observation.ts'
import { nextStep } from '../../src/decide/delivery-step.ts'
import { delivery, limits, screenOf, seen } from './observations.ts'

const ours = { in_composer: true, parsed: screenOf('idle', 'draft') }
const command = (state: DeliveryState, more: Partial<Delivery> = {}) => delivery(state, { kind: 'command', typed: '/model x', ...more })

const table: readonly (readonly [what: string, delivery: Delivery, observation: Observation, now: number, expected: string])[] = [
  ['a command waits for the end of the turn', command('planned'), seen({ parsed: screenOf('working') }), 1, 'wait'],
  ['a command for an idle agent', command('planned'), seen(), 1, 'place'],
  [
    'a command during a turn that began after burn typed',
    command('placed'),
    seen({ in_composer: true, parsed: screenOf('working', 'draft') }),
    1,
    'wait',
  ],
  ['a command in the composer', command('placed'), seen(ours), 1, 'submit'],
  ['a command that the screen shows as done', command('placed', { presses: 1 }), seen({ done: true }), 1, 'seen'],
  ['a command that burn has not submitted', command('placed'), seen({ ...ours, done: true }), 1, 'submit'],
  [
    'an older line on the screen proves no command',
    command('placed', { presses: 1 }),
    seen({ outside_since: -9999, whole: true }),
    1,
    'submitted',
  ],
  ['a command without an effect', command('submitted', { presses: 1 }), seen(), limits.seen, 'unknown'],
]

test('deliver: types a command between turns, and proves its effect', () => {
  for (const [what, row, observation, now, expected] of table) {
    const next = nextStep(row, observation, limits, now)
    assert.equal(next.do === 'move' ? next.to : next.do, expected, what)
  }
})
