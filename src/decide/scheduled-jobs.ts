/** Decides whether a scheduled job ran when it was due. */
import type { JobSchedule, JobState, ScheduledJob } from '../core/scheduled-job.ts'
import type { Time } from '../core/nouns.ts'
import { Cron } from 'croner'

const minute = 60_000
const hour = 60 * minute

/** The state of a job with one line of evidence. */
export interface JudgedJob {
  readonly state: JobState
  readonly evidence: string
}

/** The clock of a scheduler may differ from burn's, and cron starts its jobs within a minute. */
const skew = minute

/** Returns the state of a job at the time `now`. `zone`: the time zone of the machine; null if it is unknown. */
export function judgeJob({ schedule, next, last }: ScheduledJob, now: Time, zone: string | null): JudgedJob {
  if (last === 'unknown') return { state: 'unknown', evidence: 'the scheduler keeps no record of runs' }
  if (last !== 'none' && last.ok === false)
    return { state: 'failing', evidence: `${runAt(last.started)} failed${last.result === '' ? '' : `: ${last.result}`}` }
  const due = dueTime({ schedule, next, last }, now, zone)
  const ran =
    last === 'none' ? 'the job has never run' : `the last run began at ${last.started === null ? 'an unknown time' : iso(last.started)}`
  if (due === 'unknown') return { state: 'unknown', evidence: `burn could not compute when the job is due; ${ran}` }
  if (due === null) return last === 'none' ? { state: 'never ran', evidence: ran } : { state: 'on time', evidence: ran }
  const evidence = `due at ${iso(due.at)}; ${ran}`
  return { state: now > due.at + due.grace ? 'missed' : now > due.at + skew ? 'late' : 'on time', evidence }
}

/** A run that should have begun, and the time (ms) after which it counts as missed. */
interface Due {
  readonly at: Time
  readonly grace: number
}

/** Returns the run that should have begun by now and did not begin; null if there is none. */
function dueTime(
  { schedule, next, last }: Pick<ScheduledJob, 'schedule' | 'next' | 'last'>,
  now: Time,
  zone: string | null,
): Due | null | 'unknown' {
  const began = typeof last === 'string' ? null : last.started
  if (schedule === null) return next === null ? 'unknown' : next < now ? { at: next, grace: graceOf(hour) } : null
  if ('once' in schedule) return began === null && schedule.once < now ? { at: schedule.once, grace: graceOf(hour) } : null
  if ('every' in schedule) {
    const at = next ?? (began === null ? null : began + schedule.every)
    return at !== null && at < now ? { at, grace: graceOf(schedule.every) } : null
  }
  const fired = fireTimes(schedule, now, zone)
  if (fired === null) return 'unknown'
  // A job without any run may be newer than its last fire time.
  if (began === null) return next !== null && next < now ? { at: next, grace: graceOf(fired.period) } : null
  return fired.last !== null && began < fired.last - skew ? { at: fired.last, grace: graceOf(fired.period) } : null
}

/** Half of the period, at least 2 minutes and at most 2 hours. Hermes' own scheduler uses the same rule. */
function graceOf(period: number): number {
  return Math.min(2 * hour, Math.max(2 * minute, period / 2))
}

/** The last time at which a cron expression fired, and the time (ms) from the fire time before it. */
export interface FireTimes {
  readonly last: Time | null
  readonly period: number
}

/**
 * Returns the last fire time up to `now`; null if the expression is not valid or has no times, as `@reboot`. A time in the hour that
 * daylight saving skips does not count: croner moves it to the end of the hour, and schedulers differ.
 */
export function fireTimes({ cron }: Extract<JobSchedule, { cron: string }>, now: Time, zone: string | null): FireTimes | null {
  if (zone === null) return null
  try {
    const job = new Cron(cron.replace(/^@annually$/, '@yearly'), { paused: true, timezone: zone })
    const [last, before] = job.previousRuns(3, new Date(now + 1)).filter((time) => job.match(time))
    if (last === undefined) return { last: null, period: hour }
    return { last: last.getTime(), period: before === undefined ? hour : last.getTime() - before.getTime() }
  } catch (thrown) {
    // croner throws these for an invalid expression and for an unknown time zone.
    if (thrown instanceof TypeError || thrown instanceof RangeError) return null
    throw thrown
  }
}

const runAt = (started: Time | null) => (started === null ? 'the last run' : `the run at ${iso(started)}`)
const iso = (time: Time) => new Date(time).toISOString().replace(/:\d+\.\d+Z/, 'Z')
