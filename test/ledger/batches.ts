import type { Ledger } from '../../src/core/ledger.ts'
import type { Claim } from '../../src/core/ledger/claims.ts'
import { claimOf, issueOf } from './fixtures.ts'

const workerOf = (issue: number) => `m/W/N${issue % 100}`

/** `count` open issues, and a hundred workers that have slots for them. */
export async function furnishMany(ledger: Ledger, count: number): Promise<void> {
  await ledger.recordWorkers(
    Array.from({ length: 100 }, (_, index) => ({ id: `m/W/N${index}`, drawn: true })),
    1,
  )
  await ledger.saveIssues(
    [{ repo: 'o/r', issues: Array.from({ length: count }, (_, index) => issueOf(index)), cursor: 'c', complete: true }],
    1,
  )
}

/** Claims for the issues of one batch: the same issue goes to the same worker and slot whoever claims, under an id of the owner's. */
export function batchOf(owner: string, batch: number, size: number, count: number): Claim[] {
  return Array.from({ length: size }, (_, index) => (batch * size + index) % count).map((issue) =>
    claimOf(0, {
      id: `${owner}-${issue}`,
      issue: `o/r#${issue}`,
      worker: workerOf(issue),
      slot: Math.floor(issue / 100),
      text: 'p'.repeat(3000),
    }),
  )
}

/** Claims by chance, so few workers and slots that those of several processes cross: an issue and a slot may be in it twice. */
export function crossed(owner: string, size: number): Claim[] {
  const pick = (count: number) => Math.floor(Math.random() * count)
  return Array.from({ length: size }, (_, index) =>
    claimOf(0, { id: `${owner}-${index}`, issue: `o/r#${pick(200)}`, worker: `m/W/N${pick(12)}`, slot: pick(8) }),
  )
}
