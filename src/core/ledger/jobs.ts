/** The jobs' port: what processes run, once at a time, and the leases that say so; and words kept for a later process. */
import type { Time } from '../nouns.ts'

/** Something that burn does again and again, or for as long as a person lets it: retention, a scheduled run, a worker's loop. */
export interface Job {
  readonly name: string
  /** Milliseconds from the start of one run to the next; null where a person or another scheduler starts it. */
  readonly period: number | null
  /** The process that runs it, and until when its lease holds without a heartbeat; null while nobody does. */
  readonly owner: string | null
  readonly until: Time | null
  readonly last_run: Time | null
  /** What the last run came to, one line. */
  readonly last_result: string | null
  /** It is not due before this time; null: it is. */
  readonly next_run: Time | null
}

/** Leases of jobs that somebody runs, by name. */
export type Leases = ReadonlyMap<string, { readonly owner: string; readonly until: Time }>

export interface JobLedger {
  /**
   * Begins a run, or extends the lease of one that this owner began: null. Otherwise the job as it is: another process runs it, or it is not due.
   */
  beginJob(job: Pick<Job, 'name' | 'period'>, owner: string, lease: Time, at: Time): Promise<Job | null>
  /** Ends a run of this owner: frees the lease and keeps what came of it, and when it is due again. */
  endJob(job: Pick<Job, 'name' | 'next_run'> & { readonly last_result: string }, owner: string): Promise<void>
  jobs(): Promise<readonly Job[]>
  /** Extends the leases this owner holds, on deliveries, sprints and jobs. Returns the ids still held. */
  renewLeases(owner: string, lease: Time): Promise<readonly string[]>
  /** Gives up this owner's leases at once, so that the next process need not wait for them to run out. */
  releaseLeases(owner: string): Promise<void>
  /** A word kept for a later process; null where none is. */
  loadValue(key: string): Promise<string | null>
  saveValue(key: string, value: string): Promise<void>
}
