import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchCalls } from '../../src/core/concurrency.ts'

const answered = (ids: readonly string[]) => ids.map((id) => ({ id, length: ids.length }))

test('what comes while a call is under way is asked for by the next one, and each caller finds its own', async () => {
  const asked: (readonly string[])[] = []
  const ask = batchCalls(async (ids: readonly string[]) => (asked.push(ids), await Promise.resolve(), answered(ids)))
  const all = await Promise.all([ask(['a']), ask(['b', 'c']), ask([]), ask(['d'])])
  assert.deepEqual(asked, [['a'], ['b', 'c', 'd']])
  assert.deepEqual(
    all.map((found) => ['a', 'b', 'c', 'd'].map((id) => found.get(id)?.length ?? 0)),
    [
      [1, 0, 0, 0],
      [0, 3, 3, 3],
      [0, 3, 3, 3],
      [0, 3, 3, 3],
    ],
  )
  assert.equal((await ask(['e'])).get('e')?.length, 1)
})

test('where it fails, all who asked together hear of it, and the next are asked for all the same', async () => {
  const ask = batchCalls(async (ids: readonly string[]) => {
    await Promise.resolve()
    if (ids.includes('bad')) throw new Error('it is full')
    return answered(ids)
  })
  const all = await Promise.allSettled([ask(['a']), ask(['bad']), ask(['b'])])
  assert.deepEqual(
    all.map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected'],
  )
  assert.equal((await ask(['c'])).size, 1)
})
