/** The types of drift: the difference between the settings with which an agent should run and those with which it runs. */
import type { Time, WorkerId } from './nouns.ts'

/** The states of a worker's settings, the most serious first, with their meanings. */
export const driftStates = {
  wrong_profile: 'The agent works in another profile of its program than it should.',
  wrong_model: 'The agent uses another model or provider than it should.',
  fallback: 'The first model failed, so the agent uses a fallback of its configuration.',
  outdated: 'burn started the agent with another command, environment or identity than the spec has now.',
  unknown: 'burn has no evidence about the model that the agent uses, or nothing says which one it should use.',
  ok: 'The agent uses the model that it should.',
} as const

export type DriftState = keyof typeof driftStates

/** Returns true if the state is a difference that burn reports. */
export function isDrift(state: string): boolean {
  return state !== 'ok' && state !== 'unknown'
}

/**
 * How burn knows the model of an agent. `answered`: the model that answered. `asked`: the model that the agent asked for; a server may have
 * answered with another one. `started`: burn started the agent with this model, and has seen no request yet.
 */
export type DriftSource = 'answered' | 'asked' | 'started'

/** The settings that an agent should have, or that it has. A null is unknown, or not set. */
export interface AgentModel {
  readonly model: string | null
  readonly provider: string | null
  readonly profile: string | null
}

/** A difference, as reports show it. */
export interface DriftReport {
  readonly state: DriftState
  /** The difference: `ANN runs big-model, the spec says small-model`. */
  readonly text: string
  /** The command that ends it; null if there is none. */
  readonly remedy: string | null
  /** The time at which burn first saw the difference. */
  readonly since: Time
}

/** The settings of one worker's agent, compared with those that it should have. */
export interface Drift {
  readonly worker: WorkerId
  readonly state: DriftState
  readonly expected: AgentModel & {
    /** The setting that names the model: `spec`, or the path of a file of the agent. */
    readonly source: string
  }
  readonly used: AgentModel & { readonly source: DriftSource | null }
  /** The parts that differ: `model`, `provider`, `profile`, `command`, `environment`, `identity`. */
  readonly differs: readonly string[]
  /** True if the agent asked for the expected model, and the server answered with another one. */
  readonly swapped: boolean
  /** One line from which burn concluded the state. */
  readonly evidence: string
  /** The time of the evidence; null if there is none. */
  readonly at: Time | null
}
