/** Summarises the measures of an hour. */
import type { Measure } from '../core/span.ts'

/** The length (ms) of the period of a summary. */
export const hour = 60 * 60_000

/**
 * Returns one summary for each subject and hour: the mean of each number, and its maximum as `max_NAME`. A number that only some samples
 * have is the mean of these samples.
 */
export function summarise(samples: readonly Measure[]): Measure[] {
  const groups = Map.groupBy(samples, ({ subject, at }) => `${Math.floor(at / hour)} ${subject}`)
  return [...groups.values()].map((group) => {
    const { subject, at } = group[0]!
    const names = new Set(group.flatMap(({ numbers }) => Object.keys(numbers)))
    const numbers = [...names].flatMap((name) => {
      const found = group.flatMap(({ numbers: { [name]: number } }) => (number === undefined ? [] : [number]))
      const mean = found.reduce((sum, each) => sum + each, 0) / found.length
      return [[name, mean] as const, [`max_${name}`, Math.max(...found)] as const]
    })
    return { subject, at: Math.floor(at / hour) * hour, period: hour, numbers: Object.fromEntries(numbers) }
  })
}
