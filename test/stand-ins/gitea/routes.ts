/** The part of Gitea's API that burn and its agents use, with Gitea's answers. */
import type { ForgeState, IssueRow, RepoRow } from './state.ts'
import { Refused, mayWrite, nameOf, pageOf, refuse, reply, repoOf, textIn, type Call, type Handler, type Reply } from './calls.ts'
import { branchIn } from './git.ts'
import { commentJson, issueJson, repoJson, teamJson, timelineJson, userJson } from './json.ts'
import { getLabels, postLabel, postLabels } from './labels.ts'
import { getPullByBranches, getPulls, patchPull, postPull } from './pulls.ts'

const routes: readonly (readonly [string, RegExp, Handler])[] = [
  ['GET', /^\/version$/, () => reply(200, { version: '1.24.0' })],
  [
    'GET',
    /^\/settings\/api$/,
    (_, { most_items }) =>
      reply(200, {
        max_response_items: most_items,
        default_paging_num: 30,
        default_git_trees_per_page: 1000,
        default_max_blob_size: 10_485_760,
        default_max_response_size: 104_857_600,
      }),
  ],
  ['GET', /^\/user$/, (_, { login, url }) => reply(200, userJson(login, url))],
  ['GET', /^\/repos\/([^/]+)\/([^/]+)$/, (state, call, words) => reply(200, repoJson(repoOf(state, call, words), call.login, call.url))],
  ['GET', /^\/repos\/([^/]+)\/([^/]+)\/assignees$/, getAssignees],
  ['GET', /^\/repos\/([^/]+)\/([^/]+)\/branches\/(.+)$/, getBranch],
  ['GET', /^\/repos\/([^/]+)\/([^/]+)\/teams$/, getTeams],
  ['GET', /^\/repos\/([^/]+)\/([^/]+)\/collaborators\/([^/]+)\/permission$/, getPermission],
  ['GET', /^\/repos\/([^/]+)\/([^/]+)\/issues$/, getIssues],
  ['POST', /^\/repos\/([^/]+)\/([^/]+)\/issues$/, postIssue],
  ['PATCH', /^\/repos\/([^/]+)\/([^/]+)\/issues\/comments\/(\d+)$/, patchComment],
  ['GET', /^\/repos\/([^/]+)\/([^/]+)\/issues\/(\d+)$/, (state, call, words) => oneIssue(state, call, words, 200)],
  ['PATCH', /^\/repos\/([^/]+)\/([^/]+)\/issues\/(\d+)$/, patchIssue],
  ['GET', /^\/repos\/([^/]+)\/([^/]+)\/issues\/(\d+)\/comments$/, getComments],
  ['POST', /^\/repos\/([^/]+)\/([^/]+)\/issues\/(\d+)\/comments$/, postComment],
  ['GET', /^\/repos\/([^/]+)\/([^/]+)\/labels$/, getLabels],
  ['POST', /^\/repos\/([^/]+)\/([^/]+)\/labels$/, postLabel],
  ['POST', /^\/repos\/([^/]+)\/([^/]+)\/issues\/(\d+)\/labels$/, postLabels],
  ['GET', /^\/repos\/([^/]+)\/([^/]+)\/issues\/(\d+)\/timeline$/, getTimeline],
  ['GET', /^\/repos\/([^/]+)\/([^/]+)\/pulls$/, getPulls],
  ['GET', /^\/repos\/([^/]+)\/([^/]+)\/pulls\/([^/]+)\/(.+)$/, getPullByBranches],
  ['POST', /^\/repos\/([^/]+)\/([^/]+)\/pulls$/, postPull],
  ['PATCH', /^\/repos\/([^/]+)\/([^/]+)\/pulls\/(\d+)$/, patchPull],
]

/** Answers a call of a path below `/api/v1`. */
export function answer(state: ForgeState, path: string, call: Call): Reply {
  for (const [method, pattern, handle] of routes) {
    const words = method === call.method ? pattern.exec(path) : null
    if (words === null) continue
    const scope = `${method === 'GET' ? 'read' : 'write'}:${/^\/repos\/[^/]+\/[^/]+\/(?:issues|labels)/.test(path) ? 'issue' : 'repository'}`
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

/** If the issue of a comment is missing, Gitea answers with 500, and only administrators get a message. */
function commentedRow(state: ForgeState, call: Call, words: readonly string[]): ReturnType<typeof rowOf> {
  const repo = repoOf(state, call, words)
  if (repo.items.has(Number(words[2]))) return rowOf(state, call, words)
  throw new Refused(refuse(500, '', call.url))
}

function getAssignees(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const { writers, readers } = repoOf(state, call, words)
  return reply(
    200,
    [...writers, ...readers].map((login) => userJson(login, call.url)),
  )
}

function getBranch(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const repo = repoOf(state, call, words)
  const [, , name = ''] = words
  const bare = state.bareOf(nameOf(repo))
  const id = bare === null ? (name === repo.default_branch ? '0'.repeat(40) : null) : branchIn(bare, name)
  if (id === null) return refuse(404, "The target couldn't be found.", call.url)
  return reply(200, { name, commit: { id }, protected: false, user_can_push: repo.writers.has(call.login) })
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
  if (kept.length < given.length) throw new Refused(refuse(500, '', call.url))
}

function getComments(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const { repo, row } = commentedRow(state, call, words)
  const all = row.comments.map((comment) => commentJson(repo, row, comment, call.url))
  return reply(200, all, all.length)
}

/** The timeline has pages, unlike the list of comments. It contains the comments among other events, here a label. */
function getTimeline(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const { repo, row } = commentedRow(state, call, words)
  const label = { id: 1, type: 'label', body: '1', user: userJson(row.author, call.url), created_at: null, updated_at: null }
  const events = [label, ...row.comments.map((comment) => timelineJson(repo, row, comment, call.url))]
  return pageOf(events, call, (event) => event)
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
