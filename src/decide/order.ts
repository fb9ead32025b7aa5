/** The order of every queue. */
import type { IssueRecord } from '../core/ledger/backlog.ts'

/** Higher priority first, then the oldest. */
export function queueOrder(a: Pick<IssueRecord, 'issue' | 'priority'>, b: Pick<IssueRecord, 'issue' | 'priority'>): number {
  const [one, other] = [a.issue, b.issue]
  const age = one.created_at - other.created_at
  return b.priority - a.priority || age || (one.repo === other.repo ? one.number - other.number : one.repo < other.repo ? -1 : 1)
}
