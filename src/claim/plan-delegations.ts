/** Plans delegations: reads the facts from ledger and forge, and asks the decider until each chosen issue has been checked. */
import type { DelegateAction, NoteAction } from '../core/actions.ts'
import type { DelegationPolicy } from '../core/delegation-settings.ts'
import type { LiveDelegation } from '../core/delegation.ts'
import type { DelegationFacet, FleetState, UnderWayState } from '../core/fleet-state.ts'
import type { DelegationRecords } from '../core/ledger/delegations.ts'
import type { IssueRef, RepoRef } from '../core/nouns.ts'
import type { Session } from '../observe/session.ts'
import { actionsOf } from '../core/actions.ts'
import { isSameLogin } from '../core/assignees.ts'
import { mapConcurrently } from '../core/concurrency.ts'
import { codeOf } from '../core/errors.ts'
import { repoOf } from '../core/refs.ts'
import { delegationRules, delegations, isLate, roomOf, trackOf } from '../decide/delegation.ts'
import { withIssues } from '../observe/state.ts'
import { checkClaims } from './check.ts'

/** Maximum number of issues about which burn decides at once, so that a cycle stays short. */
const maxIssues = 2_000
const maxConcurrentReads = 8
/** The time (ms) for which burn does not assign issues to a login that the forge refused. */
const refusalPause = 3_600_000
/** Maximum number of times that burn decides again because of what it read about the chosen issues. */
const maxRounds = 5

/** The steps of delegations, and the state with the claims that burn found on the issues that it would assign. */
export interface DelegationPlan {
  readonly actions: readonly (DelegateAction | NoteAction)[]
  readonly state: FleetState
}

/**
 * Plans the steps of delegations for these repos. Reads comments only of issues that burn would assign and that have comments, and of
 * issues past their deadline. Makes one more request for each repo in which burn would assign an issue. Throws if the ledger fails.
 */
export async function planDelegations(
  state: UnderWayState,
  session: Session,
  repos: readonly RepoRef[] = [...state.writers.keys()],
): Promise<DelegationPlan> {
  const policy = session.fleet.delegation
  if (policy === null) return { actions: [], state: { ...state, issues: [], login: null, claims: new Map() } }
  const records = await session.ledger.delegationRecords()
  const live = records.live.filter(({ issue }) => repos.includes(repoOf(issue)) && state.writers.has(repoOf(issue)))
  const load = loadOf(records)
  const issues = await readIssues(policy, { load }, repos, session)
  let facet: DelegationFacet = {
    delegations: live,
    past: pastOf(records),
    load,
    replied: await readReplies(live, state, session),
    assignable: new Map(),
    ...(issues.length === 0 ? { track: new Map(), refused: new Map() } : await readHistory(state, session)),
  }
  let seen: FleetState = await withIssues(state, issues, session)
  const checked = new Set<IssueRef>()
  for (let round = 0; ; round++) {
    const actions = delegations({ ...seen, ...facet })
    const wanted = actionsOf(actions, 'delegate').flatMap(({ step, issue }) => (step === 'assigned' && !checked.has(issue) ? [issue] : []))
    const known = new Map(seen.issues.map(({ issue }) => [issue.ref, issue]))
    const fresh = wanted.flatMap((ref) => known.get(ref) ?? [])
    if (fresh.length === 0) return { actions, state: seen }
    // An issue that burn could not check in time waits for the next cycle.
    if (round >= maxRounds) {
      const isChecked = (each: DelegateAction) => each.step !== 'assigned' || checked.has(each.issue)
      return { actions: actions.filter((each) => each.do !== 'delegate' || isChecked(each)), state: seen }
    }
    facet = { ...facet, assignable: await readAssignable([...facet.assignable], fresh, session) }
    seen = await checkClaims(fresh, seen, session)
    for (const { ref } of fresh) checked.add(ref)
  }
}

/** Returns the number of open issues that are assigned to each login, in lower case. Counts assignments that burn has begun. */
function loadOf({ live, assigned }: DelegationRecords): Map<string, number> {
  const begun = live.filter(
    ({ state, login, assignees }) => state === 'assigning' && assignees?.some((other) => isSameLogin(other, login)) === false,
  )
  const load = new Map<string, number>()
  for (const login of [...assigned.flatMap(({ assignees }) => assignees), ...begun.map((each) => each.login)]) {
    const key = login.toLowerCase()
    load.set(key, (load.get(key) ?? 0) + 1)
  }
  return load
}

function pastOf({ past }: DelegationRecords): DelegationFacet['past'] {
  const logins = Map.groupBy(past, ({ issue }) => issue)
  return new Map([...logins].map(([issue, rows]) => [issue, new Set(rows.map(({ login }) => login.toLowerCase()))]))
}

/** Returns the first issues about which burn has not decided, in repos of agents that may get more issues. */
async function readIssues(policy: DelegationPolicy, facet: Pick<DelegationFacet, 'load'>, repos: readonly RepoRef[], session: Session) {
  const room = roomOf(policy, facet)
  const open = policy.agents.filter(({ name }) => (room.get(name) ?? 0) > 0)
  const wanted = new Set(open.flatMap((agent) => agent.repos.filter((repo) => repos.includes(repo))))
  return session.ledger.delegable({ repos: [...wanted], rules: delegationRules(session.fleet), limit: maxIssues })
}

/** Reads the records of the agents, and the logins that the forge refused lately. */
async function readHistory({ fleet, now }: UnderWayState, { ledger }: Session): Promise<Pick<DelegationFacet, 'track' | 'refused'>> {
  const events = await ledger.events({ kinds: ['delegation.refused'], since: now - refusalPause, limit: 1000 })
  const pairs = events.map(({ subject }) => subject.split(' '))
  const byRepo = Map.groupBy(pairs, ([repo = '']) => repo)
  return {
    track: trackOf(fleet, await ledger.trackRecords()),
    refused: new Map([...byRepo].map(([repo, rows]) => [repo, new Set(rows.map(([, login = '']) => login))])),
  }
}

/** Reads whether the agents of late issues wrote a comment. */
async function readReplies(live: readonly LiveDelegation[], { now }: UnderWayState, session: Session): Promise<DelegationFacet['replied']> {
  const late = live.filter((each) => isLate(each, { now }))
  const replied = await mapConcurrently(late, maxConcurrentReads, (each) => readReply(each, session))
  return new Map(replied.flatMap((each) => (each === null ? [] : [each])))
}

/** Returns whether the agent wrote a comment since burn assigned the issue; null if burn cannot read the comments. */
async function readReply(
  { issue, login, created_at, comment_id }: LiveDelegation,
  { forge }: Session,
): Promise<[IssueRef, boolean] | null> {
  try {
    const comments = await forge.comments(issue)
    const own = comments.some(
      ({ id, author, created_at: at }) => id !== comment_id && isSameLogin(author, login) && at >= created_at - clockSkew,
    )
    return [issue, own]
  } catch (thrown) {
    if (codeOf(thrown).startsWith('forge_')) return null
    throw thrown
  }
}

/** The largest normal difference (ms) between the clocks of the forge and of burn. */
const clockSkew = 60_000

/** Reads the logins that the forge allows as assignees in the repos of these issues, once for each repo. */
async function readAssignable(
  known: readonly (readonly [RepoRef, readonly string[] | null])[],
  issues: readonly { readonly repo: RepoRef }[],
  { forge }: Session,
): Promise<DelegationFacet['assignable']> {
  const missing = [...new Set(issues.map(({ repo }) => repo))].filter((repo) => !known.some(([each]) => each === repo))
  const read = await mapConcurrently(missing, maxConcurrentReads, async (repo): Promise<[RepoRef, readonly string[] | null]> => {
    try {
      return [repo, await forge.assignable(repo)]
    } catch (thrown) {
      if (!codeOf(thrown).startsWith('forge_')) throw thrown
      // The assignment fails for the same cause, and its failure is reported.
      return [repo, null]
    }
  })
  return new Map([...known, ...read])
}
