/** The states of burn's own jobs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { burnJobStates } from '../../src/collect/jobs.ts'

test('burnJobStates: judges only the jobs that a dispatcher runs', () => {
  const job = { period: 1000, owner: null, until: null, last_run: 0, last_result: 'done', next_run: 1000 }
  const states = burnJobStates(
    ['usage box', 'sprint reviews', 'sprint prune'].map((name) => ({ ...job, name })),
    0,
    600_000,
  )
  assert.deepEqual(
    states.map(({ subject, state }) => [subject, state]),
    [['burn usage box', 'missed']],
  )
})
