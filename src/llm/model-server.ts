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

/** A path of the OpenAI API, such as `/models`, or one below the root of the server. */
export type ServerPath = { readonly api: string } | { readonly root: string }

/** Sends a request to a server, and waits at most `timeout_ms` for the whole answer. Never throws. */
export async function askServer(
  { url, key, fetch, clock }: ServerAddress,
  path: ServerPath,
  timeout_ms: number,
  body?: unknown,
): Promise<ServerAnswer> {
  const signal = AbortSignal.timeout(timeout_ms)
  let began = false
  const watched: Fetch = async (target, init) => {
    const response = await fetch(target, { ...init, timeout_ms })
    began = true
    return response
  }
  const target = 'api' in path ? `${url}${path.api}` : `${url.replace(/\/v1$/, '')}${path.root}`
  const { value, text, error } = await requestJson(target, { fetch: watched, key, signal, now: clock.now(), body })
  if (error === null) return { value, text }
  const failure = failureOf(error, url, redactor(key === null ? [] : [key]))
  const { status, code } = error
  const timed_out = status === null && timeouts.includes(code ?? '')
  // burn follows no redirect, so fetch reports one as an error.
  const hasBegun = began || error.message === 'unexpected redirect'
  const reason = timed_out ? `${url}: no ${began ? 'complete ' : ''}answer within ${timeout_ms / 1000} s` : failure.reason
  return { failure: { ...failure, reason, status, code, timed_out, began: hasBegun } }
}

/** The codes of an expired AbortSignal.timeout, and of curl. */
const timeouts = [String(DOMException.TIMEOUT_ERR), 'ETIMEDOUT']

/** Returns true if a server runs on a machine that somebody owns, so that its models need loading. */
export function isLocalServer(url: string): boolean {
  return URL.canParse(url) && isLocalHost(new URL(url).hostname)
}

/** Reads the facts of a server with a few requests that involve no model. */
export async function readServer(address: ServerAddress, timeout_ms: number): Promise<ServerFacts | { readonly failure: RequestFailure }> {
  const get: Get = async (path) => {
    const answer = await askServer(address, { root: path }, timeout_ms)
    return 'failure' in answer ? { value: null, text: '' } : answer
  }
  const listed = await askServer(address, { api: '/models' }, timeout_ms)
  if ('failure' in listed) {
    const { status } = listed.failure
    const hasNoList = status !== null && [404, 405, 501].includes(status)
    return hasNoList ? { kind: 'other', models: null, ...unsaid } : listed
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

const unsaid = { full: null, working: null, tokens_per_s: null }

const readers: Readonly<Record<ServerKind, Reader>> = {
  ollama: async (items, get) => {
    const [tags, ps] = await Promise.all([get('/api/tags'), get('/api/ps')])
    const loaded = ps.value === null ? null : itemsIn(ps.value, 'models')
    const installed = tags.value === null ? items : itemsIn(tags.value, 'models')
    const models = installed.map((item): ListedModel => {
      const name = stringOf(item['name']) ?? stringOf(item['id']) ?? ''
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
    return { kind: 'ollama', models, ...unsaid }
  },
  'llama.cpp': async (items, get) => {
    const models = items.map((item): ListedModel => {
      // Only a server with several models has a status.
      const status = stringOf(membersOf(item['status'])['value'])
      return { ...named(item), loaded: status === 'loading' ? 'loading' : status === null || status === 'loaded' }
    })
    if (models.length !== 1) return { kind: 'llama.cpp', models, ...unsaid }
    const [slots, metrics] = await Promise.all([get('/slots'), get('/metrics')])
    const states = itemsOf(slots.value).map((slot) => membersOf(slot)['is_processing'])
    const requests = metricIn(metrics.text, 'llamacpp:requests_processing')
    const full = states.length === 0 ? null : states.every((state) => state === true)
    const working = states.length === 0 ? (requests === null ? null : requests > 0) : states.includes(true)
    const [tokens, seconds] = ['llamacpp:tokens_predicted_total', 'llamacpp:tokens_predicted_seconds_total'].map((name) =>
      metricIn(metrics.text, name),
    )
    // A mean over less than a second would be too inexact.
    const tokens_per_s = tokens == null || seconds == null || seconds < 1 ? null : tokens / seconds
    return { kind: 'llama.cpp', models, full, working, tokens_per_s }
  },
  vllm: async (items, get) => {
    const { text } = await get('/metrics')
    const [waiting, running] = ['vllm:num_requests_waiting', 'vllm:num_requests_running'].map((name) => metricIn(text, name))
    const models = items.map((item): ListedModel => ({ ...named(item), loaded: true }))
    const isMore = (count: number | null | undefined) => (count == null ? null : count > 0)
    return { kind: 'vllm', models, full: isMore(waiting), working: isMore(running), tokens_per_s: null }
  },
  lmstudio: async (items, get) => {
    const states = itemsIn((await get('/api/v0/models')).value, 'data')
    const models = items.map((item): ListedModel => {
      const own = states.find((each) => each['id'] === item['id'])
      const state = stringOf(own?.['state'])
      return { ...named(item), loaded: state === null ? null : state === 'loaded' }
    })
    return { kind: 'lmstudio', models, ...unsaid }
  },
  other: async (items) => ({ kind: 'other', models: items.map(named), ...unsaid }),
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
