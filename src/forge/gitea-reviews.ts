/** Reads the reviews of a change on Gitea and Forgejo, and their threads. */
import type { ChangeRef, ChangeState, Review, ReviewThread, ThreadComment } from '../core/change-state.ts'
import { membersOf, stringOf } from '../core/json.ts'
import { arrayOf, loginOf, timeOf } from './gitea-objects.ts'
import { readList, type Server } from './gitea-server.ts'
import { repoPath, splitNumbered } from './refs.ts'

/** The maximum number of characters of a text that burn keeps. */
const maxLength = { body: 30_000, hunk: 8_000 }

const states: ReadonlyMap<unknown, Review['state']> = new Map([
  ['APPROVED', 'approved'],
  ['REQUEST_CHANGES', 'changes_requested'],
  ['COMMENT', 'commented'],
])
/** A draft of the token's account, and a request for a review. Neither is a review. */
const others: ReadonlySet<unknown> = new Set(['PENDING', 'REQUEST_REVIEW'])

type Reviews = Pick<ChangeState, 'reviews' | 'threads' | 'skipped'>

/** Returns the reviews of a change, oldest first, and their threads. Each review with comments on lines costs one request. */
export async function readPullReviews(server: Server, ref: ChangeRef): Promise<Reviews> {
  const { repo, number } = splitNumbered(ref)
  const path = `${repoPath(repo)}/pulls/${number}/reviews`
  // The count includes the drafts of other people, which the list does not contain.
  const items = await readList(server, { path, items: arrayOf, end: 'counted' })
  const skipped: { what: string; why: string }[] = []
  const found = items.flatMap((item) => {
    const { id, state, comments_count } = membersOf(item)
    if (others.has(state)) return []
    const review = reviewOf(item)
    if (review === null) skipped.push({ what: `review ${String(id)} of ${ref}`, why: 'its author, state or time is missing or malformed' })
    return review === null ? [] : [{ review, has_comments: comments_count !== 0 }]
  })
  const commented = found.filter(({ has_comments }) => has_comments).map(({ review }) => review)
  const threads = await Promise.all(
    commented.map(async (review) => {
      const comments = arrayOf((await server.api.get(`${path}/${review.id}/comments`)).json)
      return threadsOf(review, comments, (id) => skipped.push({ what: `comment ${id} of ${ref}`, why: 'it is malformed' }))
    }),
  )
  const reviews = found.map(({ review }) => review).toSorted((a, b) => a.submitted_at - b.submitted_at || Number(a.id) - Number(b.id))
  return { reviews, threads: threads.flat().toSorted((a, b) => Number(a.id) - Number(b.id)), skipped }
}

function reviewOf(item: unknown): Review | null {
  const { id, user, state: name, body, commit_id, stale, dismissed, official, submitted_at: time, html_url } = membersOf(item)
  const [author, state, submitted_at] = [loginOf(user), states.get(name), timeOf(time)]
  if (typeof id !== 'number' || author === null || state === undefined || submitted_at === null) return null
  return {
    id: String(id),
    author,
    state,
    body: textOf(body, maxLength.body),
    commit: stringOf(commit_id),
    stale: stale === true,
    dismissed: dismissed === true,
    official: official === true,
    submitted_at,
    url: stringOf(html_url) ?? '',
  }
}

/** A comment on a line, with the fields that it shares with its thread. */
interface LineComment extends Pick<ReviewThread, 'path' | 'line' | 'side' | 'hunk' | 'commit' | 'resolved' | 'url'> {
  readonly comment: ThreadComment
}

/** Returns the threads of a review: its comments on the same line of the same file. Answers to a comment belong to the same review. */
function threadsOf(review: Review, items: readonly unknown[], skip: (id: string) => void): ReviewThread[] {
  const threads = new Map<string, LineComment[]>()
  for (const item of items) {
    const line = lineCommentOf(item)
    if (line === null) {
      skip(String(membersOf(item)['id']))
      continue
    }
    const key = `${line.side} ${line.line} ${line.path}`
    threads.set(key, [...(threads.get(key) ?? []), line])
  }
  return [...threads.values()].map((lines): ReviewThread => {
    const sorted = lines.toSorted((a, b) => Number(a.comment.id) - Number(b.comment.id))
    const { comment, ...first } = sorted[0]!
    return {
      ...first,
      id: comment.id,
      review: review.id,
      resolved: sorted.some(({ resolved }) => resolved),
      comments: sorted.map((each) => each.comment),
    }
  })
}

function lineCommentOf(item: unknown): LineComment | null {
  const fields = membersOf(item)
  const { id, body, path, position, original_position, diff_hunk, commit_id, resolver, html_url } = fields
  const [author, created_at] = [loginOf(fields['user']), timeOf(fields['created_at'])]
  if (typeof id !== 'number' || typeof path !== 'string' || author === null || created_at === null) return null
  // `position` is the number of a line in the new file, `original_position` that of a line that the change deletes.
  const [line, deleted] = [lineOf(position), lineOf(original_position)]
  return {
    path,
    line: line ?? deleted,
    side: line === null && deleted !== null ? 'old' : 'new',
    // The line of the comment is at the end of the hunk.
    hunk: (stringOf(diff_hunk) ?? '').slice(-maxLength.hunk).toWellFormed(),
    commit: stringOf(commit_id),
    resolved: loginOf(resolver) !== null,
    url: stringOf(html_url) ?? '',
    comment: { id: String(id), author, body: textOf(body, maxLength.body), created_at },
  }
}

const lineOf = (value: unknown) => (typeof value === 'number' && value > 0 ? value : null)

const textOf = (value: unknown, limit: number) => (stringOf(value) ?? '').slice(0, limit).toWellFormed()
