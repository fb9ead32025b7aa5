/**
 * Turns Gitea's JSON into issues, comments and changes. Checks every field that it uses. For a malformed object, returns null or a reason.
 */
import type { Change, Comment, Issue, RepoRef, Time } from '../core/nouns.ts'
import { membersOf } from '../core/json.ts'
import { issuesClosedBy } from './closing-keywords.ts'
import { dispatchOf } from './refs.ts'

type Fields = Readonly<Record<string, unknown>>

/** An object that burn can't use, with the reason. */
export interface Unusable {
  readonly what: string
  readonly why: string
}

/** Returns a list. Gitea leaves out an empty list, or sends null for it. */
export function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** Returns a time of Gitea; null if it is missing or malformed. */
export function timeOf(value: unknown): Time | null {
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isNaN(time) ? null : time
}

/** Returns the login of a user; null if it is missing. */
export function loginOf(user: unknown): string | null {
  const { login } = membersOf(user)
  return typeof login === 'string' && login !== '' ? login : null
}

/**
 * Returns the author of an object; null if it is missing. The `user` of an object that was migrated from another forge is the person who
 * migrated it. The true author has no account on this forge, so burn gives the author a name that no login can have.
 */
function authorOf({ user, original_author }: Fields): string | null {
  return typeof original_author === 'string' && original_author !== '' ? `${original_author} (migrated)` : loginOf(user)
}

function namesIn(value: unknown, key: string): string[] {
  return arrayOf(value)
    .map((item) => membersOf(item)[key])
    .filter((name) => typeof name === 'string')
}

/** Returns true if an issue of the API is a pull request. */
export function isPull(value: unknown): boolean {
  return membersOf(value)['pull_request'] != null
}

/** The maximum number of characters of an issue. An agent can't use a longer text, and many such issues would fill the memory. */
const maxLength = 1_000_000

/** Returns an issue, or the reason why it can't be used. */
export function issueOf(repo: RepoRef, value: unknown, webUrl: string): Issue | Unusable {
  const fields = membersOf(value)
  const { number, title, body, state, html_url, comments } = fields
  const [author, created_at, updated_at] = [authorOf(fields), timeOf(fields['created_at']), timeOf(fields['updated_at'])]
  const what = Number.isSafeInteger(number) ? `${repo}#${String(number)}` : `an issue of ${repo}`
  const unusable = (why: string): Unusable => ({ what, why: `its ${why}` })
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 1) return unusable('the number is missing or malformed')
  if (typeof title !== 'string') return unusable('the title is missing or malformed')
  if (body != null && typeof body !== 'string') return unusable('body is malformed')
  if (title.length + (body?.length ?? 0) > maxLength) return unusable(`the text is longer than ${maxLength} characters`)
  if (state !== 'open' && state !== 'closed') return unusable('the state is neither open nor closed')
  if (author === null) return unusable('author is missing')
  if (created_at === null || updated_at === null) return unusable('a time is missing or malformed')
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
    // If the count is missing, the issue may have comments, so burn must read them.
    comments: typeof comments === 'number' ? comments : 1,
    ...(fields['is_locked'] === true ? { locked: true } : {}),
    url: typeof html_url === 'string' && html_url !== '' ? html_url : `${webUrl}/${repo}/issues/${number}`,
    ...dueOf(fields),
  }
}

/** Returns the due date of an issue or of its milestone, whichever is earlier, as a part of the issue. */
function dueOf({ due_date, milestone }: Fields): Pick<Issue, 'due_at'> {
  const times = [timeOf(due_date), timeOf(membersOf(milestone)['due_on'])].filter((time) => time !== null)
  return times.length === 0 ? {} : { due_at: Math.min(...times) }
}

/** Returns a comment; null if it is malformed. */
export function commentOf(value: unknown): Comment | null {
  const fields = membersOf(value)
  const { id, body } = fields
  const [author, created_at] = [authorOf(fields), timeOf(fields['created_at'])]
  if (typeof id !== 'number' || !Number.isSafeInteger(id) || author === null || created_at === null) return null
  return { id: String(id), author, body: typeof body === 'string' ? body : '', created_at }
}

/** The repo of a pull request. `url` is the forge's own address, without `/api/v1`. */
export interface PullSource {
  readonly repo: RepoRef
  readonly url: string
  /** The text before the dispatch's id in the names of branches; by default `burn/`. */
  readonly branch_prefix?: string | undefined
}

/** Returns a pull request; null if it is malformed. */
export function changeOf({ repo, url: webUrl, branch_prefix }: PullSource, value: unknown): Change | null {
  const fields = membersOf(value)
  const { head, base, number, html_url, state, merged, title, body } = fields
  const { label, ref, repo_id } = membersOf(head)
  // `label` keeps the name of the branch. Once the branch is deleted, often when the change is merged, `ref` becomes `refs/pull/…`.
  const ids = [label, ref].map((name) => (typeof name === 'string' ? dispatchOf(name, branch_prefix) : null))
  const dispatch_id = ids.find((id) => id !== null) ?? null
  const [author, created_at] = [authorOf(fields), timeOf(fields['created_at'])]
  if (typeof number !== 'number' || author === null || created_at === null || typeof html_url !== 'string') return null
  const closes = issuesClosedBy(repo, webUrl, { title: textOf(title), body: textOf(body) })
  const ended = merged === true ? 'merged' : 'closed'
  const fork = typeof repo_id !== 'number' || repo_id !== membersOf(base)['repo_id']
  return { dispatch_id, name: `#${number}`, url: html_url, state: state === 'open' ? 'open' : ended, author, fork, closes, created_at }
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : '')
