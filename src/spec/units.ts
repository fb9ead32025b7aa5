/** Durations, sizes and times of day in the spec. */
import type { QuietHours } from '../core/notify-settings.ts'

/** Matches a duration: `90s`, `24h`, `1h30m`, `2d`. */
export const durationPattern = /^(?=\d)(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?$/

const unitMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 } as const

/**
 * Converts a duration of the spec to milliseconds. A number means seconds. A string must match `durationPattern`, which the schema ensures.
 */
export function durationMs(written: string | number): number {
  if (typeof written === 'number') return Math.round(written * 1000)
  let total = 0
  // The cast is safe: the pattern allows only the units of `unitMs`.
  for (const [, amount, unit] of written.matchAll(/(\d+)([dhms])/g)) total += Number(amount) * unitMs[unit as keyof typeof unitMs]
  return total
}

/** Matches a size with units in powers of 1,000: `64kB`, `512MB`, `4GB`. */
export const sizePattern = /^\d{1,9}(?:B|kB|MB|GB)$/

const unitBytes = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 } as const

/** Converts a size of the spec to bytes. The string must match `sizePattern`, which the schema ensures. */
export function sizeBytes(written: string): number {
  const [, amount = '0', unit = 'B'] = /^(\d+)(\w+)$/.exec(written) ?? []
  // The cast is safe: the pattern allows only the units of `unitBytes`.
  return Number(amount) * unitBytes[unit as keyof typeof unitBytes]
}

/** Returns the minutes since midnight of a time of day such as `07:30`. */
export function minutesOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3))
}

/** Returns the hours that a text such as `22:00-07:00` stands for. */
export function hoursIn(written: string): QuietHours {
  const [from = '', to = ''] = written.split('-')
  return { from: minutesOf(from), to: minutesOf(to) }
}
