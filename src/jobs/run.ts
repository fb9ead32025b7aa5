/**
 * Runs jobs. Only one process at a time runs a job. The job runs again when it is due. The ledger has the lease and the last result of each
 * job.
 */
import type { Job, JobLedger } from '../core/ledger/jobs.ts'
import type { SessionPart } from '../observe/session.ts'
import { BurnError, messageOf } from '../core/errors.ts'
import { oneLine } from '../core/text.ts'
import { leaseLength, withLeases } from '../observe/session.ts'

/**
 * The outcome of a call. `line`: the job's name and one line about its result. If another process runs the job, or if the job is not due,
 * `ran` is false and `job` is its record in the ledger.
 */
export type JobRun<T> =
  | { readonly ran: true; readonly result: T; readonly line: string }
  | { readonly ran: false; readonly job: Job; readonly line: null }

/**
 * Runs `work`, unless another process runs this job or the job is not due. The caller must run within `withLeases`, which renews the lease.
 * `result` returns one line about the outcome. If `work` throws, this function throws the same error, and the job is due again at once.
 */
export async function runJob<T>(
  job: Pick<Job, 'name' | 'period'>,
  { ledger, clock, owner }: SessionPart<JobLedger, 'clock' | 'owner'>,
  work: () => Promise<T>,
  result: (done: T) => string = () => 'done',
): Promise<JobRun<T>> {
  const at = clock.now()
  const refused = await ledger.beginJob(job, owner, at + leaseLength, at)
  if (refused !== null) return { ran: false, job: refused, line: null }
  let [last_result, next_run]: [string, number | null] = ['the run did not end', null]
  try {
    const done = await work()
    ;[last_result, next_run] = [result(done), job.period === null ? null : at + job.period]
    return { ran: true, result: done, line: `${job.name}: ${last_result}` }
  } catch (thrown) {
    last_result = `failed: ${thrown instanceof BurnError ? thrown.code : oneLine(messageOf(thrown), 120)}`
    throw thrown
  } finally {
    await ledger.endJob({ name: job.name, last_result, next_run }, owner)
  }
}

/** Runs a job once, for a process that holds no other leases. Throws the errors of `work`. */
export async function runJobAlone<T>(
  name: string,
  session: SessionPart<JobLedger, 'clock' | 'owner' | 'notify'>,
  work: () => Promise<T>,
): Promise<JobRun<T>> {
  return withLeases(session, () => runJob({ name, period: null }, session, work))
}
