/** Decides the order of the queue, for panes, sprints and delegations alike. */
import type { IssueRecord } from '../core/ledger/backlog.ts'
import type { DispatchPolicy, Issue } from '../core/nouns.ts'
import type { Reason } from '../core/reasons.ts'

/** An issue in the queue, with the priority that a person set. */
export type QueueEntry = Pick<IssueRecord, 'issue' | 'priority'>

/** The levels of labels, prepared once for all issues of a cycle. */
export interface QueueRules {
  /** Returns the level of a label, whatever its case; Infinity if it is no priority label. Level 0 goes first. */
  readonly level: (label: string) => number
  /** The level of issues without such a label. */
  readonly plain: number
}

/** The entry of `dispatch.priority_labels` that stands for issues without a priority label. */
const anyLabel = '*'

/** Returns the rules that `dispatch.priority_labels` gives. If a label is in several levels, the first one counts. */
export function queueRules({ priority_labels }: Pick<DispatchPolicy, 'priority_labels'>): QueueRules {
  const pairs = priority_labels.flatMap((labels, level) => labels.map((label) => [label.toLowerCase(), level] as const))
  const levels = new Map(pairs.toReversed())
  // Thousands of issues share few labels.
  const known = new Map<string, number>()
  const level = (label: string) => {
    const found = known.get(label) ?? levels.get(label.toLowerCase()) ?? Infinity
    known.set(label, found)
    return found
  }
  return { level, plain: levels.get(anyLabel) ?? priority_labels.length }
}

/** Returns the label that gives an issue its level; null if it has no priority label. Of several labels, the most urgent one counts. */
function priorityLabel({ labels }: Pick<Issue, 'labels'>, { level }: QueueRules): string | null {
  return labels.filter((label) => level(label) < Infinity).toSorted((a, b) => level(a) - level(b))[0] ?? null
}

function levelOf({ labels }: Pick<Issue, 'labels'>, { level, plain }: QueueRules): number {
  let first = Infinity
  for (const label of labels) first = Math.min(first, level(label))
  return first === Infinity ? plain : first
}

/** The due time of an issue without a due date. It is later than every time that a `Date` can have. */
const never = 9_999_999_999_999

/**
 * Returns the rank of an issue among issues of the same priority: by the level of its labels, then by its due date. The lowest rank goes
 * first. The ledger stores this number, so that it can read the front of a queue.
 */
export function queueRank(issue: Pick<Issue, 'labels' | 'due_at'>, rules: QueueRules): number {
  const due = Math.min(Math.max(issue.due_at ?? never, 0), never)
  return levelOf(issue, rules) * (never + 1) + due
}

/**
 * Returns issues in the order of the queue: by the priority that a person set, then by the level of labels, then by due date, then the oldest
 * issue first. The ledger sorts by the same columns (`ledger/verdicts`).
 */
export function inQueueOrder<T extends QueueEntry>(entries: readonly T[], rules: QueueRules): T[] {
  return ranked(entries, rules).map(({ entry }) => entry)
}

interface Ranked<T> {
  readonly entry: T
  readonly rank: number
}

function ranked<T extends QueueEntry>(entries: readonly T[], rules: QueueRules): Ranked<T>[] {
  const all = entries.map((entry): Ranked<T> => ({ entry, rank: queueRank(entry.issue, rules) }))
  return all.sort((a, b) => {
    const [one, other] = [a.entry.issue, b.entry.issue]
    const urgency = b.entry.priority - a.entry.priority || a.rank - b.rank || one.created_at - other.created_at
    return urgency || (one.repo === other.repo ? one.number - other.number : one.repo < other.repo ? -1 : 1)
  })
}

/**
 * Returns issues in the order of the queue, as one list for each priority and level. A more urgent issue of another repo goes before a less
 * urgent issue of the worker's home repo.
 */
export function byUrgency<T extends QueueEntry>(entries: readonly T[], rules: QueueRules): T[][] {
  const lists: T[][] = []
  let [priority, level] = [NaN, NaN]
  for (const { entry, rank } of ranked(entries, rules)) {
    const own = Math.floor(rank / (never + 1))
    if (entry.priority !== priority || own !== level) lists.push([])
    lists.at(-1)?.push(entry)
    ;[priority, level] = [entry.priority, own]
  }
  return lists
}

/** Returns the reason for an issue's place in the queue. */
export function orderReason({ issue, priority }: QueueEntry, rules: QueueRules): Reason {
  if (priority !== 0) return { code: 'priority_set', priority }
  const label = priorityLabel(issue, rules)
  if (label !== null) return { code: 'priority_label', label }
  return issue.due_at === undefined ? { code: 'oldest', repo: issue.repo } : { code: 'due', at: issue.due_at }
}
