/** Decides the state of a model from the answers of its endpoint, and whether a question could load the model or evict another one. */
import type { FleetModel, ListedFleetModel, ListedModel, ModelReading, ModelState, RequestFailure, ServerFacts } from '../core/model.ts'
import type { Time } from '../core/nouns.ts'
import type { UsageRecord } from '../core/usage.ts'
import { sprintWorkers } from '../core/sprint.ts'
import { modelOf } from './costs.ts'

/** An answer of a model to a question that costs one token, or a few tokens if the question may load the model. */
export interface ModelAnswer {
  /** The name of the model that answered; null if the answer does not say. */
  readonly model: string | null
  readonly ms: number
  /** Null if the server does not say. */
  readonly tokens_per_s: number | null
  /** The time (ms) that the server needed to load the model; null if it does not say. */
  readonly load_ms: number | null
}

const nothing = { first_token_ms: null, tokens_per_s: null, answered_as: null }

/** Returns a reading of a model that did not answer. */
export function silent(state: ModelState, evidence: string): ModelReading {
  return { state, evidence, ...nothing }
}

/** Returns the state of all models of an endpoint that did not list them. */
export function stateWithoutList(failure: RequestFailure): ModelReading {
  const { code, status, timed_out, began, reason } = failure
  if (code === 'no_route') return silent('unknown', reason)
  const hasAnswered = began || /CERT|TLS|SIGNED/.test(code ?? '')
  if (status === null && !hasAnswered) return silent('unreachable', reason)
  if (timed_out) return silent('error', reason)
  return silent(stateOfStatus(failure) ?? 'error', reason)
}

/** Returns the state that an HTTP error shows; null if it shows only that something is wrong. */
function stateOfStatus({ class: failure, status, reason }: RequestFailure): ModelState | null {
  if (status === 503 && /loading/i.test(reason)) return 'loading'
  if (failure === 'model_unknown') return 'no_such_model'
  if (failure === 'rate_limited' || (status === 503 && /busy|pending|queue/i.test(reason))) return 'busy'
  return null
}

/** The decision after burn read the list of a server: ask the model, or do nothing because its state is known. */
export type Before = { readonly ask: ListedModel | null } | { readonly state: ModelReading }

/** Returns whether burn may ask a model. `load`: a person allows burn to load it. `local`: the server runs on a machine that somebody owns. */
export function beforeAsking(
  facts: ServerFacts,
  model: string,
  { load, local }: { readonly load: boolean; readonly local: boolean },
): Before {
  const { kind, models, full } = facts
  if (models === null) return local && !load ? { state: silent('unknown', noList) } : { ask: null }
  const found = findModel(facts, model)
  if (found === undefined) return { state: silent('no_such_model', `the server lists ${namesOf(models)}`) }
  if (load) return { ask: found }
  if (found.loaded === 'loading') return { state: silent('loading', 'the server loads the model') }
  if (found.loaded === false) return { state: silent('not_loaded', 'the server has the model, but has not loaded it') }
  if (full === true) return { state: silent('busy', 'the server reports that it works on other requests') }
  // Servers that swap models, such as llama-swap, list more models than they load.
  if (found.loaded === null && local && models.length > 1) return { state: silent('unknown', `${noList}: ${kind}`) }
  return { ask: found }
}

/** Returns the entry of a model in the list of its server; undefined if the server does not list it. */
function findModel(facts: ServerFacts, model: string): ListedModel | undefined {
  return facts.models?.find(({ name }) => isListedAs(facts, name, model))
}

/** Returns true if the entry `name` in the list of a server stands for the model. */
export function isListedAs(facts: ServerFacts, name: string, model: string): boolean {
  const aliases = facts.models?.find((each) => each.name === name)?.aliases ?? []
  return [name, ...aliases].some((each) => isSameModel(model, each, facts))
}

/** Returns whether the server lists the model and has loaded it. `facts`: null if the server did not answer. */
export function listedAs(facts: ServerFacts | null, model: string): Pick<ListedFleetModel, 'listed' | 'loaded'> {
  if (facts === null || facts.models === null) return { listed: null, loaded: null }
  const found = findModel(facts, model)
  return { listed: found !== undefined, loaded: found?.loaded ?? null }
}

/** The part of a usage record that shows which model worked for whom. */
type Work = Pick<UsageRecord, 'worker' | 'provider' | 'model_asked' | 'model_answered' | 'last_at'>

/** This computer: its machine in the spec, if there is one, and its name in the ids of sprint workers. */
export interface Here {
  readonly machine: string | null
  readonly host: string
}

/**
 * Returns the time at which a model last answered a worker of its machine, or a sprint if it is a model of this computer. Returns null if
 * that was before `since`.
 */
export function workAt(
  { machine, model, provider }: FleetModel,
  usage: readonly Work[],
  { since, here }: { readonly since: Time; readonly here: Here },
): Time | null {
  const isOwn = ({ worker }: Work) =>
    worker.startsWith(`${sprintWorkers}/${here.host}/`) ? machine === here.machine : worker.startsWith(`${machine ?? ''}/`)
  const isSame = (record: Work) =>
    modelOf(record) === model && (provider === null || record.provider === '' || record.provider === provider)
  const last = Math.max(0, ...usage.filter((record) => isOwn(record) && isSame(record)).map(({ last_at }) => last_at))
  return last > since ? last : null
}

/** Returns the reading of a model that answered real work `ms` milliseconds ago. */
export function readingOfWork(ms: number): ModelReading {
  return silent('answers', `the model answered real work ${Math.round(Math.max(0, ms) / 1000)} s ago`)
}

const noList = 'the server does not say which model is loaded, and a question could load another one'

function namesOf(models: readonly ListedModel[]): string {
  if (models.length === 0) return 'no model'
  const shown = models.slice(0, 5).map(({ name }) => name)
  return `${shown.join(', ')}${models.length > 5 ? ` and ${models.length - 5} more` : ''}`
}

/** Returns true if the listed name may stand for the model, whatever the kind of the server is. */
export function mayBeSameModel(asked: string, listed: string): boolean {
  return (['ollama', 'llama.cpp', 'other'] as const).some((kind) => isSameModel(asked, listed, { kind }))
}

/** Returns true if the listed name stands for the model. Ollama adds `:latest`; llama.cpp lists the path of a file. */
function isSameModel(asked: string, listed: string, { kind }: Pick<ServerFacts, 'kind'>): boolean {
  if (asked === listed) return true
  if (kind === 'ollama') return withTag(asked) === withTag(listed)
  if (kind === 'llama.cpp') return shortName(asked) === shortName(listed)
  // OpenRouter accepts `model:free` for the listed `model`.
  return kind === 'other' && asked.split(':')[0] === listed
}

const withTag = (name: string) => (/:[^/]*$/.test(name) ? name : `${name}:latest`).toLowerCase()
const shortName = (name: string) => name.replace(/^.*\//, '').replace(/\.gguf$/i, '')

/** Returns the state after a question that the model did not answer. */
export function stateAfterFailure(failure: RequestFailure, facts: ServerFacts, timeout_ms: number): ModelReading {
  const { code, timed_out, began, status, reason } = failure
  if (code === 'no_route') return silent('unknown', reason)
  const seconds = `${timeout_ms / 1000} s`
  if (timed_out && began) return silent('error', `the answer did not end within ${seconds}`)
  // A server that does not say whether it works on other requests may just be slow.
  if (timed_out && facts.working === false)
    return silent('error', `no answer within ${seconds}, although the server has nothing else to do`)
  if (timed_out) return silent('busy', `no answer within ${seconds}, although the server lists its models: it is busy or slow`)
  if (status === null && !began) return silent(failure.class === 'backend_down' ? 'unreachable' : 'error', reason)
  return silent(stateOfStatus(failure) ?? 'error', reason)
}

/** Returns the state of a model that answered. */
export function stateAfterAnswer({ model, ms, tokens_per_s, load_ms }: ModelAnswer, asked: string, facts: ServerFacts): ModelReading {
  const isOther = model !== null && !isSameModel(asked, model, facts) && !model.startsWith(asked)
  const loaded = load_ms === null || load_ms < minLoad_ms ? '' : `, after loading for ${(load_ms / 1000).toFixed(1)} s`
  return {
    state: 'answers',
    evidence: `the model answered a check${loaded}`,
    first_token_ms: ms,
    tokens_per_s: tokens_per_s ?? facts.tokens_per_s,
    answered_as: isOther ? model : null,
  }
}

/** Ollama reports a few milliseconds for a model that was already loaded. */
const minLoad_ms = 300

/** Returns true for the address of a server that somebody owns: a loopback or private address, or a name without a public domain. */
export function isLocalHost(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase()
  if (/^\d+\.\d+\.\d+\.\d+$/.test(name))
    return /^(?:0|127|10|192\.168|169\.254|172\.(?:1[6-9]|2\d|3[01])|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./.test(name)
  if (name.includes(':')) return name === '::1' || /^f[cd]|^fe80/.test(name)
  return !name.includes('.') || /\.(?:local|lan|home|internal|localhost|ts\.net)$/.test(name)
}
