/** Reads issues and comments of Gitea and Forgejo. burn reports an issue that it can't read as skipped, and never as missing or empty. */
import type { ChangeRef } from '../core/change-state.ts'
import type { Comment, Issue, IssueRef, RepoRef, Time } from '../core/nouns.ts'
import type { IssuePage } from '../core/ports.ts'
import { membersOf } from '../core/json.ts'
import { BurnError } from '../core/errors.ts'
import { repoAdvice } from '../core/repo-advice.ts'
import { nullOnCode, type Api } from './api.ts'
import { arrayOf, commentOf, isPull, issueOf, timeOf, type Unusable } from './gitea-objects.ts'
import { sinceQuery, timelineEvents } from './gitea-timeline.ts'
import { truncatedBodyOf, numberIn, listAll, repeatedPage } from './paging.ts'
import { checkMilestones, milestoneDate, milestonesAfter, type Milestones } from './gitea-milestones.ts'
import { repoPath, splitIssue, splitNumbered } from './refs.ts'
import type { Server } from './gitea-server.ts'

/** The maximum size (bytes) of all comments of an issue in one answer. If the comments are larger, burn reads them page by page. */
const maxUnpagedBytes = 4 * 1024 * 1024

/** Returns the path of an issue or a change in Gitea's API. Throws BurnError `forge_ref` if the reference is not valid. */
export function issuePath(ref: IssueRef | ChangeRef): string {
  const { repo, number } = splitNumbered(ref)
  return `${repoPath(repo)}/issues/${number}`
}

/**
 * Returns the issues that changed since the cursor; all open issues if there is no valid cursor, or if a due date of a milestone changed.
 * Throws BurnError `forge_issues_off` if issues are disabled in the repo.
 */
export async function readIssues({ api, url }: Server, repo: RepoRef, text: string | null, now: Time): Promise<IssuePage> {
  const known = readCursor(text, url, repo)
  const checked = await checkMilestones(api, repo, known, now)
  // The forge does not list an issue as updated if the due date of its milestone changes.
  const before = known !== null && checked?.dates === known.milestones?.dates ? known : null
  // Without the parameter `type`, the list contains pull requests, too. So burn needs no further request to see whether a pull request
  // changed.
  const query =
    before === null
      ? { state: 'open', type: 'issues' }
      : { state: 'all', since: new Date(sinceOf(before)).toISOString().replace(/\.\d+Z/, 'Z') }
  const keep = (item: unknown) => {
    const fields = membersOf(item)
    const milestone = isPull(item) || fields['milestone'] == null ? null : milestoneDate(fields['milestone'])
    const value = { time: timeOf(fields['updated_at']), issue: isPull(item) ? null : issueOf(repo, item, url), milestone }
    return { key: fields['number'], value }
  }
  const listing = listAll(api, `${repoPath(repo)}/issues`, query, keep)
  const { values, too_big, date, repeated } = await listing.catch((thrown: unknown) => throwIfIssuesDisabled(api, repo, thrown))
  if (before === null && values.length + too_big.length === 0) await throwIfIssuesDisabled(api, repo, null)
  const issues: Issue[] = []
  const skipped: Unusable[] = too_big.map((beginning) => tooBig(repo, beginning))
  if (repeated) skipped.push({ what: `issues after the first ${values.length + too_big.length}`, why: repeatedPage })
  for (const { issue } of values) {
    if (issue === null) continue
    if ('why' in issue) skipped.push(issue)
    else issues.push(issue)
  }
  // The update time of an issue that is too large is unknown, but not later than the server's clock.
  const times = [...values.map(({ time }) => time), too_big.length > 0 ? date : null].filter((time) => time !== null)
  const used = values.flatMap(({ milestone }) => milestone ?? [])
  const milestones = await milestonesAfter(api, repo, { before, checked, used }, now)
  const cursor = writeCursor({ ...cursorAfter({ url, repo }, times, before, date), milestones })
  const pulls = values.flatMap(({ time, issue }) => (issue === null && time !== null ? [time] : []))
  const changed_at = pulls.reduce<number | null>((newest, time) => Math.max(newest ?? 0, time), null)
  return { issues, skipped, cursor, complete: before === null, changed_at }
}

function tooBig(repo: RepoRef, beginning: string): Unusable {
  const number = numberIn(beginning)
  return { what: number === null ? `an issue of ${repo}` : `${repo}#${number}`, why: 'the issue is too large for burn to read' }
}

/**
 * Throws BurnError `forge_issues_off` if issues are disabled in the repo; otherwise rethrows the given error, if there is one. Gitea
 * answers for such a repo with an empty list or with "not found", so burn reads the settings of the repo.
 */
async function throwIfIssuesDisabled(api: Api, repo: RepoRef, thrown: unknown): Promise<never>
async function throwIfIssuesDisabled(api: Api, repo: RepoRef, thrown: null): Promise<void>
async function throwIfIssuesDisabled(api: Api, repo: RepoRef, thrown: unknown): Promise<void> {
  if (thrown !== null && !(thrown instanceof BurnError && thrown.code === 'forge_not_found')) throw thrown
  const found = await nullOnCode('forge_not_found', api.get(repoPath(repo)))
  if (found !== null && !hasIssues(found.json)) {
    throw new BurnError('forge_issues_off', `issues are disabled in ${repo}`, repoAdvice.issues_off)
  }
  if (thrown !== null) throw thrown
}

/** Returns true if a repo has its own issues; false if issues are disabled or in an external tracker. */
export function hasIssues(repo: unknown): boolean {
  const { has_issues, external_tracker } = membersOf(repo)
  return has_issues !== false && external_tracker == null
}

/** Returns an issue; null if there is none, or if it is a pull request. Throws BurnError `forge_issues_off` and `forge_malformed`. */
export async function readIssue(api: Api, url: string, ref: IssueRef): Promise<Issue | null> {
  const found = await nullOnCode('forge_not_found', api.get(issuePath(ref)))
  if (found === null) await throwIfIssuesDisabled(api, splitIssue(ref).repo, null)
  if (found === null || isPull(found.json)) return null
  const issue = issueOf(splitIssue(ref).repo, found.json, url)
  if ('why' in issue) throw new BurnError('forge_malformed', `${issue.what} can't be used: ${issue.why}`, 'look at the issue on the forge')
  return issue
}

/**
 * Returns the comments of an issue or a change, oldest first; with `since`, those that were written or edited since then. Long comments are cut at the end, so they keep the marker of a claim, which is in the
 * first line.
 */
export async function readComments(api: Api, ref: IssueRef | ChangeRef, since?: Time): Promise<readonly Comment[]> {
  const keep = commentTruncater()
  try {
    const { json } = await notFoundIfDeleted(api, ref, api.get(`${issuePath(ref)}/comments`, sinceQuery(since), maxUnpagedBytes))
    return arrayOf(json).flatMap((item) => keep(item) ?? [])
  } catch (thrown) {
    if (truncatedBodyOf(thrown) === null) throw thrown
  }
  // The list of comments has no pages. The timeline has pages, and contains the comments, too. burn leaves out a comment that is too large.
  const kept = new Map<string, Comment>()
  for await (const event of timelineEvents(api, ref, since)) {
    const comment = membersOf(event)['type'] === 'comment' ? keep(event) : null
    if (comment !== null) kept.set(comment.id, comment)
  }
  return [...kept.values()]
}

/** Limits (characters). burn keeps `one` of each comment; after `all` in total, burn keeps only `beginning` of each further comment. */
const maxLength = { one: 30_000, all: 8_000_000, beginning: 400 }

function commentTruncater(): (item: unknown) => Comment | null {
  let total = 0
  return (item) => {
    const comment = commentOf(item)
    if (comment === null) return null
    const most = total > maxLength.all ? maxLength.beginning : maxLength.one
    // The part is copied, because a slice would keep the whole text in memory.
    const body = comment.body.length > most ? Buffer.from(comment.body.slice(0, most)).toString('utf8') : comment.body
    total += body.length
    return { ...comment, body }
  }
}

/**
 * Returns the answer. Throws BurnError `forge_not_found` if the request failed because the issue was deleted, and `forge_issues_off` if
 * issues were disabled. If an account that is not an administrator requests the comments of a deleted issue, Gitea answers with 500 and an
 * empty message. To distinguish this answer from a failing forge, burn requests the issue itself.
 */
export async function notFoundIfDeleted<T>(api: Api, ref: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (thrown) {
    if (!(thrown instanceof BurnError)) throw thrown
    if (thrown.code === 'forge_not_found') await throwIfIssuesDisabled(api, splitNumbered(ref).repo, thrown)
    if (thrown.code !== 'forge_failed') throw thrown
    if ((await nullOnCode('forge_not_found', api.get(issuePath(ref)))) !== null) throw thrown
    throw new BurnError('forge_not_found', `the forge no longer has ${ref}`, 'check whether somebody deleted the issue', { cause: thrown })
  }
}

/** The position from which the next read of a repo's issues starts. */
export interface Cursor {
  readonly url: string
  readonly repo: RepoRef
  /** The newest `updated_at` of all issues and pull requests that burn has read. */
  readonly newest: Time
  /** True if the forge can list no further change whose time is `newest` or earlier. */
  readonly settled: boolean
  /** The due dates of the repo's milestones; null if burn has seen no issue with a milestone. */
  readonly milestones: Milestones | null
}

/** The time (ms) by which two consecutive reads overlap. The forge may store a change a little later than its `updated_at` says. */
const overlap_ms = 10_000
/** If an `updated_at` is older than this (ms), burn assumes that the forge lists no new updates with this time or an earlier one. */
const settles_ms = 30_000

/**
 * Parses a cursor. Returns null if the text is empty or malformed, or if the cursor belongs to another server or repo. burn then reads all
 * open issues again.
 */
export function readCursor(text: string | null, url: string, repo: RepoRef): Cursor | null {
  const [version, mark, time, server, name, dates, checked = ''] = (text ?? '').split(' ')
  const newest = Number(time)
  if (version !== '1' || server !== url || name !== repo || !Number.isSafeInteger(newest)) return null
  const milestones = dates === undefined || !/^\d+$/.test(checked) ? null : { dates, checked_at: Number(checked) }
  return { url, repo, newest, settled: mark === 'settled', milestones }
}

/** Returns a cursor as the text that the ledger stores. */
export function writeCursor({ url, repo, newest, settled, milestones }: Cursor): string {
  const dates = milestones === null ? '' : ` ${milestones.dates} ${milestones.checked_at}`
  return `1 ${settled ? 'settled' : 'fresh'} ${newest} ${url} ${repo}${dates}`
}

/**
 * Returns the time from which the next read starts. If the cursor is settled, the next read starts one second after the newest change, so
 * the forge returns no issues of a quiet repo.
 */
export function sinceOf({ newest, settled }: Cursor): Time {
  return settled ? newest + 1000 : Math.max(0, newest - overlap_ms)
}

/** Returns the cursor for the next read. `date` is the server's clock at the first page; null if the server did not send it. */
export function cursorAfter(
  { url, repo }: Pick<Cursor, 'url' | 'repo'>,
  times: readonly Time[],
  before: Cursor | null,
  date: Time | null,
): Omit<Cursor, 'milestones'> {
  const newest = times.reduce((latest, time) => Math.max(latest, time), before?.newest ?? 0)
  return { url, repo, newest, settled: date !== null && date - newest > settles_ms }
}
