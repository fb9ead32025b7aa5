/** `burn sprint run`: runs a number of sprints, several of them in parallel. */
import type { IssueRef, RepoRef } from '../core/nouns.ts'
import type { Backend, Sprint } from '../core/sprint.ts'
import type { FleetState } from '../core/fleet-state.ts'
import type { SprintFollowUp } from '../core/ledger/changes.ts'
import type { Picked } from '../decide/pick.ts'
import type { SprintContext } from './context.ts'
import { BurnError } from '../core/errors.ts'
import { blockedBackends } from './blocked-backends.ts'
import { sprintWorkers } from '../core/sprint.ts'
import { consequenceOf } from '../decide/failure.ts'
import { elsewhereAdvice } from '../decide/report.ts'
import { mapConcurrently } from '../core/concurrency.ts'
import { claimForSprint } from '../claim/claim.ts'
import { runJob } from '../jobs/run.ts'
import { withLeases } from '../observe/session.ts'
import { stopAbandonedRuns } from './abandoned-runs.ts'
import { takeFollowUp, waitingFollowUps } from './follow-ups.ts'
import { findIssues, reportUnread } from './find-issues.ts'
import { RepoFaults, WorkerPool } from './run-parts.ts'
import { pruneSprints } from './prune.ts'
import { updatePause, currentPause, type Pause } from './pause.ts'
import { CommentWriter } from './comment-writer.ts'
import { runSprint, type Claimed } from './sprint.ts'
import { recheckPick } from './recheck.ts'
import { settleReviews, whileSettlingReviews } from './reviews.ts'
import { requireSandbox } from './prepared-workspace.ts'
import { sentence } from '../decide/wording.ts'

/** The time (ms) between two automatic prunings of workspaces and transcripts. */
const pruneInterval = 24 * 3_600_000

export interface SprintRunOptions {
  readonly repos: readonly RepoRef[]
  /** The issue that a person named. If null, burn picks issues in the order of priority. */
  readonly issue: IssueRef | null
  /** The maximum number of issues to work on. */
  readonly count: number
  /** The maximum number of parallel sprints. */
  readonly jobs: number
  /** If true, burn runs sprints even during a pause after a failure. */
  readonly now: boolean
}

/**
 * Probes all backends. Returns the backends that work, and reports the failures of all others. If no backend works, throws BurnError
 * `sprint_no_backend`, which lists all reasons.
 */
export async function usableBackends(
  { backends, session }: Pick<SprintContext, 'backends' | 'session'>,
  lane: string = sprintWorkers,
): Promise<readonly Backend[]> {
  const blocked = await blockedBackends(namesOf(backends), lane, session)
  const probed = await Promise.all(
    backends.map(async (backend) => ({ backend, failure: blocked.get(backend.name) ?? (await backend.probe()) })),
  )
  const usable = probed.filter(({ failure }) => failure === null).map(({ backend }) => backend)
  const reasons = probed.flatMap(({ backend, failure }) =>
    failure === null ? [] : [`${backend.name}: ${failure.class}: ${failure.reason}`],
  )
  if (usable.length === 0) {
    const remedy =
      blocked.size === probed.length
        ? 'for budgets and holds: burn costs --limits'
        : 'start one of the backends, or correct sprint.backends in the spec'
    const hint = `burn claimed no issue; ${remedy}`
    throw new BurnError('sprint_no_backend', `no backend works now: ${reasons.join('; ')}`, hint)
  }
  for (const { backend, failure } of probed)
    if (failure !== null)
      session.notify({
        kind: 'backend.unusable',
        subject: 'backend',
        payload: { name: backend.name, class: failure.class, why: failure.reason },
      })
  return usable
}

const namesOf = (backends: readonly Backend[]) => backends.map(({ name }) => name)

export interface SprintRunResult {
  /** The rows of the sprints, in the order in which the sprints ended. */
  readonly rows: readonly Sprint[]
  /** The repos that burn could not read, each with the reason. */
  readonly unread: ReadonlyMap<RepoRef, string>
  /** The repos in which no sprint can publish a change, and why. burn claimed no issue of them. */
  readonly unusable: ReadonlyMap<RepoRef, string>
}

/**
 * Runs sprints until `count` is reached, `stop` aborts, or a failure occurs that would affect every issue. When it returns, each sprint has
 * ended or has released its issue. Throws BurnError `forge_unread`, `sprint_no_backend`, `sprint_not_eligible`, `sprint_resting` or
 * `sandbox_*`.
 */
export async function runSprints(options: SprintRunOptions, context: SprintContext, stop: AbortSignal): Promise<SprintRunResult> {
  const { session } = context
  const { ledger, clock } = session
  const comments = new CommentWriter(session)
  await stopAbandonedRuns(context)
  const usable = await requireBackends(options, context).catch(async (thrown: unknown) => {
    // Changes may have been merged, even if no sprint can run now.
    await settleReviews(comments, session)
    throw thrown
  })
  const unread = new Map<RepoRef, string>()
  const runner = await withLeases(session, async () => {
    const { state, picks, ...found } = await findIssues({ ...options, worker: `${sprintWorkers}/${context.host}`, dryRun: false }, context)
    reportUnread(found.unread, new Set(), session)
    for (const [repo, reason] of found.unread) unread.set(repo, reason)
    assertNamedPicked(options, picks)
    await comments.writePending()
    const followUps = options.issue === null ? await waitingFollowUps(options.repos, context) : []
    const running = new Runner({ options, usable, comments, context, state, followUps: [...followUps], queue: [...picks.picks] }, stop)
    await whileSettlingReviews(comments, session, () =>
      mapConcurrently(Array.from({ length: options.jobs }), options.jobs, () => running.takeAll()),
    )
    const advice = elsewhereAdvice((await ledger.backlog()).elsewhere)
    if (advice !== null) session.notify({ kind: 'ledger.shared', subject: 'ledger', payload: { what: advice.what, mend: advice.remedy } })
    await updatePause(ledger, running.results, clock.now())
    await pruneDaily(context, stop)
    return running
  })
  return { rows: runner.results, unread, unusable: runner.unusable }
}

interface Running {
  readonly options: SprintRunOptions
  readonly usable: readonly Backend[]
  readonly comments: CommentWriter
  readonly context: SprintContext
  /** The fleet's state when the issues were picked. */
  readonly state: FleetState
  /** The follow-ups and the issues that no sprint of this run has taken yet. */
  readonly followUps: SprintFollowUp[]
  readonly queue: Picked[]
}

/** Takes follow-ups and issues, one after another. Several calls of `takeAll` run at the same time. */
class Runner {
  readonly results: Sprint[] = []
  readonly unusable = new Map<RepoRef, string>()
  readonly #given: Running
  readonly #stop: AbortSignal
  readonly #workers: WorkerPool
  readonly #faults: RepoFaults
  #started = 0
  #refused: ReadonlySet<string> = new Set()
  #ended = false

  constructor(given: Running, stop: AbortSignal) {
    this.#given = given
    this.#stop = stop
    this.#workers = new WorkerPool(given.context.host, given.state)
    this.#faults = new RepoFaults(given.context, given.options.now)
  }

  /** Runs sprints until nothing is left. Changes in review come first, so that work comes to its end before new work begins. */
  async takeAll(): Promise<void> {
    const { followUps, queue } = this.#given
    for (let next = followUps.shift(); next !== undefined && this.#mayStart(); next = followUps.shift()) await this.#takeFollowUp(next)
    for (let picked = queue.shift(); picked !== undefined && this.#mayStart(); picked = queue.shift()) await this.#takeIssue(picked)
  }

  #mayStart(): boolean {
    return this.#started < this.#given.options.count && !this.#ended && !this.#stop.aborted
  }

  async #takeFollowUp(followUp: SprintFollowUp): Promise<void> {
    this.#started += 1
    const worker = this.#workers.acquire()
    const claimed = await takeFollowUp(followUp, worker, this.#given.state, this.#given.context)
    if (claimed !== null) return void (await this.#finish(claimed, this.#given.usable))
    this.#started -= 1
    this.#workers.release(worker)
  }

  async #takeIssue(picked: Picked): Promise<void> {
    const { state, context } = this.#given
    const { session } = context
    if (this.#refused.has(picked.issue.ref) || this.#refused.has(picked.issue.repo)) return
    const usable = await this.#allowed()
    if (usable.length === 0) return
    this.#started += 1
    const problem = await recheckPick(picked, state, session)
    if (problem !== null) session.notify({ kind: 'issue.unpicked', subject: picked.issue.ref, payload: { reason: problem } })
    const fault = problem === null ? await this.#faults.of(picked.issue.repo) : null
    if (fault !== null) this.unusable.set(picked.issue.repo, fault)
    const claimed = problem === null && fault === null ? await claim(picked, this.#workers, state, context) : null
    if (claimed === null) {
      this.#started -= 1
      return
    }
    const result = await this.#finish(claimed, usable)
    if (isRefused(result)) {
      // The forge refused the issue or the repo, so this sprint does not count. Later picks skip all issues and repos that have a back-off.
      this.#started -= 1
      this.#refused = new Set((await session.ledger.backoffs(session.clock.now())).map(({ subject }) => subject))
    }
    if (result.failure === 'repo_unusable') this.#faults.forget(picked.issue.repo)
  }

  /** Returns the backends that a new sprint may use. If there are none, the run starts no further sprint. */
  async #allowed(): Promise<readonly Backend[]> {
    const { usable, context } = this.#given
    const blocked = await blockedBackends(namesOf(usable), sprintWorkers, context.session)
    const allowed = usable.filter(({ name }) => !blocked.has(name))
    if (allowed.length > 0 || this.#ended) return allowed
    this.#ended = true
    for (const [name, { class: failure, reason: why }] of blocked)
      context.session.notify({ kind: 'backend.unusable', subject: 'backend', payload: { name, class: failure, why } })
    return []
  }

  async #finish(claimed: Claimed, usable: readonly Backend[]): Promise<Sprint> {
    const { comments, context } = this.#given
    const result = await runSprint(claimed, { usable, comments }, context, this.#stop)
    this.#workers.release(claimed.worker)
    this.results.push(result)
    if (result.failure !== null && consequenceOf(result.failure).ends_run) this.#ended = true
    return result
  }
}

/** Returns the backends that can work now. Throws BurnError `sprint_resting`, `sprint_no_backend` or `sandbox_*` if no sprint can run. */
async function requireBackends({ now }: SprintRunOptions, context: SprintContext): Promise<readonly Backend[]> {
  const { ledger, clock } = context.session
  const pause = now ? null : await currentPause(ledger, clock.now())
  if (pause !== null) throw pausedError(pause, clock.now())
  await requireSandbox(context)
  return usableBackends(context)
}

/** Tells whether a sprint ended before its first turn because of the issue's or the repo's state on the forge. Such a sprint does not count. */
export function isRefused({ failure, turns }: Sprint): boolean {
  return turns === 0 && (failure === 'issue_refused' || failure === 'repo_refused' || failure === 'repo_unusable')
}

/** Prunes at most once a day, by the limits in the spec. Keeps unpushed work. */
async function pruneDaily({ session, policy, git }: SprintContext, stop: AbortSignal): Promise<void> {
  await runJob({ name: 'sprint prune', period: pruneInterval }, session, () =>
    pruneSprints({ ...policy.keep, force: false, dryRun: false }, { session, policy, git: { ...git, signal: stop } }),
  )
}

function pausedError({ until, why }: Pause, now: number): BurnError {
  const seconds = Math.ceil((until - now) / 1000)
  const hint = 'fix the cause first; to run sprints anyway, add --now'
  return new BurnError('sprint_resting', `sprints are paused for ${seconds} s, because the last sprint ended with ${why}`, hint, {
    exit: 3,
  })
}

/** Throws BurnError `sprint_not_eligible` with the reason if a person named an issue that cannot be picked. */
function assertNamedPicked({ issue }: SprintRunOptions, { picks, refused }: Awaited<ReturnType<typeof findIssues>>['picks']): void {
  if (issue === null || picks.length > 0) return
  const reason = refused[0] === undefined ? 'the issue is not among the open issues' : sentence(refused[0].reason)
  throw new BurnError('sprint_not_eligible', `a sprint cannot claim ${issue} now: ${reason}`, `for details: burn explain ${issue}`)
}

async function claim(picked: Picked, workers: WorkerPool, state: FleetState, { session, host }: SprintContext) {
  const { issue, attempt, reason } = picked
  for (;;) {
    const worker = workers.acquire()
    const outcome = await claimForSprint({ issue: issue.ref, worker, slot: 0, host, attempt, reason }, session)
    // Another process on this machine already uses this worker, so burn tries the next worker.
    if (outcome === 'worker') continue
    if (outcome !== 'issue') return { ...outcome, worker, picked, state }
    workers.release(worker)
    return null
  }
}
