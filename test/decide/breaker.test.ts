import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Reason } from '../../src/core/reasons.ts'
import type { ParsedScreen } from '../../src/core/agent.ts'
import type { Delivery, DeliveryState } from '../../src/core/lifecycle.ts'
import { breakerFor } from '../../src/decide/stops.ts'
import { said } from '../support/reasons.ts'

/** A screen whose composer is recognised, or not. */
const screen = (known: boolean): ParsedScreen => ({
  reading: { state: known ? 'idle' : 'unknown', detail: null, evidence: known ? '❯' : 'a new screen' },
  composer: known ? 'empty' : 'absent',
  composer_rows: [0, 0],
  draft: '',
})
const screens = (known: number, strange: number) => [
  ...Array.from({ length: known }, () => screen(true)),
  ...Array.from({ length: strange }, () => screen(false)),
]

const delivery = (state: DeliveryState, changed_at = 0, evidence: Reason = { code: 'submitted_unseen', seconds: 20 }): Delivery => ({
  id: '0k3v9w2x4abcd',
  kind: 'work',
  dispatch: null,
  worker: 'm/W/A',
  state,
  text: '',
  typed: null,
  proof: null,
  incarnation: null,
  evidence,
  presses: 1,
  planned_at: 0,
  changed_at,
  lease_owner: null,
  lease_token: 1,
  lease_until: 0,
})

test("breaker: opens if half of a kind's screens are unknown", () => {
  assert.equal(breakerFor('hermes', screens(10, 2), [], 0), null)
  assert.equal(breakerFor('hermes', screens(4, 3), [], 0), null)
  assert.match(
    said(breakerFor('hermes', screens(3, 3), [], 0)),
    /does not recognise the composer of hermes on 3 of 6 workers \(a new screen\)/,
  )
  assert.equal(breakerFor('hermes', screens(0, 2), [], 0), null)
})

test('breaker: opens on unproven texts and closes when they are old', () => {
  const ended = [delivery('unknown', 1000), delivery('seen'), delivery('unknown', 900), delivery('unknown', 800), delivery('seen')]
  assert.match(said(breakerFor('hermes', screens(9, 0), ended, 2000)), /burn could not prove that 3 of the last 5 texts to hermes arrived/)
  assert.equal(breakerFor('hermes', screens(9, 0), ended, 1000 + 10 * 60_000), null)
  assert.equal(breakerFor('hermes', screens(9, 0), [...Array.from({ length: 7 }, () => delivery('seen')), ...ended], 2000), null)
})

test('breaker: ignores texts that were lost with their agents', () => {
  const gone = Array.from({ length: 5 }, () => delivery('unknown', 1000, { code: 'agent_gone' }))
  assert.equal(breakerFor('hermes', screens(9, 0), gone, 2000), null)
})
