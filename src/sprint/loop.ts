/** `burn worker loop`: runs one sprint after another for one worker of the spec. */
import type { Job } from '../core/ledger/jobs.ts'
import type { RepoRef, Worker, WorkerId } from '../core/nouns.ts'
import type { Sprint } from '../core/sprint.ts'
import type { FleetState } from '../core/fleet-state.ts'
import type { Picked } from '../decide/pick.ts'
import type { Session } from '../observe/session.ts'
import type { SprintContext } from './context.ts'
import type { Claimed } from './sprint.ts'
import { BurnError, messageWithHint } from '../core/errors.ts'
import { backoffMs } from '../decide/backoff.ts'
import { consequenceOf } from '../decide/failure.ts'
import { heldBy } from '../decide/holds.ts'
import { sentence } from '../decide/wording.ts'
import { loopLease } from '../decide/stops.ts'
import { slotsTaken } from '../decide/route.ts'
import { claimForSprint } from '../claim/claim.ts'
import { pauseUntilChange } from '../cycle/loop.ts'
import { runJobAlone } from '../jobs/run.ts'
import { leaseLength } from '../observe/session.ts'
import { stopAbandonedRuns } from './abandoned-runs.ts'
import { takeFollowUp, waitingFollowUps } from './follow-ups.ts'
import { findIssues, reportUnread } from './find-issues.ts'
import { isRefused, usableBackends } from './run.ts'
import { CommentWriter } from './comment-writer.ts'
import { repoFaultForSprints } from './preflight.ts'
import { runSprint } from './sprint.ts'
import { recheckPick } from './recheck.ts'
import { whileSettlingReviews } from './reviews.ts'
import { requireSandbox } from './prepared-workspace.ts'

/** The first and the longest pause (ms) after a failure that does not depend on the issue. */
const troublePauses = { first: 15_000, longest: 30 * 60_000 }

export interface LoopOptions {
  readonly worker: Worker
  /** The number of issues after which the loop ends. With Infinity, the loop runs until it is stopped. */
  readonly count: number
  /** The pause (ms) when no issue is available. It is also the maximum of the first pause after a failure that would affect every issue. */
  readonly interval: number
  /** The time (ms) for which this worker skips an issue after a sprint for that issue failed. */
  readonly skip_for: number
  /** Called with the row of each sprint that has ended. */
  readonly onEnd: (row: Sprint) => void
  /** Called at each pause, with the reason and the length (ms). */
  readonly onPause: (why: string, ms: number) => void
}

/**
 * Runs sprints until `count` issues are done or `stop` aborts. Throws BurnError `loop_running` if another process runs the loop of this
 * worker.
 */
export async function loop(options: LoopOptions, context: SprintContext, stop: AbortSignal): Promise<void> {
  const { id } = options.worker
  const { session } = context
  const comments = new CommentWriter(session)
  const turns = () => whileSettlingReviews(comments, session, () => runTurns(options, comments, context, stop))
  const finished = await runJobAlone(loopLease(id), session, turns)
  if (!finished.ran) throw loopRunning(id, finished.job)
}

/**
 * Renews the loop's lease before each issue. If the machine was suspended for longer than the lease, another process may have taken over
 * the loop.
 */
async function renewLoop({ id }: Worker, { ledger, clock, owner }: Session): Promise<void> {
  const other = await ledger.beginJob({ name: loopLease(id), period: null }, owner, clock.now() + leaseLength, clock.now())
  if (other !== null) throw loopRunning(id, other)
}

function loopRunning(worker: WorkerId, { owner }: Job): BurnError {
  const hint = 'stop the other process first; if that process was killed, wait 30 s until its lease expires'
  return new BurnError('loop_running', `another process runs the loop of ${worker}: ${owner}`, hint)
}

async function runTurns(options: LoopOptions, comments: CommentWriter, context: SprintContext, stop: AbortSignal): Promise<void> {
  const { session } = context
  const unread = new Set<RepoRef>()
  const pauses = { ...troublePauses, first: Math.min(troublePauses.first, options.interval) }
  let finished = 0
  let troublesInARow = 0
  while (finished < options.count && !stop.aborted) {
    const { row, why, trouble } = await takeTurn({ ...options, unread }, comments, context, stop)
    if (row !== null) options.onEnd(row)
    finished += row === null || isRefused(row) ? 0 : 1
    troublesInARow = trouble ? troublesInARow + 1 : 0
    if (why === null || stop.aborted || finished >= options.count) continue
    const ms = trouble ? backoffMs(troublesInARow, pauses, 0) : options.interval
    options.onPause(why, ms)
    // After a failure that does not depend on the issue, an update of the ledger does not end the pause early, because it fixes no cause.
    await (trouble ? session.clock.sleep(ms, stop) : pauseUntilChange(ms, session, stop))
  }
}

interface Turn {
  /** The row of the sprint that ran; null if no sprint began. */
  readonly row: Sprint | null
  /** The reason for a pause; null if the loop continues without a pause. */
  readonly why: string | null
  /** Whether the failure would also affect the next issue. */
  readonly trouble: boolean
}

async function takeTurn(
  options: LoopOptions & { readonly unread: Set<RepoRef> },
  comments: CommentWriter,
  context: SprintContext,
  stop: AbortSignal,
): Promise<Turn> {
  const { session } = context
  const { worker } = options
  try {
    await renewLoop(worker, session)
    await releaseLeftovers(session)
    await stopAbandonedRuns(context)
    const found = await findIssues({ repos: worker.repos, issue: null, worker: worker.id, dryRun: false }, context)
    reportUnread(found.unread, options.unread, session)
    const [followUp] = await waitingFollowUps(worker.repos, context)
    const idle = idleReason(worker, found.state, followUp !== undefined || found.picks.picks.length > 0)
    if (idle !== null) return { row: null, ...idle }
    await requireSandbox(context)
    const usable = await usableBackends(context, worker.lane)
    if (stop.aborted) return { row: null, why: null, trouble: false }
    const taken = followUp === undefined ? null : await takeFollowUp(followUp, worker.id, found.state, context)
    const claimed = taken ?? (await claimFirstFree(worker, found.state, found.picks.picks, context))
    if (typeof claimed === 'string') return { row: null, why: claimed, trouble: false }
    const row = await runSprint(claimed, { usable, comments }, context, stop)
    return { row, ...(await afterSprint(row, options, session)) }
  } catch (thrown) {
    if (!(thrown instanceof BurnError) || thrown.exit === 2 || thrown.code === 'loop_running') throw thrown
    return { row: null, why: messageWithHint(thrown), trouble: true }
  }
}

/**
 * Releases the claims of sprints that could not be ended because the ledger failed. This process still renews the leases of these sprints,
 * so without a release nobody could claim their issues.
 */
async function releaseLeftovers({ ledger, clock, owner }: Session): Promise<void> {
  const failure = { class: 'crashed', reason: 'the ledger failed during the sprint' } as const
  const end = {
    outcome: 'given_back',
    failure,
    dispatch: 'released',
    reason: { code: 'sprint_failed', class: failure.class, why: failure.reason, hint: '' },
  } as const
  for (const { id, lease_owner } of await ledger.sprints({ live: true }))
    if (lease_owner === owner) await ledger.endSprint(id, owner, end, clock.now())
}

/**
 * Makes this worker skip an issue whose sprint failed. Other workers may still claim the issue. Returns the reason for a pause, if one is
 * needed.
 */
async function afterSprint(row: Sprint, { worker, skip_for }: LoopOptions, { ledger, clock }: Session): Promise<Omit<Turn, 'row'>> {
  if (row.failure === null || row.outcome === 'kept') return { why: null, trouble: false }
  const reason = `${row.failure}: ${row.failure_text ?? ''}`
  if (consequenceOf(row.failure).ends_run) return { why: reason, trouble: true }
  // The forge refused the issue or the repo, so the ledger already has a back-off that applies to all workers.
  if (isRefused(row) || row.failure === 'repo_unusable') return { why: null, trouble: false }
  const at = clock.now()
  await ledger.skip({ worker: worker.id, issue: row.issue, until: at + skip_for, reason, at })
  return { why: null, trouble: false }
}

/** Returns why the worker cannot begin a sprint; null if there is an issue and a free slot. */
function idleReason({ id, depth, repos }: Worker, state: FleetState, hasWork: boolean): Omit<Turn, 'row'> | null {
  const hold = heldBy(state.holds, state.now, state.fleet.accounts).worker(id)
  if (hold !== null) return { why: `the worker is ${sentence(hold)}`, trouble: false }
  if (freeSlot({ id, depth }, state) === null) return { why: `all slots of the worker are occupied (depth ${depth})`, trouble: false }
  if (hasWork) return null
  const repoErrors = repos.flatMap((repo) => state.repos_down.get(repo) ?? [])
  if (repoErrors.length > 0) return { why: repoErrors[0] ?? '', trouble: repoErrors.length === repos.length }
  return { why: 'no issue is available for this worker', trouble: false }
}

/** Claims the first of the picked issues that is still free. Issues of the home repo come first. Returns null if no claim succeeds. */
async function claimFirstFree(
  worker: Worker,
  state: FleetState,
  picks: readonly Picked[],
  context: SprintContext,
): Promise<Claimed | string> {
  const { session, host } = context
  const slot = freeSlot(worker, state)
  if (slot === null) return 'all slots of the worker are taken'
  let why = 'other workers claimed the available issues first'
  for (const picked of homeFirst(picks, worker)) {
    const { issue, attempt, reason } = picked
    if ((await recheckPick(picked, state, session)) !== null) continue
    const fault = await repoFaultForSprints(issue.repo, context)
    if (fault !== null) {
      why = `no sprint can publish a change in ${issue.repo}: ${fault}`
      continue
    }
    const claim = await claimForSprint({ issue: issue.ref, worker: worker.id, slot, host, attempt, reason }, session)
    if (claim === 'worker') return 'another process uses the slot of the worker'
    if (claim !== 'issue') return { ...claim, worker: worker.id, picked, state }
  }
  return why
}

/**
 * Returns the lowest free slot; null if there is none. Dispatches in the worker's pane also occupy slots, even slots above `depth` if
 * `depth` was lowered.
 */
function freeSlot({ id, depth }: Pick<Worker, 'id' | 'depth'>, { dispatches }: FleetState): number | null {
  const takenSlots = slotsTaken(dispatches).get(id) ?? new Set()
  if (takenSlots.size >= depth) return null
  for (let slot = 0; slot < depth; slot++) if (!takenSlots.has(slot)) return slot
  return null
}

function homeFirst(picks: readonly Picked[], { home }: Worker): readonly Picked[] {
  const isHome = ({ issue }: Picked) => issue.repo === home
  return [...picks.filter(isHome), ...picks.filter((each) => !isHome(each))]
}
