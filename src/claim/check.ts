/** Looks whether others have what is about to be claimed: other fleets, and other ledgers of this one. Nothing is written but what is kept of rights. */
import type { ClaimLedger } from '../core/ledger/claims.ts'
import type { Reason } from '../core/reasons.ts'
import type { ClaimCheck, FleetState, ReposFacet } from '../core/fleet-state.ts'
import type { Comment, Issue, IssueRef, RepoRef } from '../core/nouns.ts'
import type { Session, SessionPart } from '../observe/session.ts'
import { isLedgerFailure, messageOf } from '../core/errors.ts'
import type { Marker } from '../core/marker.ts'
import { liveStates } from '../core/lifecycle.ts'
import { markerOf } from '../core/marker.ts'
import { classifyRefusal, backoffFor } from './refusal.ts'
import { mapConcurrently } from '../core/concurrency.ts'
import { hasElapsed } from '../core/elapsed.ts'

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
  const found = await mapConcurrently([...due.values()], atOnce, async (issue): Promise<[IssueRef, ClaimCheck]> => {
    return [issue.ref, await checkOne(issue, state, session)]
  })
  return { ...state, claims: new Map([...state.claims, ...found]) }
}

/** How long an answer about a repo's writers is good for a claim, milliseconds. */
const rightsKept = 60_000
const reposAtOnce = 8

/**
 * Asks who may still write to these repos, at most once a repo and minute. Returns the state with the answers; the same state if nobody lost a right. A repo
 * that can't be asked is missing from its writers, so that nothing of it is claimed.
 */
async function withRights<S extends Pick<ReposFacet, 'writers'>>(repos: readonly RepoRef[], state: S, session: Session): Promise<S> {
  const { fleet, forge, ledger, clock, notify } = session
  if (fleet.dispatch.trust.authors !== 'writers' || repos.length === 0) return state
  const records = new Map((await ledger.repos()).map((record) => [record.repo, record]))
  const writers = new Map(state.writers)
  let changed = false
  await mapConcurrently([...new Set(repos)], reposAtOnce, async (repo) => {
    const record = records.get(repo)
    const known = record?.writers ?? null
    if (known === null) return
    let still = known
    try {
      if (record?.rights_at == null || hasElapsed(record.rights_at, rightsKept, clock.now())) {
        const answered = new Set(await forge.writers(repo, known))
        still = known.filter((login) => answered.has(login))
        await ledger.saveWriters(repo, still, { listed: false }, clock.now())
      }
    } catch (thrown) {
      if (isLedgerFailure(thrown)) throw thrown
      notify({ kind: 'repo.rights_unknown', subject: repo, payload: { why: messageOf(thrown) } })
      changed = writers.delete(repo) || changed
      return
    }
    const before = state.writers.get(repo)
    if (before === undefined || (before.size === still.length && still.every((login) => before.has(login)))) return
    writers.set(repo, new Set(still))
    changed = true
  })
  return changed ? { ...state, writers } : state
}

/** Whether all of these may be claimed as far as others are concerned. */
export function areFree(wanted: readonly Wanted[], { claims }: Pick<Checked, 'claims'>): boolean {
  return wanted.every(({ ref }) => (claims.get(ref)?.state ?? 'free') === 'free')
}

async function checkOne(issue: Wanted, state: Checked, session: Session): Promise<ClaimCheck> {
  try {
    const reason = await claimOfOthers(issue, state, session)
    return reason === null ? { state: 'free' } : { state: 'claimed', reason }
  } catch (thrown) {
    if (isLedgerFailure(thrown)) throw thrown
    // One that is tried first in every cycle, and fails, would keep others from its worker for ever.
    const rests = await backoffFor(await classifyRefusal(thrown, issue.ref, session.forge), issue.ref, session)
    return { state: 'unreadable', reason: { code: 'comments_unread', why: messageOf(thrown) }, backoff: rests }
  }
}

async function claimOfOthers({ ref, repo }: Wanted, { writers }: Checked, session: Session): Promise<Reason | null> {
  const comments = await session.forge.comments(ref)
  const trusted = writers.get(repo) ?? new Set<string>()
  const seen_at = session.clock.now()
  const marker = foreignClaim(comments, session.fleet.name, trusted)
  if (marker !== null) return { code: 'claimed_elsewhere', fleet: marker.fleet, dispatch: marker.dispatch, seen_at }
  const [unknown] = await unknownClaims(ref, comments, trusted, session)
  return unknown === undefined ? null : { code: 'claimed_by_other_ledger', dispatch: unknown.dispatch, seen_at }
}

/** Another fleet's claim that still lives. Only markers of people who may write count. */
function foreignClaim(comments: readonly Comment[], fleet: string, writers: ReadonlySet<string>): Marker | null {
  for (const { author, body } of comments) {
    const marker = markerOf(body)
    if (marker !== null && marker.fleet !== fleet && liveStates.includes(marker.state) && writers.has(author)) return marker
  }
  return null
}

/**
 * The fleet's live claims on an issue whose dispatches this ledger does not know. The comments must have been read before this call: each ledger writes a
 * dispatch before its comment, so a claim of its own is known by now.
 */
export async function unknownClaims(
  issue: IssueRef,
  comments: readonly Comment[],
  writers: ReadonlySet<string>,
  { fleet, ledger }: SessionPart<Pick<ClaimLedger, 'dispatches'>, 'fleet'>,
): Promise<OwnClaim[]> {
  const claims = ownClaims(comments, fleet.name, writers)
  if (claims.length === 0) return []
  const known = new Set((await ledger.dispatches({ issue })).map(({ id }) => id))
  return claims.filter(({ dispatch }) => !known.has(dispatch))
}

/** A claim of this fleet itself that lives, as its comment says. */
export interface OwnClaim {
  readonly comment_id: string
  readonly dispatch: string
  /** The worker that the comment names, as `machine/WINDOW/NAME`; null if it names none. */
  readonly worker: string | null
}

const handedTo = /\*\*([^*\n]{1,100})\*\* · machine (\S{1,100}) · window (\S{1,100}) · lane /

/** The live claims of this fleet on an issue, by people who may write: this ledger's, and those of any other ledger of the same fleet. */
export function ownClaims(comments: readonly Comment[], fleet: string, writers: ReadonlySet<string>): OwnClaim[] {
  return comments.flatMap(({ id, author, body }) => {
    const marker = markerOf(body)
    if (marker === null || marker.fleet !== fleet || !liveStates.includes(marker.state) || !writers.has(author)) return []
    const [, name, machine, window] = handedTo.exec(body) ?? []
    return [{ comment_id: id, dispatch: marker.dispatch, worker: name === undefined ? null : `${machine}/${window}/${name}` }]
  })
}
