/** What a check finds. */
import { setTimeout as sleep } from 'node:timers/promises'

export interface Tally {
  right: number
  all: number
}

/** What is counted, by column of the table. */
export type Column = 'readings' | 'texts' | 'failures' | 'canary' | 'sprint'

/** Notes one expectation, and says it aloud. */
export type Expect = (column: Column, holds: boolean, what: string) => void

export interface Verdict {
  ready_ms: number
  readonly tallies: Partial<Record<Column, Tally>>
  /** How deliveries ended, e.g. `24 seen`. */
  proofs: string
  readonly wrong: string[]
}

/** Waits for what may come a little later: hooks and a slow start may come between Enter and the request. */
export async function until(holds: () => boolean, limit: number): Promise<void> {
  for (const end = performance.now() + limit; !holds() && performance.now() < end;) await sleep(100)
}
