/** Makes the report of a period from facts of the ledger. The report depends on the facts alone. */
import { isMerge, type Event } from '../core/events.ts'
import type { HealthFacts } from '../core/health.ts'
import type { Dispatch, DispatchState } from '../core/lifecycle.ts'
import type { IssueRef, Time, Worker } from '../core/nouns.ts'
import type {
  Move,
  PeriodReport,
  Reached,
  Reconciliation,
  ReportCosts,
  ReportedChange,
  ChangeWithReview,
  WentWrong,
} from '../core/period-report.ts'
import type { Measure, Span } from '../core/span.ts'
import type { Sprint } from '../core/sprint.ts'
import { repoOf } from '../core/refs.ts'
import { wholeCost, type PeriodCosts } from './costs.ts'
import { judgeHealth, worstOf } from './health.ts'
import { needs, type NeedFacts, type AskedQuestion } from './needs.ts'
import { troubles } from './period-troubles.ts'
import { workerPeriods } from './worker-periods.ts'
import { sentence } from './wording.ts'

/** The length (ms) of each of the two periods of the trend. */
export const week = 7 * 24 * 60 * 60_000

/** The facts of a report. Events, spans and measures cover the period. */
export interface ReportFacts {
  readonly fleet: string
  readonly since: Time
  readonly until: Time
  readonly health: HealthFacts
  /** The events of dispatches and of troubles in the period, oldest first. */
  readonly events: readonly Event[]
  /** The dispatches that these events are about, and all dispatches under way. */
  readonly dispatches: ReadonlyMap<string, Dispatch>
  readonly spans: readonly Span[]
  readonly measures: readonly Measure[]
  readonly sprints: readonly Sprint[]
  readonly workers: readonly Worker[]
  readonly titles: ReadonlyMap<IssueRef, string>
  readonly needs: NeedFacts
  /** The costs of the period, and what burn could not read. */
  readonly usage: Pick<ReportCosts, 'since' | 'unread' | 'unrecorded' | 'without_tokens'> & { readonly costs: PeriodCosts | null }
  readonly trend: { readonly last: Reached; readonly before: Reached }
  readonly pruned_before: PeriodReport['pruned_before']
  readonly waiting: PeriodReport['oldest']['waiting']
}

/** Returns the report. */
export function periodReport(facts: ReportFacts): PeriodReport {
  const { fleet, since, until, spans, pruned_before } = facts
  const moved = movesOf(facts)
  const results = judgeHealth(facts.health)
  const jobs = spans.flatMap(({ kind, state, subject, began_at, ended_at, evidence }) =>
    kind === 'job' && (state === 'missed' || state === 'failing') ? [{ job: subject, state, from: began_at, to: ended_at, evidence }] : [],
  )
  const review = [...facts.dispatches.values()].filter(({ state }) => state === 'review').toSorted((a, b) => a.changed_at - b.changed_at)
  const [oldest] = review
  return {
    fleet,
    since,
    until,
    pruned_before,
    health: worstOf(results),
    needs_you: needs(facts.needs, questions(facts), results).map((need) => ({ ...need, title: facts.titles.get(need.subject) ?? '' })),
    done: { merged: reached(facts, moved, 'done'), opened: reached(facts, moved, 'review'), reviewed: reviewed(facts) },
    went_wrong: wentWrong(facts, moved),
    workers: workerPeriods(facts, moved),
    costs: costsOf(facts),
    trend: {
      last: (pruned_before ?? 0) > until - week ? null : facts.trend.last,
      before: (pruned_before ?? 0) > until - 2 * week ? null : facts.trend.before,
    },
    oldest: {
      change: oldest === undefined ? null : { issue: oldest.issue, url: oldest.change_url, since: oldest.changed_at },
      waiting: facts.waiting,
    },
    jobs,
    counts: reconcile(facts, moved),
  }
}

/** Returns the open questions that a sample reported, or that the health rule `questions` reports. */
function questions({ spans, until, health }: ReportFacts): AskedQuestion[] {
  const open = spans.filter(({ kind, state, ended_at }) => kind === 'worker' && state === 'waiting' && ended_at === null)
  return open
    .filter(({ reported, began_at }) => reported !== null || until - began_at >= health.settings.waiting)
    .map(({ subject, issue, evidence, began_at }) => ({ worker: subject, issue, text: evidence, since: Math.min(began_at, until) }))
}

function movesOf({ events, dispatches }: ReportFacts): Move[] {
  return events.flatMap((event) => {
    const dispatch = dispatches.get(event.subject)
    if (dispatch === undefined || dispatch.kind !== 'work' || !event.kind.startsWith('dispatch.') || event.kind === 'dispatch.commented')
      return []
    const evidence = 'prose' in event.payload ? event.payload.prose : 'reason' in event.payload ? sentence(event.payload.reason) : ''
    // The kind of such an event is `dispatch.` and the state.
    return [{ dispatch, to: event.kind.slice('dispatch.'.length) as DispatchState, at: event.at, evidence }]
  })
}

/** Returns the changes that reached a state, by repo and time. A dispatch that reached it twice counts once, at its last time. */
function reached(facts: ReportFacts, moved: readonly Move[], state: DispatchState): ReportedChange[] {
  const last = new Map(moved.filter(({ to }) => to === state).map((move) => [move.dispatch.id, move]))
  return [...last.values()].map(({ dispatch, at }) => changeOf(dispatch, at, facts)).toSorted(byRepo)
}

/** Returns the changes with a review, by repo and time. A change counts once, with its last review. */
function reviewed(facts: ReportFacts): ChangeWithReview[] {
  const found = facts.events.flatMap(({ kind, subject, at, payload }): [string, ChangeWithReview][] => {
    const dispatch = facts.dispatches.get(subject)
    if (dispatch === undefined) return []
    const asks = kind === 'change.stage' && 'reason' in payload && payload.reason.code === 'review_asks' ? sentence(payload.reason) : null
    const review = kind === 'change.approved' && 'by' in payload ? `${payload.by} approved the change` : asks
    return review === null ? [] : [[subject, { ...changeOf(dispatch, at, facts), review }]]
  })
  return [...new Map(found).values()].toSorted(byRepo)
}

function changeOf({ issue, worker, change_url }: Dispatch, at: Time, { titles, usage }: ReportFacts): ReportedChange {
  const cost = usage.costs?.issue_costs.get(issue) ?? null
  return { issue, title: titles.get(issue) ?? '', repo: repoOf(issue), worker, at, url: change_url, cost }
}

const byRepo = (a: ReportedChange, b: ReportedChange) => (a.repo < b.repo ? -1 : a.repo > b.repo ? 1 : a.at - b.at)

function costsOf({ usage: { costs, ...about }, events }: ReportFacts): ReportCosts | null {
  if (costs === null) return null
  const { issue_costs: _, ...shown } = costs
  const merged = events.filter(isMerge).length
  const cost = wholeCost(costs.total)
  return { ...about, ...shown, per_merged: merged === 0 || cost === null ? null : cost / merged }
}

const badEnds: readonly DispatchState[] = ['failed', 'lost', 'released']

function wentWrong(facts: ReportFacts, moved: readonly Move[]): WentWrong[] {
  const failed = new Map(
    facts.sprints.flatMap(({ id, failure, failure_text }) => (failure === null ? [] : [[id, { failure, failure_text }] as const])),
  )
  const ends = moved.flatMap(({ dispatch: { id, issue, worker }, to, at, evidence }) => {
    if (!badEnds.includes(to)) return []
    const sprint = failed.get(id)
    const why = sprint === undefined ? evidence : (sprint.failure_text ?? evidence)
    return [
      {
        class: sprint === undefined ? `issue ${to}` : `sprint: ${sprint.failure.replaceAll('_', ' ')}`,
        subject: issue,
        worker,
        at,
        evidence: why,
      },
    ]
  })
  const classes = Map.groupBy([...ends, ...troubles(facts)], (each) => each.class)
  return [...classes]
    .map(([name, items]) => ({ class: name, items: items.map(withoutClass).toSorted((a, b) => a.at - b.at) }))
    .toSorted((a, b) => b.items.length - a.items.length || (a.class < b.class ? -1 : 1))
}

const withoutClass = ({ subject, worker, at, evidence }: WentWrong['items'][number]) => ({ subject, worker, at, evidence })

const ended: readonly DispatchState[] = ['done', 'failed', 'lost', 'released']

function reconcile({ dispatches, until }: ReportFacts, moved: readonly Move[]): Reconciliation {
  const count = (state: DispatchState) => new Set(moved.filter(({ to }) => to === state).map(({ dispatch }) => dispatch.id)).size
  const live = [...dispatches.values()].filter(
    ({ kind, state, claimed_at }) => kind === 'work' && !ended.includes(state) && claimed_at < until,
  )
  const claimed = new Set(moved.filter(({ to }) => to === 'claimed').map(({ dispatch }) => dispatch.id))
  const endedNow = new Set(moved.filter(({ to }) => ended.includes(to)).map(({ dispatch }) => dispatch.id))
  // Dispatches that were under way when the period began are those that ended in it or are still under way, and were not claimed in it.
  const before = new Set([...endedNow, ...live.map(({ id }) => id)].filter((id) => !claimed.has(id))).size
  const sums = { done: count('done'), failed: count('failed'), lost: count('lost'), released: count('released'), now: live.length }
  const after = sums.done + sums.failed + sums.lost + sums.released + sums.now
  return { before, claimed: claimed.size, ...sums, balanced: before + claimed.size === after }
}

/** Returns the number of dispatches that reached each state. */
export function countReached(counts: readonly { readonly state: DispatchState; readonly count: number }[]): Reached {
  return Object.fromEntries(counts.map(({ state, count }) => [state, count]))
}
