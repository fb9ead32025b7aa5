/** Sends requests to a forge's API under one policy: limits, retries, circuit breaker, redirects and the token. */
import type { ErrorCode } from '../core/error-codes.ts'
import type { LogTail } from '../core/change-state.ts'
import type { Clock } from '../core/ports.ts'
import type { Http, HttpAnswer, HttpOptions, HttpRequest } from './http.ts'
import { BurnError } from '../core/errors.ts'
import { refusalScope } from '../decide/backoff.ts'
import { redactor } from '../host/redact.ts'
import { jsonOf, apiFailureOf, tailOf, type ApiTraits, type ApiFailure } from './answers.ts'
import { openHttp } from './http.ts'
import { circuitBreaker } from './circuit-breaker.ts'
import { concurrencyLimiter, rateLimiter } from './rate-limit.ts'

/** Limits for one request. */
export interface RequestBudget {
  /** The maximum time for one attempt (ms). */
  readonly request_ms: number
  /** The maximum time for all attempts together, with the pauses between them (ms). */
  readonly total_ms: number
  readonly attempts: number
  /** The first pause between attempts (ms). Each further pause is twice as long. */
  readonly backoff_ms: number
  /** The maximum number of concurrent requests. */
  readonly at_once: number
  readonly max_bytes: number
}

const defaults: RequestBudget = {
  request_ms: 15_000,
  total_ms: 45_000,
  attempts: 4,
  backoff_ms: 400,
  at_once: 16,
  max_bytes: 32 * 1024 * 1024,
}
const maxRedirects = 3
/** The errors after which burn reads token and headers again. An authenticating proxy redirects an old header to its login page. */
const refusals: readonly ErrorCode[] = ['forge_auth', 'forge_forbidden', 'forge_redirected']

/** The address, token and limits of an API. */
export interface ApiOptions extends Omit<HttpOptions, 'sockets'> {
  readonly traits: ApiTraits
  /** The address that all paths begin with, e.g. `https://forge.example.com/api/v1`. */
  readonly base: string
  readonly token: () => Promise<string>
  /** Returns further headers of each request, such as those of an authenticating proxy. Their values are secrets. */
  readonly headers?: () => Promise<Readonly<Record<string, string>>>
  readonly clock: Clock
  /** Returns a number in [0, 1). */
  readonly random: () => number
  readonly budget?: Partial<RequestBudget>
  /** The maximum number of requests a minute; null or undefined for no limit. */
  readonly requests_per_minute?: number | null
  /** Is called with the time (ms) that a request waits because of `requests_per_minute`. */
  readonly onWait?: (ms: number) => void
}

/** The content of a successful answer, with its paging headers. */
export interface ApiAnswer {
  /** The JSON; null if the answer has no content. */
  readonly json: unknown
  /** The end of the text, if the request asked for it. */
  readonly tail?: LogTail
  /** The header `x-total-count`; null if it is missing. */
  readonly total: number | null
  /** True if the `Link` header names a next page; null if there is no such header. */
  readonly more: boolean | null
  /** The server's clock when it answered (ms); null if the server did not send it. */
  readonly date: number | null
}

type Method = HttpRequest['method']
type Query = Readonly<Record<string, string | number>>

/** The content of a request, and the limit (bytes) of its answer. */
interface RequestContent {
  readonly query: Query
  readonly body: unknown
  readonly max_bytes: number
  /** If set, the request asks for the end of a text file. */
  readonly tail_bytes?: number | undefined
}

const emptyRequest: RequestContent = { query: {}, body: undefined, max_bytes: Infinity }

/** The requests that an opened API offers. */
export interface Api {
  /** Sends a GET. Refuses an answer with more bytes than `max_bytes` or the limit of the budget, whichever is lower. */
  get(path: string, query?: Query, max_bytes?: number): Promise<ApiAnswer>
  /** Runs at most one task at a time. Use it for tasks that need much memory. */
  runExclusive<T>(task: () => Promise<T>): Promise<T>
  /** Sends a PATCH. The change must be idempotent, because burn retries a PATCH like a GET. */
  patch(path: string, body: unknown): Promise<ApiAnswer>
  /** Returns the end of a text file, at most `max_bytes`. The server need not support ranges. */
  tail(path: string, max_bytes: number): Promise<LogTail>
  /** Sends a POST, and never retries it. */
  post(path: string, body: unknown): Promise<ApiAnswer>
  /** The query parameter that sets the number of items on a page. */
  readonly page_size: string
  /** Returns the number of requests sent so far. Each attempt counts. */
  requests(): number
}

/** Opens an API. Its methods throw BurnError `forge_*`. The token is in the header `Authorization`, and never in an error or a URL. */
export function openApi(options: ApiOptions): Api {
  const { base, traits, clock, random, budget, requests_per_minute = null, onWait = () => {} } = options
  const limits = { ...defaults, ...budget }
  const limited = concurrencyLimiter(limits.at_once)
  const guarded = circuitBreaker(new URL(base).host, clock, random, () => isReachable(send('GET', '/user', emptyRequest, true)))
  const paced = rateLimiter(requests_per_minute, clock, onWait)
  const credentials = cacheCredentials(options)
  const { http, requests } = countRequests(openHttp({ ...options, sockets: limits.at_once }))

  async function attempt(request: HttpRequest, what: string): Promise<ApiAnswer | ApiFailure> {
    try {
      const answer = await followRedirects(http, request)
      const failure = apiFailureOf(answer, what, clock.now(), traits)
      if (failure !== null) return failure
      const parsed = request.tail_bytes === undefined ? contentOf(answer, request, what, traits) : tailOf(answer, what, traits)
      return 'error' in parsed ? parsed : { json: null, ...parsed, ...pagingOf(answer) }
    } catch (thrown) {
      if (!(thrown instanceof BurnError)) throw thrown
      return { error: thrown, retryable: thrown.code === 'forge_timeout' || thrown.code === 'forge_unavailable', retry_after_ms: null }
    }
  }

  /** Sends a request with its retries. A probe of the circuit breaker is not retried. */
  async function send(method: Method, path: string, content: RequestContent, isProbe: boolean): Promise<ApiAnswer> {
    const { query, body, tail_bytes } = content
    const url = urlOf(`${base}${path}`, query)
    const what = `${method} ${base}${path}`
    const payload = body === undefined ? null : JSON.stringify(body)
    const max_bytes = Math.min(content.max_bytes, limits.max_bytes)
    await paced()
    const end = clock.now() + limits.total_ms
    for (let attempts = 1; ; attempts++) {
      if (attempts > 1) await paced()
      const { headers, secrets } = await credentials.read()
      const result = await limited(() => {
        const timeout_ms = Math.max(1, Math.min(limits.request_ms, end - clock.now()))
        return attempt({ method, url, headers, body: payload, timeout_ms, max_bytes, tail_bytes }, what)
      })
      if (!('error' in result)) return result
      if (refusals.includes(result.error.code)) credentials.forget()
      const pause = Math.max(result.retry_after_ms ?? 0, limits.backoff_ms * 2 ** (attempts - 1) * (0.5 + random() / 2))
      const mayRetry = result.retryable && !isProbe && method !== 'POST' && attempts < limits.attempts && clock.now() + pause < end
      if (!mayRetry) throw withoutSecrets(result.error, secrets)
      await clock.sleep(pause)
    }
  }

  return {
    get: (path, query = {}, max_bytes = Infinity) => guarded((probe) => send('GET', path, { ...emptyRequest, query, max_bytes }, probe)),
    patch: (path, body) => guarded((isProbe) => send('PATCH', path, { ...emptyRequest, body }, isProbe)),
    post: (path, body) => guarded((isProbe) => send('POST', path, { ...emptyRequest, body }, isProbe)),
    tail: async (path, tail_bytes) =>
      (await guarded((isProbe) => send('GET', path, { ...emptyRequest, tail_bytes }, isProbe))).tail ?? { text: '', truncated: false },
    runExclusive: concurrencyLimiter(1),
    page_size: traits.page_size,
    requests,
  }
}

/** Returns a client that counts its requests. */
function countRequests(send: Http): { readonly http: Http; readonly requests: () => number } {
  let count = 0
  const http: Http = (request) => {
    count++
    return send(request)
  }
  return { http, requests: () => count }
}

function urlOf(address: string, query: Query): URL {
  const url = new URL(address)
  for (const [key, value] of Object.entries(query)) url.searchParams.set(key, String(value))
  return url
}

/** Returns the JSON of an answer. Some writes have an answer without content, such as a merge of Gitea. */
function contentOf(answer: HttpAnswer, { method }: HttpRequest, what: string, traits: ApiTraits): { readonly json: unknown } | ApiFailure {
  const isEmpty = answer.status === 204 || (method === 'POST' && answer.body === '')
  return isEmpty ? { json: null } : jsonOf(answer, what, traits)
}

/** Returns true if the forge answers the request, even with a refusal. */
async function isReachable(request: Promise<unknown>): Promise<boolean> {
  try {
    await request
    return true
  } catch (thrown) {
    return thrown instanceof BurnError && refusalScope(thrown.code) !== 'forge' && thrown.code !== 'forge_failed'
  }
}

/** Returns the answer of a request; null if the request fails with the given error code. Throws every other error. */
export async function nullOnCode<T>(code: ErrorCode, answer: Promise<T>): Promise<T | null> {
  try {
    return await answer
  } catch (thrown) {
    if (thrown instanceof BurnError && thrown.code === code) return null
    throw thrown
  }
}

/** The headers of a request, with the token. `secrets` has the values that no error may contain. */
interface Credentials {
  readonly headers: Readonly<Record<string, string>>
  readonly secrets: readonly string[]
}

/**
 * Returns a cache for the token and the headers. It reads them again after the forge refused the cached ones, because somebody may have
 * replaced them.
 */
function cacheCredentials({ token, headers }: Pick<ApiOptions, 'token' | 'headers'>): { read(): Promise<Credentials>; forget(): void } {
  let cached: Promise<Credentials> | null = null
  const read = async () => {
    const value = (await token()).trim()
    const more = (await headers?.()) ?? {}
    const all = { ...more, accept: 'application/json', 'user-agent': 'burn', authorization: `token ${value}` }
    if (/^[\x21-\x7e]+$/.test(value)) return { headers: all, secrets: [value, ...Object.values(more)] }
    throw new BurnError(
      'forge_auth',
      'the token is empty, or contains characters that are not allowed in a token',
      'put only the token, on one line, into the place that forge.token names',
    )
  }
  const forget = () => {
    cached = null
  }
  return {
    forget,
    read: () => {
      cached ??= read()
      cached.catch(forget)
      return cached
    },
  }
}

/**
 * Sends a request, and follows the redirects with which a forge answers for a renamed repo. burn sends the token only to the forge's own
 * origin.
 */
async function followRedirects(http: Http, request: HttpRequest): Promise<HttpAnswer> {
  let url: URL = request.url
  for (let hops = 0; ; hops++) {
    const answer = await http({ ...request, url })
    const { location } = answer.headers
    if (answer.status < 300 || answer.status >= 400 || location === undefined) return answer
    const next: URL | null = URL.canParse(location, url.href) ? new URL(location, url) : null
    // The forge has not carried out a redirected write, so burn repeats the write at the new address. Only status 303 means that the forge
    // has carried out the write.
    const isRepeatable = request.method === 'GET' || answer.status !== 303
    if (next?.origin !== url.origin || !isRepeatable || hops === maxRedirects) throw redirectError(url, next)
    url = next
  }
}

function pagingOf({ headers }: HttpAnswer): Omit<ApiAnswer, 'json' | 'tail'> {
  const total = headers['x-total-count']
  const date = Date.parse(headers.date ?? '')
  return {
    total: typeof total === 'string' && /^\d{1,12}$/.test(total) ? Number(total) : null,
    more: headers['link'] === undefined ? null : /;\s*rel="?next"?/.test(String(headers['link'])),
    date: Number.isNaN(date) ? null : date,
  }
}

function redirectError(from: URL, to: URL | null): BurnError {
  const target = to === null ? 'nowhere' : to.origin
  return new BurnError(
    'forge_redirected',
    `${from.host} redirects to ${target}, which burn does not follow`,
    'burn sends the token to forge.url only: if the forge has moved, set forge.url to the new address; if this is a login page, check forge.headers',
  )
}

/** Returns the error without secrets, because a server's answer may repeat the request. */
function withoutSecrets(error: BurnError, secrets: readonly string[]): BurnError {
  if (!secrets.some((secret) => error.message.includes(secret))) return error
  return new BurnError(error.code, redactor(secrets)(error.message), error.hint, { exit: error.exit })
}
