/** The part of Gitea's API that burn and its agents use, with Gitea's answers. */
import type { ForgeState, IssueRow, RepoRow } from './state.ts'
import {
  Refused,
  fail,
  isSince,
  mayWrite,
  nameOf,
  pageOf,
  refuse,
  reply,
  repoOf,
  textIn,
  type Call,
  type Handler,
  type Reply,
} from './calls.ts'
import { getJobs, getLogs, getRuns, getStatus, postRerun, postStatus } from './checks.ts'
import { baseJson, commentJson, issueJson, pushJson, repoJson, teamJson, timelineJson, userJson } from './json.ts'
import { getLabels, getMilestones, postLabel, postLabels } from './labels.ts'
import { getBranch, getCommit, postMerge, postUpdate } from './merging.ts'
import { getFiles, getPull, getPullByBranches, getPullRef, getPulls, patchPull, postPull } from './pulls.ts'
import { getDependencies, getReviewComments, getReviews, postReaction, postReview } from './reviews.ts'

/** The method, the path, the handler, and the first version of Gitea (1.x) that has the call. Forgejo lacks the calls with a version. */
type Route = readonly [method: string, path: RegExp, handler: Handler, since?: number]

/** Builds the pattern of a path. `:o` stands for owner and name of a repo, `:n` for a number, `:w` for a word, and `:p` for a path. */
function path(text: string): RegExp {
  const words = { o: '([^/]+)/([^/]+)', n: '(\\d+)', w: '([^/]+)', p: '(.+)' } as const
  return new RegExp(`^${text.replace(/:([onwp])/g, (_, kind: keyof typeof words) => words[kind])}$`)
}

const routes: readonly Route[] = [
  ['GET', path('/version'), (_, { version }) => reply(200, { version })],
  ['GET', path('/settings/api'), getSettings],
  ['GET', path('/user'), (_, { login, url }) => reply(200, userJson(login, url))],
  ['GET', path('/repos/:o'), (state, call, words) => reply(200, repoJson(repoOf(state, call, words), call.login, call.url))],
  ['GET', path('/repos/:o/assignees'), getAssignees],
  ['GET', path('/repos/:o/branches/:p'), getBranch],
  ['GET', path('/repos/:o/git/refs/pull/:n/head'), getPullRef],
  ['GET', path('/repos/:o/teams'), getTeams],
  ['GET', path('/repos/:o/collaborators/:w/permission'), getPermission],
  ['GET', path('/repos/:o/issues'), getIssues],
  ['POST', path('/repos/:o/issues'), postIssue],
  ['GET', path('/repos/:o/issues/comments'), getRepoComments],
  ['PATCH', path('/repos/:o/issues/comments/:n'), patchComment],
  ['POST', path('/repos/:o/issues/comments/:n/reactions'), postReaction],
  ['GET', path('/repos/:o/issues/:n'), (state, call, words) => oneIssue(state, call, words, 200)],
  ['PATCH', path('/repos/:o/issues/:n'), patchIssue],
  ['GET', path('/repos/:o/issues/:n/comments'), getComments],
  ['POST', path('/repos/:o/issues/:n/comments'), postComment],
  ['GET', path('/repos/:o/issues/:n/dependencies'), getDependencies],
  ['GET', path('/repos/:o/labels'), getLabels],
  ['GET', path('/repos/:o/milestones'), getMilestones],
  ['POST', path('/repos/:o/labels'), postLabel],
  ['POST', path('/repos/:o/issues/:n/labels'), postLabels],
  ['GET', path('/repos/:o/issues/:n/timeline'), getTimeline],
  ['GET', path('/repos/:o/pulls'), getPulls],
  ['GET', path('/repos/:o/pulls/:n'), getPull],
  ['GET', path('/repos/:o/pulls/:n/files'), getFiles],
  ['GET', path('/repos/:o/pulls/:n/reviews'), getReviews],
  ['POST', path('/repos/:o/pulls/:n/reviews'), postReview],
  ['GET', path('/repos/:o/pulls/:n/reviews/:n/comments'), getReviewComments],
  ['POST', path('/repos/:o/pulls/:n/merge'), postMerge],
  ['POST', path('/repos/:o/pulls/:n/update'), postUpdate],
  ['GET', path('/repos/:o/pulls/:w/:p'), getPullByBranches],
  ['POST', path('/repos/:o/pulls'), postPull],
  ['PATCH', path('/repos/:o/pulls/:n'), patchPull],
  ['GET', path('/repos/:o/commits/:w/status'), getStatus],
  ['GET', path('/repos/:o/git/commits/:w'), getCommit],
  ['POST', path('/repos/:o/statuses/:w'), postStatus],
  ['GET', path('/repos/:o/actions/jobs/:n/logs'), getLogs, 24],
  ['GET', path('/repos/:o/actions/runs'), getRuns, 25],
  ['GET', path('/repos/:o/actions/runs/:n/jobs'), getJobs, 25],
  ['POST', path('/repos/:o/actions/runs/:n/jobs/:n/rerun'), postRerun, 26],
]

/** Answers a call of a path below `/api/v1`. */
export function answer(state: ForgeState, path: string, call: Call): Reply {
  for (const [method, pattern, handle, since] of routes) {
    const words = method === call.method ? pattern.exec(path) : null
    if (words === null || (since !== undefined && !isSince(call.version, since))) continue
    const scope = `${method === 'GET' ? 'read' : 'write'}:${/^\/repos\/[^/]+\/[^/]+\/(?:issues|labels|milestones)/.test(path) ? 'issue' : 'repository'}`
    if (path.startsWith('/repos/') && !call.scopes.includes(scope)) {
      const held = call.scopes.join(',')
      return refuse(403, `token does not have at least one of required scope(s), required=[${scope}], token scope=${held}`, call.url)
    }
    try {
      return handle(state, call, words.slice(1).map(decodeURIComponent))
    } catch (thrown) {
      if (thrown instanceof Refused) return thrown.reply
      throw thrown
    }
  }
  return refuse(404, 'not found', call.url)
}

function rowOf(state: ForgeState, call: Call, words: readonly string[]): { readonly repo: RepoRow; readonly row: IssueRow } {
  const repo = repoOf(state, call, words)
  const row = repo.items.get(Number(words[2]))
  // If issues are disabled, Gitea answers as if there were none. Pull requests stay.
  if (row === undefined || (row.pull === null && !repo.has_issues)) throw new Refused(refuse(404, 'not found', call.url))
  return { repo, row }
}

/** If the issue of a comment is missing, Gitea answers with 500. */
function commentedRow(state: ForgeState, call: Call, words: readonly string[]): ReturnType<typeof rowOf> {
  const repo = repoOf(state, call, words)
  if (repo.items.has(Number(words[2]))) return rowOf(state, call, words)
  throw new Refused(fail(`issue does not exist [id: 0, repo_id: ${repo.id}, index: ${words[2]}]`, call))
}

function getSettings(_: ForgeState, { most_items }: Call): Reply {
  return reply(200, {
    max_response_items: most_items,
    default_paging_num: 30,
    default_git_trees_per_page: 1000,
    default_max_blob_size: 10_485_760,
    default_max_response_size: 104_857_600,
  })
}

function getAssignees(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const { writers, readers } = repoOf(state, call, words)
  return reply(
    200,
    [...writers, ...readers].map((login) => userJson(login, call.url)),
  )
}

function getTeams(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const { teams } = repoOf(state, call, words)
  if (teams === null) return refuse(405, 'repo is not owned by an organization', call.url)
  return reply(
    200,
    teams.map((team, index) => teamJson(team, index + 1)),
  )
}

/** Gitea tells permissions to the repo's owner, and to everybody their own. */
function getPermission(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const repo = repoOf(state, call, words)
  const login = words[2] ?? ''
  if (call.login !== repo.owner && call.login !== login) return refuse(403, 'Only admins can query all permissions', call.url)
  const permission = login === repo.owner ? 'owner' : repo.writers.has(login) ? 'write' : 'read'
  return reply(200, { permission, role_name: permission, user: userJson(login, call.url) })
}

function getIssues(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const repo = repoOf(state, call, words)
  const { query, url } = call
  // The list is empty instead of an error if pull requests are enabled.
  if (!repo.has_issues) return pageOf([], call, (row) => row)
  const wanted = query.get('state') ?? 'open'
  const type = query.get('type')
  const since = query.has('since') ? Date.parse(query.get('since') ?? '') / 1000 : 0
  if (Number.isNaN(since)) return refuse(422, 'since is not a time', url)
  const rows = [...repo.items.values()]
    .filter((row) => wanted === 'all' || row.state === wanted)
    .filter((row) => type === null || (row.pull === null) === (type === 'issues'))
    .filter((row) => row.updated >= since)
    .toSorted((a, b) => b.created - a.created || b.id - a.id)
  return pageOf(rows, call, (row) => issueJson(repo, row, url))
}

function oneIssue(state: ForgeState, call: Call, words: readonly string[], status: number): Reply {
  const { repo, row } = rowOf(state, call, words)
  return reply(status, issueJson(repo, row, call.url))
}

function postIssue(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const repo = repoOf(state, call, words)
  mayWrite(repo, call, true)
  const title = textIn(call.body, 'title') ?? ''
  if (title === '') return refuse(422, '[Title]: Required', call.url)
  const row = state.addIssue(nameOf(repo), { title, body: textIn(call.body, 'body') ?? '', author: call.login })
  return reply(201, issueJson(repo, row, call.url))
}

function patchIssue(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const { repo, row } = rowOf(state, call, words)
  mayWrite(repo, call, row.author === call.login)
  const [title, body, wanted] = ['title', 'body', 'state'].map((key) => textIn(call.body, key))
  const next = wanted === 'open' || wanted === 'closed' ? wanted : row.state
  state.edit(nameOf(repo), row.number, { title: title ?? row.title, body: body ?? row.body, state: next })
  replaceAssignees(state, call, { repo, row })
  return oneIssue(state, call, words, 201)
}

/** Gitea ignores the assignees if the caller may not write. It removes others before it finds that a login may not be assigned. */
function replaceAssignees(state: ForgeState, call: Call, { repo, row }: ReturnType<typeof rowOf>): void {
  const given: unknown = (call.body as { readonly assignees?: unknown }).assignees
  if (!Array.isArray(given) || !repo.writers.has(call.login)) return
  const kept = [...repo.writers, ...repo.readers].filter((login) =>
    given.some((each) => String(each).toLowerCase() === login.toLowerCase()),
  )
  state.edit(nameOf(repo), row.number, { assignees: kept })
  if (kept.length < given.length) throw new Refused(fail('user does not exist [uid: 0, name: nobody]', call))
}

/** Returns the time (s) since which a call asks for comments. */
const sinceIn = ({ query }: Call) => Date.parse(query.get('since') ?? '1970-01-01') / 1000

function getComments(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const { repo, row } = commentedRow(state, call, words)
  const found = row.comments.filter(({ updated }) => updated >= sinceIn(call))
  const all = found.map((comment) => commentJson(repo, row, comment, call.url))
  return reply(200, all, all.length)
}

/** The comments of a repo have pages, unlike those of an issue. */
function getRepoComments(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const repo = repoOf(state, call, words)
  const rows = [...repo.items.values()].flatMap((row) => row.comments.map((comment) => ({ row, comment })))
  const found = rows.filter(({ comment }) => comment.updated >= sinceIn(call)).toSorted((a, b) => a.comment.id - b.comment.id)
  return pageOf(found, call, ({ row, comment }) => commentJson(repo, row, comment, call.url))
}

/** The timeline has pages, unlike the list of comments. It contains comments and pushes among other events, and counts the page alone. */
function getTimeline(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const { repo, row } = commentedRow(state, call, words)
  const label = { id: 1, type: 'label', body: '1', user: userJson(row.author, call.url), created_at: null, updated_at: null }
  const comments = row.comments.filter(({ updated }) => updated >= sinceIn(call))
  const pushes = (row.pull?.pushes ?? []).filter(({ at }) => at >= sinceIn(call))
  const bases = (row.pull?.bases ?? []).filter(({ at }) => at >= sinceIn(call))
  const events = [
    ...comments.map((comment) => timelineJson(repo, row, comment, call.url)),
    ...pushes.map((push) => pushJson(repo, row, push, call.url)),
    ...bases.map((moved) => baseJson(repo, row, moved, call.url)),
  ]
  const page = pageOf([label, ...events.toSorted((a, b) => a.id - b.id)], call, (event) => event)
  return { ...page, total: (page.json as unknown[]).length }
}

function postComment(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const { repo, row } = commentedRow(state, call, words)
  mayWrite(repo, call, true)
  if (state.blocked.get(row.author)?.has(call.login) === true) return refuse(403, 'user is blocked', call.url)
  const comment = state.addComment(nameOf(repo), row.number, call.login, textIn(call.body, 'body') ?? '')
  return reply(201, commentJson(repo, row, comment, call.url))
}

function patchComment(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const repo = repoOf(state, call, words)
  // Gitea 1.25 checks the body before it looks for the comment.
  if ((textIn(call.body, 'body') ?? '') === '') return refuse(422, '[Body]: Required', call.url)
  if (repo.archived) return refuse(423, 'repo is archived', call.url)
  for (const row of repo.items.values()) {
    const comment = row.comments.find(({ id }) => id === Number(words[2]))
    if (comment === undefined) continue
    mayWrite(repo, call, comment.author === call.login)
    if (state.blocked.get(row.author)?.has(call.login) === true) return refuse(403, 'user is blocked', call.url)
    state.editComment(comment, textIn(call.body, 'body') ?? '')
    return reply(200, commentJson(repo, row, comment, call.url))
  }
  return refuse(404, 'comment does not exist', call.url)
}
