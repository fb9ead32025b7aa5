/** Many issues and claims, for tests with several processes. */
import type { Ledger } from '../../src/core/ledger.ts'
import type { Claim } from '../../src/core/ledger/claims.ts'
import { claimOf, issueOf } from './fixtures.ts'

const workerOf = (issue: number) => `m/W/N${issue % 100}`

/** Adds `count` open issues and a hundred workers. */
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

/**
 * Returns the claims of one batch. Each issue has a fixed worker and slot, so that the claims of all owners conflict. The ids differ by
 * owner.
 */
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

/** Returns random claims of few workers and slots, so that claims of several processes conflict. An issue or a slot may occur twice. */
export function randomClaims(owner: string, size: number): Claim[] {
  const pick = (count: number) => Math.floor(Math.random() * count)
  return Array.from({ length: size }, (_, index) =>
    claimOf(0, { id: `${owner}-${index}`, issue: `o/r#${pick(200)}`, worker: `m/W/N${pick(12)}`, slot: pick(8) }),
  )
}
