/**
 * Recognises the server of an endpoint, and reads which models it has and has loaded, without asking a model. The facts come from running
 * Ollama 0.17.4 and llama.cpp's server of autumn 2026, and from the documents of vLLM and LM Studio.
 */
import type { ListedModel, RequestFailure, ServerFacts, ServerKind } from '../core/model.ts'
import type { Clock } from '../core/ports.ts'
import type { Fetch } from '../host/fetch.ts'
import { countOf, itemsOf, membersOf, stringOf, type JsonObject } from '../core/json.ts'
import { redactor } from '../host/redact.ts'
import { isLocalHost } from '../decide/model-state.ts'
import { requestJson } from './endpoint.ts'
import { failureOf } from './failure.ts'

/** A server, and how burn reaches it. */
export interface ServerAddress {
  /** The URL, up to and including `/v1`. */
  readonly url: string
  readonly key: string | null
  readonly fetch: Fetch
  readonly clock: Clock
}

/** The answer to one request: JSON or another text, or a failure. */
export type ServerAnswer = { readonly value: unknown; readonly text: string } | { readonly failure: RequestFailure }

/** Sends a request to a path below the root of a server, and waits at most `timeout_ms` for the whole answer. Never throws. */
export async function askServer(
  { url, key, fetch, clock }: ServerAddress,
  path: string,
  timeout_ms: number,
  body?: unknown,
): Promise<ServerAnswer> {
  const signal = AbortSignal.timeout(timeout_ms)
  let began = false
  const watched: Fetch = async (...request) => {
    const response = await fetch(...request)
    began = true
    return response
  }
  const root = rootOf(url)
  const { value, text, error } = await requestJson(`${root}${path}`, { fetch: watched, key, signal, now: clock.now(), body })
  if (error === null) return { value, text }
  const failure = failureOf(error, root, redactor(key === null ? [] : [key]))
  const { status, code } = error
  return { failure: { ...failure, status, code, timed_out: signal.aborted && status === null, began } }
}

/** Returns the address of a server without `/v1`. */
function rootOf(url: string): string {
  return url.replace(/\/v1\/?$/, '')
}

/** Returns true if a server runs on a machine that somebody owns, so that its models need loading. */
export function isLocalServer(url: string): boolean {
  return URL.canParse(url) && isLocalHost(new URL(url).hostname)
}

/** Reads the facts of a server with a few requests that involve no model. */
export async function readServer(address: ServerAddress, timeout_ms: number): Promise<ServerFacts | { readonly failure: RequestFailure }> {
  const get: Get = async (path) => {
    const answer = await askServer(address, path, timeout_ms)
    return 'failure' in answer ? { value: null, text: '' } : answer
  }
  const listed = await askServer(address, '/v1/models', timeout_ms)
  if ('failure' in listed) {
    const { status } = listed.failure
    const hasNoList = status !== null && [404, 405, 501].includes(status)
    return hasNoList ? { kind: 'other', models: null, full: null, tokens_per_s: null } : listed
  }
  const { data } = membersOf(listed.value)
  if (!Array.isArray(data) && data !== null) return { failure: noListFailure(address.url) }
  const items = itemsOf(data).map(membersOf)
  const kind = kindOf(items) ?? (isLocalServer(address.url) ? await kindByVersion(get) : 'other')
  return readers[kind](items, get)
}

function noListFailure(url: string): RequestFailure {
  const reason = `${url}/models is not a list of models, but something else, such as a web page`
  return { class: 'backend_failed', reason, status: 200, code: null, timed_out: false, began: true }
}

const owners: Readonly<Record<string, ServerKind>> = {
  library: 'ollama',
  llamacpp: 'llama.cpp',
  vllm: 'vllm',
  organization_owner: 'lmstudio',
}

function kindOf(items: readonly JsonObject[]): ServerKind | null {
  for (const item of items) {
    const kind = owners[stringOf(item['owned_by']) ?? '']
    if (kind !== undefined) return kind
  }
  return null
}

/** In Ollama, the owner of a model is the namespace of its name, and a server without models has no owner at all. */
async function kindByVersion(get: Get): Promise<ServerKind> {
  return stringOf(membersOf((await get('/api/version')).value)['version']) === null ? 'other' : 'ollama'
}

type Get = (path: string) => Promise<{ readonly value: unknown; readonly text: string }>
type Reader = (items: readonly JsonObject[], get: Get) => Promise<ServerFacts>

const silent = { full: null, tokens_per_s: null }

const readers: Readonly<Record<ServerKind, Reader>> = {
  ollama: async (_, get) => {
    const [tags, ps] = await Promise.all([get('/api/tags'), get('/api/ps')])
    const loaded = ps.value === null ? null : itemsIn(ps.value, 'models')
    const models = itemsIn(tags.value, 'models').map((item): ListedModel => {
      const name = stringOf(item['name']) ?? ''
      const own = loaded?.find((each) => each['name'] === name)
      // Ollama passes requests for a cloud model on, and loads nothing.
      const isRemote = stringOf(item['remote_host']) !== null
      return {
        name,
        aliases: [],
        loaded: isRemote || (loaded === null ? null : own !== undefined),
        context: countOf(own?.['context_length']),
      }
    })
    return { kind: 'ollama', models, ...silent }
  },
  'llama.cpp': async (items, get) => {
    const models = items.map((item): ListedModel => {
      // Only a server with several models has a status.
      const status = stringOf(membersOf(item['status'])['value'])
      return { ...named(item), loaded: status === null || status === 'loaded' }
    })
    if (models.length !== 1) return { kind: 'llama.cpp', models, ...silent }
    const [slots, metrics] = await Promise.all([get('/slots'), get('/metrics')])
    const states = itemsOf(slots.value).map((slot) => membersOf(slot)['is_processing'])
    const full = states.length === 0 ? null : states.every((state) => state === true)
    const [tokens, seconds] = [
      metricIn(metrics.text, 'llamacpp:tokens_predicted_total'),
      metricIn(metrics.text, 'llamacpp:tokens_predicted_seconds_total'),
    ]
    // The time of the first token of an answer counts as reading the prompt.
    const tokens_per_s = tokens === null || seconds === null || seconds < 1 ? null : tokens / seconds
    return { kind: 'llama.cpp', models, full, tokens_per_s }
  },
  vllm: async (items, get) => {
    const waiting = metricIn((await get('/metrics')).text, 'vllm:num_requests_waiting')
    const models = items.map((item) => ({ ...named(item), loaded: true }))
    return { kind: 'vllm', models, full: waiting === null ? null : waiting > 0, tokens_per_s: null }
  },
  lmstudio: async (items, get) => {
    const states = itemsIn((await get('/api/v0/models')).value, 'data')
    const models = items.map((item): ListedModel => {
      const own = states.find((each) => each['id'] === item['id'])
      const state = stringOf(own?.['state'])
      return { ...named(item), loaded: state === null ? null : state === 'loaded', context: countOf(own?.['loaded_context_length']) }
    })
    return { kind: 'lmstudio', models, ...silent }
  },
  other: async (items) => ({ kind: 'other', models: items.map(named), ...silent }),
}

function itemsIn(value: unknown, key: string): readonly JsonObject[] {
  return itemsOf(membersOf(value)[key]).map(membersOf)
}

function named(item: JsonObject): ListedModel {
  const aliases = itemsOf(item['aliases']).flatMap((alias) => stringOf(alias) ?? [])
  return { name: stringOf(item['id']) ?? '', aliases, loaded: null, context: null }
}

/** Returns the sum of a metric in the text format of Prometheus; null if the text does not have it. */
function metricIn(text: string, name: string): number | null {
  const values = text.split('\n').flatMap((line) => {
    const [head = '', value = ''] = line.split(/ (?=[^ ]*$)/)
    return head.replace(/\{.*/, '') === name && countOf(Number(value)) !== null ? [Number(value)] : []
  })
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0)
}
