/** The interface to jobs in the ledger, to the leases of processes, and to values that one process saves for later processes. */
import type { Time } from '../nouns.ts'

/** A job: work that only one process does at a time, such as the deletion of old history, a scheduled run, or the loop of a worker. */
export interface Job {
  readonly name: string
  /** The time (ms) from the start of one run to the start of the next; null if a person or an external scheduler starts the runs. */
  readonly period: number | null
  /** The process that runs the job now; null if none does. */
  readonly owner: string | null
  /** The time at which the owner's lease expires; null if there is no owner. */
  readonly until: Time | null
  readonly last_run: Time | null
  /** The result of the last run, in one line. */
  readonly last_result: string | null
  /** The time of the next run; null if the job is due now. */
  readonly next_run: Time | null
}

/** The leases of running jobs, by the name of the job. */
export type Leases = ReadonlyMap<string, { readonly owner: string; readonly until: Time }>

/** The operations on jobs, leases and saved values in the ledger. */
export interface JobLedger {
  /**
   * Starts a run of a job, or extends the lease of this owner's run, and returns null. If another process runs the job, or if the job is
   * not due, it starts no run and returns the job. A job with the period null is always due.
   */
  beginJob(job: Pick<Job, 'name' | 'period'>, owner: string, lease: Time, at: Time): Promise<Job | null>
  /** Ends this owner's run of a job: frees the lease, and saves the result and the time of the next run. */
  endJob(job: Pick<Job, 'name' | 'next_run'> & { readonly last_result: string }, owner: string): Promise<void>
  /** Returns all jobs. */
  jobs(): Promise<readonly Job[]>
  /**
   * Extends the leases of this owner on deliveries, sprints and jobs. Returns the ids of the deliveries, sprints and jobs on which the
   * owner still holds a lease.
   */
  renewLeases(owner: string, lease: Time): Promise<readonly string[]>
  /** Releases the leases of this owner at once, so that the next process need not wait until they expire. */
  releaseLeases(owner: string): Promise<void>
  /** Returns the value that an earlier process saved under a key; null if there is none. */
  loadValue(key: string): Promise<string | null>
  /** Saves a value under a key, for a later process. */
  saveValue(key: string, value: string): Promise<void>
}
