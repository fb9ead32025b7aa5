/** Imitates Gitea with a small real HTTP server. It checks every exchange against Gitea's description of its API, and fails on request. */
import type { AddressInfo } from 'node:net'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import type { RepoSeed } from './state.ts'
import type { GiteaVersion, Reply } from './calls.ts'
import { openConformance, type Conformance } from './conformance.ts'
import { isGitPath, serveGit } from './git.ts'
import { sendFile } from './files.ts'
import { answer } from './routes.ts'
import { ForgeState } from './state.ts'
import { answerInstead, nextTrouble, type PlannedTrouble, type Trouble } from './troubles.ts'

/** The content of the stand-in, and how it behaves. */
export interface GiteaStandInOptions {
  readonly repos?: readonly RepoSeed[]
  /** Logins by token. By default, `stand-in-token` belongs to `burn`. */
  readonly tokens?: Readonly<Record<string, string>>
  /** The maximum number of items on a page; Gitea's default is 50. */
  readonly most_items?: number
  /** If false, lists have a count, but no link to the next page. */
  readonly links?: boolean
  /** The logins that administer the server. */
  readonly admins?: readonly string[]
  /** The scopes of tokens that lack some of them. Other tokens have all scopes. */
  readonly scopes?: Readonly<Record<string, readonly string[]>>
  /** Whether exchanges are checked; `false` for benchmarks. A loaded conformance check saves the time of loading it. */
  readonly check?: boolean | Conformance
  /** The minimum time of every answer (ms). */
  readonly latency?: number
  readonly port?: number
  /** The folder of the bare repositories `<owner>/<name>.git`, which are then served over HTTP. Without it, branches are not checked. */
  readonly git?: string
  readonly now?: () => number
  /** Called with each request of the API after the stand-in made its answer, and before it sends the answer. */
  readonly onAnswer?: (method: string, path: string, status: number) => void
  /** The version that the server imitates; Gitea 1.25 by default. */
  readonly version?: GiteaVersion
}

/** A request, as the stand-in received it. */
export interface LoggedRequest {
  readonly method: string
  /** Path and query, as received. */
  readonly target: string
  readonly authorization: string | null
  readonly body: unknown
}

/** A running stand-in. */
export interface GiteaStandIn extends AsyncDisposable {
  /** The value for forge.url. */
  readonly url: string
  readonly token: string
  readonly state: ForgeState
  readonly log: LoggedRequest[]
  /** The exchanges that do not match Gitea's description. */
  readonly violations: string[]
  /** False if Gitea's description is not on this machine, so nothing was checked. */
  readonly checked: boolean
  /** Makes requests fail whose `METHOD /path?query` matches; at most the first `times`. */
  trouble(trouble: Trouble, on?: RegExp, times?: number): void
  calm(): void
  close(): Promise<void>
}

const prefix = '/api/v1'
const allScopes = ['read:issue', 'write:issue', 'read:repository', 'write:repository']

/** Starts a stand-in. */
export async function startGitea(options: GiteaStandInOptions = {}): Promise<GiteaStandIn> {
  const state = new ForgeState(options.now ?? (() => Date.now()), options.git ?? null)
  for (const repo of options.repos ?? []) state.addRepo(repo)
  const tokens = new Map(Object.entries(options.tokens ?? { 'stand-in-token': 'burn' }))
  const { check = true } = options
  const conformance = typeof check === 'function' ? check : check ? openConformance() : null
  const planned: PlannedTrouble[] = []
  const log: LoggedRequest[] = []
  const violations: string[] = []
  let url = ''

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? 'GET'
    const target = request.url ?? '/'
    const newest = state.lastId
    const { pathname, searchParams: query } = new URL(target, url)
    const git = isGitPath(pathname)
    if (options.now !== undefined) response.setHeader('date', new Date(options.now()).toUTCString())
    const body = git ? null : await readJson(request)
    log.push({ method, target, authorization: request.headers.authorization ?? null, body })
    if (options.latency !== undefined) await wait(options.latency)
    const trouble = nextTrouble(planned, `${method} ${target}`)
    if (trouble !== null && answerInstead(trouble, response)) return
    const login = tokens.get(tokenIn(request)) ?? null
    const { most_items = 50, links = true, version = '1.25.2' } = options
    const scopes = options.scopes?.[tokenIn(request)] ?? allScopes
    if (git) return serveGit({ state, login, scopes, trouble }, request, response)
    if (trouble?.kind === 'unpaged') query.delete('page')
    const path = pathname.startsWith(prefix) ? pathname.slice(prefix.length) : null
    const admin = login !== null && options.admins?.includes(login) === true
    const reply = replyTo(path, login, () =>
      answer(state, path ?? '', { method, query, body, login: login ?? '', admin, scopes, most_items, url, newest, version }),
    )
    if (conformance !== null && path !== null && login !== null && reply.undescribed !== true) {
      violations.push(...conformance({ method, path, query, body, status: reply.status, answer: reply.json }))
    }
    if (path !== null) options.onAnswer?.(method, path, reply.status)
    if (trouble?.kind === 'slow') await wait(trouble.ms)
    if (reply.file !== undefined && trouble?.kind !== 'lost_answer')
      return sendFile(response, reply.file, trouble?.kind === 'no_ranges' ? null : (request.headers.range ?? null))
    send(response, reply, trouble, { asked: new URL(target, url), most_items, links })
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((thrown: unknown) => {
      violations.push(`the stand-in failed: ${String(thrown)}`)
      response.destroy()
    })
  })
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = () =>
    new Promise<void>((resolve) => {
      // A client in this process learns of the end one turn of the event loop later.
      server.close(() => setImmediate(resolve))
      server.closeAllConnections()
    })
  return {
    url,
    token: [...tokens.keys()][0] ?? '',
    state,
    log,
    violations,
    checked: conformance !== null,
    trouble: (trouble, on = /^/, times = Infinity) => void planned.push({ trouble, on, times }),
    calm: () => void planned.splice(0),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function replyTo(path: string | null, login: string | null, answerIt: () => Reply): Reply {
  if (path === null) return { status: 404, json: { message: 'not found' }, total: null }
  if (login === null) return { status: 401, json: { message: 'invalid username, password or token' }, total: null }
  return answerIt()
}

/** Returns the token, which comes as `token …`, as `Bearer …`, or as the password that curl takes from ~/.netrc. */
function tokenIn({ headers }: IncomingMessage): string {
  const [scheme = '', value = ''] = (headers.authorization ?? '').split(' ')
  if (scheme.toLowerCase() !== 'basic') return value
  const pair = Buffer.from(value, 'base64').toString('utf8')
  return pair.slice(pair.indexOf(':') + 1)
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString('utf8')
  return text === '' ? null : (JSON.parse(text) as unknown)
}

interface Request {
  readonly asked: URL
  readonly most_items: number
  readonly links: boolean
}

function send(response: ServerResponse, reply: Reply, trouble: Trouble | null, request: Request): void {
  const { asked } = request
  if (trouble?.kind === 'lost_answer') return void response.destroy()
  if (reply.location !== undefined) {
    const moved = asked.pathname.replace(/\/repos\/[^/]+\/[^/]+/, `/repos/${reply.location}`)
    response.writeHead(reply.status, { location: `${moved}${asked.search}` })
    return void response.end()
  }
  if (trouble?.kind === 'failed_answer') {
    response.writeHead(trouble.status, { 'content-type': 'application/json;charset=utf-8' })
    return void response.end(JSON.stringify({ message: 'trouble', url: '' }))
  }
  if (reply.empty === true && trouble === null) return void response.writeHead(reply.status).end()
  const json = trouble?.kind === 'changed' ? trouble.change(reply.json) : reply.json
  const text = JSON.stringify(json)
  response.writeHead(reply.status, { 'content-type': 'application/json;charset=utf-8', ...pagingHeaders(reply, trouble, request) })
  if (trouble?.kind !== 'cut') return void response.end(text)
  response.write(text.slice(0, text.length >> 1), () => (trouble.hang_up === true ? response.destroy() : response.end()))
}

function pagingHeaders({ total }: Reply, trouble: Trouble | null, { asked, most_items, links }: Request): Record<string, string> {
  if (total === null || trouble?.kind === 'unpaged' || (trouble?.kind === 'uncounted' && trouble.link !== true)) return {}
  const counted: Record<string, string> = trouble?.kind === 'uncounted' ? {} : { 'x-total-count': String(total) }
  const [page, limit] = [Number(asked.searchParams.get('page') ?? 1), Number(asked.searchParams.get('limit') ?? total)]
  if (!links || page * Math.min(most_items, limit) >= total) return counted
  const next = new URL(asked)
  next.searchParams.set('page', String(page + 1))
  return { ...counted, link: `<${next.href}>; rel="next"` }
}
