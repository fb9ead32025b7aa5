/** `90s`, `24h`, `1h30m`, `2d`. */
export const durationPattern = /^(?=\d)(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?$/

const unitMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 } as const

/** A written duration in milliseconds. A number is seconds. What does not match `durationPattern` is refused by the schema. */
export function durationMs(written: string | number): number {
  if (typeof written === 'number') return Math.round(written * 1000)
  let total = 0
  for (const [, amount, unit] of written.matchAll(/(\d+)([dhms])/g)) total += Number(amount) * unitMs[unit as keyof typeof unitMs]
  return total
}
