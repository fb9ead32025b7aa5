/** Rows as the product's nouns. */
import type { IssueRecord, RepoRecord, WorkerRecord } from '../core/ledger.ts'
import type { Delivery } from '../core/lives.ts'
import type { Issue } from '../core/nouns.ts'
import type { DeliveryRow, IssueRow, RepoRow, WorkerRow } from './tables.ts'
import type { Selectable } from 'kysely'

export function toDelivery(row: DeliveryRow): Delivery {
  const { issue: _issue, ...delivery } = row
  return delivery
}

const names = (json: string) => JSON.parse(json) as readonly string[]

export function toIssueRecord(row: Selectable<IssueRow>, failed_at: number | null): IssueRecord {
  const { attempts, done, eligible, verdict, verdict_at, standing, revision, labels, assignees, ...rest } = row
  const issue: Issue = { ...rest, labels: names(labels), assignees: names(assignees) }
  const kept =
    eligible === null || verdict === null || verdict_at === null ? null : { eligible: eligible === 1, reason: verdict, at: verdict_at }
  return { issue, attempts, failed_at, done: done === 1, verdict: kept, standing, revision }
}

/** What every engine can keep as text: PostgreSQL knows no NUL, and UTF-8 no half of a surrogate pair. */
const storable = (text: string) => text.replaceAll('\0', '').toWellFormed()

/** The columns that come from the forge. */
export function fromIssue(issue: Issue) {
  const { ref, repo, number, author, state, created_at, updated_at, comments, url } = issue
  const lists = { labels: JSON.stringify(issue.labels), assignees: JSON.stringify(issue.assignees) }
  const [title, body] = [storable(issue.title), storable(issue.body)]
  return { ref, repo, number, title, body, ...lists, author, state, created_at, updated_at, comments, url }
}

export function toWorkerRecord({ id, drawn, hold, used_at, state, state_since }: WorkerRow): WorkerRecord {
  return { id, drawn: drawn === 1, hold, used_at, state, state_since }
}

export function toRepoRecord({ writers, ...row }: RepoRow): RepoRecord {
  return { ...row, writers: writers === null ? null : names(writers) }
}
