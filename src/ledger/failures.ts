/** Issues with when they last failed: read from their dispatches, and only for those that were tried in vain. */
import type { Selectable, Transaction } from 'kysely'
import type { IssueRecord } from '../core/ledger/backlog.ts'
import type { IssueRef, Time } from '../core/nouns.ts'
import type { IssueRow, Tables } from './schema.ts'
import { sql } from 'kysely'
import { chunks } from './sql.ts'
import { toIssueRecord } from './rows.ts'

export async function issueRecords(trx: Transaction<Tables>, rows: readonly Selectable<IssueRow>[]): Promise<IssueRecord[]> {
  const failed = await lastFailures(
    trx,
    rows.filter(({ attempts }) => attempts > 0).map(({ ref }) => ref),
  )
  return rows.map((row) => toIssueRecord(row, failed.get(row.ref) ?? null))
}

async function lastFailures(trx: Transaction<Tables>, refs: readonly IssueRef[]): Promise<Map<IssueRef, Time>> {
  const found = new Map<IssueRef, Time>()
  for (const part of chunks(refs)) {
    const rows = await trx
      .selectFrom('dispatch')
      .select((eb) => ['issue', eb.fn.max('changed_at').as('failed_at')])
      .where('issue', 'in', part)
      .where('kind', '=', sql.lit('work'))
      .where('state', 'in', ['failed', 'lost'])
      .groupBy('issue')
      .execute()
    for (const { issue, failed_at } of rows) found.set(issue, Number(failed_at))
  }
  return found
}
