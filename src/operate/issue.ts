/** What a person mends by hand: an issue given back, or given again. */
import type { Dispatch } from '../core/lifecycle.ts'
import type { IssueRef } from '../core/nouns.ts'
import type { OwnClaim } from '../claim/check.ts'
import type { Session } from '../observe/session.ts'
import { BurnError } from '../core/errors.ts'
import { agentKey } from '../core/incarnation.ts'
import { machineOf } from '../core/refs.ts'
import { isKept, liveStates } from '../core/lifecycle.ts'
import { syncComments } from '../claim/comments.ts'
import { endedAgents } from '../observe/agents.ts'
import { claimsElsewhere, heldElsewhere, releaseElsewhere } from './adopt.ts'
import { readMachines, snapshotsOf } from '../observe/state.ts'

export interface Released {
  readonly dispatches: readonly Dispatch[]
  /** Claims of another ledger of this fleet that were released on the forge. */
  readonly elsewhere: readonly OwnClaim[]
  /** Where the change is that is open for review: it keeps the issue from being given again. Null if there is none. */
  readonly open_change: string | null
}

/**
 * Gives an issue back. An agent that has the prompt and lives keeps the issue, and so does a change that is open for review, unless forced. With force, claims
 * of another ledger of this fleet are released too. Throws BurnError `nothing_live`, `still_held`, `change_open` or `other_ledger`.
 */
export async function release(issue: IssueRef, force: boolean, session: Session): Promise<Released> {
  const { ledger, clock } = session
  const live = (await ledger.dispatches({ issue, limit: 100 })).filter(({ state }) => liveStates.includes(state))
  if (!force) await refuseRelease(issue, live, session)
  const elsewhere = force ? await claimsElsewhere(issue, session) : []
  if (live.length + elsewhere.length === 0) throw nothingLive(issue)
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

const nothingLive = (issue: IssueRef) => new BurnError('nothing_live', `${issue} is not with any worker`, 'burn explain says where it is')

async function refuseRelease(issue: IssueRef, live: readonly Dispatch[], session: Session): Promise<void> {
  const [claim] = live.length > 0 ? [] : await claimsElsewhere(issue, session)
  if (claim !== undefined) throw heldElsewhere(issue, claim)
  if (live.length === 0) throw nothingLive(issue)
  const [holder] = await stillHeld(live, session)
  if (holder !== undefined) {
    throw new BurnError(
      'still_held',
      `${holder.worker} may still be working on ${issue} (${holder.state}, dispatch ${holder.id})`,
      'wait for it, end its agent, or release it with --force: then two workers may have it',
    )
  }
  const review = openChange(live)
  if (review === null) return
  throw new BurnError(
    'change_open',
    `${issue} has a change that is open for review: ${review.change_url ?? `branch burn/${review.id}`} (dispatch ${review.id}, ${review.worker})`,
    'merge or close the change, and burn dispatch ends the dispatch; or release it with --force',
  )
}

function openChange(live: readonly Dispatch[]): Dispatch | null {
  return live.find((each) => each.kind === 'work' && each.state === 'review' && !isKept(each)) ?? null
}

/** Dispatches whose text may have reached an agent that is not known to be gone. */
async function stillHeld(live: readonly Dispatch[], session: Session): Promise<Dispatch[]> {
  const { fleet, ledger } = session
  const deliveries = new Map((await ledger.deliveries({ ids: live.map(({ id }) => id) })).map((d) => [d.id, d]))
  const names = new Set(live.map(({ worker }) => worker.slice(0, worker.indexOf('/'))))
  const seen = await readMachines(
    fleet.machines.filter(({ name }) => names.has(name)),
    session,
  )
  const known = live.map((dispatch) => ({
    dispatch,
    worker: dispatch.worker,
    incarnation: dispatch.incarnation ?? deliveries.get(dispatch.id)?.incarnation ?? null,
  }))
  const ended = await endedAgents(known, snapshotsOf(seen), session)
  return known.flatMap(({ dispatch, incarnation }) => {
    if (dispatch.state === 'review' || (dispatch.state === 'claimed' && incarnation === null)) return []
    return incarnation !== null && ended.has(agentKey(machineOf(dispatch.worker), incarnation)) ? [] : [dispatch]
  })
}

/** Lets an issue be given again: forgets that it is done, and its attempts. Throws BurnError `still_live` or `issue_unknown`. */
export async function requeue(issue: IssueRef, { ledger, clock }: Session): Promise<void> {
  if (await ledger.requeue(issue, clock.now())) return
  const known = await ledger.issue(issue)
  if (known === null)
    throw new BurnError(
      'issue_unknown',
      `nothing is known of ${issue}`,
      'run burn dispatch --dry-run once, so that the forge is read; or check the name',
    )
  throw new BurnError('still_live', `${issue} is with a worker`, `burn issue release ${issue} gives it back first`)
}
