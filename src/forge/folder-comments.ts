/**
 * Reads and writes the comments of a folder forge: `comments/<repo>/<issue>/<n>.md` for an issue, `reviews/<repo>/<change>/comments/<n>.md`
 * for a change.
 */
import { join } from 'node:path'
import type { ChangeRef, Reaction } from '../core/change-state.ts'
import type { Comment, IssueRef, RepoRef, Time } from '../core/nouns.ts'
import type { CommentPage } from '../core/ports.ts'
import type { FolderPaths } from './folder-paths.ts'
import { BurnError } from '../core/errors.ts'
import { changeRef } from '../core/refs.ts'
import { createFile, namesIn, readPlainFile, replaceFile } from './files.ts'
import { numberInName, readCommentFile } from './folder-objects.ts'
import { login, readNumberedFiles } from './folder-paths.ts'
import { listOf, parseDocument, renderDocument, withList, withText } from './front-matter.ts'
import { concurrencyLimiter } from './rate-limit.ts'
import { isChangeName, isChangeRef, numberOf, splitChange, splitIssue } from './refs.ts'

type Subject = IssueRef | ChangeRef

/** Maximum number of folders that burn reads at the same time. */
const openFolders = 8

/** Returns the file of an issue or a change, and the folder of its comments. */
async function placeOf(paths: FolderPaths, ref: Subject): Promise<{ readonly file: string; readonly folder: string }> {
  if (isChangeRef(ref)) {
    const { repo, name } = splitChange(ref)
    return { file: join(await paths.folder('reviews', repo), `${name}.md`), folder: await paths.folder('reviews', repo, name, 'comments') }
  }
  const { repo, number } = splitIssue(ref)
  return { file: join(await paths.folder('issues', repo), `${number}.md`), folder: await paths.folder('comments', repo, String(number)) }
}

/** Returns the comments of an issue or a change, oldest first; with `since`, those that were written or edited since then. */
export async function readCommentFiles(paths: FolderPaths, ref: Subject, since: Time = 0): Promise<readonly Comment[]> {
  const { folder } = await placeOf(paths, ref)
  // A malformed file is not a comment.
  const { found } = await readNumberedFiles(paths, folder, numberInName, async (path, id) => {
    const file = await readPlainFile(path)
    const comment = file === null ? null : readCommentFile(id, path, file)
    return comment !== null && Math.max(file?.written_at ?? 0, comment.created_at) >= since ? comment : null
  })
  return found
}

/** Returns the comments of all issues and changes of a repo. See `Forge.repoComments`. */
export async function readRepoComments(
  paths: FolderPaths,
  repo: RepoRef,
  { since, containing, now }: { readonly since: Time; readonly containing: string; readonly now: Time },
): Promise<CommentPage> {
  const issues = ((await namesIn(await paths.folder('comments', repo))) ?? []).filter((name) => numberOf(name) !== null)
  const changes = ((await namesIn(await paths.folder('reviews', repo))) ?? []).filter((name) => isChangeName(name))
  const refs = [...issues.map((name) => `${repo}#${name}`), ...changes.map((name) => changeRef(repo, name))]
  const limited = concurrencyLimiter(openFolders)
  const read = async (ref: Subject) => (await readCommentFiles(paths, ref, since)).map((comment) => ({ ...comment, ref }))
  const found = (await Promise.all(refs.map((ref) => limited(() => read(ref))))).flat()
  return { comments: found.filter(({ body }) => body.toLowerCase().includes(containing.toLowerCase())), asked_at: now }
}

/** Writes a comment to the next free number. Throws BurnError `forge_not_found` if there is no such issue or change. */
export async function writeComment(paths: FolderPaths, ref: Subject, body: string, now: Time): Promise<Comment> {
  const { file, folder } = await placeOf(paths, ref)
  if ((await readPlainFile(file)) === null)
    throw new BurnError('forge_not_found', `there is no ${ref}`, 'check whether somebody deleted the issue')
  const text = renderDocument({ author: login, created: new Date(now).toISOString() }, body)
  const taken = ((await namesIn(folder)) ?? []).map(numberInName).filter((id) => id !== null)
  // Another process may use the next number at the same moment.
  for (let id = Math.max(0, ...taken) + 1; ; id++) {
    if (await createFile(join(folder, `${id}.md`), text)) return { id: String(id), author: login, body, created_at: now }
  }
}

/** Returns the path, the text and the parsed document of a comment's file. Throws BurnError `forge_not_found` if there is none. */
async function openComment(paths: FolderPaths, ref: Subject, id: string) {
  const path = numberOf(id) === null ? null : join((await placeOf(paths, ref)).folder, `${id}.md`)
  const file = path === null ? null : await readPlainFile(path)
  if (path === null || file === null)
    throw new BurnError('forge_not_found', `${ref} has no comment ${JSON.stringify(id)}`, 'check whether somebody deleted the comment')
  return { path, text: file.text, document: parseDocument(path, file.text) }
}

/** Replaces the text of a comment. */
export async function editComment(paths: FolderPaths, ref: Subject, id: string, body: string): Promise<void> {
  const { path, text, document } = await openComment(paths, ref, id)
  await replaceFile(path, withText(document, text, body))
}

/** Adds burn's reaction to a comment: an item `burn <reaction>` in the list `reactions`. */
export async function addReaction(paths: FolderPaths, ref: Subject, id: string, reaction: Reaction): Promise<void> {
  const { path, text, document } = await openComment(paths, ref, id)
  const reactions = listOf(document, 'reactions')
  const added = `${login} ${reaction}`
  if (!reactions.includes(added)) await replaceFile(path, withList(document, text, 'reactions', [...reactions, added]))
}
