/** Measures burn and an alternative in turns, so that other load on the machine affects both. */

/** The measured times of burn and of its alternative, for one topic. */
export interface Compared {
  readonly name: string
  readonly ours: readonly number[]
  readonly theirs: readonly number[]
  /** The name of the alternative that burn is compared with. */
  readonly against: string
  /** The condition that the two medians must meet, and its text. */
  readonly limit: { readonly says: string; readonly holds: (ours: number, theirs: number) => boolean }
}

/** Number of measured pairs of runs: one of burn and one of the alternative. */
export const pairs = Math.max(9, Number(process.env['BENCH_PAIRS'] ?? 9))

/** Returns the duration of `work` (ms). */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

/** Runs burn and the alternative in turns, and returns their times. The first pair of runs only warms up and is not measured. */
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
