/** The interface to the records of agents in the ledger. */
import type { AgentRecord } from '../agent-record.ts'
import type { Incarnation, Time } from '../nouns.ts'

/** An agent that burn is about to start. */
export type NewAgent = Pick<AgentRecord, 'id' | 'worker' | 'started_with'>

/** The incarnation of an agent that burn saw in its pane. */
export type SeenAgent = Pick<AgentRecord, 'id'> & { readonly incarnation: Incarnation }

/** The operations on records of agents in the ledger. */
export interface AgentLedger {
  /** Records agents that burn is about to start. */
  recordAgents(agents: readonly NewAgent[], at: Time): Promise<void>
  /** Saves the incarnations of agents that burn saw in their panes. */
  saveIncarnations(seen: readonly SeenAgent[]): Promise<void>
  /** Returns the record of the last agent of each worker that burn started. */
  lastAgents(): Promise<readonly AgentRecord[]>
}
