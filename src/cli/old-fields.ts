/** JSON fields that have a new name. Each is printed under its old name, too, for one release (docs/reference/commands.md). */
import type { IssueRecord } from '../core/ledger/backlog.ts'
import type { Dispatch } from '../core/lifecycle.ts'

/** Returns the dispatch with `comment_says` beside `comment_state`. */
export function withOldDispatchFields<D extends Dispatch>(dispatch: D): D & { readonly comment_says: Dispatch['comment_state'] } {
  return { ...dispatch, comment_says: dispatch.comment_state }
}

/** Returns the record with `rests` beside `backoff`; null for null. */
export function withOldRecordFields(record: IssueRecord | null): (IssueRecord & { readonly rests: IssueRecord['backoff'] }) | null {
  return record === null ? null : { ...record, rests: record.backoff }
}
