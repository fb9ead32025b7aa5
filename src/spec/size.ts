/** `64kB`, `512MB`, `4GB`: bytes, in steps of a thousand. */
export const sizePattern = /^\d{1,9}(?:B|kB|MB|GB)$/

const unitBytes = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 } as const

/** A written size in bytes. What does not match `sizePattern` is refused by the schema. */
export function sizeBytes(written: string): number {
  const [, amount = '0', unit = 'B'] = /^(\d+)(\w+)$/.exec(written) ?? []
  return Number(amount) * unitBytes[unit as keyof typeof unitBytes]
}
