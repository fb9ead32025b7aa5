/** The dependencies and limits of backends. */
import type { SprintAgent } from '../core/agent.ts'
import type { SprintAgentName } from '../core/agent-kinds.ts'
import type { SecretSource } from '../core/nouns.ts'
import type { Clock } from '../core/ports.ts'

export interface BackendDeps {
  readonly clock: Clock
  /** The home directory of the user who runs burn. */
  readonly home: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly secret: (source: SecretSource) => Promise<string>
  /** Finds an agent in `src/agents`. */
  readonly sprintAgent: (name: SprintAgentName) => SprintAgent
  /** A number in [0, 1). */
  readonly random: () => number
  /** Puts an agent's argv into a sandbox. Without it, the agent runs unconfined. */
  readonly wrap?: (argv: readonly string[], dir: string) => readonly string[]
  readonly limits?: Partial<BackendLimits>
}

/** Limits that the spec can't change. */
export interface BackendLimits {
  /** Timeout of a probe, and of a request that only queries or stops a run (ms). */
  readonly probe_ms: number
  /** Time without a byte after which burn gives a stream up (ms). */
  readonly idle_ms: number
  /** The longest `Retry-After` that burn waits for (ms). */
  readonly max_retry_after_ms: number
  /** Characters of one answer: a model that repeats itself might never stop. */
  readonly answer_chars: number
  /** Characters of a tool's result that the model gets. */
  readonly result_chars: number
  /** Consecutive answers with only invalid calls after which burn gives the model up. */
  readonly bad_calls: number
  /** Time between two polls of a run whose stream broke (ms). */
  readonly poll_ms: number
}

/** `idle_ms` is below the 300 s after which Node's fetch gives up with a less clear error. */
const defaults: BackendLimits = {
  probe_ms: 5_000,
  idle_ms: 240_000,
  max_retry_after_ms: 30_000,
  answer_chars: 2_000_000,
  result_chars: 32_000,
  bad_calls: 4,
  poll_ms: 2_000,
}

/** Returns the default limits with those of `deps` in place. */
export function limitsOf(deps: BackendDeps): BackendLimits {
  return { ...defaults, ...deps.limits }
}
