/** Judges the reviews of a change: whose reviews count, and what they ask for. */
import type { Review, ReviewThread } from '../core/change-state.ts'
import type { ChangeCase, ChangeSnapshot, ChangeStep } from '../core/change-loop.ts'
import type { ChangePolicy } from '../core/change-stages.ts'

/** The facts and rules that decide whose reviews count. */
type Seen = Pick<ChangeSnapshot, 'change' | 'writers' | 'login'>
type Policy = Pick<ChangePolicy, 'bots'>

/** Returns true if the reviews of an account count: it may write to the repo, or the spec names it as a bot. The author and burn never count. */
function counts(account: string, { change, writers, login }: Seen, { bots }: Policy): boolean {
  return account !== login && account !== change.change.author && (writers.has(account) || bots.includes(account))
}

/** Returns the newest decisive review of each account that counts. A dismissed review does not count, and a plain comment decides nothing. */
export function countedReviews(seen: Seen, policy: Policy): readonly Review[] {
  const newest = new Map<string, Review>()
  for (const each of seen.change.reviews)
    if (!each.dismissed && each.state !== 'commented' && counts(each.author, seen, policy)) newest.set(each.author, each)
  return [...newest.values()]
}

/**
 * Returns the heads with the same work as the head: the head itself, and the heads from which burn made it by merges of the base alone.
 */
function sameHeads(sha: string, history: readonly ChangeStep[]): ReadonlySet<string> {
  const heads = new Set([sha])
  for (const { action, outcome, reason, head } of history.toReversed())
    if (action === 'update_branch' && outcome === 'done' && reason.code === 'branch_updated' && heads.has(reason.sha)) heads.add(head)
  return heads
}

/**
 * Returns the number of approvals of the head. An approval of an earlier head counts if burn has only merged the base since, and if the
 * forge still counts the approval.
 */
export function approvalsOf(given: Approvals): number {
  return countedReviews(given.seen, given.policy).filter(approvalTest(given)).length
}

type Approvals = Pick<ChangeCase, 'seen' | 'history' | 'policy'>

/** Returns a test of whether a review approves the head. */
function approvalTest({ seen, history }: Approvals): (review: Review) => boolean {
  const { sha, base_set_at } = seen.change
  const heads = sameHeads(sha, history)
  const isOf = ({ commit, official }: Review) => (commit ?? sha) === sha || (official && commit !== null && heads.has(commit))
  // The person who approved saw the difference from the earlier base.
  const isOfBase = ({ submitted_at }: Review) => submitted_at > (base_set_at ?? 0)
  return (each) => each.state === 'approved' && !each.stale && !each.dismissed && isOf(each) && isOfBase(each)
}

/**
 * Returns true if an update of the branch by burn has cost an approval, so that a person had to approve again. If burn was killed during
 * an update by a rebase, the forge later tells only that the head has moved.
 */
export function hasLostApproval(given: Approvals): boolean {
  const { seen, history, policy } = given
  const hasMoved = ({ outcome, reason }: ChangeStep) =>
    outcome === 'done' || (reason.code === 'merge_refused' && reason.result === 'head_moved') || reason.code === 'step_interrupted'
  const updated = new Set(history.flatMap((step) => (step.action === 'update_branch' && hasMoved(step) ? [step.head] : [])))
  const isCounted = approvalTest(given)
  return seen.change.reviews.some((each) => {
    const isOfUpdated = each.state === 'approved' && each.commit !== null && updated.has(each.commit)
    return isOfUpdated && !isCounted(each) && counts(each.author, seen, policy)
  })
}

/**
 * Returns the unresolved threads that an account that counts began. A later approval by the same account settles its earlier threads,
 * because many reviewers approve without resolving them.
 */
export function countedThreads(seen: Seen, policy: Policy): readonly ReviewThread[] {
  const approvals = new Map(
    countedReviews(seen, policy).flatMap((each) => (each.state === 'approved' ? [[each.author, each] as const] : [])),
  )
  return seen.change.threads.filter(({ resolved, review, comments }) => {
    const author = comments[0]?.author ?? ''
    if (resolved || !counts(author, seen, policy)) return false
    const [approval, last] = [approvals.get(author), comments.findLast((each) => each.author === author)]
    if (approval === undefined || last === undefined || review === null) return true
    return review === approval.id || last.created_at > approval.submitted_at
  })
}

/** Returns true if a review that counts asks for changes, or an unresolved thread that counts is open. */
export function asksForChanges(seen: Seen, policy: Policy): boolean {
  return countedThreads(seen, policy).length > 0 || countedReviews(seen, policy).some(({ state }) => state === 'changes_requested')
}

/** The reviews and threads that burn has not told an agent about. */
export interface NewRequests {
  readonly reviews: readonly Review[]
  readonly threads: readonly ReviewThread[]
  /** Identifies them: the ids of the reviews, and the ids of the threads with their last comments. */
  readonly ids: readonly string[]
}

/** Returns the requests whose ids are not in `told`. */
export function newRequests(seen: Seen, policy: Policy, told: ReadonlySet<string>): NewRequests {
  const requested = countedReviews(seen, policy).filter(({ state }) => state === 'changes_requested')
  const reviews = requested.filter(({ id }) => !told.has(`r${id}`))
  const threads = countedThreads(seen, policy).filter((thread) => !told.has(threadId(thread)))
  return { reviews, threads, ids: [...reviews.map(({ id }) => `r${id}`), ...threads.map(threadId)].toSorted() }
}

/** Returns the id of a thread with its last comment by a reviewer, so that a further comment is a new request. */
function threadId({ id, comments }: ReviewThread): string {
  const last = comments.findLast(({ author }) => author === comments[0]?.author)
  return `t${id}.${last?.id ?? id}`
}
