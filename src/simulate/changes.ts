/** Simulates the changes of agents on a forge: their heads, checks, reviews and conflicts. */
import type { ChangeState, Check, Review, ReviewThread } from '../core/change-state.ts'
import type { Change, Comment, IssueRef, Time } from '../core/nouns.ts'

/** The login of the fleet's token. */
export const fleetLogin = 'burn'
/** Logins of simulated people who may write to all repos and review changes. */
export const reviewers: readonly string[] = ['reviewer1', 'reviewer2']
/** The login of a simulated person who may write to no repo. */
export const stranger = 'stranger'

/** The conflict of a change with its base: none, one that git can resolve, or one that only an agent can resolve. */
export type SimulatedConflict = 'none' | 'for_git' | 'for_agent'

/** A check of a head. */
export interface SimulatedCheck {
  readonly name: string
  readonly sha: string
  state: Check['state']
  readonly since: Time
  /** Whether the check has ever passed for this head. */
  readonly passed: boolean
  /** Whether the forge can rerun the check, and the check then passes. */
  flaky: boolean
}

/** A review of a simulated change. */
export interface SimulatedReview {
  readonly id: string
  readonly author: string
  readonly state: Review['state']
  readonly body: string
  readonly sha: string
  readonly at: Time
  dismissed: boolean
}

/** A thread on a line of a simulated change. Each comment has a text that no other comment has. */
export interface SimulatedThread {
  readonly id: string
  readonly author: string
  readonly sha: string
  readonly comments: { readonly id: string; readonly body: string; readonly at: Time }[]
  resolved: boolean
}

/** A change that an agent opened. */
export interface SimulatedChange {
  /** The id of the dispatch, which is also the name of the branch. */
  readonly id: string
  readonly issue: IssueRef
  readonly opened: Time
  /** The account that opened the change. */
  readonly author: string
  head: string
  /** The number of pushes to the branch. */
  pushes: number
  pushed: { login: string; at: Time }
  state: Change['state']
  conflict: SimulatedConflict
  /** The commit of the base that the head contains. */
  base: string
  /** For each head that the forge made by a merge of the base alone: the head before. */
  readonly merged: Map<string, string>
  updated: Time
  /** The time of the last push after a follow-up; 0 without one. */
  fixed: Time
  /** The newest result of each check, of all heads. */
  readonly checks: SimulatedCheck[]
  readonly reviews: SimulatedReview[]
  readonly threads: SimulatedThread[]
  /** The comments of burn on the change. */
  readonly comments: Comment[]
}

/** A merge that burn asked for, and the change right before it. */
export interface SimulatedMerge {
  readonly change: SimulatedChange
  readonly sha: string
  readonly at: Time
}

/** The facts of a new change. */
interface Opened extends Pick<SimulatedChange, 'id' | 'issue' | 'author' | 'base'> {
  readonly at: Time
}

/** Returns a new change with its first head. */
export function newChange({ id, issue, author, base, at }: Opened): SimulatedChange {
  const head = { head: `${id}-1`, pushes: 1, pushed: { login: author, at } }
  const lists = { merged: new Map<string, string>(), checks: [], reviews: [], threads: [], comments: [] }
  return { id, issue, opened: at, author, ...head, state: 'open', conflict: 'none', base, updated: at, fixed: 0, ...lists }
}

/** Moves the head of a change. Reviews of the earlier head become stale. */
export function pushTo(change: SimulatedChange, login: string, base: string, at: Time): void {
  change.pushes += 1
  change.head = `${change.id}-${change.pushes}`
  change.pushed = { login, at }
  change.base = base
  change.updated = at
}

/** Returns true if a commit is the head, or an earlier head that has the same work: the forge has only merged the base since. */
export function hasSameWork({ head, merged }: SimulatedChange, sha: string): boolean {
  let current: string | undefined = head
  while (current !== undefined && current !== sha) current = merged.get(current)
  return current === sha
}

/** Returns the checks of the head. */
export function headChecks(change: SimulatedChange): SimulatedCheck[] {
  return change.checks.filter(({ sha }) => sha === change.head)
}

/** Sets the result of a check of the head. */
export function reportCheck(change: SimulatedChange, result: Omit<SimulatedCheck, 'sha' | 'passed'>): SimulatedCheck {
  const before = change.checks.findIndex(({ name, sha }) => name === result.name && sha === change.head)
  const passed = result.state === 'passed' || change.checks[before]?.passed === true
  const check = { ...result, sha: change.head, passed }
  if (before === -1) change.checks.push(check)
  else change.checks[before] = check
  return check
}

/** Returns the reviewers whose newest decisive review asks for changes, or who began an unresolved thread. */
export function asking({ reviews, threads }: Pick<SimulatedChange, 'reviews' | 'threads'>): Set<string> {
  const newest = new Map<string, SimulatedReview['state']>()
  for (const { author, state, dismissed } of reviews)
    if (!dismissed && state !== 'commented' && reviewers.includes(author)) newest.set(author, state)
  const asks = [...newest].flatMap(([author, state]) => (state === 'changes_requested' ? [author] : []))
  return new Set([...asks, ...threads.flatMap(({ author, resolved }) => (!resolved && reviewers.includes(author) ? [author] : []))])
}

/** Returns the facts of a change as the forge's API has them. `listed`: the change in the listing of the forge. */
export function stateOf(ref: string, change: SimulatedChange, listed: Change, base: string): ChangeState {
  const { head, pushed, conflict, updated } = change
  const branch = {
    branch: change.id,
    sha: head,
    base: 'main',
    base_sha: base,
    base_set_at: null,
    behind: change.base !== base,
    draft: false,
  }
  return {
    ref,
    change: listed,
    ...branch,
    mergeable: conflict === 'none' ? 'yes' : 'no',
    pushed,
    checks: headChecks(change).map(toCheck),
    reviews: change.reviews.map((review) => toReview(review, change)),
    threads: change.threads.map(toThread),
    skipped: [],
    updated_at: updated,
  }
}

/** Returns a check as the forge's API has it. */
export function toCheck({ name, sha, state, since, flaky }: SimulatedCheck): Check {
  const job = flaky ? { run: sha, id: name, rerunnable: true } : null
  return { name, state, summary: '', url: null, job, updated_at: since }
}

function toReview({ id, author, state, body, sha, at, dismissed }: SimulatedReview, change: SimulatedChange): Review {
  const flags = { stale: !hasSameWork(change, sha), dismissed, official: reviewers.includes(author) }
  return { id, author, state, body, commit: sha, ...flags, submitted_at: at, url: `simulated:review-${id}` }
}

function toThread({ id, author, sha, comments, resolved }: SimulatedThread): ReviewThread {
  const place = { review: null, path: 'a.ts', line: 1, side: 'new', hunk: '', commit: sha } as const
  const said = comments.map((comment) => ({ id: comment.id, author, body: comment.body, created_at: comment.at }))
  return { id, ...place, resolved, url: `simulated:thread-${id}`, comments: said }
}
