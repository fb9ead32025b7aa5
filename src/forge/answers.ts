/** What a forge's answer means: usable JSON, or one clear error. */
import type { ErrorCode } from '../core/error-codes.ts'
import type { HttpAnswer } from './http.ts'
import { stringOf, membersOf, parseJson } from '../core/json.ts'
import { BurnError } from '../core/errors.ts'
import { oneLine } from '../core/text.ts'

/** An error, and whether asking again may help. */
export interface ApiFailure {
  readonly error: BurnError
  readonly retryable: boolean
  /** How long the server asked to be left alone, milliseconds; null where it did not say. */
  readonly retry_after_ms: number | null
}

/** What differs between the APIs of forges. */
export interface ApiTraits {
  /** The parameter of a list that says how many items a page has. `page` says which page. */
  readonly page_size: string
  /** What an answer means for this forge alone, e.g. a rate limit that is a 403; null where its status says it. `said`: its `message`. */
  means(answer: HttpAnswer, said: string): { readonly code: ErrorCode; readonly hint: string; readonly again?: boolean } | null
  /** What to check if it does not take a request, or does not answer with JSON. */
  readonly hints: { readonly refused: string; readonly not_json: string }
}

/** Null where the answer is a success. `what` names the request, without its query. */
export function apiFailureOf(answer: HttpAnswer, what: string, now: number, { means, hints }: ApiTraits): ApiFailure | null {
  const { status } = answer
  if (status >= 200 && status < 300) return null
  const said = saidBy(answer)
  const trouble = (code: ErrorCode, hint: string, again = false): ApiFailure => ({
    error: new BurnError(code, `${what}: ${status}${said === '' ? '' : ` ${said}`}`, hint),
    retryable: again,
    retry_after_ms: again ? retryAfter(answer, now) : null,
  })
  const own = means(answer, said)
  if (own !== null) return trouble(own.code, own.hint, own.again)
  if (status === 401) return trouble('forge_auth', 'the token is not valid there: make a new one, and write it where forge.token says')
  if (status === 403) return trouble('forge_forbidden', 'may the token do that?')
  // Issues that are disabled are gone (410) for some forges, and missing for others.
  if (status === 404 || status === 410) return trouble('forge_not_found', notFound)
  if (status === 409) return trouble('forge_conflict', 'it is there already: look for it on the forge')
  if (status === 423) return trouble('forge_archived', 'the repo is archived: nothing can be written there')
  if (status === 429) return trouble('forge_rate_limited', 'the forge asks for fewer requests: make dispatch.interval longer', true)
  // The forge is there and failed on this request: it may fail on one object alone.
  if (status === 500) return trouble('forge_failed', 'the forge failed on this request: look at its log', true)
  if (status > 500) return trouble('forge_unavailable', 'the forge has trouble of its own: look at its log', status !== 501)
  return trouble('forge_refused', hints.refused)
}

/** The hint of `forge_not_found`. */
export const notFound = 'is the name right, and may the token see it?'

function saidBy({ body, headers }: HttpAnswer): string {
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

/** The JSON of a success. A body that only claims to be JSON was cut on its way: asking again may help. */
export function jsonOf(answer: HttpAnswer, what: string, { hints }: ApiTraits): { readonly json: unknown } | ApiFailure {
  const { body, headers } = answer
  const claimed = isJson(headers['content-type'])
  try {
    if (claimed) return { json: JSON.parse(body) as unknown }
  } catch {
    return { error: notJson(what, 'broken JSON', 'was the answer cut by a proxy?'), retryable: true, retry_after_ms: null }
  }
  const kind = oneLine(headers['content-type'] ?? 'nothing that says what it is', 60)
  return {
    error: notJson(what, kind, hints.not_json),
    retryable: false,
    retry_after_ms: null,
  }
}

function notJson(what: string, got: string, hint: string): BurnError {
  return new BurnError('forge_not_json', `${what}: answered with ${got} instead of JSON`, hint)
}
