/** The calls about reviews, dependencies and reactions. */
import type { LineRow, PullRow, ReviewRow } from './change-rows.ts'
import type { ForgeState, IssueRow, RepoRow } from './state.ts'
import { Refused, nameOf, pageOf, refuse, reply, repoOf, textIn, type Call, type Reply } from './calls.ts'
import { issueJson, timeText, userJson } from './json.ts'
import { isStale, review } from './people.ts'

function pullRow(state: ForgeState, call: Call, words: readonly string[]): { repo: RepoRow; row: IssueRow; pull: PullRow } {
  const repo = repoOf(state, call, words)
  const row = repo.items.get(Number(words[2]))
  if (row === undefined || row.pull === null) throw new Refused(refuse(404, "The target couldn't be found.", call.url))
  return { repo, row, pull: row.pull }
}

const pullUrl = (repo: RepoRow, row: IssueRow, url: string) => `${url}/${repo.owner}/${repo.name}/pulls/${row.number}`

function reviewJson(state: ForgeState, { repo, row, pull }: ReturnType<typeof pullRow>, review: ReviewRow, { url }: Call) {
  return {
    id: review.id,
    user: userJson(review.author, url),
    team: null,
    state: review.state,
    body: review.body,
    commit_id: review.commit,
    stale: isStale(state, pull, review.commit),
    official: review.official,
    dismissed: review.dismissed,
    comments_count: review.lines.length,
    submitted_at: timeText(review.created),
    updated_at: timeText(review.created),
    html_url: `${pullUrl(repo, row, url)}#issuecomment-${review.id}`,
    pull_request_url: pullUrl(repo, row, url),
  }
}

const events = { APPROVED: 'APPROVED', REQUEST_CHANGES: 'REQUEST_CHANGES', COMMENT: 'COMMENT' } as const

/** Reviews a pull request. Nobody may approve or refuse their own. */
export function postReview(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const found = pullRow(state, call, words)
  const { event, body, comments } = (call.body ?? {}) as Record<string, unknown>
  const kind = events[event as keyof typeof events] ?? 'COMMENT'
  if (kind !== 'COMMENT' && found.row.author === call.login) return refuse(422, 'approve/reject your own pull is not allowed', call.url)
  const lines = (Array.isArray(comments) ? comments : []).map((each: Record<string, unknown>) => ({
    path: String(each['path']),
    line: Number(each['new_position'] ?? each['old_position'] ?? 0),
    deleted: each['new_position'] === undefined,
    body: String(each['body']),
  }))
  const made = review(state, nameOf(found.repo), found.row.number, { author: call.login, state: kind, body: String(body ?? ''), lines })
  return reply(200, reviewJson(state, found, made, call))
}

/** The list leaves out the drafts of other people, but the header counts them. */
export function getReviews(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const found = pullRow(state, call, words)
  const page = pageOf(found.pull.reviews, call, (each) =>
    each.state === 'PENDING' && each.author !== call.login ? null : reviewJson(state, found, each, call),
  )
  return { ...page, json: (page.json as unknown[]).filter((item) => item !== null) }
}

/** Gitea groups the comments by file and line, in no fixed order. */
export function getReviewComments(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const { repo, row, pull } = pullRow(state, call, words)
  const review = pull.reviews.find(({ id }) => id === Number(words[3]))
  if (review === undefined) return refuse(404, 'review does not exist', call.url)
  const url = pullUrl(repo, row, call.url)
  const toJson = (line: LineRow) => ({
    id: line.id,
    user: userJson(line.author, call.url),
    resolver: line.resolver === null ? null : userJson(line.resolver, call.url),
    body: line.body,
    pull_request_review_id: review.id,
    path: line.path,
    commit_id: review.commit,
    original_commit_id: '',
    diff_hunk: line.hunk,
    position: line.deleted ? 0 : line.line,
    original_position: line.deleted ? line.line : 0,
    html_url: `${url}#issuecomment-${line.id}`,
    pull_request_url: url,
    created_at: timeText(line.created),
    updated_at: timeText(line.created),
  })
  return reply(200, review.lines.toReversed().map(toJson))
}

/** Lists the blockers of an issue. Those in repos that the caller may not read are without number and repo. */
export function getDependencies(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const repo = repoOf(state, call, words)
  const row = repo.items.get(Number(words[2]))
  if (row === undefined || repo.settings['dependencies'] === false) return refuse(404, "The target couldn't be found.", call.url)
  const page = pageOf(row.blockers, call, ({ repo: name, number }) => {
    const other = state.repos.get(name.toLowerCase())
    const blocker = other?.items.get(number)
    const isVisible = other !== undefined && (other.writers.has(call.login) || other.readers.has(call.login))
    if (isVisible && blocker !== undefined) return issueJson(other, blocker, call.url)
    return { ...issueJson(repo, row, call.url), id: 0, number: 0, title: 'HIDDEN', body: '', repository: null }
  })
  return { ...page, total: null }
}

const contents = new Set(['+1', '-1', 'laugh', 'hooray', 'confused', 'heart', 'rocket', 'eyes'])

export function postReaction(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const repo = repoOf(state, call, words)
  const comment = [...repo.items.values()].flatMap(({ comments }) => comments).find(({ id }) => id === Number(words[2]))
  if (comment === undefined) return refuse(404, 'comment does not exist', call.url)
  const content = textIn(call.body, 'content') ?? ''
  if (!contents.has(content)) return refuse(403, `'${content}' is not an allowed reaction`, call.url)
  const line = `${call.login} ${content}`
  const isNew = !comment.reactions.has(line)
  comment.reactions.add(line)
  return reply(isNew ? 201 : 200, { user: userJson(call.login, call.url), content, created_at: timeText(state.seconds()) })
}
