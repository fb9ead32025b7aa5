/** `burn worker loop`: issue after issue for one worker of the spec, in its pane or without one. */
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
import { findIssues, sayUnread } from './find-issues.ts'
import { isRefused, usableBackends } from './run.ts'
import { CommentWriter } from './comment-writer.ts'
import { runSprint } from './sprint.ts'
import { recheckPick } from './recheck.ts'
import { requireSandbox } from './prepared-workspace.ts'

/** How long nothing is tried after trouble that would meet every issue: first, and at most, milliseconds. */
const troublePauses = { first: 15_000, longest: 30 * 60_000 }

export interface LoopOptions {
  readonly worker: Worker
  /** How many issues; Infinity until stopped. */
  readonly count: number
  /** Pause where there is nothing to do, milliseconds. After trouble it is no longer than this at first either. */
  readonly interval: number
  /** How long an issue that came to nothing is left alone by this worker, milliseconds. */
  readonly skip_for: number
  readonly onEnd: (row: Sprint) => void
  /** Hears why it rests, and how long, milliseconds. */
  readonly onPause: (why: string, ms: number) => void
}

/** Runs until `count` or `stop`. Throws BurnError `loop_running` where another process is this worker's loop. */
export async function loop(options: LoopOptions, context: SprintContext, stop: AbortSignal): Promise<void> {
  const { id } = options.worker
  const done = await runJobAlone(loopLease(id), context.session, () => turns(options, context, stop))
  if (!done.ran) throw loopRunning(id, done.job)
}

/** Again before each issue: a process that slept longer than its lease may have been followed by another. */
async function holdLoop({ id }: Worker, { ledger, clock, owner }: Session): Promise<void> {
  const other = await ledger.beginJob({ name: loopLease(id), period: null }, owner, clock.now() + leaseLength, clock.now())
  if (other !== null) throw loopRunning(id, other)
}

function loopRunning(worker: WorkerId, { owner }: Job): BurnError {
  const hint = 'end that one first; if it was killed, it counts as gone in half a minute'
  return new BurnError('loop_running', `another process is the loop of ${worker}: ${owner}`, hint)
}

async function turns(options: LoopOptions, context: SprintContext, stop: AbortSignal): Promise<void> {
  const { session } = context
  const speaker = new CommentWriter(session)
  const unread = new Set<RepoRef>()
  const pauses = { ...troublePauses, first: Math.min(troublePauses.first, options.interval) }
  let done = 0
  let troubles = 0
  while (done < options.count && !stop.aborted) {
    const { row, why, trouble } = await next({ ...options, unread }, speaker, context, stop)
    if (row !== null) options.onEnd(row)
    done += row === null || isRefused(row) ? 0 : 1
    troubles = trouble ? troubles + 1 : 0
    if (why === null || stop.aborted || done >= options.count) continue
    const ms = trouble ? backoffMs(troubles, pauses, 0) : options.interval
    options.onPause(why, ms)
    // What another process frees ends no trouble.
    await (trouble ? session.clock.sleep(ms, stop) : pauseUntilChange(ms, session, stop))
  }
}

interface Turn {
  /** What was done; null where nothing was begun. */
  readonly row: Sprint | null
  /** Why it should rest; null: it goes on at once. */
  readonly why: string | null
  /** It would meet the next issue too. */
  readonly trouble: boolean
}

async function next(
  options: LoopOptions & { readonly unread: Set<RepoRef> },
  speaker: CommentWriter,
  context: SprintContext,
  stop: AbortSignal,
): Promise<Turn> {
  const { session } = context
  const { worker } = options
  try {
    await holdLoop(worker, session)
    await giveBackLeft(session)
    const looked = await findIssues({ repos: worker.repos, issue: null, worker: worker.id, dryRun: false }, context)
    sayUnread(looked.unread, options.unread, session)
    const nothing = whyNothing(worker, looked.state, looked.picks.picks)
    if (nothing !== null) return { row: null, ...nothing }
    await requireSandbox(context)
    const usable = await usableBackends(context)
    if (stop.aborted) return { row: null, why: null, trouble: false }
    const claimed = await claimFirst(worker, looked.state, looked.picks.picks, context)
    if (claimed === null) return { row: null, why: 'others were faster', trouble: false }
    const row = await runSprint(claimed, { usable, speaker }, context, stop)
    return { row, ...(await follow(row, options, session)) }
  } catch (thrown) {
    if (!(thrown instanceof BurnError) || thrown.exit === 2 || thrown.code === 'loop_running') throw thrown
    return { row: null, why: messageWithHint(thrown), trouble: true }
  }
}

/** Where the ledger failed at the end of a sprint, this process still holds and renews its claim: nobody could ever take that issue. */
async function giveBackLeft({ ledger, clock, owner }: Session): Promise<void> {
  const failure = { class: 'crashed', reason: 'the ledger failed while it ran' } as const
  const end = {
    outcome: 'given_back',
    failure,
    dispatch: 'released',
    reason: { code: 'sprint_failed', class: failure.class, why: failure.reason, hint: '' },
  } as const
  for (const { id, lease_owner } of await ledger.sprints({ live: true }))
    if (lease_owner === owner) await ledger.endSprint(id, owner, end, clock.now())
}

/** Keeps what came to nothing out of this worker's next turns; others may do better. */
async function follow(row: Sprint, { worker, skip_for }: LoopOptions, { ledger, clock }: Session): Promise<Omit<Turn, 'row'>> {
  if (row.failure === null || row.outcome === 'kept') return { why: null, trouble: false }
  const reason = `${row.failure}: ${row.failure_text ?? ''}`
  if (consequenceOf(row.failure).ends_run) return { why: reason, trouble: true }
  // The ledger keeps for everybody how long it rests.
  if (isRefused(row)) return { why: null, trouble: false }
  const at = clock.now()
  await ledger.skip({ worker: worker.id, issue: row.issue, until: at + skip_for, reason, at })
  return { why: null, trouble: false }
}

/** Null where there is something for it to do, and room. */
function whyNothing({ id, depth, repos }: Worker, state: FleetState, picks: readonly Picked[]): Omit<Turn, 'row'> | null {
  const hold = heldBy(state.holds, state.now).worker(id)
  if (hold !== null) return { why: `it is ${sentence(hold)}`, trouble: false }
  if (freeSlot({ id, depth }, state) === null) return { why: `all it may have at a time is taken (depth ${depth})`, trouble: false }
  if (picks.length > 0) return null
  const down = repos.flatMap((repo) => state.repos_down.get(repo) ?? [])
  if (down.length > 0) return { why: down[0] ?? '', trouble: down.length === repos.length }
  return { why: 'there is nothing for it to do', trouble: false }
}

/** The first issue that nobody else has or takes: of its home repo as long as there are any. */
async function claimFirst(
  worker: Worker,
  state: FleetState,
  picks: readonly Picked[],
  { session, host }: SprintContext,
): Promise<Claimed | null> {
  const slot = freeSlot(worker, state)
  if (slot === null) return null
  for (const picked of homeFirst(picks, worker)) {
    const { issue, attempt, reason } = picked
    if ((await recheckPick(picked, state, session)) !== null) continue
    const won = await claimForSprint({ issue: issue.ref, worker: worker.id, slot, host, attempt, reason }, session)
    if (won === 'worker') return null
    if (won !== 'issue') return { ...won, worker: worker.id, picked, state }
  }
  return null
}

/** What its pane has counts, and so does what lies above a depth that was lowered. */
function freeSlot({ id, depth }: Pick<Worker, 'id' | 'depth'>, { dispatches }: FleetState): number | null {
  const taken = slotsTaken(dispatches).get(id) ?? new Set()
  if (taken.size >= depth) return null
  for (let slot = 0; slot < depth; slot++) if (!taken.has(slot)) return slot
  return null
}

function homeFirst(picks: readonly Picked[], { home }: Worker): readonly Picked[] {
  const own = ({ issue }: Picked) => issue.repo === home
  return [...picks.filter(own), ...picks.filter((each) => !own(each))]
}
