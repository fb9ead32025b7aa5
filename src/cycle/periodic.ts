/** The jobs that a dispatcher runs between cycles, and that `burn job run` runs alone. */
import type { Fleet, Machine } from '../core/nouns.ts'
import type { Session } from '../observe/session.ts'
import { counted } from '../core/text.ts'
import { messageWithHint } from '../core/errors.ts'
import { saveSnapshot } from '../capture/capture.ts'
import { deleteOldSnapshots, folderName } from '../capture/stored.ts'
import { collectFleet, collectMachine, type Collected } from '../collect/collect.ts'
import { refreshJob, refreshLine, refreshLogins } from '../collect/login-refresh.ts'
import { collectUsage, type UsageCollected } from '../collect/usage.ts'
import { dateIn, lastTimeOfDay } from '../decide/quiet-hours.ts'
import { hour } from '../decide/roll-up.ts'
import { loginUsers } from '../observe/logins.ts'
import { assertLedgerUntracked } from '../observe/untracked.ts'
import { sendNotifications } from './notifications.ts'
import { queueReport } from './reports.ts'
import { runJob, type JobRun } from '../jobs/run.ts'
import { watchAgents } from './watchdog.ts'

/** A job that runs again and again. The ledger has the lease, the last result and the next run of each job. */
export interface PeriodicJob {
  /** The name of the job for `burn job run`. */
  readonly name: string
  /** Runs the job for each part that is due. Returns a line about each part that ran. Without `force` it skips parts that are not due. */
  readonly run: (machines: readonly Machine[], session: Session, force: boolean) => Promise<readonly string[]>
  /** Returns the key without which burn does not run the job; null if the spec has it. Absent for jobs that need no key. */
  readonly missingKey?: (fleet: Fleet) => string | null
}

const day = 24 * hour
const minute = 60_000

/** The job that every dispatcher runs, even for a single cycle. */
export const retentionJob: PeriodicJob = {
  name: 'retention',
  run: async (_, session, force) => pruneHistory(session, force),
  missingKey: ({ retention }) => (retention === null ? 'retention' : null),
}

/** The job that reads the tokens and the models that agents recorded. */
export const usageJob: PeriodicJob = { name: 'usage', run: takeUsage }

/** All jobs, in the order in which a dispatcher runs them. */
export const periodicJobs: readonly PeriodicJob[] = [
  retentionJob,
  { name: 'collect', run: takeSamples },
  usageJob,
  // This job follows `usage`, which reads the model of each agent's last request.
  { name: 'watchdog', run: watchModels },
  { name: 'login-refresh', run: refreshAllLogins },
  { name: 'snapshot', run: saveSnapshots, missingKey: ({ snapshot }) => (snapshot.interval === null ? 'snapshot.interval' : null) },
  { name: 'roll-up', run: async (_, session, force) => rollUpSamples(session, force) },
  {
    name: 'report',
    run: async (_, session, force) => report(session, force),
    missingKey: ({ notify: settings }) => ((settings?.report ?? null) === null ? 'notify.report' : null),
  },
  // This job is the last one, so that it sends the events of the other jobs.
  {
    name: 'notify',
    run: async (_, session, force) => notify(session, force),
    missingKey: ({ notify: settings }) => (settings === null ? 'notify' : null),
  },
]

/** Runs the parts of jobs that are due. A failed job does not stop the other jobs: burn reports the failure, and the job is due again. */
export async function runDueJobs(jobs: readonly PeriodicJob[], machines: readonly Machine[], session: Session): Promise<void> {
  for (const job of jobs) {
    try {
      await job.run(machines, session, false)
    } catch (thrown) {
      session.notify({ kind: 'job.failed', subject: job.name, payload: { why: messageWithHint(thrown) } })
    }
  }
}

/** Deletes history that is older than the spec's `retention`, once a day. */
async function pruneHistory(session: Session, force: boolean): Promise<string[]> {
  const {
    fleet: { retention },
    ledger,
    clock,
  } = session
  if (retention === null) return []
  const now = clock.now()
  const ran = await runJob(
    { name: 'retention', period: force ? null : day },
    session,
    () => ledger.prune(now - retention, now, false),
    ({ dispatches, deliveries, events }) =>
      `deleted ${counted(dispatches, 'dispatch', 'dispatches')}, ${counted(deliveries, 'delivery without a dispatch', 'deliveries without a dispatch')} and ${counted(events, 'event')}`,
  )
  return linesOf(ran)
}

function linesOf({ line }: JobRun<unknown>): string[] {
  return line === null ? [] : [line]
}

/** Takes a sample of each machine and of the fleet. One process at a time samples a machine. */
async function takeSamples(machines: readonly Machine[], session: Session, force: boolean): Promise<string[]> {
  await assertLedgerUntracked(session)
  const period = force ? null : session.fleet.telemetry.interval
  const saved = ({ spans, events, answered = true }: Collected & { readonly answered?: boolean }) =>
    `${counted(spans, 'state')}, ${counted(events, 'event')}${answered ? '' : '; the machine did not answer'}`
  const take = (name: string, work: () => Promise<Collected>) => runJob({ name: `collect ${name}`, period }, session, work, saved)
  const ran = await Promise.all(machines.map((machine) => take(machine.name, () => collectMachine(machine, session))))
  const fleet = await take('fleet', () => collectFleet(session))
  return [...ran, fleet].flatMap(linesOf)
}

/** Reads the tokens that the agents of each machine recorded since the last sample. */
async function takeUsage(machines: readonly Machine[], session: Session, force: boolean): Promise<string[]> {
  const period = force ? null : session.fleet.telemetry.interval
  const take = (machine: Machine) =>
    runJob({ name: `usage ${machine.name}`, period }, session, () => collectUsage(machine, session), usageLine)
  return (await Promise.all(machines.map(take))).flatMap(linesOf)
}

function usageLine({ calls, failed, answered }: UsageCollected): string {
  if (!answered) return 'unknown: the machine did not answer'
  const unread = failed === 0 ? '' : `; ${counted(failed, 'file or database', 'files or databases')} could not be read`
  return `${counted(calls, 'request')}${unread}`
}

/** Compares the settings of agents with those that they should have. */
async function watchModels(machines: readonly Machine[], session: Session, force: boolean): Promise<string[]> {
  const period = force ? null : session.fleet.telemetry.interval
  const watch = (machine: Machine) =>
    runJob({ name: `watchdog ${machine.name}`, period }, session, () => watchAgents(machine, session), String)
  return (await Promise.all(machines.map(watch))).flatMap(linesOf)
}

/** Renews the logins of each machine that are due, and warns of logins that end. */
async function refreshAllLogins(machines: readonly Machine[], session: Session, force: boolean): Promise<string[]> {
  const watched = machines.filter((machine) => loginUsers(machine, session, '~').length > 0)
  const period = force ? null : minute
  const refresh = (machine: Machine) =>
    runJob({ name: refreshJob(machine), period }, session, () => refreshLogins(machine, session, false), refreshLine)
  return (await Promise.all(watched.map(refresh))).flatMap(linesOf)
}

/** Saves a snapshot of all panes, and deletes old ones. Does nothing if the spec has no key `snapshot`. */
async function saveSnapshots(machines: readonly Machine[], session: Session, force: boolean): Promise<string[]> {
  const { interval, dir, keep } = session.fleet.snapshot
  if (interval === null || machines.length === 0) return []
  const now = session.clock.now()
  const ran = await runJob(
    { name: 'snapshot', period: force ? null : interval },
    session,
    async () => {
      const saved = await saveSnapshot(machines, session, { dir: `${dir}/${folderName(now)}`, history: 0, page: false })
      const deleted = await deleteOldSnapshots(dir, keep, now)
      return `${counted(saved.panes, 'pane')} in ${saved.dir}, deleted ${counted(deleted, 'old snapshot')}`
    },
    String,
  )
  return linesOf(ran)
}

/** Replaces old samples by hourly summaries. */
async function rollUpSamples(session: Session, force: boolean): Promise<string[]> {
  const { ledger, clock, fleet } = session
  const { keep_samples, keep } = fleet.telemetry
  const now = clock.now()
  const ran = await runJob({ name: 'roll-up', period: force ? null : hour }, session, () => ledger.rollUp(now - keep_samples, now - keep))
  return linesOf(ran)
}

/**
 * Queues the report of the day for the channels of `notify.report`. If burn did not run at that time of day, it does so later. With `force`
 * it queues another report now.
 */
async function report(session: Session, force: boolean): Promise<string[]> {
  const { fleet, clock, newId } = session
  const settings = fleet.notify?.report ?? null
  if (fleet.notify === null || settings === null || (settings.at === null && !force)) return []
  const { zone } = fleet.notify
  const now = clock.now()
  const due = force || settings.at === null ? now : lastTimeOfDay(now, settings.at, zone)
  // One report a day, even if the clock on the wall shows the time twice.
  const topic = `report ${force ? newId() : dateIn(due, zone)}`
  const ran = await runJob(
    { name: 'report', period: force ? null : minute },
    session,
    () => queueReport(session, { topic, since: due - settings.since }),
    (queued) =>
      queued.length === 0 ? `queued the report of ${dateIn(due, zone)} before` : `queued for ${counted(queued.length, 'channel')}`,
  )
  return linesOf(ran)
}

/** The pause (ms) between two runs of the job `notify`. A dispatcher runs the job at most once after each cycle. */
const notifyPeriod = 15_000

/** Plans notifications for new events, and sends those that are due. With `force` it retries failed messages at once. */
async function notify(session: Session, force: boolean): Promise<string[]> {
  if (session.fleet.notify === null) return []
  const ran = await runJob(
    { name: 'notify', period: force ? null : notifyPeriod },
    session,
    () => sendNotifications(session, force),
    ({ planned, sent, failed }) => `planned ${counted(planned, 'notification')}, sent ${counted(sent, 'message')}, ${failed} failed`,
  )
  return linesOf(ran)
}
