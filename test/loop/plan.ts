/** Plans the issues of a run of `npm run loop`: the seed decides what each change goes through. */
import { seeded } from '../../src/core/random.ts'

/** The behaviour of the check: it passes, fails until the agent fixes it, fails until it is rerun, or fails for ever. */
export type CheckPlan = 'green' | 'red' | 'flaky' | 'stubborn'
/**
 * The review of the change: none, a request of a writer, of a writer who never stops, of a stranger, of one of two writers, or a request
 * that is dismissed.
 */
export type ReviewPlan = 'none' | 'asks' | 'insists' | 'stranger' | 'disagree' | 'dismissed'

/** The plan of one issue. */
export interface IssuePlan {
  readonly repo: string
  readonly number: number
  readonly check: CheckPlan
  readonly review: ReviewPlan
  /** Whether a person changes the same lines of the base when the change opens. */
  readonly conflict: boolean
  /** Maximum number of times that the agent pushes again right after burn has read the mergeable change. */
  readonly late_pushes: number
  /** The issue that blocks this one, in the same repo. */
  readonly blocked_by: number | null
}

/** The repos whose issues go to panes, and the repo whose issues go to sprints. */
export const paneRepos = ['timmy/app', 'timmy/web']
export const sprintRepo = 'timmy/lib'
export const repos = [...paneRepos, sprintRepo]

/** Returns the plans of `count` issues, a third of them in each repo. */
export function planIssues(count: number, seed: number): IssuePlan[] {
  const random = seeded(seed)
  const order = () => shuffled(count, random)
  const third = Math.round(count / 3)
  const sixth = Math.round(count / 6)
  const checks = spread<CheckPlan>(order(), third, ['flaky', 'flaky', 'stubborn', 'red'])
  const reviews = spread<ReviewPlan>(order(), third, ['insists', 'stranger', 'stranger', 'disagree', 'disagree', 'dismissed', 'asks'])
  const repoOf = (index: number) => repos[index % repos.length] ?? ''
  const conflicts = new Set(
    order()
      .filter((index) => repoOf(index) !== sprintRepo)
      .slice(0, sixth),
  )
  const endsBadly = (index: number) => checks.get(index) === 'stubborn' || reviews.get(index) === 'insists'
  // An earlier issue of the same repo blocks, and it is merged in the end.
  const blockers = new Map<number, number>()
  for (const index of order()) {
    const earlier = Array.from({ length: index }, (_, at) => at).filter((at) => repoOf(at) === repoOf(index) && !endsBadly(at))
    const by = earlier[Math.floor(random() * earlier.length)]
    if (blockers.size < sixth && by !== undefined) blockers.set(index, by)
  }
  const numberOf = (index: number) => Math.floor(index / repos.length) + 1
  return Array.from({ length: count }, (_, index): IssuePlan => {
    const by = blockers.get(index)
    const ends = { check: checks.get(index) ?? 'green', review: reviews.get(index) ?? 'none' } as const
    const blocked_by = by === undefined ? null : numberOf(by)
    const late_pushes = index % 2 === 0 ? 4 : 0
    return { repo: repoOf(index), number: numberOf(index), ...ends, conflict: conflicts.has(index), late_pushes, blocked_by }
  })
}

function shuffled(count: number, random: () => number): number[] {
  return Array.from({ length: count }, (_, index) => ({ index, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ index }) => index)
}

/** Gives the kinds to the first `count` indexes. The last kind repeats. */
function spread<T>(order: readonly number[], count: number, kinds: readonly T[]): Map<number, T> {
  const last = kinds.at(-1)
  return new Map(order.slice(0, count).flatMap((index, at) => (last === undefined ? [] : [[index, kinds[at] ?? last] as const])))
}
