/** An outage of the forge, as a person at the command line sees it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forgeFleet } from './forge-fleet.ts'

test('dispatch: reports an outage when it begins and ends', async (t) => {
  const { forge, rig } = await forgeFleet(t)
  forge.trouble({ kind: 'status', status: 503 }, /^/, 17)
  const { code, err } = await rig.fleet.burn('dispatch', '--cycles', '5', '--interval', '1')
  assert.equal(code, 0, err)
  const about = err.split('\n').filter((line) => line.startsWith('timmy/app: '))
  assert.equal(about.length, 2, err)
  assert.match(about[0] ?? '', /503/)
  assert.equal(about[1], 'timmy/app: recovered')
})
