/** Summaries of measures. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hour, summarise } from '../../src/decide/roll-up.ts'

test('summarise: gives the mean and the maximum of known numbers', () => {
  const sample = (at: number, numbers: Record<string, number>) => ({ subject: 'machine m', at, period: 0, numbers })
  assert.deepEqual(summarise([sample(1, { load: 1 }), sample(2, { load: 3, disk_free: 8 }), sample(hour, { load: 5 })]), [
    { subject: 'machine m', at: 0, period: hour, numbers: { load: 2, max_load: 3, disk_free: 8, max_disk_free: 8 } },
    { subject: 'machine m', at: hour, period: hour, numbers: { load: 5, max_load: 5 } },
  ])
})
