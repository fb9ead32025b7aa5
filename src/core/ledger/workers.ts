/** The workers' port: who is known, who is held, and what each was last seen doing. */
import type { Incarnation, ReadingState, Time, WorkerId } from '../nouns.ts'

export interface WorkerRecord {
  readonly id: WorkerId
  /** Its name was drawn from the registry, not written in the spec. A view has its workers in the order in which they were recorded. */
  readonly drawn: boolean
  /** When it was last given work. */
  readonly used_at: Time | null
  /** What it was last seen doing, and since when; null where it was never looked at. */
  readonly state: ReadingState | null
  readonly state_since: Time | null
  /** When a turn of its agent failed, if it was not seen at work since. */
  readonly error_at: Time | null
}

export interface SeenState {
  readonly worker: WorkerId
  readonly state: ReadingState
  /** It is in the same state anew: another turn failed. */
  readonly anew?: boolean
}

export interface WorkerLedger {
  /** All that were ever recorded, in that order. */
  workers(): Promise<readonly WorkerRecord[]>
  /** Records workers on first sight (in the given order). Known ones stay as they are. */
  recordWorkers(workers: readonly { readonly id: WorkerId; readonly drawn: boolean }[], at: Time): Promise<void>
  /** Keeps since when each worker was seen in its state. No event: what a worker does is seen, not done. */
  saveReadings(readings: readonly SeenState[], at: Time): Promise<void>
  /** The agents that are known of: each worker's last one that was told who it is, and those of live dispatches and active deliveries. */
  agents(): Promise<readonly { readonly worker: WorkerId; readonly incarnation: Incarnation }[]>
}
