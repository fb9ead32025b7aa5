/** The folder forge's changes for review: `reviews/<repo>/<issue>.md`, and `<issue>-2.md` and so on for those that came later. */
import { join } from 'node:path'
import type { Change, RepoRef } from '../core/nouns.ts'
import type { IssuePage, NewChange } from '../core/ports.ts'
import type { ForgeFolder } from './folder-place.ts'
import { BurnError } from '../core/errors.ts'
import { createFile, readPlainFile } from './files.ts'
import { readReviewFile } from './folder-objects.ts'
import { login, readEach } from './folder-place.ts'
import { renderDocument } from './front-matter.ts'
import { requireDispatch, splitIssue } from './refs.ts'

/** More than an issue ever has; in a double they stay apart. */
const mostTurns = 10_000

/** `7.md` is the first change for an issue, `7-2.md` the second: in the order of issues, then of turns. Null for every other name. */
function placeInName(name: string): number | null {
  const [, issue, turn = '1'] = /^([1-9]\d{0,8})(?:-([1-9]\d{0,3}))?\.md$/.exec(name) ?? []
  return issue === undefined ? null : Number(issue) * mostTurns + Number(turn)
}

/** The newest change of each branch of a fleet, and all others. */
export async function readReviews(
  place: ForgeFolder,
  repo: RepoRef,
): Promise<{ readonly changes: readonly Change[]; readonly skipped: IssuePage['skipped'] }> {
  const { found, skipped } = await readEach(place, await place.folder('reviews', repo), placeInName, (path) => readReview(repo, path))
  return { changes: [...new Map(found.map((change) => [change.dispatch_id ?? change.url, change])).values()], skipped }
}

export async function reviewOf(place: ForgeFolder, repo: RepoRef, branch: string): Promise<Change | null> {
  const id = requireDispatch(branch)
  return (await readReviews(place, repo)).changes.find(({ dispatch_id }) => dispatch_id === id) ?? null
}

/** Takes the issue's first free file, so that nobody's change is written over. */
export async function openReview(place: ForgeFolder, repo: RepoRef, change: NewChange, now: number): Promise<Change> {
  const { branch, title, body } = change
  const dispatch_id = requireDispatch(branch)
  const issue = splitIssue(change.issue)
  if (issue.repo !== repo)
    throw new BurnError('forge_ref', `${change.issue} is not an issue of ${repo}`, 'a change is opened in the repo of its issue')
  const taken = (there: Change | null) => there?.dispatch_id === dispatch_id && there.state === 'open'
  const conflict = () =>
    new BurnError('forge_conflict', `there is an open change from ${branch} in ${repo} already`, 'look for it among the reviews')
  if (taken(await reviewOf(place, repo, branch))) throw conflict()
  const folder = await place.folder('reviews', repo)
  const created = new Date(now).toISOString()
  const text = renderDocument(
    { issue: String(issue.number), branch, base: change.base, author: login, state: 'open', created, title },
    body,
  )
  for (let turn = 1; turn < mostTurns; turn++) {
    const path = join(folder, turn === 1 ? `${issue.number}.md` : `${issue.number}-${turn}.md`)
    const made = await createFile(path, text)
    const there = await readReview(repo, path).catch(malformed)
    if (made && there !== null) return there
    // Somebody may have opened this very change since it was looked for.
    if (taken(there)) throw conflict()
  }
  throw new BurnError('forge_refused', `${change.issue} has ${mostTurns} changes`, `look into ${folder}`)
}

async function readReview(repo: RepoRef, path: string): Promise<Change | null> {
  const file = await readPlainFile(path)
  return file === null ? null : readReviewFile(repo, path, file)
}

/** What can't be read is nobody's change, but its name is taken. */
function malformed(thrown: unknown): null {
  if (thrown instanceof BurnError && thrown.code === 'forge_malformed') return null
  throw thrown
}
