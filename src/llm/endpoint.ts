/** Models behind OpenAI-compatible endpoints: where each is, and with which key. */
import type { Failure, ModelConfig, BackendError } from '../core/sprint.ts'
import { floodError, mostEvent } from './stream-limits.ts'
import type { BackendDeps } from './deps.ts'
import { redactor } from '../host/redact.ts'
import { countOf, membersOf, itemsOf, parseJson, stringOf } from '../core/json.ts'
import { failureOf, symptomOf, retryAfterMs } from './failure.ts'

export interface Endpoint {
  readonly model: string
  /** Up to and with `/v1`, without a slash at its end. */
  readonly url: string
  readonly key: string | null
  readonly provider: string | null
  readonly price: ModelConfig['price']
  /** Why it can't be asked at all: its key can't be read, or has expired. */
  readonly unusable: Failure | null
}

/** Reads the keys of the models of the spec. A key that can't be read makes its model unusable, and no other. */
export async function endpointsOf(models: readonly ModelConfig[], deps: BackendDeps): Promise<readonly Endpoint[]> {
  return Promise.all(
    models.map(async ({ model, url, key, provider, price }) => {
      const at = { model, url: url.replace(/\/+$/, ''), provider, price }
      try {
        return { ...at, key: key === null ? null : await deps.secret(key), unusable: null }
      } catch (thrown) {
        return { ...at, key: null, unusable: failureOf(symptomOf(thrown, deps.clock.now()), model, redactor([])) }
      }
    }),
  )
}

/** One answer of an endpoint that is only asked; whatever goes wrong is a symptom. */
export interface EndpointAnswer {
  readonly value: unknown
  readonly symptom: BackendError | null
}

/**
 * A request and its whole JSON answer. No redirect is followed: the key goes to the endpoint alone. Never throws; a JSON body that is an error is one,
 * whatever its status.
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
    return { value: null, symptom: symptomOf(thrown, options.now) }
  }
}

/** The JSON of an answer, and what is wrong with it. Throws BurnError `too_much` if it is too long; of an error the beginning is enough. */
export async function readAnswer(response: Response, now: number): Promise<EndpointAnswer> {
  const { text, whole } = await textOf(response)
  if (!whole && response.ok) throw floodError('its answer', mostEvent)
  const value = parseJson(text)?.value
  const error = membersOf(value)['error']
  if (response.ok && (error === undefined || error === null)) return { value, symptom: null }
  const said = membersOf(error)
  const code = stringOf(said['code']) ?? stringOf(said['type'])
  const message = stringOf(said['message']) ?? stringOf(error) ?? (text.trim() === '' ? 'it said nothing' : text)
  const status = response.ok ? countOf(said['code']) : response.status
  return { value, symptom: { status, code, message: message.slice(0, 2_000), wait_ms: retryAfterMs(response.headers, now) } }
}

async function textOf({ body }: Response): Promise<{ readonly text: string; readonly whole: boolean }> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of body ?? []) {
    pieces.push(piece)
    size += piece.length
    // This closes the connection.
    if (size > mostEvent) break
  }
  return { text: Buffer.concat(pieces).toString('utf8'), whole: size <= mostEvent }
}

/** All headers that are sent; `accept` is left to the asker. */
export function headersOf(key: string | null, json: boolean): Record<string, string> {
  return {
    'user-agent': 'burn',
    ...(key === null ? {} : { authorization: `Bearer ${key}` }),
    ...(json ? { 'content-type': 'application/json' } : {}),
  }
}

/**
 * Whether a model could be asked now: the endpoint answers, takes the key, and lists the model, as far as it has `GET /models` at all. Costs no tokens.
 * Ollama lists `qwen3:8b` and takes `qwen3` for `qwen3:latest`; OpenRouter takes `model:free` for a listed `model`.
 */
export async function probeEndpoint(endpoint: Endpoint, deps: BackendDeps, timeout_ms: number): Promise<Failure | null> {
  if (endpoint.unusable !== null) return endpoint.unusable
  const { model, url, key } = endpoint
  const redact = redactor(key === null ? [] : [key])
  const { value, symptom } = await requestJson(`${url}/models`, { key, signal: AbortSignal.timeout(timeout_ms), now: deps.clock.now() })
  if (symptom !== null) {
    const absent = symptom.status !== null && [404, 405, 501].includes(symptom.status)
    return absent ? null : reached(failureOf(symptom, url, redact), symptom)
  }
  const listed = itemsOf(membersOf(value)['data']).flatMap((item) => stringOf(membersOf(item)['id']) ?? [])
  const base = (name: string) => name.split(':')[0] ?? name
  const known = listed.length === 0 || listed.some((id) => id === model || base(id) === base(model))
  return known ? null : { class: 'model_unknown', reason: `${url} has no model ${model}` }
}

/** What did not answer a question of no weight in time is down. */
function reached(failure: Failure, symptom: BackendError): Failure {
  return symptom.status === null && failure.class === 'backend_failed' ? { ...failure, class: 'backend_down' } : failure
}
