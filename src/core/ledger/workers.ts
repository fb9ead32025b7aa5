/** The interface to the workers in the ledger: their records and last known states. */
import type { Incarnation, ReadingState, Time, WorkerId } from '../nouns.ts'
import type { ProvisionRecord } from '../provision.ts'

/** The ledger's record of a worker. */
export interface WorkerRecord {
  readonly id: WorkerId
  /** True if burn chose the name of the worker from its list of names, because the spec gives none. */
  readonly drawn: boolean
  /** The last time that the worker got work; null if it never got any. */
  readonly used_at: Time | null
  /** The last known state of the worker; null if burn never saw its pane. */
  readonly state: ReadingState | null
  /** The time at which burn first saw the worker in this state. */
  readonly state_since: Time | null
  /** False if the state may have begun long before `state_since`, because burn did not watch the worker. */
  readonly start_seen: boolean
  /** The time of the agent's last failed turn; null if burn has seen the agent working since then. */
  readonly error_at: Time | null
  /** The last provisioning; null if there was none. */
  readonly provision: ProvisionRecord | null
}

/** A state in which burn saw a worker. */
export interface ObservedState {
  readonly worker: WorkerId
  readonly state: ReadingState
  /** True if the worker was already in this state, and the state starts again because another turn failed. */
  readonly repeated?: boolean
  /** False if the state may have begun long before. */
  readonly start_seen?: boolean
}

/** The operations on workers in the ledger. */
export interface WorkerLedger {
  /** Returns the records of all workers, in the order in which burn created them. */
  workers(): Promise<readonly WorkerRecord[]>
  /** Creates the records of new workers, in the given order. Records of known workers stay unchanged. */
  recordWorkers(workers: readonly { readonly id: WorkerId; readonly drawn: boolean }[], at: Time): Promise<void>
  /** Saves the current states of workers. Writes no event, because an observation is not a change. */
  saveReadings(readings: readonly ObservedState[], at: Time): Promise<void>
  /** Saves the last provisioning of a worker, with an event. */
  saveProvision(worker: WorkerId, provision: ProvisionRecord): Promise<void>
  /**
   * Returns the agents in the ledger: for each worker, the last agent that got an identity prompt, and the agents of live
   * dispatches and active deliveries.
   */
  knownAgents(): Promise<readonly { readonly worker: WorkerId; readonly incarnation: Incarnation }[]>
}
