/** The settings of models, among them the chain of models that sprints use. Durations are in milliseconds. */
import type { SecretSource } from './secret-source.ts'

/** A model behind an OpenAI-compatible endpoint. */
export interface ModelConfig {
  readonly model: string
  /** The URL of the endpoint, up to and including `/v1`. */
  readonly url: string
  readonly key: SecretSource | null
  readonly provider: string | null
  /** The prices in US dollars per million tokens; null if unknown. */
  readonly price: { readonly in: number; readonly out: number } | null
}

/** One step of the chain: a model, and what the model is for. */
export interface ChainStep extends ModelConfig {
  /** The role of the step, for people: `primary`. */
  readonly role: string
}

/** A server that the spec names, in addition to those that burn finds by itself. */
export interface ModelServer {
  /** The machine whose agents use the server; null if it is this computer. */
  readonly machine: string | null
  /** The URL, up to and including `/v1`. */
  readonly url: string
  readonly key: SecretSource | null
}

/** The settings of circuit breakers: when a breaker opens, and for how long (ms) it then stays open at first. */
export interface BreakerSettings {
  /** The number of consecutive failures of a step after which its breaker opens. */
  readonly failures: number
  readonly pause: number
}

/** The spec's `models` with every default filled in. Durations are in milliseconds. */
export interface ModelSettings {
  /** The steps in the order in which sprints try them; empty if the spec has no chain. */
  readonly chain: readonly ChainStep[]
  readonly servers: readonly ModelServer[]
  /** If a model answered real work within this time, burn does not check it. */
  readonly fresh: number
  /** The timeout of a check. */
  readonly timeout: number
  /** The timeout of a check that may load a model. */
  readonly load_timeout: number
  readonly breaker: BreakerSettings
}

/** The address of Ollama, for steps of the chain without `url`. */
export const ollamaUrl = 'http://127.0.0.1:11434/v1'

/** The chain that the help, the documents and the spec's examples show. */
export const exampleChain: readonly Pick<ChainStep, 'model' | 'role'>[] = [
  { model: 'hermes4:14b', role: 'primary' },
  { model: 'qwen2.5:7b', role: 'fallback' },
  { model: 'phi3:3.8b', role: 'emergency' },
  { model: 'gemma3:1b', role: 'last resort' },
]

/** Returns a chain as one line: `hermes4:14b → qwen2.5:7b`. */
export function chainText(chain: readonly Pick<ChainStep, 'model'>[]): string {
  return chain.map(({ model }) => model).join(' → ')
}
