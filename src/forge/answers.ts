/** Turns a forge's HTTP answer into JSON, or into an error with a hint. */
import type { ErrorCode } from '../core/error-codes.ts'
import type { HttpAnswer } from './http.ts'
import type { LogTail } from '../core/change-state.ts'
import { stringOf, membersOf, parseJson } from '../core/json.ts'
import { BurnError } from '../core/errors.ts'
import { repoAdvice } from '../core/repo-advice.ts'
import { oneLine } from '../core/text.ts'

/** An error, and whether a retry may help. */
export interface ApiFailure {
  readonly error: BurnError
  readonly retryable: boolean
  /** The pause (ms) that the server asked for; null if it asked for none. */
  readonly retry_after_ms: number | null
}

/** The differences between the APIs of forges. */
export interface ApiTraits {
  /** The query parameter that sets the number of items on a page. The parameter `page` selects the page. */
  readonly page_size: string
  /**
   * Returns the error code of an answer whose meaning is specific to this forge, such as a rate limit with status 403; null for every other
   * answer. `message` is the field `message` of the answer's JSON.
   */
  classify(answer: HttpAnswer, message: string): { readonly code: ErrorCode; readonly hint: string; readonly retryable?: boolean } | null
  /** Hints for a request that the forge refuses, and for an answer that is not JSON. */
  readonly hints: { readonly refused: string; readonly not_json: string }
}

/** Returns the failure that an answer reports; null if the answer is a success. `what` names the request, without its query. */
export function apiFailureOf(answer: HttpAnswer, what: string, now: number, { classify, hints }: ApiTraits): ApiFailure | null {
  const { status } = answer
  if (status >= 200 && status < 300) return null
  const message = serverMessage(answer)
  const failure = (code: ErrorCode, hint: string, retryable = false): ApiFailure => ({
    error: new BurnError(code, `${what}: ${status}${message === '' ? '' : ` ${message}`}`, hint, { cause: { status, message } }),
    retryable,
    retry_after_ms: retryable ? retryAfter(answer, now) : null,
  })
  const special = classify(answer, message)
  if (special !== null) return failure(special.code, special.hint, special.retryable)
  if (status === 401)
    return failure(
      'forge_auth',
      'the forge does not accept the token: create a new token, and store it in the place that forge.token names',
    )
  if (status === 403) return failure('forge_forbidden', 'check that the token has the permissions for this request')
  // If issues are disabled, some forges answer with 410 and others with 404.
  if (status === 404 || status === 410) return failure('forge_not_found', notFound)
  if (status === 409) return failure('forge_conflict', 'look on the forge: the object to create may already exist')
  if (status === 423) return failure('forge_archived', `the repo is archived: ${repoAdvice.archived}`)
  if (status === 429) return failure('forge_rate_limited', 'the forge asks for fewer requests: increase dispatch.interval', true)
  // The forge is up, but failed on this request. The cause may be the requested object alone, such as one broken issue.
  if (status === 500) return failure('forge_failed', 'the forge failed on this request: read the log of the forge', true)
  if (status > 500) return failure('forge_unavailable', 'the forge reported an internal error: read the log of the forge', status !== 501)
  return failure('forge_refused', hints.refused)
}

/** The status and the message with which the forge refused a request. */
export interface ApiRefusal {
  readonly status: number
  /** The field `message` of the answer's JSON; empty if there is none. */
  readonly message: string
}

/** Returns the refusal that an error reports; null for every other thrown value. */
export function apiRefusalOf(thrown: unknown): ApiRefusal | null {
  const { status, message } = membersOf(thrown instanceof BurnError ? thrown.cause : null)
  return typeof status === 'number' && typeof message === 'string' ? { status, message } : null
}

/** The hint of `forge_not_found`. */
export const notFound = 'check that the repo and the issue exist, and that the token has read access'

function serverMessage({ body, headers }: HttpAnswer): string {
  if (!isJson(headers['content-type'])) return ''
  return oneLine(stringOf(membersOf(parseJson(body)?.value)['message']) ?? '', 160)
}

function isJson(type: string | undefined): boolean {
  return /^application\/(?:[\w.-]+\+)?json\b/i.test(type ?? '')
}

function retryAfter({ headers }: HttpAnswer, now: number): number | null {
  const value = headers['retry-after']
  if (value === undefined) return null
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now
  return Number.isFinite(ms) ? Math.max(0, ms) : null
}

/**
 * Returns the JSON of a successful answer, or a failure. If the content type is JSON but the body is no valid JSON, the body was cut in
 * transit, so a retry may help.
 */
export function jsonOf(answer: HttpAnswer, what: string, { hints }: ApiTraits): { readonly json: unknown } | ApiFailure {
  const { body, headers } = answer
  const isDeclared = isJson(headers['content-type'])
  try {
    if (isDeclared) return { json: JSON.parse(body) as unknown }
  } catch {
    return {
      error: notJson(what, 'broken JSON', 'check whether a proxy shortens the answers of the forge'),
      retryable: true,
      retry_after_ms: null,
    }
  }
  const kind = oneLine(headers['content-type'] ?? 'no content type', 60)
  return {
    error: notJson(what, kind, hints.not_json),
    retryable: false,
    retry_after_ms: null,
  }
}

/**
 * Returns the end of a text file, beginning with a whole line; or a failure if the answer is a page instead of a file. The client may have
 * dropped the beginning, or the server may have sent only the end.
 */
export function tailOf(
  { headers, body, dropped }: HttpAnswer,
  what: string,
  { hints }: ApiTraits,
): { readonly tail: LogTail } | ApiFailure {
  const type = oneLine(headers['content-type'] ?? '', 60)
  if (/\bhtml\b/i.test(type)) {
    const error = new BurnError('forge_not_json', `${what}: the forge answered with ${type} instead of a log`, hints.not_json)
    return { error, retryable: false, retry_after_ms: null }
  }
  const truncated = dropped > 0 || Number(/^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1] ?? 0) > 0
  return { tail: { text: truncated ? body.slice(body.indexOf('\n') + 1) : body, truncated } }
}

function notJson(what: string, got: string, hint: string): BurnError {
  return new BurnError('forge_not_json', `${what}: the forge answered with ${got} instead of JSON`, hint)
}
