/** The ledger's record of an issue that nothing has happened to. */
import type { IssueRecord } from '../../src/core/ledger/backlog.ts'

/** The fields of the ledger's record of an issue, except the issue, before anything has happened to it. */
export const untouched: Omit<IssueRecord, 'issue'> = {
  attempts: 0,
  failed_at: null,
  done: false,
  verdict: null,
  backoff: null,
  open_change: null,
  approval: null,
  approved_by: null,
  stopped_by: null,
  standing: null,
  revision: 0,
  priority: 0,
}
