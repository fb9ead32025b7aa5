/**
 * Reads the reviews of a change of a folder forge, `reviews/<repo>/<change>/reviews/<n>.md`, and its threads, `…/threads/<n>.md`. The
 * answers to a thread are `<n>-2.md` and so on.
 */
import { basename } from 'node:path'
import type { ChangeRef, ChangeState, Review, ReviewThread, ThreadComment } from '../core/change-state.ts'
import { readPlainFile, type PlainFile } from './files.ts'
import { shaOf, type ChangeFile, type FolderChanges } from './folder-change-file.ts'
import { nobody, numberInName, stateIn, timeField } from './folder-objects.ts'
import { login, readWriterNames, readNumberedFiles } from './folder-paths.ts'
import { sortKeyInName } from './folder-reviews.ts'
import { malformedAt, parseDocument, textOf, type Document } from './front-matter.ts'
import { numberOf, splitChange } from './refs.ts'

/** The number of lines that burn quotes: the line of a thread, and the lines before it. */
const quotedLines = 4

/** Returns the reviews and the threads of a change, oldest first. */
export async function readThreads(
  changes: FolderChanges,
  ref: ChangeRef,
  change: ChangeFile,
): Promise<Pick<ChangeState, 'reviews' | 'threads' | 'skipped'>> {
  const { paths } = changes
  const { repo, name } = splitChange(ref)
  const writers = await readWriterNames(paths)
  const isWriter = (author: string) => writers === null || author === login || writers.includes(author)
  const reviews = await readNumberedFiles(paths, await paths.folder('reviews', repo, name, 'reviews'), numberInName, async (path) => {
    const file = await readPlainFile(path)
    return file === null ? null : reviewOf(path, file, { sha: change.sha, isWriter })
  })
  const comments = await readNumberedFiles(paths, await paths.folder('reviews', repo, name, 'threads'), sortKeyInName, async (path) => {
    const file = await readPlainFile(path)
    return file === null ? null : { path, document: parseDocument(path, file.text), comment: commentOf(path, file) }
  })
  const skipped: ChangeState['skipped'][number][] = [...reviews.skipped, ...comments.skipped]
  const threads: ReviewThread[] = []
  for (const { path, document, comment } of comments.found) {
    const [first] = comment.id.split('-')
    if (first !== comment.id) continue
    const answers = comments.found.filter(({ comment: { id } }) => id.startsWith(`${first}-`)).map((each) => each.comment)
    const line = numberOf(textOf(document, 'line'))
    const file = textOf(document, 'path')
    if (file === '') skipped.push({ what: `thread ${first} of ${ref}`, why: malformedAt(path, 1, 'it has no path').message })
    else threads.push(await threadOf(changes, change, { document, path, file, line, comments: [comment, ...answers] }))
  }
  return { reviews: reviews.found, threads, skipped }
}

interface ReviewContext {
  readonly sha: string | null
  readonly isWriter: (author: string) => boolean
}

function reviewOf(path: string, file: PlainFile, { sha, isWriter }: ReviewContext): Review {
  const document = parseDocument(path, file.text)
  const author = textOf(document, 'author') || nobody
  const commit = shaOf(document, 'commit')
  return {
    id: basename(path, '.md'),
    author,
    state: stateIn(document, ['commented', 'approved', 'changes_requested']),
    body: document.text,
    commit,
    stale: commit !== null && commit !== sha,
    dismissed: textOf(document, 'dismissed') === 'true',
    official: isWriter(author),
    submitted_at: timeField(document, 'created') ?? file.written_at,
    url: `file://${path}`,
  }
}

function commentOf(path: string, file: PlainFile): ThreadComment {
  const document = parseDocument(path, file.text)
  const author = textOf(document, 'author') || nobody
  return { id: basename(path, '.md'), author, body: document.text, created_at: timeField(document, 'created') ?? file.written_at }
}

interface ThreadFile {
  readonly document: Document
  readonly path: string
  /** The path of the commented file in the repository. */
  readonly file: string
  readonly line: number | null
  readonly comments: readonly ThreadComment[]
}

async function threadOf({ git }: FolderChanges, change: ChangeFile, found: ThreadFile): Promise<ReviewThread> {
  const { document, path, file, line, comments } = found
  const side = textOf(document, 'side') === 'old' ? 'old' : 'new'
  const commit = shaOf(document, 'commit')
  const quoted = side === 'old' ? change.base_sha : (commit ?? change.sha)
  const text = line === null || quoted === null ? null : await (await git()).textOf(change.bare, quoted, file)
  const lines = text?.split('\n').slice(Math.max(0, (line ?? 0) - quotedLines), line ?? 0) ?? []
  return {
    id: comments[0]?.id ?? '',
    review: textOf(document, 'review') || null,
    path: file,
    line,
    side,
    hunk: lines.join('\n'),
    commit,
    resolved: textOf(document, 'resolved') === 'true',
    url: `file://${path}`,
    comments,
  }
}
