/**
 * Reads and writes the changes of a folder forge: `reviews/<repo>/<issue>.md`, and `<issue>-2.md` and so on for later changes of that
 * issue.
 */
import { join } from 'node:path'
import type { Change, RepoRef } from '../core/nouns.ts'
import type { IssuePage, NewChange } from '../core/ports.ts'
import type { FolderPaths } from './folder-paths.ts'
import { BurnError } from '../core/errors.ts'
import { createFile, readPlainFile } from './files.ts'
import { readReviewFile } from './folder-objects.ts'
import { login, readNumberedFiles } from './folder-paths.ts'
import { renderDocument } from './front-matter.ts'
import { requireDispatch, splitIssue } from './refs.ts'

/** The maximum number of changes for one issue. It is small enough that `sortKeyInName` stays exact. */
const maxChangesPerIssue = 10_000

/**
 * Returns the sort key of a change's file: changes are sorted by issue, then by number. `7.md` is the first change for issue 7, `7-2.md`
 * the second. Null for other names.
 */
export function sortKeyInName(name: string): number | null {
  const [, issue, turn = '1'] = /^([1-9]\d{0,8})(?:-([1-9]\d{0,3}))?\.md$/.exec(name) ?? []
  return issue === undefined ? null : Number(issue) * maxChangesPerIssue + Number(turn)
}

/** Returns the newest change of each dispatch branch, and all other changes. */
export async function readReviews(
  paths: FolderPaths,
  repo: RepoRef,
): Promise<{ readonly changes: readonly Change[]; readonly skipped: IssuePage['skipped'] }> {
  const { found, skipped } = await readNumberedFiles(paths, await paths.folder('reviews', repo), sortKeyInName, (path) =>
    readReview(paths, repo, path),
  )
  return { changes: [...new Map(found.map((change) => [change.dispatch_id ?? change.url, change])).values()], skipped }
}

/** Returns the newest change of a dispatch branch; null if there is none. */
export async function reviewOf(paths: FolderPaths, repo: RepoRef, branch: string): Promise<Change | null> {
  const id = requireDispatch(branch, paths.branch_prefix)
  return (await readReviews(paths, repo)).changes.find(({ dispatch_id }) => dispatch_id === id) ?? null
}

/**
 * Opens a change in the first unused file of its issue, so that no other change is overwritten. Throws BurnError `forge_conflict` if an
 * open change from this branch exists, and `forge_ref` or `forge_refused` if the change is not possible.
 */
export async function openReview(paths: FolderPaths, repo: RepoRef, change: NewChange, now: number): Promise<Change> {
  const { branch, title, body } = change
  const dispatch_id = requireDispatch(branch, paths.branch_prefix)
  const issue = splitIssue(change.issue)
  if (issue.repo !== repo)
    throw new BurnError('forge_ref', `${change.issue} is not an issue of ${repo}`, 'open the change in the repo of its issue')
  const isSame = (other: Change | null) => other?.dispatch_id === dispatch_id && other.state === 'open'
  const conflict = () =>
    new BurnError('forge_conflict', `${repo} already has an open change from ${branch}`, 'look for this change in the folder "reviews"')
  if (isSame(await reviewOf(paths, repo, branch))) throw conflict()
  const folder = await paths.folder('reviews', repo)
  const created = new Date(now).toISOString()
  const text = renderDocument(
    { issue: String(issue.number), branch, base: change.base, author: login, state: 'open', created, title },
    body,
  )
  for (let turn = 1; turn < maxChangesPerIssue; turn++) {
    const path = join(folder, turn === 1 ? `${issue.number}.md` : `${issue.number}-${turn}.md`)
    const isCreated = await createFile(path, text)
    const stored = await readReview(paths, repo, path).catch(nullIfMalformed)
    if (isCreated && stored !== null) return stored
    // Another process may have opened the same change in the meantime.
    if (isSame(stored)) throw conflict()
  }
  throw new BurnError('forge_refused', `${change.issue} has ${maxChangesPerIssue} changes`, `look into ${folder}`)
}

async function readReview({ branch_prefix }: FolderPaths, repo: RepoRef, path: string): Promise<Change | null> {
  const file = await readPlainFile(path)
  return file === null ? null : readReviewFile(repo, path, file, branch_prefix)
}

/**
 * Returns null for the error of a malformed file, because such a file is not a change. The name of the file stays in use. Rethrows every
 * other error.
 */
function nullIfMalformed(thrown: unknown): null {
  if (thrown instanceof BurnError && thrown.code === 'forge_malformed') return null
  throw thrown
}
