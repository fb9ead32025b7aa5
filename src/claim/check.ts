/** Looks whether others have what is about to be claimed: other fleets, and other ledgers of this one. Nothing is written but what is kept of rights. */
import type { ClaimCheck, FleetState } from '../core/fleet-state.ts'
import type { Issue, IssueRef } from '../core/nouns.ts'
import type { Session } from '../observe/session.ts'
import { isLedgerFailure, messageOf } from '../core/errors.ts'
import { elsewherePrefix } from '../core/ledger/backlog.ts'
import { foreignClaimPrefix } from '../decide/eligible.ts'
import { foreignClaim } from '../decide/marker.ts'
import { withRights } from '../observe/rights.ts'
import { blame, restFor } from './blame.ts'
import { unknownClaims } from './other-ledgers.ts'
import { mapBounded } from '../core/bounded.ts'

const atOnce = 16

/** What is checked: an issue that somebody would take. */
type Wanted = Pick<Issue, 'ref' | 'repo' | 'comments'>

/** What a check needs to know, and finds out. */
type Checked = Pick<FleetState, 'writers' | 'claims'>

/**
 * Asks who may still write to the repos of these issues, and reads the comments of those that have some, each once for a state. Returns the state with the
 * answers: the same state if everything is still as it was decided from.
 */
export async function checkClaims<S extends Checked>(wanted: readonly Wanted[], given: S, session: Session): Promise<S> {
  const state = await withRights(
    wanted.map(({ repo }) => repo),
    given,
    session,
  )
  const due = new Map(wanted.filter(({ ref, comments }) => comments > 0 && !state.claims.has(ref)).map((issue) => [issue.ref, issue]))
  if (due.size === 0) return state
  const found = await mapBounded([...due.values()], atOnce, async (issue): Promise<[IssueRef, ClaimCheck]> => {
    return [issue.ref, await checkOne(issue, state, session)]
  })
  return { ...state, claims: new Map([...state.claims, ...found]) }
}

/** Whether all of these may be claimed as far as others are concerned. */
export function areFree(wanted: readonly Wanted[], { claims }: Pick<Checked, 'claims'>): boolean {
  return wanted.every(({ ref }) => (claims.get(ref)?.state ?? 'free') === 'free')
}

async function checkOne(issue: Wanted, state: Checked, session: Session): Promise<ClaimCheck> {
  try {
    const claim = await claimOfOthers(issue, state, session)
    if (claim === null) return { state: 'free' }
    return { state: 'claimed', reason: `${claim}, seen ${new Date(session.clock.now()).toISOString().slice(0, 16)}Z` }
  } catch (thrown) {
    if (isLedgerFailure(thrown)) throw thrown
    // One that is tried first in every cycle, and fails, would keep others from its worker for ever.
    const rests = await restFor(await blame(thrown, issue.ref, session.forge), issue.ref, session)
    return { state: 'unreadable', reason: `its comments could not be read: ${messageOf(thrown)}`, rests }
  }
}

async function claimOfOthers({ ref, repo }: Wanted, { writers }: Checked, session: Session): Promise<string | null> {
  const comments = await session.forge.comments(ref)
  const trusted = writers.get(repo) ?? new Set<string>()
  const marker = foreignClaim(comments, session.fleet.name, trusted)
  if (marker !== null) return `${foreignClaimPrefix}${marker.fleet} (dispatch ${marker.dispatch})`
  const [unknown] = await unknownClaims(ref, comments, trusted, session)
  return unknown === undefined ? null : `${elsewherePrefix}(dispatch ${unknown.dispatch})`
}
