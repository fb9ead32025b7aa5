/** Issues of Gitea and Forgejo, and their comments, as far as they can be read: what is too big is left out by name, and nothing counts as empty that was not read. */
import type { Comment, Issue, IssueRef, RepoRef, Time } from '../core/nouns.ts'
import type { IssuePage } from '../core/ports.ts'
import { membersOf } from '../core/json.ts'
import { BurnError } from '../core/errors.ts'
import { nullOnCode, type Api } from './api.ts'
import { arrayOf, commentOf, isPull, issueOf, timeOf, type Unusable } from './gitea-objects.ts'
import { truncatedBodyOf, numberIn, listAll } from './paging.ts'
import { repoPath, splitIssue } from './refs.ts'

/** Bytes of an issue's comments that are read at once; more than these are read page by page. */
const mostAtOnce = 4 * 1024 * 1024

/** Where Gitea's API has an issue. Throws BurnError `forge_ref` where it is not one. */
export function issuePath(ref: IssueRef): string {
  const { repo, number } = splitIssue(ref)
  return `${repoPath(repo)}/issues/${number}`
}

/** Open issues, or those that changed since the cursor. Throws BurnError `forge_issues_off` where the repo has none because they are disabled. */
export async function readIssues(api: Api, url: string, repo: RepoRef, text: string | null): Promise<IssuePage> {
  const before = readCursor(text, url, repo)
  // Without a type the list has pull requests too: whether any has news costs no request of its own.
  const query =
    before === null
      ? { state: 'open', type: 'issues' }
      : { state: 'all', since: new Date(sinceOf(before)).toISOString().replace(/\.\d+Z/, 'Z') }
  const keep = (item: unknown) => {
    const fields = membersOf(item)
    const value = { time: timeOf(fields['updated_at']), issue: isPull(item) ? null : issueOf(repo, item, url) }
    return { key: fields['number'], value }
  }
  const listing = listAll(api, `${repoPath(repo)}/issues`, query, keep)
  const { values, too_big, date } = await listing.catch((thrown: unknown) => refuseDisabled(api, repo, thrown))
  if (before === null && values.length + too_big.length === 0) await refuseDisabled(api, repo, null)
  const issues: Issue[] = []
  const skipped: Unusable[] = too_big.map((beginning) => tooBig(repo, beginning))
  for (const { issue } of values) {
    if (issue === null) continue
    if ('why' in issue) skipped.push(issue)
    else issues.push(issue)
  }
  // When one that was left out changed is not known: not after the server answered.
  const times = [...values.map(({ time }) => time), too_big.length > 0 ? date : null].filter((time) => time !== null)
  const cursor = writeCursor(cursorAfter({ url, repo }, times, before, date))
  const pulls = values.flatMap(({ time, issue }) => (issue === null && time !== null ? [time] : []))
  const changed_at = pulls.reduce<number | null>((newest, time) => Math.max(newest ?? 0, time), null)
  return { issues, skipped, cursor, complete: before === null, changed_at }
}

function tooBig(repo: RepoRef, beginning: string): Unusable {
  const number = numberIn(beginning)
  return { what: number === null ? `an issue of ${repo}` : `${repo}#${number}`, why: 'it is too big to be read' }
}

/** A repo without issues answers with an empty list or with "not found"; only the repo itself says which it is. Throws what was thrown, if anything. */
async function refuseDisabled(api: Api, repo: RepoRef, thrown: unknown): Promise<never>
async function refuseDisabled(api: Api, repo: RepoRef, thrown: null): Promise<void>
async function refuseDisabled(api: Api, repo: RepoRef, thrown: unknown): Promise<void> {
  if (thrown !== null && !(thrown instanceof BurnError && thrown.code === 'forge_not_found')) throw thrown
  const found = await nullOnCode('forge_not_found', api.get(repoPath(repo)))
  if (found !== null && !hasIssues(found.json)) {
    const hint = `enable them in the settings of ${repo}, or take it out of "repos" in the spec`
    throw new BurnError('forge_issues_off', `issues are disabled in ${repo}`, hint)
  }
  if (thrown !== null) throw thrown
}

/** Whether a repo keeps issues of its own: they may be disabled, or be elsewhere. */
export function hasIssues(repo: unknown): boolean {
  const { has_issues, external_tracker } = membersOf(repo)
  return has_issues !== false && external_tracker == null
}

export async function readIssue(api: Api, url: string, ref: IssueRef): Promise<Issue | null> {
  const found = await nullOnCode('forge_not_found', api.get(issuePath(ref)))
  if (found === null || isPull(found.json)) return null
  const issue = issueOf(splitIssue(ref).repo, found.json, url)
  if ('why' in issue) throw new BurnError('forge_malformed', `${issue.what} can't be used: ${issue.why}`, 'look at it on the forge')
  return issue
}

/** Oldest first. Of long comments the beginning is kept: markers stand there. */
export async function readComments(api: Api, ref: IssueRef): Promise<readonly Comment[]> {
  const keep = keeper()
  try {
    const { json } = await orGone(api, ref, api.get(`${issuePath(ref)}/comments`, {}, mostAtOnce))
    return arrayOf(json).flatMap((item) => keep(item) ?? [])
  } catch (thrown) {
    if (truncatedBodyOf(thrown) === null) throw thrown
  }
  // The list of comments has no pages. The timeline has, and comments are in it; one that is too big alone says nothing.
  const { values } = await listAll(api, `${issuePath(ref)}/timeline`, {}, (item) => {
    const { id, type } = membersOf(item)
    return { key: id, value: type === 'comment' ? keep(item) : null }
  })
  return values.filter((comment) => comment !== null)
}

/** Characters of one comment, and of all together, before only beginnings are kept. */
const longest = { one: 30_000, all: 8_000_000, beginning: 400 }

function keeper(): (item: unknown) => Comment | null {
  let held = 0
  return (item) => {
    const comment = commentOf(item)
    if (comment === null) return null
    const most = held > longest.all ? longest.beginning : longest.one
    // Copied: a part of a text keeps all of it in memory.
    const body = comment.body.length > most ? Buffer.from(comment.body.slice(0, most)).toString('utf8') : comment.body
    held += body.length
    return { ...comment, body }
  }
}

/** Gitea answers non-admins for comments of a deleted issue with 500 and an empty message. Asking for the issue itself tells that from a forge in trouble. */
export async function orGone<T>(api: Api, ref: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (thrown) {
    if (!(thrown instanceof BurnError) || thrown.code !== 'forge_failed') throw thrown
    if ((await nullOnCode('forge_not_found', api.get(issuePath(ref)))) !== null) throw thrown
    throw new BurnError('forge_not_found', `the forge no longer has ${ref}`, 'was it deleted?', { cause: thrown })
  }
}

export interface Cursor {
  readonly url: string
  readonly repo: RepoRef
  /** The newest `updated_at` that was seen. */
  readonly newest: Time
  /** Nothing with that time, or an older one, can still come. */
  readonly settled: boolean
}

/** A change may be written a little after the time that it bears. */
const overlap_ms = 10_000
const settles_ms = 30_000

/** Null where there is none, it is not readable, or belongs to another server or repo: then everything is read again. */
export function readCursor(text: string | null, url: string, repo: RepoRef): Cursor | null {
  const [version, mark, time, server, name] = (text ?? '').split(' ')
  const newest = Number(time)
  if (version !== '1' || server !== url || name !== repo || !Number.isSafeInteger(newest)) return null
  return { url, repo, newest, settled: mark === 'settled' }
}

export function writeCursor({ url, repo, newest, settled }: Cursor): string {
  return `1 ${settled ? 'settled' : 'fresh'} ${newest} ${url} ${repo}`
}

/** From when on changes must be asked for: past the newest one where that is old, so that a quiet repo answers with nothing. */
export function sinceOf({ newest, settled }: Cursor): Time {
  return settled ? newest + 1000 : Math.max(0, newest - overlap_ms)
}

/** `date` is the server's clock when it was asked; null where it did not say. */
export function cursorAfter(
  { url, repo }: Pick<Cursor, 'url' | 'repo'>,
  times: readonly Time[],
  before: Cursor | null,
  date: Time | null,
): Cursor {
  const newest = times.reduce((latest, time) => Math.max(latest, time), before?.newest ?? 0)
  return { url, repo, newest, settled: date !== null && date - newest > settles_ms }
}
