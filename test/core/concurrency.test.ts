/** Batches of calls that run at the same time. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchCalls } from '../../src/core/concurrency.ts'

const answersTo = (ids: readonly string[]) => ids.map((id) => ({ id, length: ids.length }))

test('batchCalls: calls during a request share the next one', async () => {
  const requests: (readonly string[])[] = []
  const ask = batchCalls(async (ids: readonly string[]) => (requests.push(ids), await Promise.resolve(), answersTo(ids)))
  const all = await Promise.all([ask(['a']), ask(['b', 'c']), ask([]), ask(['d'])])
  assert.deepEqual(requests, [['a'], ['b', 'c', 'd']])
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

test('batchCalls: an error reaches its whole batch, and no later one', async () => {
  const ask = batchCalls(async (ids: readonly string[]) => {
    await Promise.resolve()
    if (ids.includes('bad')) throw new Error('it is full')
    return answersTo(ids)
  })
  const all = await Promise.allSettled([ask(['a']), ask(['bad']), ask(['b'])])
  assert.deepEqual(
    all.map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected'],
  )
  assert.equal((await ask(['c'])).size, 1)
})
