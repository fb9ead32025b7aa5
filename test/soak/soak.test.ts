/** A short soak; `npm run soak` runs a long one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seeded } from '../../src/core/random.ts'
import { openFleet } from './fleet.ts'
import { soak } from './run.ts'

test('soak: ledger and agents agree under every trouble', async (t) => {
  const seed = Date.now() % 1_000_000
  console.log(`soak seed ${seed}: npm run soak -- --seed ${seed} --panes 8`)
  const fleet = await openFleet(8, null)
  t.after(() => fleet.close())
  const { violations, deliveries, outcomes } = await soak(fleet, { deliveries: 20, minutes: 1, random: seeded(seed) })
  assert.deepEqual(violations, [], `seed ${seed}`)
  // Refusing all texts would break no rule, so most must arrive.
  const ended = [...outcomes.values()].flatMap((row) => [...row])
  const seen = ended.reduce((sum, [state, count]) => sum + (state === 'seen' ? count : 0), 0)
  assert.ok(deliveries >= 20 && seen * 2 > ended.reduce((sum, [, count]) => sum + count, 0), `${seen} seen`)
})
