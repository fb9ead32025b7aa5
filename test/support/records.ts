/** The ledger's record of an issue that nothing has happened to. */
import type { IssueRecord } from '../../src/core/ledger/backlog.ts'

/** The fields of such a record, without the issue. */
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
