/** Measures two sides in alternation, so that other load on the machine affects both. */

/** The figures of a topic. */
export interface Compared {
  readonly name: string
  readonly ours: readonly number[]
  readonly theirs: readonly number[]
  /** The name of the other side. */
  readonly against: string
  /** The condition on the two medians, and its text. */
  readonly limit: { readonly says: string; readonly holds: (ours: number, theirs: number) => boolean }
}

/** Number of measured pairs. */
export const pairs = Math.max(9, Number(process.env['BENCH_PAIRS'] ?? 9))

/** Returns the duration of `work` (ms). */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

/** Runs both sides in alternation, after one pair that does not count. */
export async function interleave(
  pairs: number,
  ours: () => Promise<number>,
  theirs: () => Promise<number>,
): Promise<{ ours: number[]; theirs: number[] }> {
  const times = { ours: [] as number[], theirs: [] as number[] }
  for (let pair = -1; pair < pairs; pair++) {
    const [a, b] = [await ours(), await theirs()]
    if (pair < 0) continue
    times.ours.push(a)
    times.theirs.push(b)
  }
  return times
}

/** Returns the median. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return sorted.length % 2 === 1 ? (sorted[Math.floor(middle)] ?? NaN) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2
}

/** Returns `median (minimum–maximum)` in ms. */
export function spread(values: readonly number[]): string {
  const show = (ms: number) => (ms >= 100 ? ms.toFixed(0) : ms.toFixed(1))
  return `${show(median(values))} (${show(Math.min(...values))}–${show(Math.max(...values))})`
}
