/**
 * Converts rows to the types of `src/core`. Each field is named, because `...rest` is several times slower and a cycle may read many rows.
 */
import type { ApprovalState, IssueRecord } from '../core/ledger/backlog.ts'
import type { RepoRecord } from '../core/ledger/forge.ts'
import type { WorkerRecord } from '../core/ledger/workers.ts'
import type { Delivery, Dispatch } from '../core/lifecycle.ts'
import type { Issue } from '../core/nouns.ts'
import type { ProvisionRecord } from '../core/provision.ts'
import type { DeliveryRow, DispatchRow, IssueRow, RepoRow, WorkerRow } from './tables.ts'
import type { Selectable } from 'kysely'
import { createHash } from 'node:crypto'
import { decodeReason } from '../core/reasons.ts'

/** Converts a row to a dispatch. */
export function toDispatch(row: DispatchRow): Dispatch {
  return { ...row, reason: decodeReason(row.reason), state_reason: decodeReason(row.state_reason) }
}

/** Converts a row to a delivery. */
export function toDelivery(row: DeliveryRow): Delivery {
  const {
    id,
    kind,
    dispatch,
    worker,
    state,
    text,
    typed,
    proof,
    incarnation,
    evidence,
    presses,
    planned_at,
    changed_at,
    lease_owner,
    lease_token,
    lease_until,
  } = row
  const step = { text, typed, proof, incarnation, evidence: decodeReason(evidence), presses, planned_at, changed_at }
  return { id, kind, dispatch, worker, state, ...step, lease_owner, lease_token, lease_until }
}

const none: readonly string[] = []
// The column has a JSON list of strings, which `fromIssue` or `saveWriters` wrote.
const names = (json: string) => (json === '[]' ? none : (JSON.parse(json) as readonly string[]))

/** Converts a row to the record of an issue. `failed_at` is the time when its latest attempt failed. */
export function toIssueRecord(row: Selectable<IssueRow>, failed_at: number | null): IssueRecord {
  const { ref, repo, number, title, body, author, state, created_at, updated_at, comments, url } = row
  const { attempts, done, eligible, verdict, verdict_at, backoff_until, backoff_reason, open_change, standing, revision, priority } = row
  const [labels, assignees] = [names(row.labels), names(row.assignees)]
  const issue: Issue = {
    ref,
    repo,
    number,
    title,
    body,
    labels,
    assignees,
    author,
    state,
    created_at,
    updated_at,
    comments,
    url,
    ...(row.due_at === null ? {} : { due_at: row.due_at }),
  }
  const kept =
    eligible === null || verdict === null || verdict_at === null
      ? null
      : { eligible: eligible === 1, reason: decodeReason(verdict), at: verdict_at }
  const backoff = backoff_until === null || backoff_reason === null ? null : { until: backoff_until, why: decodeReason(backoff_reason) }
  return {
    issue,
    attempts,
    failed_at,
    done: done === 1,
    verdict: kept,
    backoff,
    open_change,
    approval: approvalOf(row),
    approved_by: row.approved_by,
    stopped_by: row.stopped_by,
    standing,
    revision,
    priority,
  }
}

type Text = Pick<Issue, 'title' | 'body'>

/** Returns the SHA-256 of an issue's title and body. Line endings and trailing white space make no difference. */
export function textHash({ title, body }: Text): string {
  const plain = (text: string) => text.replace(/\r\n?/g, '\n').trimEnd()
  return createHash('sha256')
    .update(JSON.stringify([plain(title), plain(body)]))
    .digest('hex')
}

function approvalOf(row: Text & { readonly approved_hash: string | null }): ApprovalState {
  if (row.approved_hash === null) return null
  return row.approved_hash === textHash(row) ? 'current' : 'edited'
}

/** Returns a text that both engines can store: PostgreSQL cannot store NUL, and UTF-8 cannot encode lone surrogates. */
const storable = (text: string) => text.replaceAll('\0', '').toWellFormed()

/** Returns the values of the issue columns that come from the forge. */
export function fromIssue(issue: Issue) {
  const { ref, repo, number, author, state, created_at, updated_at, comments, url } = issue
  const lists = { labels: JSON.stringify(issue.labels), assignees: JSON.stringify(issue.assignees) }
  const [title, body] = [storable(issue.title), storable(issue.body)]
  return { ref, repo, number, title, body, ...lists, author, state, created_at, updated_at, comments, url, due_at: issue.due_at ?? null }
}

/** Converts a row to the record of a worker. */
export function toWorkerRecord({ id, drawn, used_at, state, state_since, start_seen, error_at, provision }: WorkerRow): WorkerRecord {
  // Only `saveProvision` writes the column, so it has this type.
  const saved = provision === null ? null : (JSON.parse(provision) as ProvisionRecord)
  return { id, drawn: drawn === 1, used_at, state, state_since, start_seen: start_seen !== 0, error_at, provision: saved }
}

/** Converts a row to the record of a repo. */
export function toRepoRecord({ writers, wait_reason, unreadable_since, unreadable_reason, ...row }: RepoRow): RepoRecord {
  const unread = unreadable_since === null || unreadable_reason === null ? null : { since: unreadable_since, why: unreadable_reason }
  return {
    ...row,
    writers: writers === null ? null : names(writers),
    wait_reason: wait_reason === null ? null : decodeReason(wait_reason),
    unread,
  }
}
