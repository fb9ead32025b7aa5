/** Requests to a forge's API under one policy: who may be asked, how often, how long, and with which secret. */
import type { ErrorCode } from '../core/error-codes.ts'
import type { Clock } from '../core/ports.ts'
import type { Http, HttpAnswer, HttpRequest } from './http.ts'
import { BurnError } from '../core/errors.ts'
import { refusalScope } from '../decide/backoff.ts'
import { jsonOf, apiFailureOf, type ApiTraits, type ApiFailure } from './answers.ts'
import { openHttp } from './http.ts'
import { circuitBreaker } from './circuit-breaker.ts'
import { concurrencyLimiter, rateLimiter } from './rate-limit.ts'

/** Limits on what one request may cost. */
export interface RequestBudget {
  /** Milliseconds for one attempt. */
  readonly request_ms: number
  /** Milliseconds for all attempts together, pauses included. */
  readonly total_ms: number
  readonly attempts: number
  /** The first pause between attempts, milliseconds; it doubles. */
  readonly backoff_ms: number
  /** Requests under way at once. */
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
const mostRedirects = 3

export interface ApiOptions {
  readonly traits: ApiTraits
  /** Where paths start, e.g. `https://forge.example.com/api/v1`. */
  readonly base: string
  readonly token: () => Promise<string>
  readonly clock: Clock
  /** A number in [0, 1). */
  readonly random: () => number
  readonly budget?: Partial<RequestBudget>
  /** Requests a minute; null or missing: as many as there are. */
  readonly requests_per_minute?: number | null
  /** Hears how long (ms) a request waits for that. */
  readonly onWait?: (ms: number) => void
}

export interface ApiAnswer {
  readonly json: unknown
  /** `x-total-count`; null where it is missing. */
  readonly total: number | null
  /** The `Link` header names a next page. */
  readonly more: boolean
  /** The server's clock when it answered, milliseconds; null where it did not say. */
  readonly date: number | null
}

type Query = Readonly<Record<string, string | number>>

/** What is sent, and how much of an answer is read. */
interface Asked {
  readonly query: Query
  readonly body: unknown
  readonly max_bytes: number
}

const plain: Asked = { query: {}, body: undefined, max_bytes: Infinity }

export interface Api {
  /** `max_bytes`: the answer is not read beyond it, nor beyond the budget's. */
  get(path: string, query?: Query, max_bytes?: number): Promise<ApiAnswer>
  /** Runs one task at a time: for those that hold much in memory. */
  runExclusive<T>(task: () => Promise<T>): Promise<T>
  /** Must be idempotent: it is tried again like a GET. */
  patch(path: string, body: unknown): Promise<ApiAnswer>
  /** Never tried again. */
  post(path: string, body: unknown): Promise<ApiAnswer>
  /** The parameter that says how many items a page has. */
  readonly page_size: string
  /** Attempts so far. */
  requests(): number
}

/** Throws BurnError `forge_*` from every method; no error, URL or header but Authorization holds the token. */
export function openApi({ base, traits, token, clock, random, budget, requests_per_minute = null, onWait = () => {} }: ApiOptions): Api {
  const limits = { ...defaults, ...budget }
  const limited = concurrencyLimiter(limits.at_once)
  const guarded = circuitBreaker(new URL(base).host, clock, random, () => isReachable(send('GET', '/user', plain, true)))
  const paced = rateLimiter(requests_per_minute, clock, onWait)
  const secret = keepSecret(token)
  const http = openHttp(limits.at_once)
  let requests = 0
  const counted: Http = (request) => {
    requests++
    return http(request)
  }

  async function attempt(request: HttpRequest, what: string): Promise<ApiAnswer | ApiFailure> {
    try {
      const answer = await follow(counted, request)
      if (answer.status === 401) secret.forget()
      const trouble = apiFailureOf(answer, what, clock.now(), traits)
      if (trouble !== null) return trouble
      const parsed = answer.status === 204 ? { json: null } : jsonOf(answer, what, traits)
      return 'error' in parsed ? parsed : { json: parsed.json, ...pagingOf(answer) }
    } catch (thrown) {
      if (!(thrown instanceof BurnError)) throw thrown
      return { error: thrown, retryable: thrown.code === 'forge_timeout' || thrown.code === 'forge_unavailable', retry_after_ms: null }
    }
  }

  async function send(method: HttpRequest['method'], path: string, { query, body, max_bytes }: Asked, trial: boolean): Promise<ApiAnswer> {
    const url = new URL(`${base}${path}`)
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, String(value))
    const what = `${method} ${base}${path}`
    const payload = body === undefined ? null : JSON.stringify(body)
    await paced()
    const end = clock.now() + limits.total_ms
    for (let tries = 1; ; tries++) {
      if (tries > 1) await paced()
      const value = await secret.read()
      const headers = { accept: 'application/json', 'user-agent': 'burn', authorization: `token ${value}` }
      const result = await limited(() => {
        const timeout_ms = Math.max(1, Math.min(limits.request_ms, end - clock.now()))
        return attempt({ method, url, headers, body: payload, timeout_ms, max_bytes: Math.min(max_bytes, limits.max_bytes) }, what)
      })
      if (!('error' in result)) return result
      const pause = Math.max(result.retry_after_ms ?? 0, limits.backoff_ms * 2 ** (tries - 1) * (0.5 + random() / 2))
      const again = result.retryable && !trial && method !== 'POST' && tries < limits.attempts && clock.now() + pause < end
      if (!again) throw withoutSecret(result.error, value)
      await clock.sleep(pause)
    }
  }

  return {
    get: (path, query = {}, max_bytes = Infinity) => guarded((trial) => send('GET', path, { query, body: undefined, max_bytes }, trial)),
    patch: (path, body) => guarded((trial) => send('PATCH', path, { ...plain, body }, trial)),
    post: (path, body) => guarded((trial) => send('POST', path, { ...plain, body }, trial)),
    runExclusive: concurrencyLimiter(1),
    page_size: traits.page_size,
    requests: () => requests,
  }
}

/** Whether the forge answers, be it with a refusal. */
async function isReachable(asked: Promise<unknown>): Promise<boolean> {
  try {
    await asked
    return true
  } catch (thrown) {
    return thrown instanceof BurnError && refusalScope(thrown.code) !== 'forge' && thrown.code !== 'forge_failed'
  }
}

/** Null where it fails with that code. */
export async function nullOnCode<T>(code: ErrorCode, answer: Promise<T>): Promise<T | null> {
  try {
    return await answer
  } catch (thrown) {
    if (thrown instanceof BurnError && thrown.code === code) return null
    throw thrown
  }
}

/** Reads the token once, and anew after the forge refused it: it may have been replaced. */
function keepSecret(token: () => Promise<string>): { read(): Promise<string>; forget(): void } {
  let kept: Promise<string> | null = null
  const read = async () => {
    const value = (await token()).trim()
    if (/^[\x21-\x7e]+$/.test(value)) return value
    throw new BurnError(
      'forge_auth',
      'the token is empty, or has characters that no token has',
      'write it alone on one line where forge.token says',
    )
  }
  const forget = () => {
    kept = null
  }
  return {
    forget,
    read: () => {
      kept ??= read()
      kept.catch(forget)
      return kept
    },
  }
}

/** A forge answers with a redirect where a repo was renamed. The token goes to the forge's own origin only. */
async function follow(http: Http, request: HttpRequest): Promise<HttpAnswer> {
  let url: URL = request.url
  for (let hops = 0; ; hops++) {
    const answer = await http({ ...request, url })
    const { location } = answer.headers
    if (answer.status < 300 || answer.status >= 400 || location === undefined) return answer
    const next: URL | null = URL.canParse(location, url.href) ? new URL(location, url) : null
    // A redirect was answered before anything was done, so a write goes where it points too; only 303 says that it was done.
    const undone = request.method === 'GET' || answer.status !== 303
    if (next?.origin !== url.origin || !undone || hops === mostRedirects) throw redirected(url, next)
    url = next
  }
}

function pagingOf({ headers }: HttpAnswer): Omit<ApiAnswer, 'json'> {
  const total = headers['x-total-count']
  const date = Date.parse(headers.date ?? '')
  return {
    total: typeof total === 'string' && /^\d{1,12}$/.test(total) ? Number(total) : null,
    more: /;\s*rel="?next"?/.test(String(headers['link'] ?? '')),
    date: Number.isNaN(date) ? null : date,
  }
}

function redirected(from: URL, to: URL | null): BurnError {
  const where = to === null ? 'nowhere' : to.origin
  return new BurnError(
    'forge_redirected',
    `${from.host} redirects to ${where}, which was not followed`,
    'the token goes to forge.url alone: if that is the forge, set forge.url to it',
  )
}

/** A server may say back what it was sent. */
function withoutSecret(error: BurnError, secret: string): BurnError {
  if (!error.message.includes(secret)) return error
  return new BurnError(error.code, error.message.replaceAll(secret, '…'), error.hint, { exit: error.exit })
}
