/** The ledger's records of agents: one record for each start of an agent by burn. */
import type { AgentName } from './agent-kinds.ts'
import type { Incarnation, Time, WorkerId } from './nouns.ts'

/**
 * The settings with which burn started an agent. If the settings of the spec differ by now, the agent does not run as the spec says. Parts
 * that may contain secrets are SHA-256 hashes.
 */
export interface StartedWith {
  readonly kind: AgentName
  /** The program and its arguments, without the arguments that burn adds. */
  readonly command: readonly string[]
  readonly model: string | null
  readonly provider: string | null
  /** The hash of the environment variables that the spec sets for the agent. */
  readonly environment: string
  /** The hash of the identity prompt. */
  readonly identity: string
}

/** The start of an agent. burn writes the record before it starts the agent. */
export interface AgentRecord {
  /** The id of the start. The pane option `@burn_agent_id` and the agent's environment variable `BURN_AGENT_ID` have the same id. */
  readonly id: string
  readonly worker: WorkerId
  /** Null until burn sees the agent in its pane. */
  readonly incarnation: Incarnation | null
  readonly started_with: StartedWith
  /** The conversation that burn told the agent to continue; null if the agent began a new one. */
  readonly continues: string | null
  /** The conversation that the agent's hook reported last; null if it has reported none. */
  readonly conversation: string | null
  /** The time at which burn decided to start the agent. */
  readonly started_at: Time
  /** The time at which burn saw that the agent had ended while it had dispatches; otherwise null. */
  readonly ended_at: Time | null
  /**
   * Whether the next agent continues the conversation or begins a new one. Set before burn ends the agent to restart the worker; null
   * unless burn did.
   */
  readonly successor: 'continue' | 'fresh' | null
}
