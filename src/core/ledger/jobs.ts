/** The port for jobs, for the leases of processes, and for values that a later process reads. */
import type { Time } from '../nouns.ts'

/** Work that only one process at a time does, periodically or until it is stopped: retention, a scheduled run, a worker's loop. */
export interface Job {
  readonly name: string
  /** The time (ms) from the start of one run to the next; null if a person or another scheduler starts it. */
  readonly period: number | null
  /** The process that runs it; null if none does. */
  readonly owner: string | null
  /** The expiry of the owner's lease; null if there is no owner. */
  readonly until: Time | null
  readonly last_run: Time | null
  /** The result of the last run, in one line. */
  readonly last_result: string | null
  /** The time of the next run; null: it is due now. */
  readonly next_run: Time | null
}

/** The leases of running jobs, by name. */
export type Leases = ReadonlyMap<string, { readonly owner: string; readonly until: Time }>

/** The operations on jobs, leases and values. */
export interface JobLedger {
  /**
   * Starts a run, or extends the lease of this owner's run, and returns null. Returns the job if another process runs it, or if it is not
   * due.
   */
  beginJob(job: Pick<Job, 'name' | 'period'>, owner: string, lease: Time, at: Time): Promise<Job | null>
  /** Ends a run of this owner: frees the lease, and saves the result and the time of the next run. */
  endJob(job: Pick<Job, 'name' | 'next_run'> & { readonly last_result: string }, owner: string): Promise<void>
  /** Returns all jobs. */
  jobs(): Promise<readonly Job[]>
  /** Extends the leases of this owner on deliveries, sprints and jobs. Returns the ids that it still holds. */
  renewLeases(owner: string, lease: Time): Promise<readonly string[]>
  /** Releases the leases of this owner at once, so that the next process need not wait for their expiry. */
  releaseLeases(owner: string): Promise<void>
  /** Returns a value that an earlier process saved; null if there is none. */
  loadValue(key: string): Promise<string | null>
  /** Saves a value for a later process. */
  saveValue(key: string, value: string): Promise<void>
}
