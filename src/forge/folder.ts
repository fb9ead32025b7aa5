/**
 * A forge in a folder: the embedded default, and a real one for people without a forge. `issues/<repo>/<n>.md`,
 * `comments/<repo>/<n>/<seq>.md`, `reviews/<repo>/<n>.md` (and `<n>-2.md` …), bare repositories `<repo>.git` beside them; `writers` has a login a line.
 * Any program takes part with plain files (docs/reference/forges.md).
 */
import { access, constants } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Comment, Issue, IssueRef, RepoRef } from '../core/nouns.ts'
import type { Clock, Forge, IssuePage, RepoRights } from '../core/ports.ts'
import { BurnError, ifCode, noSuchPath } from '../core/errors.ts'
import { createFile, namesIn, readPlainFile, replaceFile } from './files.ts'
import { numberInName, readCommentFile, readIssueFile } from './folder-objects.ts'
import { login, openPlace, readEach, type ForgeFolder } from './folder-place.ts'
import { openReview, readReviews, reviewOf } from './folder-reviews.ts'
import { renderDocument } from './front-matter.ts'
import { numberOf, splitIssue, splitRepo } from './refs.ts'

export interface FolderOptions {
  /** Absolute path. */
  readonly root: string
  /** What stands before the slash in `owner/name`. */
  readonly owner: string
  readonly clock: Clock
}

/** Reads and writes nothing until it is asked. */
export function openFolder(options: FolderOptions): Forge {
  const { owner, clock } = options
  const place = openPlace(resolve(options.root), owner)
  return {
    kind: 'folder',
    issues: (repo) => readIssues(place, repo, clock.now()),
    async issue(ref) {
      const { repo, number } = splitIssue(ref)
      return readIssue(place, repo, number)
    },
    writers: (repo) => readWriters(place, repo, clock.now()),
    comments: (ref) => readComments(place, ref),
    comment: (ref, body) => writeComment(place, ref, body, clock.now()),
    editComment: (ref, id, body) => editComment(place, ref, id, body),
    changes: async (repo, since) => {
      const { changes } = await readReviews(place, repo)
      return { asked_at: clock.now(), changes: since === null ? changes.filter(({ state }) => state === 'open') : changes }
    },
    openChange: (repo, change) => openReview(place, repo, change, clock.now()),
    changeOf: (repo, branch) => reviewOf(place, repo, branch),
    whoami: async () => ({ login }),
    rights: (repo) => readRights(place, repo),
    mayComment: async (repo) => (await readRights(place, repo)).write,
    access: (repo) => describeAccess(place.root, repo),
    requests: () => 0,
  }
}

/** Always the complete list: files are quick to read. Review files that are malformed are reported here too. */
async function readIssues(place: ForgeFolder, repo: RepoRef, now: number): Promise<IssuePage> {
  const folder = await place.folder('issues', repo)
  const names = await namesIn(folder)
  if (names === null)
    throw new BurnError('forge_not_found', `${folder} does not exist`, 'make the folder, or correct forge.path and the repos in the spec')
  const commented = new Set((await namesIn(await place.folder('comments', repo))) ?? [])
  const { found, skipped } = await readEach(place, folder, numberInName, (path, number) =>
    readIssueAt(place, { repo, number }, path, commented.has(String(number))),
  )
  const reviews = await readReviews(place, repo)
  const issues = found.filter(({ state }) => state === 'open')
  // Files say nothing of what has changed: reading them again costs no request.
  return { issues, skipped: [...skipped, ...reviews.skipped], cursor: String(now), complete: true, changed_at: now }
}

async function readIssue(place: ForgeFolder, repo: RepoRef, number: number): Promise<Issue | null> {
  return readIssueAt(place, { repo, number }, join(await place.folder('issues', repo), `${number}.md`), true)
}

async function readIssueAt(
  place: ForgeFolder,
  issue: Pick<Issue, 'repo' | 'number'>,
  path: string,
  commented: boolean,
): Promise<Issue | null> {
  const file = await readPlainFile(path)
  if (file === null) return null
  const comments = commented ? ((await namesIn(await place.folder('comments', issue.repo, issue.number))) ?? []) : []
  return readIssueFile(issue, path, file, comments.filter((name) => numberInName(name) !== null).length)
}

/** Who may write into the folder needs no forge's leave: without a `writers` file, everybody who opened an issue or a change counts. */
async function readWriters(place: ForgeFolder, repo: RepoRef, now: number): Promise<readonly string[]> {
  const file = await readPlainFile(join(place.root, 'writers'))
  const listed = file?.text.split('\n').map((line) => line.replace(/#.*/, '').trim())
  const logins =
    listed ?? [...(await readIssues(place, repo, now)).issues, ...(await readReviews(place, repo)).changes].map(({ author }) => author)
  return [...new Set([login, ...logins.filter((each) => each !== '')])]
}

async function readComments(place: ForgeFolder, ref: IssueRef): Promise<readonly Comment[]> {
  const { repo, number } = splitIssue(ref)
  const folder = await place.folder('comments', repo, number)
  // What is malformed is no comment: nothing was said in it.
  const { found } = await readEach(place, folder, numberInName, async (path, id) => {
    const file = await readPlainFile(path)
    return file === null ? null : readCommentFile(id, path, file)
  })
  return found
}

async function writeComment(place: ForgeFolder, ref: IssueRef, body: string, now: number): Promise<Comment> {
  const { repo, number } = splitIssue(ref)
  if ((await readIssue(place, repo, number)) === null) throw new BurnError('forge_not_found', `there is no ${ref}`, 'is it deleted?')
  const folder = await place.folder('comments', repo, number)
  const text = renderDocument({ author: login, created: new Date(now).toISOString() }, body)
  const taken = ((await namesIn(folder)) ?? []).map(numberInName).filter((id) => id !== null)
  // Somebody else may take the next number at the same moment.
  for (let id = Math.max(0, ...taken) + 1; ; id++) {
    if (await createFile(join(folder, `${id}.md`), text)) return { id: String(id), author: login, body, created_at: now }
  }
}

async function editComment(place: ForgeFolder, ref: IssueRef, id: string, body: string): Promise<void> {
  const { repo, number } = splitIssue(ref)
  const path = numberOf(id) === null ? null : join(await place.folder('comments', repo, number), `${id}.md`)
  const file = path === null ? null : await readPlainFile(path)
  if (path === null || file === null)
    throw new BurnError('forge_not_found', `${ref} has no comment ${JSON.stringify(id)}`, 'is it deleted?')
  const { author, created_at } = readCommentFile(Number(id), path, file)
  await replaceFile(path, renderDocument({ author, created: new Date(created_at).toISOString() }, body))
}

async function readRights(place: ForgeFolder, repo: RepoRef): Promise<RepoRights> {
  const exists = (await namesIn(await place.folder('issues', repo))) !== null
  const write = await access(place.root, constants.W_OK).then(() => true, ifCode(['EACCES', 'EPERM', 'EROFS', ...noSuchPath], false))
  return { exists, write, archived: false, issues: exists }
}

function describeAccess(root: string, repo: RepoRef): ReturnType<Forge['access']> {
  const { name } = splitRepo(repo)
  const review = join(root, 'reviews', name, '<issue number>.md')
  return {
    clone_url: join(root, `${name}.git`),
    api_url: `file://${root}`,
    open_change:
      `Push your branch to origin, then write the file ${review} with the lines "---", "issue: <issue number>", "branch: <your branch>", ` +
      '"author: <your name>", "state: open", "title: <one line>", "---", and then what you changed and why, with the line "Closes #<issue number>". ' +
      'Write it under another name first and rename it.',
  }
}
