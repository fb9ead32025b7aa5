/**
 * Turns the error of an endpoint, a gateway or an agent into a failure with a class. The error codes come from OpenAI's API reference. The
 * messages come from Ollama 0.12, vLLM 0.11, OpenRouter, Anthropic, Gemini and Hermes 0.20.
 */
import { BurnError, messageWithHint, messageOf } from '../core/errors.ts'
import type { Failure, FailureClass, BackendError } from '../core/sprint.ts'
import { oneLine } from '../core/text.ts'
import { countOf, membersOf, stringOf } from '../core/json.ts'

interface Rule {
  readonly class: FailureClass
  readonly status?: readonly number[]
  readonly code?: RegExp
  readonly message?: RegExp
}

/**
 * burn applies the first rule whose status, code or message matches. Rules for specific messages come first, because servers use one status
 * for several errors.
 */
const rules: readonly Rule[] = [
  { class: 'empty_answer', code: /^empty$/ },
  { class: 'budget', code: /^error_max_(?:turns|budget_usd)$/ },
  {
    class: 'context_overflow',
    code: /^(?:length|context_length_exceeded|string_above_max_length|request_too_large)$/i,
    message:
      /context (?:length|window|size)|maximum context|prompt is too long|input (?:is )?too long|exceeds? the (?:model'?s )?(?:available |maximum )?context|too many (?:input )?tokens|reduce the length/i,
  },
  {
    class: 'auth',
    code: /^(?:insufficient_quota|billing_\w+)$/i,
    status: [402],
    message: /insufficient (?:credits?|funds|balance)|credit balance/i,
  },
  {
    class: 'rate_limited',
    status: [429, 529],
    code: /rate_limit|RESOURCE_EXHAUSTED|overloaded/i,
    message:
      /rate.?limit|too many (?:concurrent )?(?:requests|runs)|overloaded|(?:usage|session|weekly|hour).limit|(?:hit|reached) your\b.{0,40}\blimit\b|high demand/i,
  },
  {
    class: 'model_unknown',
    code: /^(?:model_not_found|unknown_model|invalid_model\w*|ProviderModelNotFoundError)$/i,
    message:
      /\bmodel\b.{0,120}?(?:not found|does ?n[o']t exist|not exist|is not (?:available|supported|valid|a valid)|isn't available|not a valid)|(?:no such|unknown|invalid|not a valid) model|access to (?:the )?model/i,
  },
  {
    class: 'auth',
    status: [401, 403],
    code: /invalid_api_key|authentication|permission_(?:denied|error)|unauthori[sz]ed|ProviderAuthError/i,
    message:
      /(?:invalid|incorrect|missing|expired|no|bad) (?:api[ _-]?key|token|credentials?)|api[ _-]?key .{0,40}(?:invalid|missing|expired|required)|unauthori[sz]ed|not logged in|please (?:log|sign) ?in|run \/login|authentication (?:failed|error|required)/i,
  },
  {
    class: 'backend_down',
    status: [404, 405, 502, 503, 504],
    code: /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT|ENOENT|EACCES|CERT_\w+|DEPTH_ZERO_SELF_SIGNED_CERT|ERR_TLS\w*|UNABLE_TO_\w+|hermes_config)$/,
    message: /connection refused|command not found|service unavailable|bad gateway/i,
  },
]

/** Returns the failure class of an error; `backend_failed` if no rule matches. */
export function classOf({ status, code, message }: BackendError): FailureClass {
  const httpStatus = status ?? statusIn(message)
  const found = rules.find(
    (rule) =>
      (httpStatus !== null && rule.status?.includes(httpStatus)) === true ||
      (code !== null && rule.code?.test(code) === true) ||
      rule.message?.test(message.slice(0, 4_000)) === true,
  )
  return found?.class ?? 'backend_failed'
}

/** Finds the provider's HTTP status in the message of an agent or a gateway: `Error code: 401 - …`, `(HTTP 429)`, `API Error: 529 …`. */
function statusIn(message: string): number | null {
  const [, digits] = /\b(?:HTTP|status|code|API Error)[ :]{1,3}([45]\d\d)\b/i.exec(message) ?? []
  return digits === undefined ? null : Number(digits)
}

/** Returns the failure for an error. Its reason is one line, which begins with the name of the source. */
export function failureOf(error: BackendError, source: string, redact: (text: string) => string): Failure {
  const status = error.status === null ? '' : `HTTP ${error.status}: `
  const failure = { class: classOf(error), reason: oneLine(redact(`${source}: ${status}${error.message}`), 300) }
  return failure.class === 'rate_limited' && error.wait_ms != null ? { ...failure, wait_ms: error.wait_ms } : failure
}

/** Converts an exception to a BackendError. The openai package, Node's fetch or burn itself may have thrown it. */
export function backendErrorOf(thrown: unknown, now: number): BackendError {
  if (thrown instanceof BurnError) {
    const code = thrown.code.startsWith('secret_') || thrown.code === 'hermes_auth' ? 'authentication' : thrown.code
    return { status: null, code, message: messageWithHint(thrown) }
  }
  const error = membersOf(thrown)
  const inner = membersOf(error['error'])
  const cause = innermostCause(thrown)
  const message = stringOf(inner['message']) ?? stringOf(error['error']) ?? messageOf(cause ?? thrown)
  return {
    status: countOf(error['status']),
    code: codeOf(inner) ?? codeOf(error) ?? codeOf(membersOf(cause)),
    message: message === '' ? (codeOf(membersOf(cause)) ?? 'the server gave no reason') : message,
    wait_ms: error['headers'] instanceof Headers ? retryAfterMs(error['headers'], now) : null,
  }
}

function codeOf(fields: Readonly<Record<string, unknown>>): string | null {
  const { code, type } = fields
  return stringOf(code) ?? (typeof code === 'number' ? String(code) : stringOf(type))
}

/** Returns the innermost `cause` of an exception, because Node's fetch itself reports only `fetch failed`. Null if there is no cause. */
function innermostCause(thrown: unknown): unknown {
  let error: unknown = thrown
  for (let depth = 0; depth < 5 && error instanceof Error && error.cause !== undefined; depth++) error = error.cause
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors[0]
  return error === thrown ? null : error
}

/**
 * Returns how long (ms) the server asks the client to wait, from `Retry-After` (seconds or a date) or OpenAI's `retry-after-ms`. Null if
 * the headers have neither.
 */
export function retryAfterMs(headers: Headers, now: number): number | null {
  const exact = headers.get('retry-after-ms')
  if (exact !== null && /^\d{1,9}(?:\.\d+)?$/.test(exact)) return Number(exact)
  const after = headers.get('retry-after')
  if (after === null) return null
  if (/^\d{1,7}(?:\.\d+)?$/.test(after)) return Number(after) * 1000
  const date = Date.parse(after)
  return Number.isNaN(date) ? null : Math.max(0, date - now)
}
