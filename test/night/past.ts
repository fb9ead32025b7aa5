/** Writes two weeks of dispatches into a ledger before a night begins, for the trend of the report. The night keeps its own list of them. */
import type { DispatchState } from '../../src/core/lifecycle.ts'
import type { Ledger } from '../../src/core/ledger.ts'
import type { Time, WorkerId } from '../../src/core/nouns.ts'
import { newId } from '../../src/core/ids.ts'
import { seeded } from '../../src/core/random.ts'
import { claimOf, hand, issueOf } from '../ledger/fixtures.ts'

const minute = 60_000
const day = 24 * 60 * minute
const week = 7 * day

/** A state that an earlier dispatch reached. */
export interface PastMove {
  readonly state: DispatchState
  readonly at: Time
}

/** The repo of the earlier issues, which the fleet no longer serves. */
const repo = 'o/past'
const ends = ['done', 'done', 'failed', 'done', 'lost', 'released'] as const
const reason = { code: 'prose', text: 'long ago' } as const

/**
 * Writes the dispatches to two workers, and returns their moves, oldest first. Some begin right at the border of a week, or 1 ms before it.
 * `until`: the end of the night.
 */
export async function writePast(
  ledger: Ledger,
  workers: readonly WorkerId[],
  { until, seed }: { readonly until: Time; readonly seed: number },
): Promise<PastMove[]> {
  const random = seeded(seed + 5)
  const borders = [until - 2 * week, until - week].flatMap((at) => [at - 1, at])
  const between = Array.from({ length: 13 }, (_, index) => Math.floor(until - 15 * day + (index + random() * 0.9) * day))
  const times = [...borders, ...between].toSorted((a, b) => a - b)
  const issues = times.map((_, index) => issueOf(index + 1, { repo, ref: `${repo}#${index + 1}` }))
  await ledger.saveIssues([{ repo, issues, cursor: '0', complete: true }], times[0]! - day)
  const moves = times.flatMap((at, index) => {
    const id = newId(at, random)
    const end = ends[Math.floor(random() * ends.length)]!
    // Two dispatches overlap at a border, so the workers take turns.
    const worker = workers[index % workers.length]!
    return [
      { state: 'claimed' as const, at, run: () => hand(ledger, claimOf(1, { id, issue: `${repo}#${index + 1}`, worker }), at) },
      { state: 'handed' as const, at, run: async () => {} },
      {
        state: end,
        at: at + minute,
        run: () => ledger.moveDispatches([{ id, from: ['handed'], to: end, reason }], at + minute),
      },
    ]
  })
  const sorted = moves.toSorted((a, b) => a.at - b.at)
  for (const { run } of sorted) await run()
  const closed = issues.map((issue) => ({ ...issue, state: 'closed' as const }))
  await ledger.saveIssues([{ repo, issues: closed, cursor: '0', complete: true }], sorted.at(-1)!.at + minute)
  return sorted.map(({ state, at }) => ({ state, at }))
}
