/**
 * Decides which unassigned issues burn assigns to which agents on the forge, and when burn removes such an assignment. It chooses only among
 * issues that burn could give to a worker, so the same rules of trust apply.
 */
import type { DelegateAction, NoteAction } from '../core/actions.ts'
import type { DelegationAgent, DelegationPolicy, TrackRecord } from '../core/delegation-settings.ts'
import type { LiveDelegation } from '../core/delegation.ts'
import type { DelegationFacet, FleetState } from '../core/fleet-state.ts'
import type { IssueRecord } from '../core/ledger/backlog.ts'
import type { TrackRecords } from '../core/ledger/delegations.ts'
import type { Fleet, Issue, RepoRef } from '../core/nouns.ts'
import type { Reason } from '../core/reasons.ts'
import { isSameLogin } from '../core/assignees.ts'
import { hashOfText } from '../core/random.ts'
import { repoOf, servedRepos } from '../core/refs.ts'
import { scorer, type Scored } from './delegation-score.ts'
import { eligibility, eligibilityRules } from './eligible.ts'
import { inQueueOrder, queueRules } from './queue.ts'

/** The input of the decider. */
export type DelegationView = Pick<FleetState, 'fleet' | 'now' | 'issues' | 'writers' | 'login' | 'claims' | 'held_repos'> & DelegationFacet

/** Returns the steps of live delegations, new delegations, and a note for each login that the forge does not allow. */
export function delegations(seen: DelegationView): (DelegateAction | NoteAction)[] {
  const policy = seen.fleet.delegation
  const steps = seen.delegations.flatMap((each) => stepOf(each, seen))
  return policy === null ? steps : [...steps, ...newDelegations(policy, seen), ...faults(policy, seen)]
}

/** Returns the next step of a live delegation; nothing if burn waits. */
function stepOf(each: LiveDelegation, seen: DelegationView): DelegateAction[] {
  const { issue, agent, login, deadline, state, assignees, comment_id } = each
  const step = (to: DelegateAction['step'], reason: Reason): DelegateAction[] => [
    { do: 'delegate', step: to, issue, agent, login, deadline, revision: null, reason },
  ]
  if (assignees === null) return step('closed', { code: 'issue_closed' })
  // A process ended while it assigned the issue. The forge compares the assignees, so a second attempt does no harm.
  if (state === 'assigning') return step('assigned', each.reason)
  if (!assignees.some((other) => isSameLogin(other, login))) return step('changed', { code: 'assignees_changed', assignees })
  const what = each.dispatched ? 'dispatch' : each.open_change !== null ? 'change' : seen.replied.get(issue) === true ? 'comment' : null
  if (state === 'assigned' && what !== null) return step('started', { code: 'started_by', what })
  if (comment_id === null) return step('commented', each.reason)
  // If burn could not read the comments, or if a hold stops the repo, a missing start proves nothing.
  if (state === 'assigned' && isLate(each, seen) && seen.replied.get(issue) === false && !seen.held_repos.has(repoOf(issue)))
    return step('expired', { code: 'not_started', deadline })
  return []
}

/** Returns true if the deadline has passed, and nobody has started the work as far as the ledger knows. */
export function isLate(
  { state, deadline, dispatched, open_change, assignees }: LiveDelegation,
  { now }: Pick<DelegationView, 'now'>,
): boolean {
  return state === 'assigned' && now >= deadline && !dispatched && open_change === null && assignees !== null
}

/** Returns the number of issues that burn may still assign to each agent, by the agent's name. */
export function roomOf(policy: DelegationPolicy, { load }: Pick<DelegationFacet, 'load'>): Map<string, number> {
  return new Map(policy.agents.map(({ name, login, capacity }) => [name, capacity - (load.get(login.toLowerCase()) ?? 0)]))
}

/** Returns a key of the rules of delegation. If it changes, burn decides again about the issues that no agent suits. */
export function delegationRules({ delegation, machines }: Fleet): string {
  const agents = delegation?.agents.map(({ keywords, labels, paths, ...rest }) => [
    rest,
    ...[keywords, labels, paths].map((each) => [...each]),
  ])
  return hashOfText(JSON.stringify([delegation?.threshold, agents, servedRepos(machines)])).toString(36)
}

/**
 * Returns the record of each agent, by its name: of the workers in its lane, otherwise of the issues that burn assigned to its login.
 */
export function trackOf({ delegation, machines }: Fleet, { logins, workers }: TrackRecords): Map<string, TrackRecord> {
  const inLane = (lane: string) =>
    machines.flatMap(({ windows }) => windows.filter((window) => window.lane === lane).flatMap((window) => window.workers))
  const sum = (records: readonly (TrackRecord | undefined)[]) =>
    records.reduce<TrackRecord>((all, one) => ({ done: all.done + (one?.done ?? 0), ended: all.ended + (one?.ended ?? 0) }), noRecord)
  const agents = delegation?.agents ?? []
  return new Map(
    agents.map(({ name, login, lane }) => [
      name,
      lane === null ? (logins.get(login.toLowerCase()) ?? noRecord) : sum(inLane(lane).map(({ id }) => workers.get(id))),
    ]),
  )
}

/**
 * If the best agent has reached its capacity, an agent with at least this part of its rank gets the issue. Otherwise the issue waits, because
 * an agent that suits it much less would waste the work.
 */
const closeRank = 0.75

/** An agent whose score reaches the threshold. `rank`: the score, corrected by the agent's record. */
interface Candidate extends Scored {
  readonly agent: DelegationAgent
  readonly rank: number
}

function newDelegations(policy: DelegationPolicy, seen: DelegationView): DelegateAction[] {
  const room = roomOf(policy, seen)
  const serves = laneServes(seen)
  const agents = policy.agents.filter(({ capacity }) => capacity > 0)
  const score = scorer(agents)
  return candidatesOf(policy, seen).flatMap(({ issue, revision }): DelegateAction[] => {
    const past = seen.past.get(issue.ref)
    const scores = score(issue)
    const able = agents.flatMap((agent, index): Candidate[] => {
      const scored = scores[index]
      if (scored === undefined || !agent.repos.includes(issue.repo) || !serves(agent, issue.repo)) return []
      if (past?.has(agent.login.toLowerCase()) === true) return []
      return [{ agent, ...scored, rank: scored.points * recordFactor(agent, seen) }]
    })
    const ranked = able
      .filter(({ points }) => points >= policy.threshold)
      .toSorted((a, b) => b.rank - a.rank || compareTied(a, b, { seen, room }))
    if (ranked.length === 0) return [left(issue, revision, policy, able)]
    const open = ranked.filter(({ agent }) => !isFaulty(agent, issue.repo, seen))
    const least = (open[0]?.rank ?? 0) * closeRank
    const best = open.find(({ agent, rank }) => rank >= least && (room.get(agent.name) ?? 0) > 0)
    if (best === undefined) return []
    const { name, login } = best.agent
    const reason = reasonOf(best, { ranked: open, able, room, seen, policy })
    room.set(name, (room.get(name) ?? 0) - 1)
    const deadline = seen.now + policy.deadline
    return [{ do: 'delegate', step: 'assigned', issue: issue.ref, agent: name, login, deadline, revision, reason }]
  })
}

/** Returns the unassigned issues that burn trusts and that nobody works on, in the order of the queue. */
function candidatesOf({ agents }: DelegationPolicy, seen: DelegationView): IssueRecord[] {
  const rules = eligibilityRules(
    seen,
    agents.flatMap(({ repos }) => repos),
  )
  const busy = new Set(seen.delegations.map(({ issue }) => issue))
  const open = seen.issues
    .filter(({ issue }) => issue.assignees.length === 0 && !busy.has(issue.ref))
    .filter(({ issue }) => seen.writers.has(issue.repo) && !seen.held_repos.has(issue.repo))
    .filter((record) => eligibility(record, rules).kind === 'work')
  return inQueueOrder(open, queueRules(seen.fleet.dispatch))
}

/** Returns a function that tells whether the lane of an agent can work on issues of a repo. */
function laneServes({ fleet: { machines } }: DelegationView): (agent: DelegationAgent, repo: RepoRef) => boolean {
  const served = new Set(
    machines.flatMap(({ windows }) =>
      windows.flatMap(({ lane, workers }) =>
        workers.flatMap(({ role, repos }) => (role === 'worker' ? repos.map((repo) => `${lane} ${repo}`) : [])),
      ),
    ),
  )
  return ({ lane }, repo) => lane === null || served.has(`${lane} ${repo}`)
}

/** Returns true if the forge does not allow the agent's login as an assignee. This is a fault of the repo or the account. */
function isFaulty({ login }: DelegationAgent, repo: RepoRef, { assignable, refused }: DelegationView): boolean {
  if (refused.get(repo)?.has(login.toLowerCase()) === true) return true
  const allowed = assignable.get(repo) ?? null
  return allowed !== null && !allowed.some((other) => isSameLogin(other, login))
}

function faults({ agents }: DelegationPolicy, seen: DelegationView): NoteAction[] {
  return [...seen.assignable.keys()].flatMap((repo) =>
    agents.flatMap((agent): NoteAction[] => {
      if (agent.capacity === 0 || !agent.repos.includes(repo) || !isFaulty(agent, repo, seen)) return []
      return [{ do: 'note', event: refusedEvent(agent, repo, null), since: seen.now - day }]
    }),
  )
}

const day = 24 * 3_600_000

/** Returns the event that the forge does not allow an agent's login in a repo. `issue`: the issue that burn tried to assign. */
export function refusedEvent(
  { name, login }: Pick<DelegationAgent, 'name' | 'login'>,
  repo: RepoRef,
  issue: string | null,
): NoteAction['event'] {
  const reason: Reason = { code: 'not_assignable', login, repo }
  return {
    kind: 'delegation.refused',
    subject: `${repo} ${login.toLowerCase()}`,
    issue,
    worker: null,
    actor: 'burn',
    payload: { agent: name, login, reason },
  }
}

/** Returns the factor by which an agent's record changes its rank: 1 without a record, from 0.75 (no success) to 1.25. */
function recordFactor({ name }: DelegationAgent, { track }: DelegationView): number {
  const { done, ended } = track.get(name) ?? noRecord
  return 0.75 + (0.5 * (done + 1)) / (ended + 2)
}

const noRecord = { done: 0, ended: 0 }

interface Tie {
  readonly seen: DelegationView
  readonly room: ReadonlyMap<string, number>
}

/** Compares two agents of equal rank: the better record first, then the one with more room; otherwise the order of the spec decides. */
function compareTied(a: Candidate, b: Candidate, { seen, room }: Tie): number {
  return recordFactor(b.agent, seen) - recordFactor(a.agent, seen) || (room.get(b.agent.name) ?? 0) - (room.get(a.agent.name) ?? 0)
}

interface Choice extends Tie {
  readonly policy: DelegationPolicy
  /** The agents that reach the threshold, best first. */
  readonly ranked: readonly Candidate[]
  readonly able: readonly Candidate[]
}

/** The number of matches that a reason lists. */
const mostMatches = 6

function reasonOf(best: Candidate, { policy, ranked, able, seen, room }: Choice): Reason {
  const full = ranked.slice(0, ranked.indexOf(best)).map(({ agent }) => agent.name)
  const others = able.filter(({ agent }) => agent !== best.agent && !full.includes(agent.name)).toSorted((a, b) => b.rank - a.rank)
  const next = others.find(({ points }) => points > 0)
  const tied = ranked.find((each) => each !== best && each.rank === best.rank && !full.includes(each.agent.name))
  return {
    code: 'delegated',
    points: best.points,
    threshold: policy.threshold,
    matches: best.matches.slice(0, mostMatches),
    record: seen.track.get(best.agent.name) ?? noRecord,
    runner_up: next === undefined ? null : { agent: next.agent.name, points: next.points },
    tie: tied === undefined ? null : tieOf(best, tied, { seen, room }),
    full,
  }
}

function tieOf(best: Candidate, tied: Candidate, { seen, room }: Tie): 'record' | 'load' | 'order' {
  if (recordFactor(best.agent, seen) !== recordFactor(tied.agent, seen)) return 'record'
  return room.get(best.agent.name) === room.get(tied.agent.name) ? 'order' : 'load'
}

function left({ ref }: Issue, revision: number, { threshold }: DelegationPolicy, able: readonly Candidate[]): DelegateAction {
  const best = able.filter(({ points }) => points > 0).toSorted((a, b) => b.points - a.points)[0]
  const reason: Reason = {
    code: 'no_suitable_agent',
    threshold,
    best: best === undefined ? null : { agent: best.agent.name, points: best.points },
  }
  return { do: 'delegate', step: 'left', issue: ref, agent: '', login: '', deadline: 0, revision, reason }
}
