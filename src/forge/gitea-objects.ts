/** Gitea's JSON, made into nouns. Nothing of it is taken on trust: what is malformed gives a reason instead. */
import type { Change, Comment, Issue, RepoRef, Time } from '../core/nouns.ts'
import { membersOf } from '../core/json.ts'
import { issuesClosedBy } from './closing-keywords.ts'
import { dispatchOf } from './refs.ts'

type Fields = Readonly<Record<string, unknown>>

/** Why an object could not be used. */
export interface Unusable {
  readonly what: string
  readonly why: string
}

/** Gitea leaves out, or gives null for, what is empty. */
export function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function timeOf(value: unknown): Time | null {
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isNaN(time) ? null : time
}

export function loginOf(user: unknown): string | null {
  const { login } = membersOf(user)
  return typeof login === 'string' && login !== '' ? login : null
}

/**
 * Who wrote it. What was migrated from elsewhere stands under the login of the person who migrated it; its true author has no account
 * here, and gets a name that no login can have.
 */
function authorOf({ user, original_author }: Fields): string | null {
  return typeof original_author === 'string' && original_author !== '' ? `${original_author} (migrated)` : loginOf(user)
}

function namesIn(value: unknown, key: string): string[] {
  return arrayOf(value)
    .map((item) => membersOf(item)[key])
    .filter((name) => typeof name === 'string')
}

export function isPull(value: unknown): boolean {
  return membersOf(value)['pull_request'] != null
}

/** No agent can work from more, and many such issues must not fill the memory. */
const longestText = 1_000_000

/** An issue, or why it is none. */
export function issueOf(repo: RepoRef, value: unknown, webUrl: string): Issue | Unusable {
  const fields = membersOf(value)
  const { number, title, body, state, html_url, comments } = fields
  const [author, created_at, updated_at] = [authorOf(fields), timeOf(fields['created_at']), timeOf(fields['updated_at'])]
  const what = Number.isSafeInteger(number) ? `${repo}#${String(number)}` : `an issue of ${repo}`
  const lacks = (why: string): Unusable => ({ what, why: `its ${why}` })
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 1) return lacks('number is missing or malformed')
  if (typeof title !== 'string') return lacks('title is missing or malformed')
  if (body != null && typeof body !== 'string') return lacks('body is malformed')
  if (title.length + (body?.length ?? 0) > longestText) return lacks(`text is longer than ${longestText} characters`)
  if (state !== 'open' && state !== 'closed') return lacks('state is neither open nor closed')
  if (author === null) return lacks('author is missing')
  if (created_at === null || updated_at === null) return lacks('times are missing or malformed')
  const assignees = namesIn(fields['assignees'], 'login')
  const assignee = loginOf(fields['assignee'])
  return {
    ref: `${repo}#${number}`,
    repo,
    number,
    title,
    body: body ?? '',
    labels: namesIn(fields['labels'], 'name'),
    assignees: assignees.length === 0 && assignee !== null ? [assignee] : assignees,
    author,
    state,
    created_at,
    updated_at,
    // A count that is missing must not say that there are none.
    comments: typeof comments === 'number' ? comments : 1,
    ...(fields['is_locked'] === true ? { locked: true } : {}),
    url: typeof html_url === 'string' && html_url !== '' ? html_url : `${webUrl}/${repo}/issues/${number}`,
  }
}

/** A comment; null where it is malformed. */
export function commentOf(value: unknown): Comment | null {
  const fields = membersOf(value)
  const { id, body } = fields
  const [author, created_at] = [authorOf(fields), timeOf(fields['created_at'])]
  if (typeof id !== 'number' || !Number.isSafeInteger(id) || author === null || created_at === null) return null
  return { id: String(id), author, body: typeof body === 'string' ? body : '', created_at }
}

/** A pull request; null where it is malformed. */
export function changeOf(repo: RepoRef, value: unknown, webUrl: string): Change | null {
  const fields = membersOf(value)
  const { head, base, number, html_url, state, merged, title, body } = fields
  const { label, ref, repo_id } = membersOf(head)
  // The label keeps the branch's name; once the branch is deleted, as many are on merging, `ref` is `refs/pull/…`.
  const branch = [label, ref].find((name) => typeof name === 'string' && dispatchOf(name) !== null)
  const dispatch_id = typeof branch === 'string' ? dispatchOf(branch) : null
  const [author, created_at] = [authorOf(fields), timeOf(fields['created_at'])]
  if (typeof number !== 'number' || author === null || created_at === null || typeof html_url !== 'string') return null
  const closes = issuesClosedBy(repo, webUrl, { title: textOf(title), body: textOf(body) })
  const ended = merged === true ? 'merged' : 'closed'
  const fork = typeof repo_id !== 'number' || repo_id !== membersOf(base)['repo_id']
  return { dispatch_id, name: `#${number}`, url: html_url, state: state === 'open' ? 'open' : ended, author, fork, closes, created_at }
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : '')
