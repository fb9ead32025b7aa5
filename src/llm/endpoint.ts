/** OpenAI-compatible endpoints: their addresses and keys, plain JSON requests, and probes. */
import type { Failure, BackendError } from '../core/sprint.ts'
import type { MachineKey } from '../core/model.ts'
import type { ModelConfig } from '../core/model-settings.ts'
import { tooLargeError, maxEventBytes } from './stream-limits.ts'
import type { BackendDeps } from './deps.ts'
import type { Fetch } from '../host/fetch.ts'
import { redactor } from '../host/redact.ts'
import { countOf, membersOf, itemsOf, parseJson, stringOf } from '../core/json.ts'
import { mayBeSameModel } from '../decide/model-state.ts'
import { failureOf, backendErrorOf, retryAfterMs } from './failure.ts'

export interface Endpoint {
  readonly model: string
  /** The base URL. It ends in `/v1`, without a trailing slash. */
  readonly url: string
  readonly key: string | null
  readonly provider: string | null
  readonly price: ModelConfig['price']
  /** Where the key is on the machine that uses the endpoint, if burn does not read it; absent if `key` is the key. */
  readonly key_at?: MachineKey
  /** Why burn cannot use the endpoint: its key cannot be read or has expired. Null if burn can use it. */
  readonly unusable: Failure | null
}

/** Returns an endpoint for each model in the spec, and reads their keys. If a key cannot be read, only that model is unusable. */
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

/** The JSON answer of an endpoint. If the request failed, `error` is set. */
export interface EndpointAnswer {
  readonly value: unknown
  /** The text of an answer that is no JSON; otherwise empty. */
  readonly text: string
  readonly error: BackendError | null
}

/**
 * Sends a request and returns the JSON answer. Never throws. Follows no redirect, because no other server may receive the key. A JSON body
 * with an error counts as an error, whatever the HTTP status.
 */
export async function requestJson(
  url: string,
  options: {
    readonly fetch: Fetch
    readonly key: string | null
    readonly body?: unknown
    readonly signal: AbortSignal
    readonly now: number
  },
): Promise<EndpointAnswer> {
  try {
    const response = await options.fetch(url, {
      method: options.body === undefined ? 'GET' : 'POST',
      headers: headersOf(options.key, options.body !== undefined),
      body: options.body === undefined ? null : JSON.stringify(options.body),
      redirect: 'error',
      signal: options.signal,
    })
    return await readAnswer(response, options.now)
  } catch (thrown) {
    return { value: null, text: '', error: backendErrorOf(thrown, options.now) }
  }
}

/**
 * Returns the JSON of a response, or its error. Throws BurnError `too_much` if a successful response is too long. A long error response is
 * cut off.
 */
export async function readAnswer(response: Response, now: number): Promise<EndpointAnswer> {
  const { text, whole } = await textOf(response)
  if (!whole && response.ok) throw tooLargeError('the answer', maxEventBytes)
  const parsed = parseJson(text)
  const value = parsed?.value
  const error = membersOf(value)['error']
  if (response.ok && (error === undefined || error === null)) return { value, text: parsed === null ? text : '', error: null }
  const fields = membersOf(error)
  const code = stringOf(fields['code']) ?? stringOf(fields['type'])
  const message = stringOf(fields['message']) ?? stringOf(error) ?? (text.trim() === '' ? 'the server gave no reason' : text)
  const status = response.ok ? countOf(fields['code']) : response.status
  return { value, text: '', error: { status, code, message: message.slice(0, 2_000), wait_ms: retryAfterMs(response.headers, now) } }
}

async function textOf({ body }: Response): Promise<{ readonly text: string; readonly whole: boolean }> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of body ?? []) {
    pieces.push(piece)
    size += piece.length
    // `break` also closes the connection.
    if (size > maxEventBytes) break
  }
  return { text: Buffer.concat(pieces).toString('utf8'), whole: size <= maxEventBytes }
}

/** Returns all headers of a request except `accept`. */
export function headersOf(key: string | null, json: boolean): Record<string, string> {
  return {
    'user-agent': 'burn',
    ...(key === null ? {} : { authorization: `Bearer ${key}` }),
    ...(json ? { 'content-type': 'application/json' } : {}),
  }
}

/**
 * Returns a failure if the endpoint does not respond, rejects the key or does not list the model; otherwise null. Costs no tokens. An
 * endpoint without `GET /models` passes. The name in the spec and the listed name may differ in their tag: Ollama accepts `qwen3` for the
 * listed `qwen3:latest`, and OpenRouter accepts `model:free` for the listed `model`.
 */
export async function probeEndpoint(endpoint: Endpoint, deps: BackendDeps, timeout_ms: number): Promise<Failure | null> {
  if (endpoint.unusable !== null) return endpoint.unusable
  const { model, url, key } = endpoint
  const redact = redactor(key === null ? [] : [key])
  const { value, error } = await requestJson(`${url}/models`, {
    fetch: deps.fetch,
    key,
    signal: AbortSignal.timeout(timeout_ms),
    now: deps.clock.now(),
  })
  if (error !== null) {
    const absent = error.status !== null && [404, 405, 501].includes(error.status)
    return absent ? null : unreachableFailure(failureOf(error, url, redact), error)
  }
  const listed = itemsOf(membersOf(value)['data']).flatMap((item) => stringOf(membersOf(item)['id']) ?? [])
  const isListed = listed.length === 0 || listed.some((id) => mayBeSameModel(model, id))
  return isListed ? null : { class: 'model_unknown', reason: `${url} has no model ${model}` }
}

/**
 * Changes the class of a failed probe to `backend_down` if the endpoint sent no response. A probe is a cheap request, so an overloaded
 * server would still respond to it.
 */
function unreachableFailure(failure: Failure, error: BackendError): Failure {
  return error.status === null && failure.class === 'backend_failed' ? { ...failure, class: 'backend_down' } : failure
}
