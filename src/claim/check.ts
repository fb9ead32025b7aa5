/**
 * Checks if another fleet, or another ledger of this fleet, has claimed an issue, and if another issue blocks it. It reads comments and
 * dependencies on the forge. It stores nothing except the list of users with write access and the facts about repos.
 */
import type { ClaimLedger } from '../core/ledger/claims.ts'
import type { Reason } from '../core/reasons.ts'
import type { ClaimCheck, FleetState, ReposFacet } from '../core/fleet-state.ts'
import type { Comment, Issue, IssueRef, RepoRef } from '../core/nouns.ts'
import type { Session, SessionPart } from '../observe/session.ts'
import { isLedgerFailure, messageOf } from '../core/errors.ts'
import type { Marker } from '../core/marker.ts'
import { liveStates } from '../core/lifecycle.ts'
import { markerOf } from '../core/marker.ts'
import { classifyRefusal, backoffFor, refusalOf } from './refusal.ts'
import { repoFault } from '../decide/repo-faults.ts'
import { repoFacts } from '../observe/repo-facts.ts'
import { mapConcurrently } from '../core/concurrency.ts'
import { hasElapsed } from '../core/elapsed.ts'
import { repoOf } from '../core/refs.ts'

const maxConcurrentReads = 16
/** Maximum number of blockers that a reason names. */
const maxBlockersShown = 10

/** An issue that burn is about to claim. */
type Wanted = Pick<Issue, 'ref' | 'repo' | 'comments'>

/** The part of the state that a check reads and updates. */
type Checked = Pick<FleetState, 'writers' | 'claims'>

/**
 * Returns the state with the claims of other fleets and ledgers on these issues, and with the current users with write access to their
 * repos. Returns the same object if nothing changed. Reads the comments of each issue only once for a state. Throws if the ledger fails.
 */
export async function checkClaims<S extends Checked>(wanted: readonly Wanted[], given: S, session: Session): Promise<S> {
  const state = await withRights(
    wanted.map(({ repo }) => repo),
    given,
    session,
  )
  const unchecked = [...new Map(wanted.filter(({ ref }) => !state.claims.has(ref)).map((issue) => [issue.ref, issue])).values()]
  const faults = await faultsOf(unchecked, state, session)
  if (unchecked.length === 0) return state
  const found = await mapConcurrently(unchecked, maxConcurrentReads, async (issue): Promise<[IssueRef, ClaimCheck]> => {
    return [issue.ref, faults.get(issue.repo) ?? (await checkOne(issue, state, session))]
  })
  return { ...state, claims: new Map([...state.claims, ...found]) }
}

/**
 * Returns a failed check for each repo of these issues on which no work can succeed, because of a fault of the repo. Without this check an
 * agent would work on an issue and could not open its change.
 */
async function faultsOf(wanted: readonly Wanted[], { claims }: Checked, session: Session): Promise<Map<RepoRef, ClaimCheck>> {
  const first = new Map(wanted.toReversed().map((issue) => [issue.repo, issue.ref]))
  const known = new Map([...claims].flatMap(([ref, check]) => (isFault(check) ? [[repoOf(ref), check] as const] : [])))
  const found = await mapConcurrently([...first], maxConcurrentRepos, async ([repo, issue]): Promise<[RepoRef, ClaimCheck | null]> => {
    try {
      const before = known.get(repo)
      if (before !== undefined) return [repo, before]
      const fault = repoFault(repo, await repoFacts(repo, session))
      if (fault === null) return [repo, null]
      const reason: Reason = { code: 'repo_fault', what: fault.what }
      return [repo, { state: 'unreadable', reason, backoff: await backoffFor(refusalOf(fault), issue, session) }]
    } catch (thrown) {
      if (isLedgerFailure(thrown)) throw thrown
      return [repo, { state: 'unreadable', reason: { code: 'repo_unread', why: messageOf(thrown) }, backoff: null }]
    }
  })
  return new Map(found.flatMap(([repo, check]) => (check === null ? [] : [[repo, check] as const])))
}

const isFault = (check: ClaimCheck) => check.state === 'unreadable' && check.reason.code === 'repo_fault'

/** Maximum age (ms) of a repo's list of users with write access when burn claims an issue. */
const rightsMaxAge = 60_000
const maxConcurrentRepos = 8

/**
 * Returns the state with the users who still have write access to these repos. Returns the same object if nobody lost that access. Sends
 * the forge at most one request per minute and repo. If the forge does not answer, the returned state has no writers for the repo, so that
 * burn claims none of its issues.
 */
async function withRights<S extends Pick<ReposFacet, 'writers'>>(repos: readonly RepoRef[], state: S, session: Session): Promise<S> {
  const { fleet, forge, ledger, clock, notify } = session
  if (fleet.dispatch.trust.authors !== 'writers' || repos.length === 0) return state
  const records = new Map((await ledger.repos()).map((record) => [record.repo, record]))
  const writers = new Map(state.writers)
  let changed = false
  await mapConcurrently([...new Set(repos)], maxConcurrentRepos, async (repo) => {
    const record = records.get(repo)
    const known = record?.writers ?? null
    if (known === null) return
    let current = known
    try {
      if (record?.rights_at == null || hasElapsed(record.rights_at, rightsMaxAge, clock.now())) {
        const confirmed = new Set(await forge.writers(repo, known))
        current = known.filter((login) => confirmed.has(login))
        await ledger.saveWriters(repo, current, { listed: false }, clock.now())
      }
    } catch (thrown) {
      if (isLedgerFailure(thrown)) throw thrown
      notify({ kind: 'repo.rights_unknown', subject: repo, payload: { why: messageOf(thrown) } })
      changed = writers.delete(repo) || changed
      return
    }
    const before = state.writers.get(repo)
    if (before === undefined || (before.size === current.length && current.every((login) => before.has(login)))) return
    writers.set(repo, new Set(current))
    changed = true
  })
  return changed ? { ...state, writers } : state
}

/** Returns true if no other fleet or ledger has a claim on any of these issues. */
export function areFree(wanted: readonly Wanted[], { claims }: Pick<Checked, 'claims'>): boolean {
  return wanted.every(({ ref }) => (claims.get(ref)?.state ?? 'free') === 'free')
}

async function checkOne(issue: Wanted, state: Checked, session: Session): Promise<ClaimCheck> {
  try {
    const reason = issue.comments > 0 ? await claimOfOthers(issue, state, session) : null
    if (reason !== null) return { state: 'claimed', reason }
    const by = (await session.forge.blockers(issue.ref)).flatMap(({ ref, state: of, title }) => (of === 'closed' ? [] : [ref ?? title]))
    return by.length === 0 ? { state: 'free' } : { state: 'blocked', reason: { code: 'blocked', by: by.slice(0, maxBlockersShown) } }
  } catch (thrown) {
    if (isLedgerFailure(thrown)) throw thrown
    // Without a back-off, every cycle would assign this issue first, and the assigned worker would never get another issue.
    const backoff = await backoffFor(await classifyRefusal(thrown, issue.ref, session.forge), issue.ref, session)
    return { state: 'unreadable', reason: { code: 'comments_unread', why: messageOf(thrown) }, backoff }
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

/** Returns the live claim of another fleet; null if there is none. Ignores comments of authors without write access. */
function foreignClaim(comments: readonly Comment[], fleet: string, writers: ReadonlySet<string>): Marker | null {
  for (const { author, body } of comments) {
    const marker = markerOf(body)
    if (marker !== null && marker.fleet !== fleet && liveStates.includes(marker.state) && writers.has(author)) return marker
  }
  return null
}

/**
 * Returns the live claims of this fleet that another ledger wrote on an issue. The caller must have read the comments before this call. A
 * ledger stores a dispatch before burn writes the comment, so this ledger has a dispatch for each of its own claims in these comments.
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

/** A live claim of this fleet, read from its comment. */
export interface OwnClaim {
  readonly comment_id: string
  readonly dispatch: string
  /** The worker that the comment names, as `machine/WINDOW/NAME`; null if the comment names no worker. */
  readonly worker: string | null
}

const handedTo = /\*\*([^*\n]{1,100})\*\* · machine (\S{1,100}) · window (\S{1,100}) · lane /

/** Returns the live claims of this fleet on an issue, from all ledgers of the fleet. Ignores comments of authors without write access. */
export function ownClaims(comments: readonly Comment[], fleet: string, writers: ReadonlySet<string>): OwnClaim[] {
  return comments.flatMap(({ id, author, body }) => {
    const marker = markerOf(body)
    if (marker === null || marker.fleet !== fleet || !liveStates.includes(marker.state) || !writers.has(author)) return []
    const [, name, machine, window] = handedTo.exec(body) ?? []
    return [{ comment_id: id, dispatch: marker.dispatch, worker: name === undefined ? null : `${machine}/${window}/${name}` }]
  })
}
