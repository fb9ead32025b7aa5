/** Local times: quiet hours, and the times of digests and reports. Pure. */
import type { Time } from '../core/nouns.ts'
import type { QuietHours } from '../core/notify-settings.ts'
import { memoized } from '../core/memo.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** Returns the format of times in a time zone. Making a format takes 50 times as long as using it. */
const timeIn = memoized((timeZone) => {
  return new Intl.DateTimeFormat('en-GB', { timeZone, hourCycle: 'h23', hour: '2-digit', minute: '2-digit', second: '2-digit' })
})
/** Returns the format of dates in a time zone. */
const dayIn = memoized((timeZone) => new Intl.DateTimeFormat('sv-SE', { timeZone }))

/** Returns the time (ms) since midnight in a time zone, by the clock on the wall. */
export function timeOfDay(at: Time, zone: string): number {
  const numbers = Object.fromEntries(
    timeIn(zone)
      .formatToParts(at)
      .map(({ type, value }) => [type, Number(value)]),
  )
  return ((numbers['hour'] ?? 0) * 60 + (numbers['minute'] ?? 0)) * minute + (numbers['second'] ?? 0) * 1000 + (at % 1000)
}

/** Returns `at`, or the end of the quiet hours if `at` is within them. */
export function afterQuietHours(at: Time, { from, to }: QuietHours, zone: string): Time {
  const now = timeOfDay(at, zone)
  const [begin, end] = [from * minute, to * minute]
  const isQuiet = begin < end ? now >= begin && now < end : now >= begin || now < end
  if (!isQuiet) return at
  const found = atTimeOfDay(at + ((end - now + day) % day), end, zone)
  return timeOfDay(found, zone) === end ? found : afterSkipped(found, end, zone)
}

/** Returns the time at which summer time begins, if it skips the time of day `skipped` shortly before `near`. */
function afterSkipped(near: Time, skipped: number, zone: string): Time {
  let [before, after] = [near - 2 * hour, near]
  while (after - before > minute) {
    const middle = before + Math.floor((after - before) / 2 / minute) * minute
    if (timeOfDay(middle, zone) < skipped) before = middle
    else after = middle
  }
  return after
}

/** Returns the first multiple of `period` since midnight at or after `at`. */
export function nextDigest(at: Time, period: number, zone: string): Time {
  const now = timeOfDay(at, zone)
  const wait = Math.ceil(now / period) * period - now
  // The time that summer time repeats has multiples too, such as the second 2:00.
  if (timeOfDay(at + wait, zone) % period === 0) return at + wait
  return atTimeOfDay(at + Math.min(wait, day - now), (now + Math.min(wait, day - now)) % day, zone)
}

/** Returns the last time at or before `at` at which the clock on the wall showed `minutes` since midnight. */
export function lastTimeOfDay(at: Time, minutes: number, zone: string): Time {
  const passed = (timeOfDay(at, zone) - minutes * minute + day) % day
  return atTimeOfDay(at - passed, minutes * minute, zone)
}

/** Returns the date in a time zone, as `2026-11-27`. */
export function dateIn(at: Time, zone: string): string {
  return dayIn(zone).format(at)
}

/** Returns the time near `near` at which the clock on the wall shows `wanted`. If summer time skips that time, returns `near`. */
function atTimeOfDay(near: Time, wanted: number, zone: string): Time {
  const off = timeOfDay(near, zone) - wanted
  const nearest = off > day / 2 ? off - day : off < -day / 2 ? off + day : off
  return timeOfDay(near - nearest, zone) === wanted ? near - nearest : near
}
