/**
 * A forge in a folder, for people who have no server. Issues are `issues/<repo>/<n>.md`, comments `comments/<repo>/<n>/<seq>.md`, and
 * changes `reviews/<repo>/<n>.md` (then `<n>-2.md` and so on). The bare repositories `<repo>.git` are beside these folders. The file
 * `writers` has one login on each line. Any program can take part by writing plain files (docs/reference/forges.md).
 */
import { access, constants, readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Comment, Issue, IssueRef, RepoRef } from '../core/nouns.ts'
import type { Clock, Forge, IssuePage, RepoRights } from '../core/ports.ts'
import { hasSameLogins, isSameLogin } from '../core/assignees.ts'
import { BurnError, ifCode, noSuchPath } from '../core/errors.ts'
import { createFile, namesIn, readPlainFile, replaceFile } from './files.ts'
import { numberInName, readCommentFile, readIssueFile } from './folder-objects.ts'
import { login, folderPaths, readNumberedFiles, type FolderPaths } from './folder-paths.ts'
import { openReview, readReviews, reviewOf } from './folder-reviews.ts'
import { listOf, parseDocument, renderDocument, withList } from './front-matter.ts'
import { numberOf, splitIssue, splitRepo } from './refs.ts'
import { thinChanges } from './thin-changes.ts'

/** The path of a folder forge, and the owner of its repos. */
export interface FolderOptions {
  /** An absolute path. */
  readonly root: string
  /** The part before the slash in `owner/name`. */
  readonly owner: string
  readonly clock: Clock
  /** The text before the dispatch's id in the names of branches; by default `burn/`. */
  readonly branch_prefix?: string
}

/** Opens a folder as a forge. Reads and writes nothing until a method is called. */
export function openFolder(options: FolderOptions): Forge {
  const { owner, clock, branch_prefix } = options
  const paths = folderPaths(resolve(options.root), owner, branch_prefix)
  return {
    kind: 'folder',
    ...thinChanges,
    issues: (repo) => readIssues(paths, repo, clock.now()),
    async issue(ref) {
      const { repo, number } = splitIssue(ref)
      return readIssue(paths, repo, number)
    },
    writers: (repo) => readWriters(paths, repo, clock.now()),
    comments: (ref) => readComments(paths, ref),
    comment: (ref, body) => writeComment(paths, ref, body, clock.now()),
    addLabel: (ref, label) => addLabel(paths, ref, label),
    assignable: () => readLogins(paths),
    assign: (ref, from, to) => assign(paths, ref, from, to),
    editComment: (ref, id, body) => editComment(paths, ref, id, body),
    changes: async (repo, since) => {
      const { changes } = await readReviews(paths, repo)
      return { asked_at: clock.now(), changes: since === null ? changes.filter(({ state }) => state === 'open') : changes }
    },
    openChange: (repo, change) => openReview(paths, repo, change, clock.now()),
    changeOf: (repo, branch) => reviewOf(paths, repo, branch),
    whoami: async () => ({ login }),
    rights: (repo) => readRights(paths, repo),
    mayComment: async (repo) => (await readRights(paths, repo)).write,
    mayOpenChange: async (repo) => (await readRights(paths, repo)).write,
    hasBranch: (repo, branch) => hasBranch(paths.root, repo, branch),
    teams: async () => [],
    access: (repo) => describeAccess(paths.root, repo),
    requests: () => 0,
  }
}

/** Returns all issues of a repo every time, because files are quick to read. Malformed review files are among `skipped`, too. */
async function readIssues(paths: FolderPaths, repo: RepoRef, now: number): Promise<IssuePage> {
  const folder = await paths.folder('issues', repo)
  const names = await namesIn(folder)
  if (names === null)
    throw new BurnError('forge_not_found', `${folder} does not exist`, 'create the folder, or correct forge.path and the repos in the spec')
  const commented = new Set((await namesIn(await paths.folder('comments', repo))) ?? [])
  const { found, skipped } = await readNumberedFiles(paths, folder, numberInName, (path, number) =>
    readIssueAt(paths, { repo, number }, path, commented.has(String(number))),
  )
  const reviews = await readReviews(paths, repo)
  const issues = found.filter(({ state }) => state === 'open')
  // Files do not show which issues have changed, and reading all files again costs no request.
  return { issues, skipped: [...skipped, ...reviews.skipped], cursor: String(now), complete: true, changed_at: now }
}

async function readIssue(paths: FolderPaths, repo: RepoRef, number: number): Promise<Issue | null> {
  return readIssueAt(paths, { repo, number }, join(await paths.folder('issues', repo), `${number}.md`), true)
}

async function readIssueAt(
  paths: FolderPaths,
  issue: Pick<Issue, 'repo' | 'number'>,
  path: string,
  commented: boolean,
): Promise<Issue | null> {
  const file = await readPlainFile(path)
  if (file === null) return null
  const comments = commented ? ((await namesIn(await paths.folder('comments', issue.repo, issue.number))) ?? []) : []
  return readIssueFile(issue, path, file, comments.filter((name) => numberInName(name) !== null).length)
}

/**
 * Returns the logins that may write to the repo. A folder has no accounts, so without a `writers` file every author of an issue or a change
 * counts as a writer.
 */
async function readWriters(paths: FolderPaths, repo: RepoRef, now: number): Promise<readonly string[]> {
  const logins =
    (await readLogins(paths)) ??
    [...(await readIssues(paths, repo, now)).issues, ...(await readReviews(paths, repo)).changes].map(({ author }) => author)
  return [...new Set([login, ...logins])]
}

/** Returns the logins in the `writers` file, and burn's own; null if there is no such file. */
async function readLogins(paths: FolderPaths): Promise<readonly string[] | null> {
  const file = await readPlainFile(join(paths.root, 'writers'))
  if (file === null) return null
  const logins = file.text.split('\n').map((line) => line.replace(/#.*/, '').trim())
  return [login, ...logins.filter((each) => each !== '')]
}

async function readComments(paths: FolderPaths, ref: IssueRef): Promise<readonly Comment[]> {
  const { repo, number } = splitIssue(ref)
  const folder = await paths.folder('comments', repo, number)
  // A malformed file is not a comment.
  const { found } = await readNumberedFiles(paths, folder, numberInName, async (path, id) => {
    const file = await readPlainFile(path)
    return file === null ? null : readCommentFile(id, path, file)
  })
  return found
}

async function writeComment(paths: FolderPaths, ref: IssueRef, body: string, now: number): Promise<Comment> {
  const { repo, number } = splitIssue(ref)
  if ((await readIssue(paths, repo, number)) === null)
    throw new BurnError('forge_not_found', `there is no ${ref}`, 'check whether somebody deleted the issue')
  const folder = await paths.folder('comments', repo, number)
  const text = renderDocument({ author: login, created: new Date(now).toISOString() }, body)
  const taken = ((await namesIn(folder)) ?? []).map(numberInName).filter((id) => id !== null)
  // Another process may use the next number at the same moment.
  for (let id = Math.max(0, ...taken) + 1; ; id++) {
    if (await createFile(join(folder, `${id}.md`), text)) return { id: String(id), author: login, body, created_at: now }
  }
}

async function editComment(paths: FolderPaths, ref: IssueRef, id: string, body: string): Promise<void> {
  const { repo, number } = splitIssue(ref)
  const path = numberOf(id) === null ? null : join(await paths.folder('comments', repo, number), `${id}.md`)
  const file = path === null ? null : await readPlainFile(path)
  if (path === null || file === null)
    throw new BurnError('forge_not_found', `${ref} has no comment ${JSON.stringify(id)}`, 'check whether somebody deleted the comment')
  const { author, created_at } = readCommentFile(Number(id), path, file)
  await replaceFile(path, renderDocument({ author, created: new Date(created_at).toISOString() }, body))
}

/** Returns the path, the text and the parsed document of an issue's file. Throws BurnError `forge_not_found` if there is none. */
async function openIssueFile(paths: FolderPaths, ref: IssueRef) {
  const { repo, number } = splitIssue(ref)
  const path = join(await paths.folder('issues', repo), `${number}.md`)
  const file = await readPlainFile(path)
  if (file === null) throw new BurnError('forge_not_found', `there is no ${ref}`, 'check whether somebody deleted the issue')
  return { path, text: file.text, document: parseDocument(path, file.text) }
}

async function addLabel(paths: FolderPaths, ref: IssueRef, label: string): Promise<void> {
  const { path, text, document } = await openIssueFile(paths, ref)
  const labels = listOf(document, 'labels')
  if (!labels.includes(label)) await replaceFile(path, withList(document, text, 'labels', [...labels, label]))
}

async function assign(paths: FolderPaths, ref: IssueRef, from: readonly string[], to: readonly string[]): Promise<boolean> {
  const { path, text, document } = await openIssueFile(paths, ref)
  const allowed = await readLogins(paths)
  const refused = allowed === null ? undefined : to.find((each) => !allowed.some((other) => isSameLogin(each, other)))
  if (refused !== undefined)
    throw new BurnError('forge_unassignable', `the file writers does not list ${refused}`, 'add the login to the file writers')
  if (!hasSameLogins(listOf(document, 'assignees'), from)) return false
  await replaceFile(path, withList(document, text, 'assignees', to))
  return true
}

async function readRights(paths: FolderPaths, repo: RepoRef): Promise<RepoRights> {
  const exists = (await namesIn(await paths.folder('issues', repo))) !== null
  const write = await access(paths.root, constants.W_OK).then(() => true, ifCode(['EACCES', 'EPERM', 'EROFS', ...noSuchPath], false))
  return { exists, write, archived: false, issues: exists, changes: true, default_branch: await defaultBranch(paths.root, repo) }
}

const bareOf = (root: string, repo: RepoRef) => join(root, `${splitRepo(repo).name}.git`)

/** Returns the branch that HEAD of the bare repository names; null if there is no bare repository. */
async function defaultBranch(root: string, repo: RepoRef): Promise<string | null> {
  const head = await readFile(join(bareOf(root, repo), 'HEAD'), 'utf8').catch(ifCode(['EACCES', ...noSuchPath], ''))
  return /^ref: refs\/heads\/(\S+)$/m.exec(head)?.[1] ?? null
}

/** Returns whether the bare repository has the branch, as a file or in its list of packed refs. */
async function hasBranch(root: string, repo: RepoRef, branch: string): Promise<boolean> {
  const bare = bareOf(root, repo)
  const loose = await stat(join(bare, 'refs', 'heads', branch)).catch(ifCode(['EACCES', ...noSuchPath], null))
  if (loose?.isFile() === true) return true
  const packed = await readFile(join(bare, 'packed-refs'), 'utf8').catch(ifCode(['EACCES', ...noSuchPath], ''))
  return packed.split('\n').some((line) => line.endsWith(` refs/heads/${branch}`))
}

function describeAccess(root: string, repo: RepoRef): ReturnType<Forge['access']> {
  const { name } = splitRepo(repo)
  const review = join(root, 'reviews', name, '<issue number>.md')
  return {
    clone_url: bareOf(root, repo),
    api_url: `file://${root}`,
    open_change:
      `Push your branch to origin, then write the file ${review} with the lines "---", "issue: <issue number>", "branch: <your branch>", ` +
      '"author: <your name>", "state: open", "title: <one line>", "---", and then what you changed and why, with the line "Closes #<issue number>". ' +
      `Write the file under another name first, and then rename the file to ${review}.`,
  }
}
