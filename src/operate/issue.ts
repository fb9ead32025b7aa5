/** `burn issue release`, `requeue` and `priority`: a person releases an issue, allows burn to dispatch it again, or orders the queue. */
import type { Dispatch } from '../core/lifecycle.ts'
import type { Fleet, IssueRef, WorkerId } from '../core/nouns.ts'
import type { OwnClaim } from '../claim/check.ts'
import type { BacklogLedger } from '../core/ledger/backlog.ts'
import type { Reason } from '../core/reasons.ts'
import type { Session, SessionPart } from '../observe/session.ts'
import { BurnError } from '../core/errors.ts'
import { agentKey } from '../core/incarnation.ts'
import { machineOf, repoOf, reposOf } from '../core/refs.ts'
import { nearest } from '../core/suggest.ts'
import { isKept, liveStates, slotStates } from '../core/lifecycle.ts'
import { syncComments } from '../claim/comments.ts'
import { endedAgents } from '../observe/agents.ts'
import { claimsElsewhere, heldElsewhere, releaseElsewhere } from './adopt.ts'
import { readMachines } from '../observe/state.ts'
import { snapshotsOf } from '../observe/readings.ts'

/** The result of a release. */
export interface Released {
  readonly dispatches: readonly Dispatch[]
  /** Claims of another ledger of this fleet that burn released on the forge. */
  readonly elsewhere: readonly OwnClaim[]
  /** The URL of a change that is open for review; null if there is none. burn does not dispatch the issue while this change is open. */
  readonly open_change: string | null
}

/**
 * Releases an issue. Without `force`, it throws if an agent may be working on the issue, if a change is open for review, or if another
 * ledger of this fleet has claimed the issue. Throws BurnError `nothing_live`, `still_held`, `change_open` or `other_ledger`.
 */
export async function release(issue: IssueRef, force: boolean, session: Session): Promise<Released> {
  const { ledger, clock } = session
  const live = (await ledger.dispatches({ issue, limit: 100 })).filter(({ state }) => liveStates.includes(state))
  if (!force) await throwIfInUse(issue, live, session)
  const elsewhere = force ? await claimsElsewhere(issue, session) : []
  if (live.length + elsewhere.length === 0) throw noLiveDispatch(issue)
  await releaseElsewhere(issue, elsewhere, session)
  const dispatches = await ledger.moveDispatches(
    live.map(({ id }) => ({
      id,
      from: ['claimed', 'handed', 'review'],
      to: 'released',
      reason: { code: 'released_by_person', forced: force },
    })),
    clock.now(),
  )
  await syncComments(new Set(), session)
  return { dispatches, elsewhere, open_change: openChange(live)?.change_url ?? null }
}

/** Time (ms) in which an agent has ended after its pane. */
const endTime = 5_000

/**
 * Releases the issues of workers whose panes a person ended. burn would otherwise count these dispatches as lost, and so as attempts. It
 * waits a moment until the agents have provably ended, and leaves out dispatches of agents that may still be alive.
 */
export async function releaseEnded(workers: ReadonlySet<WorkerId>, session: Session): Promise<readonly Dispatch[]> {
  const { ledger, clock } = session
  const live = await Promise.all(slotStates.map((state) => ledger.dispatches({ state })))
  const held = live.flat().filter(({ worker }) => workers.has(worker))
  const end = clock.now() + endTime
  let alive = await possibleHolders(held, session)
  while (alive.length > 0 && clock.now() < end) {
    await clock.sleep(200)
    alive = await possibleHolders(held, session)
  }
  const ended = held.filter((dispatch) => !alive.includes(dispatch))
  const reason = { code: 'released_by_person', forced: true } as const
  const moves = ended.map(({ id }) => ({ id, from: slotStates, to: 'released' as const, reason }))
  const released = await ledger.moveDispatches(moves, clock.now())
  await syncComments(new Set(), session)
  return released
}

const noLiveDispatch = (issue: IssueRef) =>
  new BurnError('nothing_live', `no worker has ${issue}`, `to see the state of the issue: burn explain ${issue}`)

async function throwIfInUse(issue: IssueRef, live: readonly Dispatch[], session: Session): Promise<void> {
  const [claim] = live.length > 0 ? [] : await claimsElsewhere(issue, session)
  if (claim !== undefined) throw heldElsewhere(issue, claim)
  if (live.length === 0) throw noLiveDispatch(issue)
  const [holder] = await possibleHolders(live, session)
  if (holder !== undefined) {
    throw new BurnError(
      'still_held',
      `${holder.worker} may still be working on ${issue} (${holder.state}, dispatch ${holder.id})`,
      'wait, or end the agent of this worker. With --force burn releases the issue at once, but then two agents may work on it',
    )
  }
  const review = openChange(live)
  if (review === null) return
  throw new BurnError(
    'change_open',
    `${issue} has a change open for review: ${review.change_url ?? 'its address is unknown'} (dispatch ${review.id}, ${review.worker})`,
    'merge or close the change: burn dispatch then ends the dispatch. Or release the issue with --force',
  )
}

function openChange(live: readonly Dispatch[]): Dispatch | null {
  return live.find((each) => each.kind === 'work' && each.state === 'review' && !isKept(each)) ?? null
}

/** Returns the dispatches whose text may have reached an agent that may still be alive. */
async function possibleHolders(live: readonly Dispatch[], session: Session): Promise<Dispatch[]> {
  const { fleet, ledger } = session
  const deliveries = new Map((await ledger.deliveries({ ids: live.map(({ id }) => id) })).map((d) => [d.id, d]))
  const names = new Set(live.map(({ worker }) => worker.slice(0, worker.indexOf('/'))))
  const machines = await readMachines(
    fleet.machines.filter(({ name }) => names.has(name)),
    session,
  )
  const known = live.map((dispatch) => ({
    dispatch,
    worker: dispatch.worker,
    incarnation: dispatch.incarnation ?? deliveries.get(dispatch.id)?.incarnation ?? null,
  }))
  const ended = await endedAgents(known, snapshotsOf(machines), session)
  return known.flatMap(({ dispatch, incarnation }) => {
    if (dispatch.state === 'review' || (dispatch.state === 'claimed' && incarnation === null)) return []
    return incarnation !== null && ended.has(agentKey(machineOf(dispatch.worker), incarnation)) ? [] : [dispatch]
  })
}

/**
 * Allows burn to dispatch an issue again. It resets the number of attempts, deletes the record that the issue is done, and ends the
 * back-offs of the issue and its repo. Throws BurnError `still_live` or `issue_unknown`.
 */
export async function requeue(issue: IssueRef, { ledger, clock, fleet }: Session): Promise<void> {
  if (await ledger.requeue(issue, clock.now())) return
  if ((await ledger.issue(issue)) === null) throw unknownIssue(issue, fleet)
  throw new BurnError('still_live', `a worker has ${issue}`, `release the issue first: burn issue release ${issue}`)
}

/** Returns the BurnError `issue_unknown` (exit 2). If the spec does not have the repo, its hint has the most similar one. */
export function unknownIssue(issue: IssueRef, fleet: Fleet): BurnError {
  const repos = reposOf(fleet)
  const near = repos.includes(repoOf(issue)) ? null : nearest(repoOf(issue), repos)
  const number = issue.slice(repoOf(issue).length)
  const hint =
    near === null ? 'check the name. To read new issues from the forge: burn dispatch --dry-run' : `did you mean ${near}${number}?`
  return new BurnError('issue_unknown', `the ledger does not have ${issue}`, hint, { exit: 2 })
}

/** The priority that a person set for an issue. */
export interface Prioritized {
  readonly issue: IssueRef
  /** The new priority; 0 if the issue has none. */
  readonly priority: number
  readonly priority_before: number
  /** The reason that burn assigns the issue to nobody now, whatever its priority; null if the issue waits in the queue. */
  readonly left_out: Reason | null
}

/**
 * Sets the priority of an issue. `next`: higher than that of every other open issue. With `dryRun` it changes nothing. Throws BurnError
 * `issue_unknown` or `issue_closed`.
 */
export async function prioritize(
  issue: IssueRef,
  wanted: number | 'next',
  dryRun: boolean,
  { ledger, clock, fleet }: SessionPart<BacklogLedger, 'clock' | 'fleet'>,
): Promise<Prioritized> {
  const record = await ledger.issue(issue)
  if (record === null) throw unknownIssue(issue, fleet)
  if (record.issue.state === 'closed')
    throw new BurnError('issue_closed', `${issue} is closed`, 'reopen the issue on the forge first', { exit: 2 })
  const priority = wanted === 'next' ? (await ledger.highestPriority(issue)) + 1 : wanted
  if (!dryRun) await ledger.prioritize(issue, priority, clock.now())
  const { verdict, standing } = record
  const waits = standing === 'queued' || verdict === null || verdict.eligible
  return {
    issue,
    priority,
    priority_before: record.priority,
    left_out: standing === 'taken' ? { code: 'taken' } : waits ? null : verdict.reason,
  }
}
