/** Workers, issues, claims and checks for the tests of the ledger. */
import type { Ledger } from '../../src/core/ledger.ts'
import type { Claim } from '../../src/core/ledger/claims.ts'
import type { HoldLedger } from '../../src/core/ledger/holds.ts'
import type { Issue } from '../../src/core/nouns.ts'
import type { Engine } from '../../src/ledger/engine.ts'
import { because } from '../support/reasons.ts'

/** A ledger under test, with its engine. */
export interface Opened extends AsyncDisposable {
  readonly ledger: Ledger
  readonly engine: Engine
}

export const workers = ['m/W/A', 'm/W/B', 'm/W/C'] as const

/** Returns an open issue of `o/r`, with changes. */
export function issueOf(number: number, changes: Partial<Issue> = {}): Issue {
  const ref = `o/r#${number}`
  const people = { labels: ['bug'], assignees: [], author: 'ann' }
  const facts = { state: 'open' as const, created_at: number, updated_at: number, comments: 0, url: `http://forge/${number}` }
  return { ref, repo: 'o/r', number, title: `title ${number}`, body: 'body', ...people, ...facts, ...changes }
}

/** Returns an id like those of `newId`: 13 characters that sort in the order of the counter. */
export function idOf(count: number): string {
  return count.toString(10).padStart(13, '0')
}

/** Returns a claim of `o/r#1` for the first worker, with changes. */
export function claimOf(count: number, changes: Partial<Claim> = {}): Claim {
  const base = { id: idOf(count), kind: 'work' as const, issue: 'o/r#1', worker: workers[0], slot: 0, attempt: 1 }
  return { ...base, reason: because('its home repo'), text: `prompt ${count}`, ...changes }
}

/** Adds three workers and the open issues 1 to `issues`. */
export async function furnish(ledger: Ledger, issues = 4): Promise<void> {
  await ledger.recordWorkers(
    workers.map((id) => ({ id, drawn: false })),
    1,
  )
  await ledger.saveIssues(
    [{ repo: 'o/r', issues: Array.from({ length: issues }, (_, index) => issueOf(index + 1)), cursor: 'c1', complete: true }],
    1,
  )
}

/** Claims an issue and delivers its prompt, so that the dispatch is handed. */
export async function hand(ledger: Ledger, claim: Claim, at: number): Promise<void> {
  await ledger.claim([claim], 'a', at + 1000, at)
  await ledger.moveDeliveries(
    [{ id: claim.id, token: 1, from: 'planned', to: 'placing', evidence: because('pane is ready'), incarnation: '1.%1.9' }],
    'a',
    at,
  )
  await ledger.moveDeliveries([{ id: claim.id, token: 1, from: 'placing', to: 'seen', evidence: because('its id shows') }], 'a', at)
}

/** Holds a worker in the name of a person, or resumes it if `reason` is null. */
export async function holdWorker(ledger: HoldLedger, name: string, reason: string | null, at: number): Promise<void> {
  const held = { scope: 'worker', name, code: 'person' } as const
  if (reason === null) await ledger.removeHolds([held], at)
  else await ledger.saveHolds([{ ...held, reason: because(reason), until: null, actor: 'ann' }], at)
}

/** Returns a check for `assert.rejects`: the error must have this code. */
export function withCode(code: string): (thrown: unknown) => boolean {
  return (thrown) => {
    if ((thrown as { code?: string }).code === code) return true
    throw new Error(`expected ${code}`, { cause: thrown })
  }
}
