/** Decisions about scheduled jobs, and a year of fire times, compared with a second library. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CronExpressionParser } from 'cron-parser'
import type { ScheduledJob } from '../../src/core/scheduled-job.ts'
import { fireTimes, judgeJob } from '../../src/decide/scheduled-jobs.ts'

const hour = 3_600_000
const noon = Date.UTC(2026, 5, 1, 12)

function jobOf(changes: Partial<ScheduledJob>): ScheduledJob {
  return { scheduler: 'cron', name: 'j', schedule: { cron: '0 * * * *' }, next: null, last: 'none', ...changes }
}
const ran = (started: number, ok: boolean | null = true) => ({ started, ok, result: ok === false ? 'exit 1' : '' })
const stateOf = (changes: Partial<ScheduledJob>, now: number, zone: string | null = 'Etc/UTC') => judgeJob(jobOf(changes), now, zone).state

test('judgeJob: a job is late, and missed after its grace period', () => {
  const last = ran(noon - hour)
  assert.deepEqual(
    [noon - 1, noon + 30_000, noon + 5 * 60_000, noon + 29 * 60_000, noon + 31 * 60_000].map((now) => stateOf({ last }, now)),
    ['on time', 'on time', 'late', 'late', 'missed'],
  )
  assert.equal(stateOf({ last: ran(noon + 1000) }, noon + 40 * 60_000), 'on time')
})

test('judgeJob: tells failing, new and unrecorded jobs apart', () => {
  assert.equal(stateOf({ last: ran(noon, false) }, noon + 1), 'failing')
  assert.equal(stateOf({ last: 'none' }, noon + 1), 'never ran')
  assert.equal(stateOf({ last: 'unknown' }, noon + 1), 'unknown')
  assert.equal(stateOf({ last: ran(noon - hour), schedule: { cron: '@reboot' } }, noon), 'unknown')
  assert.equal(stateOf({ last: ran(noon - hour), schedule: { cron: '99 * * * *' } }, noon), 'unknown')
  assert.equal(stateOf({ last: ran(noon - 3 * hour) }, noon + hour, null), 'unknown', 'without a time zone')
})

test('judgeJob: judges intervals, single runs and timers by the next run', () => {
  const every = { every: 10 * 60_000 }
  assert.equal(stateOf({ schedule: every, last: ran(noon), next: null }, noon + 11.5 * 60_000), 'late')
  assert.equal(stateOf({ schedule: every, last: ran(noon), next: null }, noon + 16 * 60_000), 'missed')
  assert.equal(stateOf({ schedule: { once: noon }, last: 'none' }, noon + hour), 'missed')
  assert.equal(stateOf({ schedule: { once: noon }, last: ran(noon) }, noon + hour), 'on time')
  assert.equal(stateOf({ schedule: null, last: ran(noon), next: noon + hour }, noon + 1), 'on time')
  assert.equal(stateOf({ schedule: null, last: ran(noon), next: noon + hour }, noon + 2 * hour), 'missed')
  assert.equal(stateOf({ schedule: null, last: ran(noon), next: null }, noon + 1), 'unknown', 'a stopped timer')
})

/** The time zones, with the times in 2026 at which daylight saving begins and ends. */
const zones = {
  'Europe/Berlin': [Date.UTC(2026, 2, 29, 1), Date.UTC(2026, 9, 25, 1)],
  'America/New_York': [Date.UTC(2026, 2, 8, 7), Date.UTC(2026, 10, 1, 6)],
  'Asia/Kolkata': [],
}
const expressions = [
  '*/5 * * * *',
  '30 2 * * *',
  '0 3 * * *',
  '15 1-4 * * *',
  '0 0 1 * *',
  '0 9 * * 1-5',
  '0 12 29 2 *',
  '0 0 * * 7',
  '7 6 1,15 * *',
]
const aroundChange = [-23, -1, 0, 0.6, 1, 1.6, 2, 3, 9, 25].map((hours) => hours * hour + 2 * 60_000)
/** A time in each month, at different times of the day. */
const months = Array.from({ length: 12 }, (_, month) => Date.UTC(2026, 0, 1, 0, 2) + month * 743 * hour)

test('fireTimes: agree with a second library over a year', () => {
  for (const [zone, changes] of Object.entries(zones))
    for (const cron of expressions) {
      // The second library is slow to find a day that only leap years have.
      const rare = cron === '0 12 29 2 *'
      const some = months.filter((_, month) => month % (rare ? 12 : 6) === 0)
      // A job that fires in the night needs more times around the change.
      const offsets = rare ? [] : aroundChange.filter((_, index) => /^\S+ (?:\*|2|3|1-4) /.test(cron) || index % 3 === 0)
      const times = [...some, ...changes.flatMap((change) => offsets.map((offset) => change + offset))]
      for (const now of times) {
        const mine = fireTimes({ cron }, now, zone)?.last
        const other = CronExpressionParser.parse(cron, { currentDate: new Date(now + 1), tz: zone })
          .prev()
          .getTime()
        // In the hour that occurs twice, one library takes its first occurrence and the other its second. Both show the same local time.
        const local = (time: number) => new Date(time).toLocaleString('en', { timeZone: zone })
        if (mine !== other - hour || local(mine) !== local(other))
          assert.equal(mine, other, `${cron} in ${zone} at ${new Date(now).toISOString()}`)
      }
    }
})
