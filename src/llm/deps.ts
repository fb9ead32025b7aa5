/** What backends need from the world. */
import type { SprintAgent } from '../core/agent.ts'
import type { SprintAgentName } from '../core/agent-kinds.ts'
import type { SecretSource } from '../core/nouns.ts'
import type { Clock } from '../core/ports.ts'

export interface BackendDeps {
  readonly clock: Clock
  /** The person's home. */
  readonly home: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly secret: (source: SecretSource) => Promise<string>
  /** The registry of agents (src/agents). */
  readonly sprintAgent: (name: SprintAgentName) => SprintAgent
  /** A number in [0, 1). */
  readonly random: () => number
  /** Puts an agent's argv into a sandbox; without it the agent runs as it is. */
  readonly wrap?: (argv: readonly string[], dir: string) => readonly string[]
  readonly limits?: Partial<BackendLimits>
}

/** Limits that no spec sets. */
export interface BackendLimits {
  /** Milliseconds for a probe, and for a request that only asks or stops. */
  readonly probe_ms: number
  /** Milliseconds without a byte after which a stream hangs. */
  readonly idle_ms: number
  /** The longest `Retry-After` that is waited for, milliseconds. */
  readonly wait_ms: number
  /** Characters of one answer: a model that repeats itself may never end. */
  readonly answer_chars: number
  /** Characters of a tool's result that the model is told. */
  readonly result_chars: number
  /** How many answers in a row may hold nothing but calls that can't be run. */
  readonly bad_calls: number
  /** Milliseconds between looks at a run whose stream broke. */
  readonly poll_ms: number
}

/** Node's fetch gives up by itself where no byte came for 300 s, in words of its own: this is less. */
const defaults: BackendLimits = {
  probe_ms: 5_000,
  idle_ms: 240_000,
  wait_ms: 30_000,
  answer_chars: 2_000_000,
  result_chars: 32_000,
  bad_calls: 4,
  poll_ms: 2_000,
}

export function limitsOf(deps: BackendDeps): BackendLimits {
  return { ...defaults, ...deps.limits }
}
