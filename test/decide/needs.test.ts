/** The decider of what needs a person. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChangeStage } from '../../src/core/change-stages.ts'
import type { Event } from '../../src/core/events.ts'
import type { Reason } from '../../src/core/reasons.ts'
import { loginNeeds } from '../../src/decide/login-needs.ts'
import { needs } from '../../src/decide/needs.ts'
import { because } from '../support/reasons.ts'

test('needs: changes that only a person can bring on need one', () => {
  const about = { id: '3', issue: 'o/a#3', changed_at: 1, state_reason: because('x'), change_url: 'u' }
  const needed = (stage: ChangeStage, reason: Reason) => {
    const found = needs({ reviews: [{ ...about, watched: { stage, reason, staged_at: 2 } }], over_budget: [], logins: [] }, [], [])
    return found.map(({ kind, remedy }) => `${kind}: ${remedy}`)
  }
  const checks = (is: 'failed' | 'pending') => ({ code: 'checks_not_green', is, checks: ['unit'] }) as const
  assert.deepEqual(needed('watched', { code: 'merge_by_person' }), ['change: look at the change, then: burn change merge o/a#3'])
  const forPeople: [ChangeStage, Reason][] = [
    ['watched', { code: 'approvals_missing', approvals: 0, required: 1 }],
    ['watched', { code: 'checks_failed', checks: ['unit'] }],
    ['watched', checks('failed')],
    ['ready', { code: 'merge_not_allowed', why: 'x' }],
    ['ready', { code: 'other_base', base: 'dev', expected: 'main' }],
    ['ready', { code: 'merge_refused', result: 'not_allowed', why: 'Changed protected files' }],
    ['foreign', { code: 'pushed_by_other', login: 'ben' }],
  ]
  for (const [stage, reason] of forPeople) assert.deepEqual(needed(stage, reason), ['change: burn change show o/a#3'], reason.code)
  const others: [ChangeStage, Reason][] = [
    ['watched', checks('pending')],
    ['watched', { code: 'forge_thinks' }],
    ['ready', { code: 'base_taken', change: 'o/a!1' }],
    ['ready', { code: 'merge_refused', result: 'try_again', why: 'later' }],
    ['needs_work', { code: 'checks_failed', checks: ['unit'] }],
    ['at_work', { code: 'change_for_review' }],
  ]
  for (const [stage, reason] of others) assert.deepEqual(needed(stage, reason), [], `${stage} ${reason.code}`)
})

test('login needs: troubles count until their end', () => {
  const events = (...kinds: readonly string[]) =>
    kinds.map((each, index) => {
      const [kind = '', ends_at = 5] = each.split(' ')
      const payload = { ends_at: Number(ends_at), workers: 2, remedy: 'claude login' }
      return { kind, subject: 'mac ~/.claude', at: index + 1, payload } as unknown as Event // the rest of an event does not matter here
    })
  const needed = (...kinds: readonly string[]) => loginNeeds(events(...kinds), 10).map(({ text, since }) => `${since}: ${text}`)
  assert.deepEqual(needed('login.ended'), ['1: the login of 2 workers has ended'])
  assert.deepEqual(needed('login.ended', 'login.restored'), [])
  // burn also warns of a login that has ended.
  assert.deepEqual(needed('login.ended', 'login.ending 5'), ['1: the login of 2 workers has ended'])
  assert.deepEqual(needed('login.ending 20'), ['1: the login of 2 workers ends at 1970-01-01T00:00:00Z, and nothing renews it'])
  assert.deepEqual(needed('login.ending 9'), [])
  assert.deepEqual(needed('login.ending 20', 'login.failing', 'login.restored'), [])
  assert.deepEqual(needed('login.ending 20', 'login.restored 90'), [])
  const [need] = loginNeeds(events('login.copied'), 10)
  assert.deepEqual([need?.kind, need?.subject, need?.remedy], ['login', 'mac ~/.claude', 'claude login'])
})
