/** What a person mends by hand: an issue given back, or given again. */
import type { Dispatch } from '../core/lives.ts'
import type { IssueRef } from '../core/nouns.ts'
import type { Session } from './session.ts'
import { BurnError } from '../core/errors.ts'
import { liveStates } from '../core/lives.ts'
import { syncComments } from './comments.ts'
import { readIncarnations } from './readings.ts'
import { lookAt } from './view.ts'

/**
 * Gives an issue back. What its worker may still be holding stays its: an agent that has the prompt and lives keeps the issue, unless forced.
 * Returns the dispatches that were released. Throws BurnError `nothing_live` or `still_held`.
 */
export async function release(issue: IssueRef, force: boolean, session: Session): Promise<readonly Dispatch[]> {
  const { ledger, clock } = session
  const live = (await ledger.dispatches({ issue, limit: 100 })).filter(({ state }) => liveStates.includes(state))
  if (live.length === 0) throw new BurnError('nothing_live', `${issue} is not with any worker`, 'burn explain says where it is')
  const held = force ? [] : await stillHeld(live, session)
  const [first] = held
  if (first !== undefined) {
    throw new BurnError(
      'still_held',
      `${first.worker} may still be working on ${issue} (${first.state}, dispatch ${first.id})`,
      'wait for it, end its agent, or release it with --force: then two workers may have it',
    )
  }
  const moved = await ledger.moveDispatches(
    live.map(({ id }) => ({
      id,
      from: ['claimed', 'handed', 'review'],
      to: 'released',
      reason: `released by a person${force ? ' (forced)' : ''}`,
    })),
    clock.now(),
  )
  await syncComments(new Set(), session)
  return moved
}

/** Dispatches whose text may have reached an agent that is not known to be gone. */
async function stillHeld(live: readonly Dispatch[], session: Session): Promise<Dispatch[]> {
  const { fleet, ledger } = session
  const deliveries = new Map((await ledger.deliveries({ ids: live.map(({ id }) => id) })).map((d) => [d.id, d]))
  const names = new Set(live.map(({ worker }) => worker.slice(0, worker.indexOf('/'))))
  const seen = await lookAt(
    fleet.machines.filter(({ name }) => names.has(name)),
    session,
  )
  const living = readIncarnations(
    fleet,
    seen,
    live.map(({ worker }) => worker),
  )
  return live.filter((dispatch) => {
    if (dispatch.state === 'review') return false
    const incarnation = dispatch.incarnation ?? deliveries.get(dispatch.id)?.incarnation ?? null
    if (dispatch.state === 'claimed' && incarnation === null) return false
    const now = living.get(dispatch.worker)
    return now === undefined || now === incarnation
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
  throw new BurnError('still_live', `${issue} is with a worker`, `burn release ${issue} gives it back first`)
}
