/** Caches of pure functions. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoized, once } from '../../src/core/memo.ts'

test('memoized: makes a value once per key, also an undefined one', () => {
  const made: string[] = []
  const memo = memoized((key) => (made.push(key) > 2 ? key : undefined))
  assert.deepEqual(['a', 'b', 'a', 'b', 'c', 'c'].map(memo), [undefined, undefined, undefined, undefined, 'c', 'c'])
  assert.deepEqual(made, ['a', 'b', 'c'])
})

test('once: returns the first value', () => {
  const values = [1, 2]
  const first = once(() => values.shift())
  assert.deepEqual([first(), first()], [1, 1])
})
