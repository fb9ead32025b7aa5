/** Durations and sizes as a spec writes them. */

/** `90s`, `24h`, `1h30m`, `2d`. */
export const durationPattern = /^(?=\d)(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?$/

const unitMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 } as const

/** A written duration in milliseconds. A number is seconds. What does not match `durationPattern` is refused by the schema. */
export function durationMs(written: string | number): number {
  if (typeof written === 'number') return Math.round(written * 1000)
  let total = 0
  // The pattern has the units that `unitMs` has.
  for (const [, amount, unit] of written.matchAll(/(\d+)([dhms])/g)) total += Number(amount) * unitMs[unit as keyof typeof unitMs]
  return total
}

/** `64kB`, `512MB`, `4GB`: bytes, in steps of a thousand. */
export const sizePattern = /^\d{1,9}(?:B|kB|MB|GB)$/

const unitBytes = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 } as const

/** A written size in bytes. What does not match `sizePattern` is refused by the schema. */
export function sizeBytes(written: string): number {
  const [, amount = '0', unit = 'B'] = /^(\d+)(\w+)$/.exec(written) ?? []
  // The pattern has the units that the table has.
  return Number(amount) * unitBytes[unit as keyof typeof unitBytes]
}
