/** What the ledger knows of an issue to which nothing has happened yet. */
import type { IssueRecord } from '../../src/core/ledger/backlog.ts'

export const untouched: Omit<IssueRecord, 'issue'> = {
  attempts: 0,
  failed_at: null,
  done: false,
  verdict: null,
  backoff: null,
  open_change: null,
  approval: null,
  standing: null,
  revision: 0,
  priority: 0,
}
