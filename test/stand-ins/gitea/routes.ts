/** The part of Gitea's API that the product and its agents use, as Gitea answers it. */
import type { ForgeState, IssueRow, RepoRow } from './state.ts'
import { commentJson, issueJson, pullJson, repoJson, userJson } from './json.ts'

export interface Call {
  readonly method: string
  readonly query: URLSearchParams
  readonly body: unknown
  /** Who asks. */
  readonly login: string
  /** The forge's own address. */
  readonly url: string
}

export interface Reply {
  readonly status: number
  readonly json: unknown
  /** How many a list has in all; null where it is not a list by pages. */
  readonly total: number | null
  readonly location?: string
}

type Handler = (state: ForgeState, call: Call, words: readonly string[]) => Reply

const mostItems = 50
const usualItems = 30

const reply = (status: number, json: unknown, total: number | null = null): Reply => ({ status, json, total })
const refuse = (status: number, message: string, url: string) => reply(status, { message, url: `${url}/api/swagger` })

/** Thrown by handlers: ends the call with that answer. */
class Refused extends Error {
  readonly reply: Reply

  constructor(answer: Reply) {
    super(`answered with ${answer.status}`)
    this.reply = answer
  }
}

const routes: readonly (readonly [string, RegExp, Handler])[] = [
  ['GET', /^\/version$/, () => reply(200, { version: '1.24.0' })],
  ['GET', /^\/user$/, (_, { login, url }) => reply(200, userJson(login, url))],
  ['GET', /^\/repos\/([^/]+)\/([^/]+)$/, (state, call, words) => reply(200, repoJson(repoOf(state, call, words), call.login, call.url))],
  ['GET', /^\/repos\/([^/]+)\/([^/]+)\/assignees$/, getAssignees],
  ['GET', /^\/repos\/([^/]+)\/([^/]+)\/collaborators\/([^/]+)\/permission$/, getPermission],
  ['GET', /^\/repos\/([^/]+)\/([^/]+)\/issues$/, getIssues],
  ['POST', /^\/repos\/([^/]+)\/([^/]+)\/issues$/, postIssue],
  ['PATCH', /^\/repos\/([^/]+)\/([^/]+)\/issues\/comments\/(\d+)$/, patchComment],
  ['GET', /^\/repos\/([^/]+)\/([^/]+)\/issues\/(\d+)$/, (state, call, words) => oneIssue(state, call, words, 200)],
  ['PATCH', /^\/repos\/([^/]+)\/([^/]+)\/issues\/(\d+)$/, patchIssue],
  ['GET', /^\/repos\/([^/]+)\/([^/]+)\/issues\/(\d+)\/comments$/, getComments],
  ['POST', /^\/repos\/([^/]+)\/([^/]+)\/issues\/(\d+)\/comments$/, postComment],
  ['GET', /^\/repos\/([^/]+)\/([^/]+)\/pulls$/, getPulls],
  ['POST', /^\/repos\/([^/]+)\/([^/]+)\/pulls$/, postPull],
]

/** Answers a call on a path below `/api/v1`. */
export function answer(state: ForgeState, path: string, call: Call): Reply {
  for (const [method, pattern, handle] of routes) {
    const words = method === call.method ? pattern.exec(path) : null
    if (words === null) continue
    try {
      return handle(state, call, words.slice(1).map(decodeURIComponent))
    } catch (thrown) {
      if (thrown instanceof Refused) return thrown.reply
      throw thrown
    }
  }
  return refuse(404, 'not found', call.url)
}

function repoOf(state: ForgeState, { url }: Call, [owner = '', name = '']: readonly string[]): RepoRow {
  const full = `${owner}/${name}`
  const repo = state.repos.get(full.toLowerCase())
  if (repo !== undefined) return repo
  const renamed = state.renamed.get(full.toLowerCase())
  if (renamed === undefined) throw new Refused(refuse(404, "The target couldn't be found.", url))
  throw new Refused({ ...reply(301, null), location: renamed })
}

function rowOf(state: ForgeState, call: Call, words: readonly string[]): { readonly repo: RepoRow; readonly row: IssueRow } {
  const repo = repoOf(state, call, words)
  const row = repo.items.get(Number(words[2]))
  if (row === undefined) throw new Refused(refuse(404, 'not found', call.url))
  return { repo, row }
}

/** Gitea calls it its own failure where the issue of a comment is missing. */
function commentedRow(state: ForgeState, call: Call, words: readonly string[]): ReturnType<typeof rowOf> {
  const repo = repoOf(state, call, words)
  if (repo.items.has(Number(words[2]))) return rowOf(state, call, words)
  throw new Refused(refuse(500, `issue does not exist [id: 0, repo_id: ${repo.id}, index: ${words[2]}]`, call.url))
}

function mayWrite(repo: RepoRow, { login, url }: Call, own: boolean): void {
  if (repo.archived) throw new Refused(refuse(423, 'repo is archived', url))
  if (!own && !repo.writers.has(login)) throw new Refused(refuse(403, 'user should have permission to write', url))
}

const nameOf = (repo: RepoRow) => `${repo.owner}/${repo.name}`

function textIn(body: unknown, key: string): string | undefined {
  const value = (body as Record<string, unknown> | null)?.[key]
  return typeof value === 'string' ? value : undefined
}

function pageOf<T>(items: readonly T[], { query }: Call, toJson: (item: T) => unknown): Reply {
  const limit = Math.min(mostItems, Number(query.get('limit') ?? usualItems))
  const from = (Math.max(1, Number(query.get('page') ?? 1)) - 1) * limit
  return reply(200, items.slice(from, from + limit).map(toJson), items.length)
}

function getAssignees(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const { writers, readers } = repoOf(state, call, words)
  return reply(
    200,
    [...writers, ...readers].map((login) => userJson(login, call.url)),
  )
}

/** Told to the repo's owner, and to everybody of themselves. */
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
  return oneIssue(state, call, words, 201)
}

function getComments(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const { repo, row } = commentedRow(state, call, words)
  const all = row.comments.map((comment) => commentJson(repo, row, comment, call.url))
  return reply(200, all, all.length)
}

function postComment(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const { repo, row } = commentedRow(state, call, words)
  mayWrite(repo, call, true)
  const comment = state.addComment(nameOf(repo), row.number, call.login, textIn(call.body, 'body') ?? '')
  return reply(201, commentJson(repo, row, comment, call.url))
}

function patchComment(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const repo = repoOf(state, call, words)
  for (const row of repo.items.values()) {
    const comment = row.comments.find(({ id }) => id === Number(words[2]))
    if (comment === undefined) continue
    mayWrite(repo, call, comment.author === call.login)
    state.editComment(comment, textIn(call.body, 'body') ?? '')
    return reply(200, commentJson(repo, row, comment, call.url))
  }
  return refuse(404, 'comment does not exist', call.url)
}

function getPulls(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const repo = repoOf(state, call, words)
  const wanted = call.query.get('state') ?? 'open'
  const byTime = call.query.get('sort') === 'recentupdate' ? (row: IssueRow) => row.updated : (row: IssueRow) => row.created
  const rows = [...repo.items.values()]
    .filter((row) => row.pull !== null && (wanted === 'all' || row.state === wanted))
    .toSorted((a, b) => byTime(b) - byTime(a) || b.id - a.id)
  return pageOf(rows, call, (row) => pullJson(repo, row, state.repos.get(row.pull?.from.toLowerCase() ?? '') ?? null, call.url))
}

/** A head is a branch here, or `owner:branch` in that owner's fork of the same name. */
function postPull(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const repo = repoOf(state, call, words)
  const [title, body, head, base] = ['title', 'body', 'head', 'base'].map((key) => textIn(call.body, key))
  if (title === undefined || head === undefined || base === undefined) return refuse(422, 'title, head and base are required', call.url)
  const [branch = '', owner] = head.split(':').toReversed()
  const from = owner === undefined ? nameOf(repo) : `${owner}/${repo.name}`
  mayWrite(repo, call, owner === call.login)
  const taken = [...repo.items.values()].some((row) => row.state === 'open' && row.pull?.branch === branch && row.pull.from === from)
  if (taken) return refuse(409, 'pull request already exists for these targets', call.url)
  const row = state.addPull(nameOf(repo), { title, body: body ?? '', branch, base, from, author: call.login })
  return reply(201, pullJson(repo, row, state.repos.get(from.toLowerCase()) ?? null, call.url))
}
