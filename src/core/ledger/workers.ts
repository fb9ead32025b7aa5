/** The port for the records of workers and their last known states. */
import type { Incarnation, ReadingState, Time, WorkerId } from '../nouns.ts'

/** The ledger's record of a worker. */
export interface WorkerRecord {
  readonly id: WorkerId
  /** burn drew its name from the registry; the spec does not give it. */
  readonly drawn: boolean
  /** The last time that it got work; null if it never did. */
  readonly used_at: Time | null
  /** Its last known state; null if burn never saw its pane. */
  readonly state: ReadingState | null
  /** The time at which burn first saw it in this state. */
  readonly state_since: Time | null
  /** The time of its agent's last failed turn; null if it was seen working since. */
  readonly error_at: Time | null
}

/** A state that burn saw. */
export interface ObservedState {
  readonly worker: WorkerId
  readonly state: ReadingState
  /** The state begins again, because another turn failed. */
  readonly repeated?: boolean
}

/** The operations on workers. */
export interface WorkerLedger {
  /** Returns all workers, in the order in which they were recorded. */
  workers(): Promise<readonly WorkerRecord[]>
  /** Records new workers in the given order. Known ones stay unchanged. */
  recordWorkers(workers: readonly { readonly id: WorkerId; readonly drawn: boolean }[], at: Time): Promise<void>
  /** Saves the current states, without an event: burn only observed them. */
  saveReadings(readings: readonly ObservedState[], at: Time): Promise<void>
  /**
   * Returns the known agents: the last one of each worker that got an identity prompt, and those of live dispatches and active deliveries.
   */
  knownAgents(): Promise<readonly { readonly worker: WorkerId; readonly incarnation: Incarnation }[]>
}
