/** A short night. `npm run night` simulates a whole one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeDrift } from './drift-judge.ts'
import { driftNight } from './drift-night.ts'
import { judgeNight } from './judge.ts'
import { otherNeeds } from './judge-needs.ts'
import { simulateNight } from './night.ts'
import { troublesOf } from './troubles.ts'

const size = { machines: 2, panes: 2, before: 0.25, hours: 0.9 }
const seed = Number(process.env['BURN_NIGHT'] ?? 3)

test(`night: report and health agree with the truth (BURN_NIGHT=${seed})`, async (t) => {
  const few: typeof troublesOf = (own, fleet, since, until) => troublesOf(own, fleet, since, until, 0.05)
  const night = await simulateNight({ ...size, seed, ledger: 'sqlite::memory:', troublesOf: few })
  t.after(() => night.ledger.close())
  assert.deepEqual(judgeNight(night).wrong, [])
  assert.ok(night.troubles.length > 0 && night.report.counts.before > 0)
})

test('night: health and report find nothing in a quiet night', async (t) => {
  const night = await simulateNight({ machines: 1, panes: 2, before: 0, hours: 0.6, seed, ledger: 'sqlite::memory:', troublesOf: null })
  t.after(() => night.ledger.close())
  assert.deepEqual(judgeNight(night).wrong, [])
  const { went_wrong, jobs } = night.report
  const needs_you = otherNeeds(night)
  assert.deepEqual({ went_wrong, needs_you, jobs }, { went_wrong: [], needs_you: [], jobs: [] })
})

test('night: drift is found within one cycle, and nothing else', async () => {
  const night = await driftNight({ seed, machines: 1, panes: 9, hours: 1.2, injects: true })
  const { due, missed, alarms } = judgeDrift(night)
  assert.deepEqual({ missed, alarms }, { missed: [], alarms: [] })
  assert.ok(due > 0)
})
