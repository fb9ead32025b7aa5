/** The OpenAI-compatible endpoints: their addresses and keys, plain JSON requests, and probes. */
import type { Failure, ModelConfig, BackendError } from '../core/sprint.ts'
import { tooLargeError, maxEventBytes } from './stream-limits.ts'
import type { BackendDeps } from './deps.ts'
import { redactor } from '../host/redact.ts'
import { countOf, membersOf, itemsOf, parseJson, stringOf } from '../core/json.ts'
import { failureOf, backendErrorOf, retryAfterMs } from './failure.ts'

export interface Endpoint {
  readonly model: string
  /** Ends in `/v1`, without a slash. */
  readonly url: string
  readonly key: string | null
  readonly provider: string | null
  readonly price: ModelConfig['price']
  /** Set if burn can't use the endpoint, because its key can't be read or has expired. */
  readonly unusable: Failure | null
}

/** Reads the keys of the spec's models. If a key can't be read, only its model is unusable. */
export async function endpointsOf(models: readonly ModelConfig[], deps: BackendDeps): Promise<readonly Endpoint[]> {
  return Promise.all(
    models.map(async ({ model, url, key, provider, price }) => {
      const entry = { model, url: url.replace(/\/+$/, ''), provider, price }
      try {
        return { ...entry, key: key === null ? null : await deps.secret(key), unusable: null }
      } catch (thrown) {
        return { ...entry, key: null, unusable: failureOf(backendErrorOf(thrown, deps.clock.now()), model, redactor([])) }
      }
    }),
  )
}

/** One JSON answer of an endpoint, or the error in its place. */
export interface EndpointAnswer {
  readonly value: unknown
  readonly error: BackendError | null
}

/**
 * Sends a request and returns its JSON answer. It follows no redirect, because only this endpoint may get the key. It throws nothing. A
 * JSON body with an error counts as an error, whatever its status.
 */
export async function requestJson(
  url: string,
  options: { readonly key: string | null; readonly body?: unknown; readonly signal: AbortSignal; readonly now: number },
): Promise<EndpointAnswer> {
  try {
    const response = await fetch(url, {
      method: options.body === undefined ? 'GET' : 'POST',
      headers: headersOf(options.key, options.body !== undefined),
      body: options.body === undefined ? null : JSON.stringify(options.body),
      redirect: 'error',
      signal: options.signal,
    })
    return await readAnswer(response, options.now)
  } catch (thrown) {
    return { value: null, error: backendErrorOf(thrown, options.now) }
  }
}

/** Returns the JSON of an answer and its error. Throws BurnError `too_much` if a successful answer is too long; a long error is cut off. */
export async function readAnswer(response: Response, now: number): Promise<EndpointAnswer> {
  const { text, whole } = await textOf(response)
  if (!whole && response.ok) throw tooLargeError('its answer', maxEventBytes)
  const value = parseJson(text)?.value
  const error = membersOf(value)['error']
  if (response.ok && (error === undefined || error === null)) return { value, error: null }
  const fields = membersOf(error)
  const code = stringOf(fields['code']) ?? stringOf(fields['type'])
  const message = stringOf(fields['message']) ?? stringOf(error) ?? (text.trim() === '' ? 'it gave no reason' : text)
  const status = response.ok ? countOf(fields['code']) : response.status
  return { value, error: { status, code, message: message.slice(0, 2_000), wait_ms: retryAfterMs(response.headers, now) } }
}

async function textOf({ body }: Response): Promise<{ readonly text: string; readonly whole: boolean }> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of body ?? []) {
    pieces.push(piece)
    size += piece.length
    // Leaving the loop closes the connection.
    if (size > maxEventBytes) break
  }
  return { text: Buffer.concat(pieces).toString('utf8'), whole: size <= maxEventBytes }
}

/** Returns all headers of a request, except `accept`. */
export function headersOf(key: string | null, json: boolean): Record<string, string> {
  return {
    'user-agent': 'burn',
    ...(key === null ? {} : { authorization: `Bearer ${key}` }),
    ...(json ? { 'content-type': 'application/json' } : {}),
  }
}

/**
 * Checks that the endpoint answers, accepts the key and lists the model. It costs no tokens. An endpoint without `GET /models` passes.
 * Ollama lists `qwen3:8b` and accepts `qwen3` for `qwen3:latest`. OpenRouter accepts `model:free` for a listed `model`.
 */
export async function probeEndpoint(endpoint: Endpoint, deps: BackendDeps, timeout_ms: number): Promise<Failure | null> {
  if (endpoint.unusable !== null) return endpoint.unusable
  const { model, url, key } = endpoint
  const redact = redactor(key === null ? [] : [key])
  const { value, error } = await requestJson(`${url}/models`, { key, signal: AbortSignal.timeout(timeout_ms), now: deps.clock.now() })
  if (error !== null) {
    const absent = error.status !== null && [404, 405, 501].includes(error.status)
    return absent ? null : unreachableFailure(failureOf(error, url, redact), error)
  }
  const listed = itemsOf(membersOf(value)['data']).flatMap((item) => stringOf(membersOf(item)['id']) ?? [])
  const base = (name: string) => name.split(':')[0] ?? name
  const isListed = listed.length === 0 || listed.some((id) => id === model || base(id) === base(model))
  return isListed ? null : { class: 'model_unknown', reason: `${url} has no model ${model}` }
}

/** Returns `backend_down` for an endpoint that failed without a response: a probe is a cheap request. */
function unreachableFailure(failure: Failure, error: BackendError): Failure {
  return error.status === null && failure.class === 'backend_failed' ? { ...failure, class: 'backend_down' } : failure
}
