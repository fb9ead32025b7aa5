/** Decides the order of the queue, for panes, sprints and delegations alike. */
import type { IssueRecord } from '../core/ledger/backlog.ts'
import type { DispatchPolicy, Issue } from '../core/nouns.ts'
import type { Reason } from '../core/reasons.ts'

/** An issue in the queue, with the priority that a person set. */
export type QueueEntry = Pick<IssueRecord, 'issue' | 'priority'>

/** The levels of labels, prepared once for all issues of a cycle. */
export interface QueueRules {
  /** The level of each label, by the label in lower case. Level 0 goes first. */
  readonly levels: ReadonlyMap<string, number>
  /** The level of issues without such a label. */
  readonly plain: number
}

/** The entry of `dispatch.priority_labels` that stands for issues without a priority label. */
const anyLabel = '*'

/** Returns the rules that `dispatch.priority_labels` gives. If a label is in several levels, the first one counts. */
export function queueRules({ priority_labels }: Pick<DispatchPolicy, 'priority_labels'>): QueueRules {
  const pairs = priority_labels.flatMap((labels, level) => labels.map((label) => [label.toLowerCase(), level] as const))
  const levels = new Map(pairs.toReversed())
  return { levels, plain: levels.get(anyLabel) ?? priority_labels.length }
}

/** Returns the label that gives an issue its level; null if it has no priority label. Of several labels, the most urgent one counts. */
function priorityLabel({ labels }: Pick<Issue, 'labels'>, { levels }: QueueRules): string | null {
  const level = (label: string) => levels.get(label.toLowerCase()) ?? Infinity
  return labels.filter((label) => level(label) < Infinity).toSorted((a, b) => level(a) - level(b))[0] ?? null
}

function levelOf(issue: Pick<Issue, 'labels'>, rules: QueueRules): number {
  if (issue.labels.length === 0) return rules.plain
  const label = priorityLabel(issue, rules)
  return label === null ? rules.plain : (rules.levels.get(label.toLowerCase()) ?? rules.plain)
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
  const ranked = entries.map((entry) => ({ entry, rank: queueRank(entry.issue, rules) }))
  const compare = (a: (typeof ranked)[number], b: (typeof ranked)[number]) => {
    const [one, other] = [a.entry.issue, b.entry.issue]
    const urgency = b.entry.priority - a.entry.priority || a.rank - b.rank || one.created_at - other.created_at
    return urgency || (one.repo === other.repo ? one.number - other.number : one.repo < other.repo ? -1 : 1)
  }
  return ranked.toSorted(compare).map(({ entry }) => entry)
}

/**
 * Returns issues in the order of the queue, as one list for each priority and level. A worker gets an issue of a repo that is not its home
 * repo before a less urgent issue of its home repo.
 */
export function byUrgency<T extends QueueEntry>(entries: readonly T[], rules: QueueRules): T[][] {
  const lists = Map.groupBy(inQueueOrder(entries, rules), ({ issue, priority }) => `${priority} ${levelOf(issue, rules)}`)
  return [...lists.values()]
}

/** Returns the reason for an issue's place in the queue. */
export function orderReason({ issue, priority }: QueueEntry, rules: QueueRules): Reason {
  if (priority !== 0) return { code: 'priority_set', priority }
  const label = priorityLabel(issue, rules)
  if (label !== null) return { code: 'priority_label', label }
  return issue.due_at === undefined ? { code: 'oldest', repo: issue.repo } : { code: 'due', at: issue.due_at }
}
