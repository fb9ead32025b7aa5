import { untouched } from '../support/records.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { IssueRecord } from '../../src/core/ledger/backlog.ts'
import { hasElapsed } from '../../src/core/elapsed.ts'
import { backoffMs, retryAt } from '../../src/decide/backoff.ts'

const minute = 60_000
const at = Date.UTC(2026, 5, 1)

/** An issue with a number of failed attempts. */
function tried(attempts: number, number = 7, failed_at: number | null = at): IssueRecord {
  const words = { repo: 'o/r', title: '', body: '', author: 'ann', url: '', state: 'open' as const }
  const issue = { ...words, ref: `o/r#${number}`, number, labels: [], assignees: [], created_at: 0, updated_at: 0, comments: 0 }
  return { ...untouched, issue, attempts, failed_at }
}

/** The pause before the next attempt (ms). */
const wait = (record: IssueRecord) => (retryAt(record, minute, at) ?? at) - at

test('back-off: doubles up to its limit, minus at most a quarter', () => {
  const failures = fc.integer({ min: 1, max: 2_000 })
  const spread = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(failures, spread, (count, random) => {
      const whole = Math.min(300_000, 1_000 * 2 ** (count - 1))
      const pause = backoffMs(count, { first: 1_000, longest: 300_000 }, random)
      assert.ok(pause <= whole && pause >= Math.floor(whole * 0.75), `${count}: ${pause}`)
    }),
  )
})

test('back-off: an issue waits longer after each attempt', () => {
  assert.equal(retryAt(tried(0, 7, null), minute, at), null)
  assert.equal(retryAt(tried(0), minute, at), null, 'attempts before the requeue do not count')
  const waits = [1, 2, 3, 9].map((attempts) => wait(tried(attempts)))
  for (const [index, whole] of [1, 2, 4, 60].entries())
    assert.ok(waits[index]! <= whole * minute && waits[index]! >= 0.75 * whole * minute, `${waits[index]}`)
  const until = retryAt(tried(1), minute, at) ?? 0
  assert.equal(retryAt(tried(1), minute, until - 1), until, 'the same result each time')
  assert.equal(retryAt(tried(1), minute, until), null)
})

test('back-off: issues that were lost together are retried at different times', () => {
  const waits = Array.from({ length: 50 }, (_, number) => wait(tried(1, number)))
  assert.ok(new Set(waits).size > 45)
  assert.ok(Math.max(...waits) - Math.min(...waits) > 10_000)
})

test('back-off: tolerates clocks that were set back or differ slightly', () => {
  assert.equal(retryAt(tried(3), minute, at - 3 * 3_600_000), null)
  assert.notEqual(retryAt(tried(3), minute, at - 2_000), null)
  assert.equal(hasElapsed(at, 10, at - 59_000), false)
  assert.equal(hasElapsed(at, 10, at - 61_000), true)
  assert.equal(hasElapsed(at, 10, at + 10), true)
})
