/** The states of scheduled jobs: those of a machine's schedulers, and those of burn. */
import type { Job } from '../core/ledger/jobs.ts'
import type { Machine, Time } from '../core/nouns.ts'
import type { JobRunRecord, MachineJobs, ScheduledJob } from '../core/scheduled-job.ts'
import type { SpanState } from '../core/span.ts'
import { oneLine } from '../core/text.ts'
import { shellWord } from '../host/quote.ts'
import { judgeJob } from '../decide/scheduled-jobs.ts'

/** The runs of burn's own commands in the ledger. cron and launchd keep no record of runs. */
export interface OwnRuns {
  readonly jobs: readonly Job[]
  /** The path of the spec; null if the jobs of the machine cannot write to this ledger. */
  readonly spec_file: string | null
}

/** Returns the states of the jobs that the schedulers of a machine start. */
export function machineJobStates({ name: machine }: Machine, { zone, jobs }: MachineJobs, own: OwnRuns, now: Time): SpanState[] {
  return jobs.map((job) => {
    const known = job.last === 'unknown' ? runInLedger(job.command ?? job.name, own) : null
    return stateOf(known === null ? job : { ...job, last: known }, { machine, zone }, now)
  })
}

/**
 * Returns the states of burn's recurring jobs. A dispatcher runs them, so none is due before `since`: the time at which it began. `burn
 * sprint run` does its own jobs, such as `sprint prune`, whenever it runs.
 */
export function burnJobStates(ledgerJobs: readonly Job[], since: Time, now: Time): SpanState[] {
  return ledgerJobs.flatMap(({ name, period, owner, last_run, last_result, next_run }) => {
    if (period === null || next_run === null || owner !== null || name.startsWith('sprint ')) return []
    const last = last_run === null ? ('none' as const) : runOf(last_run, last_result)
    return [
      stateOf(
        { scheduler: 'burn', name, schedule: { every: period }, next: Math.max(next_run, since), last },
        { machine: null, zone: null },
        now,
      ),
    ]
  })
}

function stateOf(job: ScheduledJob, at: { readonly machine: string | null; readonly zone: string | null }, now: Time): SpanState {
  const name = oneLine(`${job.scheduler} ${job.name}`, 160)
  const subject = at.machine === null ? name : `${at.machine} ${name}`
  return { kind: 'job', subject, machine: at.machine, ...judgeJob(job, now, at.zone), detail: null, issue: null, incarnation: null }
}

/** The command lines that `burn job schedule` writes, and the names of their jobs in the ledger. */
const scheduled: readonly (readonly [RegExp, string])[] = [
  [/\bsprint['"]? ['"]?run\b.* ['"]?--alone\b/, 'sprint run'],
  [/\bdispatch\b.* ['"]?--alone\b/, 'dispatch'],
  [/\bjob['"]? ['"]?run['"]? ['"]?collect\b/, 'collect fleet'],
]

/** Returns the last run of a scheduled burn command; null if the command is another one, or if it does not name this spec. */
function runInLedger(command: string, { jobs, spec_file }: OwnRuns): JobRunRecord | 'none' | null {
  const name = scheduled.find(([pattern]) => pattern.test(command))?.[1]
  if (name === undefined || spec_file === null || !namesSpec(command, spec_file)) return null
  const job = jobs.find((each) => each.name === name)
  return job?.last_run == null ? 'none' : runOf(job.last_run, job.last_result)
}

/** Returns true if a command of a crontab or of launchd uses the spec. In a crontab, a backslash stands before each percent sign. */
function namesSpec(command: string, spec_file: string): boolean {
  const word = shellWord(spec_file)
  return ['--spec ', 'BURN_SPEC='].some((before) => `${command.replaceAll('\\%', '%')} `.includes(`${before}${word} `))
}

function runOf(started: Time, result: string | null): JobRunRecord {
  return { started, ok: result === null ? null : !result.startsWith('failed'), result: result ?? '' }
}
