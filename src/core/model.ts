/** The types of models: the answers of their servers, the states that a check finds, and the circuit breakers of the chain. */
import type { ModelConfig } from './model-settings.ts'
import type { Time } from './nouns.ts'
import type { Failure } from './sprint.ts'

/** The record of a step's circuit breaker. */
export interface Breaker {
  /** The number of consecutive failures. */
  readonly failures: number
  /** The time until which sprints skip the step; null if the breaker has not opened. */
  readonly until: Time | null
  /** The last failure; null if the last request succeeded. */
  readonly last: Failure | null
}

/** The circuit breakers of the steps of a chain. Processes on one host share them. */
export interface Breakers {
  /** Returns the breaker of a step. */
  of(step: Pick<ModelConfig, 'model' | 'url'>): Promise<Breaker>
  /** Records how a request to a step ended. `failure`: null if the model answered. */
  record(step: Pick<ModelConfig, 'model' | 'url'>, failure: Failure | null): Promise<void>
}

/** The states of a model at its endpoint, with their meanings. */
export const modelStates = {
  answers: 'The model answered a check, or a worker or a sprint within `models.fresh`.',
  busy: 'The endpoint works on other requests, so it did not answer the check in time. It is not down.',
  loading: 'The server loads the model.',
  not_loaded: 'The server has the model, but has not loaded it. burn did not ask the model, because that would load it.',
  no_such_model: 'The endpoint answers, but does not have the model.',
  error:
    'The endpoint answers, but the model does not: wrong key or certificate, redirect, web page, endless or malformed answer, no memory.',
  unreachable: 'Nothing answers at the address.',
  unknown: 'burn could not ask: it has no way to the endpoint from that machine, or a question could load another model.',
} as const satisfies Readonly<Record<string, string>>

export type ModelState = keyof typeof modelStates

/** The kinds of servers that burn recognises by their answers. `other`: any other OpenAI-compatible endpoint. */
export type ServerKind = 'ollama' | 'llama.cpp' | 'vllm' | 'lmstudio' | 'other'

/** Whether a server has loaded a model; null if it does not say. */
export type Loaded = boolean | 'loading' | null

/** A model in the list of a server. */
export interface ListedModel {
  readonly name: string
  /** Further names of the same model. */
  readonly aliases: readonly string[]
  /** True if a request would not load the model; null if the server does not say. */
  readonly loaded: Loaded
  /** The context length (tokens) with which the server loaded the model; null if unknown. */
  readonly context: number | null
}

/** The answers of a server to questions that involve no model. */
export interface ServerFacts {
  readonly kind: ServerKind
  /** Null if the server has no list of models. */
  readonly models: readonly ListedModel[] | null
  /** True if the server works on as many requests as it can at once; null if it does not say. */
  readonly full: boolean | null
  /** True if the server works on requests; null if it does not say. */
  readonly working: boolean | null
  /** The mean number of tokens per second that the server generated so far; null if it does not say. */
  readonly tokens_per_s: number | null
}

/** A request to an endpoint that failed. */
export interface RequestFailure extends Failure {
  readonly status: number | null
  readonly code: string | null
  /** True if no complete answer arrived in time. */
  readonly timed_out: boolean
  /** True if an answer began to arrive. */
  readonly began: boolean
}

/** The result of a check. */
export interface ModelReading {
  readonly state: ModelState
  /** One line with the reason for the state. */
  readonly evidence: string
  /** The time (ms) to the first token; null if burn did not ask the model. */
  readonly first_token_ms: number | null
  readonly tokens_per_s: number | null
  /** The name under which the model answered, if it differs from the name that burn asked for. */
  readonly answered_as: string | null
}

/** A key in the files of Hermes on a machine. The key stays there. */
export interface MachineKey {
  /** The path of the Hermes home; it may begin with `~/`. */
  readonly home: string
  /** The variable in `.env` or in the environment; null if the key is the one for Nous in `auth.json`. */
  readonly variable: string | null
}

/** A model that the fleet may use: what uses it, and where. */
export interface FleetModel {
  /** The machine from which the model is used; null for this computer, if the spec does not have it as a machine. */
  readonly machine: string | null
  readonly model: string
  readonly url: string
  readonly provider: string | null
  /** The users of the model: `chain: primary`, `sprint`, `hermes`; empty if burn only found it on a server. */
  readonly uses: readonly string[]
}

/** A model in the answer of its server. */
export interface ListedFleetModel extends FleetModel {
  /** Null if no server answered. */
  readonly server: ServerKind | null
  /** True if the server lists the model; null if it has no list. */
  readonly listed: boolean | null
  readonly loaded: Loaded
}

/** A model with the result of its check. */
export interface CheckedModel extends FleetModel, ModelReading {
  readonly server: ServerKind | null
  /** True if burn did not check the model, because it answered real work lately. */
  readonly worked: boolean
  /** The time until which sprints skip the model; null if they may use it. */
  readonly paused_until: Time | null
}
