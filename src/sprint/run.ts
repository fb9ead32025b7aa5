/** `burn sprint run`: takes so many issues, so many at a time. */
import type { IssueRef, RepoRef } from '../core/nouns.ts'
import type { Backend, Sprint } from '../core/sprint.ts'
import type { FleetState } from '../core/fleet-state.ts'
import type { Picked } from '../decide/pick.ts'
import type { SprintContext } from './context.ts'
import { BurnError } from '../core/errors.ts'
import { sprintWorkers } from '../core/sprint.ts'
import { consequenceOf } from '../decide/failure.ts'
import { elsewhereAdvice } from '../decide/report.ts'
import { mapConcurrently } from '../core/concurrency.ts'
import { claimForSprint } from '../claim/claim.ts'
import { runJob } from '../jobs/run.ts'
import { withLeases } from '../observe/session.ts'
import { findIssues, sayUnread } from './find-issues.ts'
import { pruneSprints } from './prune.ts'
import { updatePause, currentPause, type Pause } from './pause.ts'
import { CommentWriter } from './comment-writer.ts'
import { runSprint } from './sprint.ts'
import { recheckPick } from './recheck.ts'
import { requireSandbox } from './prepared-workspace.ts'
import { sentence } from '../decide/wording.ts'

/** How often old workspaces and transcripts are removed by themselves, milliseconds. */
const pruneEvery = 24 * 3_600_000

export interface SprintRunOptions {
  readonly repos: readonly RepoRef[]
  /** One that a person named; null: whichever is first. */
  readonly issue: IssueRef | null
  /** How many issues at most. */
  readonly count: number
  /** How many at a time. */
  readonly jobs: number
  /** Also where the last run ended in trouble that every issue would meet, a moment ago. */
  readonly now: boolean
}

/** Those that could work now. Throws BurnError `sprint_no_backend` with every reason where none could. */
export async function usableBackends({ backends, session }: Pick<SprintContext, 'backends' | 'session'>): Promise<readonly Backend[]> {
  const probed = await Promise.all(backends.map(async (backend) => ({ backend, failure: await backend.probe() })))
  const usable = probed.filter(({ failure }) => failure === null).map(({ backend }) => backend)
  const reasons = probed.flatMap(({ backend, failure }) =>
    failure === null ? [] : [`${backend.name}: ${failure.class}: ${failure.reason}`],
  )
  if (usable.length === 0) {
    const hint = 'start one of them, or correct sprint.backends in the spec; nothing was claimed'
    throw new BurnError('sprint_no_backend', `no backend can work now: ${reasons.join('; ')}`, hint)
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

export interface SprintRunResult {
  /** In the order in which they ended. */
  readonly rows: readonly Sprint[]
  /** Repos that could not be read, with the reason. */
  readonly unread: ReadonlyMap<RepoRef, string>
}

/** What was begun is ended or given back when this returns, also on `stop`. Throws BurnError `forge_unread` where no repo could be read. */
export async function runSprints(options: SprintRunOptions, context: SprintContext, stop: AbortSignal): Promise<SprintRunResult> {
  const { session } = context
  const { ledger, clock } = session
  const rest = options.now ? null : await currentPause(ledger, clock.now())
  if (rest !== null) throw pausedError(rest, clock.now())
  await requireSandbox(context)
  const usable = await usableBackends(context)
  const results: Sprint[] = []
  const unread = new Map<RepoRef, string>()
  await withLeases(session, async () => {
    const { state, picks, ...looked } = await findIssues({ ...options, worker: `${sprintWorkers}/${context.host}`, dryRun: false }, context)
    sayUnread(looked.unread, new Set(), session)
    for (const [repo, why] of looked.unread) unread.set(repo, why)
    refuseNamed(options, picks)
    const queue = [...picks.picks]
    const desks = new WorkerPool(context.host, state)
    const speaker = new CommentWriter(session)
    let begun = 0
    let refused: ReadonlySet<string> = new Set()
    let over = false
    await mapConcurrently(Array.from({ length: options.jobs }), options.jobs, async () => {
      for (let picked = queue.shift(); picked !== undefined && begun < options.count && !over && !stop.aborted; picked = queue.shift()) {
        if (refused.has(picked.issue.ref) || refused.has(picked.issue.repo)) continue
        begun += 1
        const claimed = await claim(picked, desks, state, context)
        if (claimed === null) {
          begun -= 1
          continue
        }
        const row = await runSprint(claimed, { usable, speaker }, context, stop)
        desks.release(claimed.worker)
        results.push(row)
        if (isRefused(row)) {
          // Nothing was done, so another issue takes its turn: none of those that rest since.
          begun -= 1
          refused = new Set((await ledger.backoffs(clock.now())).map(({ subject }) => subject))
        }
        if (row.failure !== null && consequenceOf(row.failure).ends_run) over = true
      }
    })
    const other = elsewhereAdvice((await ledger.backlog()).elsewhere)
    if (other !== null) session.notify({ kind: 'ledger.shared', subject: 'ledger', payload: { what: other.what, mend: other.remedy } })
    await updatePause(ledger, results, clock.now())
    await pruneDaily(context, stop)
  })
  return { rows: results, unread }
}

/** Whether a sprint ended because the forge refuses its issue or repo: it did nothing, and is not the issue that somebody asked for. */
export function isRefused({ failure, turns }: Sprint): boolean {
  return turns === 0 && (failure === 'issue_refused' || failure === 'repo_refused')
}

/** What the spec keeps no longer; what is there only stays. */
async function pruneDaily({ session, policy, git }: SprintContext, stop: AbortSignal): Promise<void> {
  await runJob({ name: 'sprint prune', period: pruneEvery }, session, () =>
    pruneSprints({ ...policy.keep, force: false, dryRun: false }, { session, policy, git: { ...git, signal: stop } }),
  )
}

function pausedError({ until, why }: Pause, now: number): BurnError {
  const seconds = Math.ceil((until - now) / 1000)
  const hint = 'mend that first; --now tries at once'
  return new BurnError('sprint_resting', `sprints rest for ${seconds} s more, since the last one ended with ${why}`, hint, { exit: 3 })
}

/** A person who names an issue hears why it is not done. */
function refuseNamed({ issue }: SprintRunOptions, { picks, refused }: Awaited<ReturnType<typeof findIssues>>['picks']): void {
  if (issue === null || picks.length > 0) return
  const reason = refused[0] === undefined ? 'it is not among the open issues' : sentence(refused[0].reason)
  throw new BurnError('sprint_not_eligible', `${issue} is no work for a sprint now: ${reason}`, 'burn explain says more')
}

async function claim(picked: Picked, desks: WorkerPool, state: FleetState, { session, host }: SprintContext) {
  const { issue, attempt, reason } = picked
  const why = await recheckPick(picked, state, session)
  if (why !== null) {
    session.notify({ kind: 'issue.unpicked', subject: issue.ref, payload: { reason: why } })
    return null
  }
  for (;;) {
    const worker = desks.acquire()
    const won = await claimForSprint({ issue: issue.ref, worker, slot: 0, host, attempt, reason }, session)
    // Another process of this host sits there: the next one.
    if (won === 'worker') continue
    if (won !== 'issue') return { ...won, worker, picked, state }
    desks.release(worker)
    return null
  }
}

/** Workers `sprint/<host>/<n>`, the lowest free ones first: each has one sprint at a time, whichever process runs it. */
class WorkerPool {
  readonly #host: string
  readonly #taken: Set<string>

  constructor(host: string, { sprints }: FleetState) {
    this.#host = host
    this.#taken = new Set(sprints.map(({ worker }) => worker))
  }

  acquire(): string {
    for (let n = 1; ; n++) {
      const worker = `${sprintWorkers}/${this.#host}/${n}`
      if (this.#taken.has(worker)) continue
      this.#taken.add(worker)
      return worker
    }
  }

  release(worker: string): void {
    this.#taken.delete(worker)
  }
}
