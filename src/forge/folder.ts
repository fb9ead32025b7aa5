/**
 * A forge in a folder, for people who have no server. Issues are `issues/<repo>/<n>.md`, comments `comments/<repo>/<n>/<seq>.md`, and
 * changes `reviews/<repo>/<n>.md` (then `<n>-2.md` and so on). The bare repositories `<repo>.git` are beside these folders. The file
 * `writers` has one login on each line. Any program can take part by writing plain files (docs/reference/forges.md).
 */
import { access, constants, readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { BareGit } from '../core/bare-git.ts'
import type { Issue, IssueRef, RepoRef } from '../core/nouns.ts'
import type { Clock, Forge, ForgeChanges, IssuePage, RepoRights } from '../core/ports.ts'
import { hasSameLogins, isSameLogin } from '../core/assignees.ts'
import { BurnError, ifCode, noSuchPath } from '../core/errors.ts'
import { namesIn, readPlainFile, replaceFile } from './files.ts'
import { readBlockers } from './folder-blockers.ts'
import type { FolderChanges } from './folder-change-file.ts'
import { readChecks, readLogTail, rerunCheck } from './folder-checks.ts'
import { addReaction, editComment, readCommentFiles, readRepoComments, writeComment } from './folder-comments.ts'
import { mergeByGit, readProtection, updateBranch } from './folder-merge.ts'
import { numberInName, readIssueFile } from './folder-objects.ts'
import { bareOf, defaultBranch, folderPaths, login, readWriterNames, readNumberedFiles, type FolderPaths } from './folder-paths.ts'
import { openReview, readReviews, reviewOf } from './folder-reviews.ts'
import { readChangedPaths, readChangeState } from './folder-state.ts'
import { listOf, parseDocument, withList } from './front-matter.ts'
import { splitIssue, splitRepo } from './refs.ts'

/** The path of a folder forge, and the owner of its repos. */
export interface FolderOptions {
  /** An absolute path. */
  readonly root: string
  /** The part before the slash in `owner/name`. */
  readonly owner: string
  readonly clock: Clock
  /** Opens git. It is called for the first change that burn compares or merges. */
  readonly git: () => Promise<BareGit>
  /** The text before the dispatch's id in the names of branches; by default `burn/`. */
  readonly branch_prefix?: string
}

/** Opens a folder as a forge. Reads and writes nothing until a method is called. */
export function openFolder(options: FolderOptions): Forge {
  const { owner, clock, branch_prefix } = options
  const paths = folderPaths(resolve(options.root), owner, branch_prefix)
  return {
    kind: 'folder',
    issues: (repo) => readIssues(paths, repo, clock.now()),
    async issue(ref) {
      const { repo, number } = splitIssue(ref)
      return readIssue(paths, repo, number)
    },
    writers: (repo) => readWriters(paths, repo, clock.now()),
    comments: (ref, since) => readCommentFiles(paths, ref, since),
    repoComments: (repo, since, containing) => readRepoComments(paths, repo, { since, containing, now: clock.now() }),
    comment: (ref, body) => writeComment(paths, ref, body, clock.now()),
    ...changeOperations({ paths, git: options.git }),
    addLabel: (ref, label) => addLabel(paths, ref, label),
    assignable: () => readWriterNames(paths),
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

/** Returns the operations on single changes. */
function changeOperations(changes: FolderChanges): ForgeChanges {
  const { paths } = changes
  return {
    react: (ref, id, reaction) => addReaction(paths, ref, id, reaction),
    blockers: (ref) => readBlockers(paths, ref),
    changeState: (ref) => readChangeState(changes, ref),
    changedPaths: (ref) => readChangedPaths(changes, ref),
    checks: (repo, sha) => readChecks(paths, repo, sha),
    logTail: (repo, check, max_bytes) => readLogTail(paths, repo, check, max_bytes),
    rerun: (repo, check) => rerunCheck(paths, repo, check),
    protection: (repo, base) => readProtection(changes, repo, base),
    merge: (ref, request) => mergeByGit(changes, ref, request),
    updateBranch: (ref, sha, method, onto = null) => updateBranch(changes, ref, { sha, method, onto }),
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
  const comments = commented ? ((await namesIn(await paths.folder('comments', issue.repo, String(issue.number)))) ?? []) : []
  return readIssueFile(issue, path, file, comments.filter((name) => numberInName(name) !== null).length)
}

/**
 * Returns the logins that may write to the repo. A folder has no accounts, so without a `writers` file every author of an issue or a change
 * counts as a writer.
 */
async function readWriters(paths: FolderPaths, repo: RepoRef, now: number): Promise<readonly string[]> {
  const logins =
    (await readWriterNames(paths)) ??
    [...(await readIssues(paths, repo, now)).issues, ...(await readReviews(paths, repo)).changes].map(({ author }) => author)
  return [...new Set([login, ...logins])]
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
  const allowed = await readWriterNames(paths)
  const refused = allowed === null ? undefined : to.find((each) => !allowed.some((other) => isSameLogin(each, other)))
  if (refused !== undefined)
    throw new BurnError('forge_unassignable', `the file writers does not list ${refused}`, 'add the login to the file writers')
  const before = listOf(document, 'assignees')
  if (hasSameLogins(before, to)) return true
  if (!hasSameLogins(before, from)) return false
  await replaceFile(path, withList(document, text, 'assignees', to))
  return true
}

async function readRights(paths: FolderPaths, repo: RepoRef): Promise<RepoRights> {
  const exists = (await namesIn(await paths.folder('issues', repo))) !== null
  const write = await access(paths.root, constants.W_OK).then(() => true, ifCode(['EACCES', 'EPERM', 'EROFS', ...noSuchPath], false))
  return { exists, write, archived: false, issues: exists, changes: true, default_branch: await defaultBranch(paths.root, repo) }
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
