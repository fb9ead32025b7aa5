/** A short version of the simulation of `npm run test:login`. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulateLogins } from './simulate.ts'

test('logins: burn loses no login in 20 simulated hours', async () => {
  const { violations, text } = await simulateLogins({ seed: 7, hours: 20 })
  assert.deepEqual(violations, [], text)
  assert.match(text, /, [1-9]\d* renewals by burn/)
})
