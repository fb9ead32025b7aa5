/**
 * Turns the files of a folder forge into issues, comments and changes. All functions throw BurnError `forge_malformed` with file and line.
 */
import { basename } from 'node:path'
import type { PlainFile } from './files.ts'
import type { Document } from './front-matter.ts'
import type { Change, Comment, Issue, RepoRef, Time } from '../core/nouns.ts'
import { malformedAt, lineOf, listOf, parseDocument, textOf } from './front-matter.ts'
import { issuesClosedBy } from './closing-keywords.ts'
import { dispatchOf, numberOf } from './refs.ts'

/** The author of an issue, comment or change whose file names no author. */
export const nobody = 'local'

/** Returns the number `n` of a file `n.md`; null for every other name. */
export function numberInName(name: string): number | null {
  const [, digits] = /^([1-9]\d{0,8})\.md$/.exec(name) ?? []
  return digits === undefined ? null : Number(digits)
}

/** Returns the issue that a file describes. `comments` is the number of its comments. */
export function readIssueFile({ repo, number }: Pick<Issue, 'repo' | 'number'>, path: string, file: PlainFile, comments: number): Issue {
  const document = parseDocument(path, file.text)
  const title = textOf(document, 'title')
  if (title === '') throw malformedAt(path, lineOf(document, 'title'), 'it has no title')
  const created_at = timeField(document, 'created') ?? file.written_at
  return {
    ref: `${repo}#${number}`,
    repo,
    number,
    title,
    body: document.text,
    labels: listOf(document, 'labels'),
    assignees: listOf(document, 'assignees'),
    author: textOf(document, 'author') || nobody,
    state: stateIn(document, ['open', 'closed']),
    created_at,
    updated_at: Math.max(created_at, timeField(document, 'updated') ?? file.written_at),
    comments,
    url: `file://${path}`,
    ...dueField(document),
  }
}

/** Returns the due date of an issue, as a part of the issue. */
function dueField(document: Document): Pick<Issue, 'due_at'> {
  const due_at = timeField(document, 'due')
  return due_at === null ? {} : { due_at }
}

/** Returns the comment that a file contains. */
export function readCommentFile(id: number, path: string, file: PlainFile): Comment {
  const document = parseDocument(path, file.text)
  return {
    id: String(id),
    author: textOf(document, 'author') || nobody,
    body: document.text,
    created_at: timeField(document, 'created') ?? file.written_at,
  }
}

/**
 * Returns the change that a review file describes. The change closes the issue that the key `issue` names, and the issues that its title or
 * text closes.
 */
export function readReviewFile(repo: RepoRef, path: string, file: PlainFile, branch_prefix?: string): Change {
  const document = parseDocument(path, file.text)
  const branch = textOf(document, 'branch')
  if (branch === '') throw malformedAt(path, lineOf(document, 'branch'), 'it has no branch')
  const number = numberOf(textOf(document, 'issue').replace(/^.*#/, ''))
  const fromText = issuesClosedBy(repo, 'file://', { title: textOf(document, 'title'), body: document.text })
  return {
    dispatch_id: dispatchOf(branch, branch_prefix),
    name: basename(path),
    url: `file://${path}`,
    state: stateIn(document, ['open', 'merged', 'closed']),
    author: textOf(document, 'author') || nobody,
    fork: false,
    closes: number === null ? fromText : [...new Set([`${repo}#${number}`, ...fromText])],
    created_at: timeField(document, 'created') ?? file.written_at,
  }
}

/** Returns the state in the field `state`: the first of the known states if the field is missing. */
export function stateIn<S extends string>(document: Document, states: readonly [S, ...S[]]): S {
  const written = textOf(document, 'state')
  const state = written === '' ? states[0] : states.find((each) => each === written)
  if (state !== undefined) return state
  throw malformedAt(
    document.path,
    lineOf(document, 'state'),
    `the state ${JSON.stringify(written)} is unknown; the known states are: ${states.join(', ')}`,
  )
}

/** Returns the time of a field; null if the field is missing. */
export function timeField(document: Document, key: string): Time | null {
  const written = textOf(document, key)
  if (written === '') return null
  const time = Date.parse(written)
  if (!Number.isNaN(time)) return time
  throw malformedAt(document.path, lineOf(document, key), `${key} is ${JSON.stringify(written)}, not a time like 2026-01-31T12:00:00Z`)
}
