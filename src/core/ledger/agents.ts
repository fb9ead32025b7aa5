/** The interface to the records of agents in the ledger. */
import type { AgentRecord } from '../agent-record.ts'
import type { Incarnation, Time, WorkerId } from '../nouns.ts'
import type { Reason } from '../reasons.ts'

/** An agent that burn is about to start. `reason`: the reason why it continues a conversation, or begins a new one. */
export interface NewAgent extends Pick<AgentRecord, 'id' | 'worker' | 'started_with' | 'continues'> {
  readonly reason: Reason
}

/** Facts about an agent that burn saw. */
export interface SeenAgent extends Pick<AgentRecord, 'id'> {
  readonly incarnation?: Incarnation
  readonly conversation?: string
  readonly ended_at?: Time
}

/** The dispatches of an agent that ended, and the agent that continues its conversation. */
export interface Inheritance {
  readonly worker: WorkerId
  readonly from: Incarnation
  /** The id of the record of the agent that continues. */
  readonly heir: string
  readonly to: Incarnation
  readonly conversation: string
}

/** A worker whose agent burn is about to end. */
export interface Restart {
  readonly worker: WorkerId
  /** The id of the agent's record; null if an older burn started the agent, or if none runs. */
  readonly agent: string | null
  readonly successor: 'continue' | 'fresh'
  /** The reason for the restart, for people. */
  readonly why: string
}

/**
 * The operations on records of agents in the ledger. While a process starts or restarts an agent, it holds the lease `startLease` of the
 * worker, so no other process starts an agent of the worker or types a text to it.
 */
export interface AgentLedger {
  /**
   * Records agents that burn is about to start, and takes the leases of their workers. Returns the records. Leaves out a worker whose lease
   * another process holds. If the ledger lost or released a dispatch of a conversation after its agent had ended, `continues` of the record
   * is null: the conversation is about work that another worker may have.
   */
  recordAgents(agents: readonly NewAgent[], owner: string, lease: Time, at: Time): Promise<readonly AgentRecord[]>
  /**
   * Takes the lease of a worker, and records that burn restarts the worker. Returns `begun` on success. `busy`: another process holds the
   * lease. `placing`: burn is typing a text to the worker.
   */
  beginRestart(restart: Restart, owner: string, lease: Time, at: Time): Promise<'begun' | 'busy' | 'placing'>
  /** Frees the leases of workers that this owner holds. */
  endStarts(workers: readonly WorkerId[], owner: string): Promise<void>
  /** Saves facts about agents. */
  saveAgents(seen: readonly SeenAgent[]): Promise<void>
  /**
   * Passes the live dispatches of agents that ended to the agents that continue their conversations. Fails for a dispatch that another
   * agent has by now, or if the ledger does not have the same conversation for both agents. Returns the ids of the dispatches.
   */
  inherit(given: readonly Inheritance[], at: Time): Promise<readonly string[]>
  /** Returns the record of the last agent of each worker that burn started. */
  lastAgents(): Promise<readonly AgentRecord[]>
}
