/** Creates issues and batches of claims for the benchmarks of the ledger. */
import type { Ledger } from '../src/core/ledger.ts'
import type { Claim } from '../src/core/ledger/claims.ts'
import type { Issue } from '../src/core/nouns.ts'
import { because } from '../test/support/reasons.ts'

/** Number of claims per batch. */
export const batchSize = 50
/** Number of workers per machine. */
export const workers = 112
/** The number of the first open issue. It is higher than all numbers of the history. */
const firstOpen = 1_000_000

const text = 'words to work on '.repeat(180)

/** Records the workers of `machines` machines in the ledger. */
export async function furnish(ledger: Ledger, machines: number): Promise<void> {
  const ids = Array.from({ length: machines * workers }, (_, index) => ({
    id: `m${Math.floor(index / workers)}/W/N${index % workers}`,
    drawn: true,
  }))
  await ledger.recordWorkers(ids, 1)
}

/** Saves the open issues that `batches` batches of claims need. */
export async function openIssues(ledger: Ledger, batches: number): Promise<void> {
  const issues = Array.from({ length: batches * batchSize }, (_, index): Issue => {
    const number = firstOpen + index
    const rest = { labels: [], assignees: [], author: 'ann', created_at: 1, updated_at: 1, comments: 0, url: `http://forge/${number}` }
    return { ref: `o/r#${number}`, repo: 'o/r', number, title: `title ${number}`, body: 'body', state: 'open', ...rest }
  })
  await ledger.saveIssues([{ repo: 'o/r', issues, cursor: 'c', complete: false }], 1)
}

/** Returns the claims of one batch for the workers of one machine. `id`: the prefix of the claims' ids. */
export function batchOf(batch: number, machine: number, id: string): Claim[] {
  return Array.from({ length: batchSize }, (_, index): Claim => {
    const number = batch * batchSize + index
    return {
      id: `${id}-${number}`,
      kind: 'work',
      issue: `o/r#${firstOpen + number}`,
      worker: `m${machine}/W/N${number % workers}`,
      slot: Math.floor(number / workers),
      attempt: 1,
      reason: because('its home repo'),
      text,
    }
  })
}
