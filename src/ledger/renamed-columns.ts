/** The columns that version 6 of the tables renamed. For one release, `burn ledger export` prints both the old and the new names. */
import type { Tables } from './tables.ts'

interface RenamedColumn {
  readonly table: keyof Tables
  readonly from: string
  readonly to: string
}

/** The renamed columns. Migration 6 uses this list, so it must not change. */
export const renamedColumns: readonly RenamedColumn[] = [
  { table: 'issue', from: 'rests_until', to: 'backoff_until' },
  { table: 'issue', from: 'rests_why', to: 'backoff_reason' },
  { table: 'issue', from: 'untold', to: 'pending_event' },
  { table: 'issue', from: 'approved', to: 'approved_hash' },
  { table: 'repo', from: 'waits', to: 'wait_reason' },
  { table: 'repo', from: 'unread_since', to: 'unreadable_since' },
  { table: 'repo', from: 'unread_why', to: 'unreadable_reason' },
  { table: 'dispatch', from: 'comment_says', to: 'comment_state' },
]

/** Returns the row, with each renamed column also under its old name. */
export function withOldNames(table: keyof Tables, row: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const renamed = renamedColumns.filter((column) => column.table === table)
  return { ...row, ...Object.fromEntries(renamed.map(({ from, to }) => [from, row[to]])) }
}
