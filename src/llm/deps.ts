/** The dependencies of backends, and limits that the spec cannot change. */
import type { SprintAgent } from '../core/agent.ts'
import type { SprintAgentName } from '../core/agent-kinds.ts'
import type { SecretSource } from '../core/secret-source.ts'
import type { Breakers } from '../core/model.ts'
import type { Clock } from '../core/ports.ts'
import type { Fetch } from '../host/fetch.ts'

export interface BackendDeps {
  readonly clock: Clock
  /** The home directory of the user who runs burn. */
  readonly home: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Sends requests to models. */
  readonly fetch: Fetch
  readonly secret: (source: SecretSource) => Promise<string>
  /** Returns the adapter of an agent from `src/agents`. */
  readonly sprintAgent: (name: SprintAgentName) => SprintAgent
  /** Returns a random number from 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number
  /** The circuit breakers of models; absent if the models have none. */
  readonly breakers?: Breakers
  /** Returns the argv that runs an agent's argv in a sandbox. If the function is missing, the agent runs unconfined. */
  readonly wrap?: (argv: readonly string[], dir: string) => readonly string[]
  readonly limits?: Partial<BackendLimits>
}

/** Limits that the spec cannot change. */
export interface BackendLimits {
  /** The timeout (ms) of a probe, and of a request that only queries or stops a run. */
  readonly probe_ms: number
  /** The time (ms) without data after which burn stops waiting for a stream. */
  readonly idle_ms: number
  /** The longest `Retry-After` (ms) that burn waits for. If an endpoint asks for a longer pause, burn tries another model. */
  readonly max_retry_after_ms: number
  /** The maximum number of characters in one answer, because a model that repeats itself may never stop. */
  readonly answer_chars: number
  /** The maximum number of characters of a tool's result that the model receives. */
  readonly result_chars: number
  /** The number of consecutive answers with only invalid tool calls after which burn stops using the model. */
  readonly bad_calls: number
  /** The time (ms) between two polls of a run whose stream broke off. */
  readonly poll_ms: number
}

/** `idle_ms` is less than 300 s, because Node's fetch gives up after that time, with a less clear error. */
const defaults: BackendLimits = {
  probe_ms: 5_000,
  idle_ms: 240_000,
  max_retry_after_ms: 30_000,
  answer_chars: 2_000_000,
  result_chars: 32_000,
  bad_calls: 4,
  poll_ms: 2_000,
}

/** Returns the default limits, overridden by the limits in `deps`. */
export function limitsOf(deps: BackendDeps): BackendLimits {
  return { ...defaults, ...deps.limits }
}
