/** The findings of a check. */
import { setTimeout as sleep } from 'node:timers/promises'

/** The number of expectations that held, and of all. */
export interface Tally {
  right: number
  all: number
}

/** The columns of the table that have a count. */
export type Column = 'readings' | 'texts' | 'failures' | 'canary' | 'sprint' | 'usage' | 'issues'

/** Records one expectation, and prints it. */
export type Expect = (column: Column, holds: boolean, what: string) => void

/** All findings about one program. */
export interface Verdict {
  ready_ms: number
  readonly tallies: Partial<Record<Column, Tally>>
  /** The number of deliveries by state, e.g. `24 seen`. */
  proofs: string
  readonly wrong: string[]
}

/** Waits until `holds` is true, or for `limit` ms. Hooks and a slow start may delay the request after Enter. */

export async function until(holds: () => boolean, limit: number): Promise<void> {
  for (const end = performance.now() + limit; !holds() && performance.now() < end;) await sleep(100)
}
