/** The next step of a delivery to an agent whose hook reports. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Delivery } from '../../src/core/lifecycle.ts'
import type { Observation } from '../../src/decide/observation.ts'
import { nextStep } from '../../src/decide/delivery-step.ts'
import { delivery, limits, seen } from './observations.ts'

const table: readonly (readonly [what: string, delivery: Delivery, observation: Observation, now: number, expected: string])[] = [
  ['submitted, the hook reported the id of the text', delivery('submitted', { presses: 1 }), seen({ hook_report: 'id' }), 1, 'seen'],
  [
    'only its id is on the screen, and the hook may still report the text',
    delivery('submitted', { presses: 1 }),
    seen({ hooked: true, outside_since: 1 }),
    5000,
    'wait',
  ],
  [
    'only its id is on the screen, and the hook reported nothing for seconds',
    delivery('submitted', { presses: 1 }),
    seen({ hooked: true, outside_since: 1 }),
    5001,
    'seen',
  ],
  ['unknown, the hook reported it later', delivery('unknown'), seen({ hook_report: 'text' }), 99_999, 'seen'],
  [
    'the hook of a successor reported it',
    delivery('submitted', { presses: 1 }),
    seen({ incarnation: '1.%1.11', hook_report: 'text' }),
    1,
    'unknown',
  ],
  ['the hook reported another text under this id', delivery('submitted', { presses: 1 }), seen({ hook_report: 'other' }), 1, 'mangled'],
  [
    'the hook reported another text, and the line is not on the screen',
    delivery('placed', { presses: 1 }),
    seen({ hook_report: 'other', outside_since: 1 }),
    600,
    'mangled',
  ],
  [
    'the hook reported another text, and the whole line is on the screen',
    delivery('submitted', { presses: 1 }),
    seen({ hook_report: 'other', outside_since: 1, whole: true }),
    2,
    'seen',
  ],
  ['unknown, the hook reported another text later', delivery('unknown'), seen({ hook_report: 'other' }), 99_999, 'mangled'],
]

test('deliver: a hook decides by the whole text', () => {
  for (const [what, before, observation, now, expected] of table) {
    const next = nextStep(before, observation, limits, now)
    assert.equal(next.do === 'move' ? next.to : next.do, expected, what)
  }
})
