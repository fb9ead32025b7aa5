/** The settings by which burn observes the fleet. Durations are in milliseconds. */
import type { QuietHours } from './notify-settings.ts'

/** The settings of telemetry: the spec's `telemetry` with every default filled in. Durations are in milliseconds. */
export interface TelemetrySettings {
  /** The pause between two samples. */
  readonly interval: number
  /** The time after which burn reports a worker that waits for an answer. */
  readonly waiting_after: number
  /** The time for which the ledger keeps single samples. After this time it keeps only hourly summaries. */
  readonly keep_samples: number
  /** The time for which the ledger keeps spans and hourly summaries. */
  readonly keep: number
}

/** The thresholds of the rules: the spec's `health` with every default filled in. Durations are in milliseconds. */
export interface HealthSettings {
  /** The time without a cycle after which no dispatcher counts as running. */
  readonly dispatcher: number
  /** The time for which a worker may be idle while issues of its repos wait. */
  readonly idle: number
  /** The time for which a worker may work without using tokens. */
  readonly no_tokens: number
  /** The longest normal turn of an agent. */
  readonly turn: number
  /** The time for which a fleet at work may open or end no change. */
  readonly no_change: number
  /** The smallest normal share of sprints that end with a change. */
  readonly sprint_success: number
  /** The time for which an agent may wait for an answer. */
  readonly waiting: number
  /** The smallest normal share of free disk space and free memory of a machine. */
  readonly free_disk: number
  readonly free_memory: number
  /** The largest normal difference between the clocks of a machine and of burn. */
  readonly clock_offset: number
  /** The largest normal size of the ledger (bytes). */
  readonly ledger_size: number
}

/** The remedies for agents that run with other settings than they should: the spec's `drift` with every default filled in. */
export interface DriftSettings {
  /** The strongest remedy that burn may use. `report`: none. `command`: a command that changes the model of a running agent. */
  readonly remedy: 'report' | 'command' | 'restart'
  /** The maximum number of remedies for one worker in a day. */
  readonly attempts: number
}

/** The thresholds for the lives of workers: the spec's `worker` with every default filled in. Durations are in milliseconds. */
export interface WorkerSettings {
  /** The time without a sign of life after which a worker with work is silent. */
  readonly silent_after: number
}

/** The settings of logins: the spec's `logins` with every default filled in. */
export interface LoginSettings {
  /** True if burn may run the commands with which agents renew their logins. */
  readonly refresh: boolean
  /** The hours of the night. At their beginning, burn warns of logins that end before their end. */
  readonly night: QuietHours
}

/** The settings of saved snapshots: the spec's `snapshot` with every default filled in. */
export interface SnapshotSettings {
  /** The pause (ms) between two runs of the job `snapshot`; null if the spec has no key `snapshot`, so that the job is off. */
  readonly interval: number | null
  /** The absolute path of the folder that contains the saved snapshots. */
  readonly dir: string
  /** The number of saved snapshots that the job keeps. */
  readonly keep: number
}
