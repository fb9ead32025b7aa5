/** Issues that other issues block. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Blocker } from '../../src/core/change-state.ts'
import { issuesOf } from '../simulate/storm.ts'
import { simulatedFleet } from '../support/world.ts'

test('blocked issue: waits until its blocker is closed', async (t) => {
  const { open, forge, pass } = await simulatedFleet(t, issuesOf(3))
  const { cycle, ledger } = await open()
  const asked: string[] = []
  Object.assign(forge, {
    blockers: async (ref: string): Promise<readonly Blocker[]> => {
      asked.push(ref)
      const [blocker, state] = ['o/a#1', forge.isOpen('o/a#1') ? 'open' : 'closed'] as const
      return ref === 'o/c#3' ? [{ ref: blocker, title: '', state, url: '' }] : []
    },
  })
  const claimed = async () => (await cycle()).claimed.map(({ issue }) => issue)
  assert.deepEqual((await claimed()).toSorted(), ['o/a#1', 'o/b#2'])
  assert.deepEqual((await ledger.issue('o/c#3'))?.verdict?.reason, { code: 'blocked', by: ['o/a#1'] })
  assert.deepEqual(await claimed(), [])
  assert.deepEqual(asked.toSorted(), ['o/a#1', 'o/b#2', 'o/c#3'], 'the next cycles ask nothing')
  forge.close('o/a#1')
  await pass(1000)
  assert.deepEqual(await claimed(), ['o/c#3'])
})
