import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seeded } from '../support/random.ts'
import { openFleet } from './fleet.ts'
import { soak } from './run.ts'

test('soak: under every trouble, what the ledger says is what the agents wrote down', { timeout: 120_000 }, async (t) => {
  const seed = Date.now() % 1_000_000
  console.log(`soak seed ${seed}: npm run soak -- --seed ${seed} --panes 8`)
  const fleet = await openFleet(8, null)
  t.after(() => fleet.close())
  const { violations, deliveries } = await soak(fleet, { deliveries: 50, minutes: 1, random: seeded(seed) })
  assert.ok(deliveries > 0)
  assert.deepEqual(violations, [], `seed ${seed}`)
})
