/** The types of scheduled jobs: jobs that cron, systemd, launchd, Hermes or burn itself should start at certain times. */
import type { Time } from './nouns.ts'

/** The times at which a scheduler should start a job. */
export type JobSchedule =
  /** A cron expression with five fields, or a nickname such as `@daily`. */
  | { readonly cron: string }
  /** The time (ms) from the start of one run to the start of the next. */
  | { readonly every: number }
  /** A single run. */
  | { readonly once: Time }

/** The last run of a job. */
export interface JobRunRecord {
  /** Null if the scheduler does not tell. */
  readonly started: Time | null
  /** Whether the run succeeded; null if the run has not ended, or if the scheduler does not tell. */
  readonly ok: boolean | null
  /** One line about the result; empty if there is none. */
  readonly result: string
}

/** A scheduled job with the records that its scheduler keeps. */
export interface ScheduledJob {
  readonly scheduler: 'cron' | 'systemd' | 'launchd' | 'hermes' | 'burn'
  /** The name of the job within its scheduler. */
  readonly name: string
  /** Null if the scheduler does not tell when the job should run. */
  readonly schedule: JobSchedule | null
  /** The time of the next run, as the scheduler tells it; null if it does not. */
  readonly next: Time | null
  /** `none`: the job has never run. `unknown`: the scheduler keeps no record of runs. */
  readonly last: JobRunRecord | 'none' | 'unknown'
  /** The command of the job, for a shell; absent if it is the name, or if the scheduler does not tell it. */
  readonly command?: string
}

/**
 * The state of a job. `late`: a run is due, and the grace period has not ended. `missed`: the grace period has ended. `failing`: the last
 * run failed.
 */
export type JobState = 'on time' | 'late' | 'missed' | 'failing' | 'never ran' | 'unknown'

/** The scheduled jobs of a machine. */
export interface MachineJobs {
  /** The name of the machine's time zone, such as `Europe/Berlin`; null if burn could not read it. */
  readonly zone: string | null
  readonly jobs: readonly ScheduledJob[]
}
