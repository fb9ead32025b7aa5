/** Collects everything about one issue: its state on the forge, its verdict, its dispatches and its events. */
import type { IssueRecord, BackedOff } from '../core/ledger/backlog.ts'
import type { Event } from '../core/events.ts'
import type { Reason } from '../core/reasons.ts'
import type { Delivery, Dispatch } from '../core/lifecycle.ts'
import type { Sprint } from '../core/sprint.ts'
import type { Fleet, IssueRef, RepoRef, Time, WorkerId } from '../core/nouns.ts'
import type { IssueState } from '../core/fleet-state.ts'
import type { Session } from './session.ts'
import { BurnError } from '../core/errors.ts'
import { isStale } from '../decide/dispatch-moves.ts'
import { inQueueOrder, orderReason, queueRules } from '../decide/queue.ts'
import { repoOf, reposOf } from '../core/refs.ts'
import { nearest } from '../core/suggest.ts'

/** The data that `burn explain` prints about an issue. */
export interface Explanation {
  readonly issue: IssueRef
  /** The ledger's record of the issue; null if burn never read the issue from the forge. */
  readonly record: IssueRecord | null
  /** The reason why burn assigns no issues of this repo now; null if the issue is not queued, or there is no such reason. */
  readonly waits: Reason | null
  /** The reason for the issue's place in the queue; null if the ledger does not have the issue. */
  readonly order: Reason | null
  /** The number of waiting issues of the repo that go before this issue; null if this issue does not wait. */
  readonly ahead: number | null
  /** Back-offs of the issue and of its repo. */
  readonly backed_off: readonly BackedOff[]
  /**
   * The time since which burn could not read the repo, and the reason; null if the last read succeeded. If not null, the other fields may
   * be outdated.
   */
  readonly unread: { readonly since: Time; readonly why: string } | null
  /** Dispatches of the issue, newest first. */
  readonly dispatches: readonly (Dispatch & { readonly delivery: Delivery | null; readonly stale: boolean })[]
  /** Sprints of the issue, newest first. */
  readonly sprints: readonly Sprint[]
  /** The workers that serve the issue's repo. */
  readonly serving: readonly WorkerId[]
  /** The newest events of the issue, newest first. */
  readonly events: readonly Event[]
}

/** Reads one issue and its history from the ledger. Throws BurnError `issue_unknown` if the ledger does not have the issue. */
export async function explain(ref: IssueRef, session: Session): Promise<Explanation> {
  const state = await readIssue(ref, session)
  const [record = null] = state.issues
  const ahead = record?.standing === 'queued' ? await waitingBefore(record, session) : null
  return { ...explanation(ref, state), ahead }
}

/** Returns the number of waiting issues of the repo that go before an issue. */
async function waitingBefore({ issue }: IssueRecord, { ledger, fleet }: Session): Promise<number> {
  const waiting = (await ledger.openIssues(issue.repo)).filter(({ standing }) => standing === 'queued')
  return inQueueOrder(waiting, queueRules(fleet.dispatch)).findIndex((each) => each.issue.ref === issue.ref)
}

async function readIssue(ref: IssueRef, { ledger, fleet, clock }: Session): Promise<IssueState> {
  const now = clock.now()
  const [record, history, sprints, events, repos, backoffs] = await Promise.all([
    ledger.issue(ref),
    ledger.dispatches({ issue: ref, limit: 8 }),
    ledger.sprints({ issue: ref, limit: 8 }),
    ledger.events({ issue: ref, limit: 12 }),
    ledger.repos(),
    ledger.backoffs(now),
  ])
  const texts = await ledger.deliveries({ ids: history.map(({ id }) => id) })
  return { fleet, now, issues: record === null ? [] : [record], history, sprints, events, repos, backed_off: backoffs, texts }
}

function explanation(ref: IssueRef, state: IssueState): Omit<Explanation, 'ahead'> {
  const { fleet, now, history, sprints, events } = state
  const repo = repoOf(ref)
  const [record = null] = state.issues
  const known = state.repos.find((each) => each.repo === repo)
  const unread = known?.unread ?? null
  if (record === null && history.length === 0) throw unknownIssue(ref, unread, fleet)
  const texts = new Map(state.texts.map((delivery) => [delivery.id, delivery]))
  const workers = fleet.machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers))
  return {
    issue: ref,
    record,
    waits: record?.standing === 'queued' ? (known?.wait_reason ?? null) : null,
    order: record === null ? null : orderReason(record, queueRules(fleet.dispatch)),
    unread,
    backed_off: state.backed_off.filter(({ subject }) => subject === ref || subject === repo),
    dispatches: history.map((each) => ({
      ...each,
      delivery: texts.get(each.id) ?? null,
      stale: isStale(each, fleet.dispatch.stale_after, now),
    })),
    sprints,
    serving: workers.filter(({ role, repos }) => role === 'worker' && repos.includes(repo)).map(({ id }) => id),
    events,
  }
}

function unknownIssue(ref: IssueRef, unread: Explanation['unread'], fleet: Fleet): BurnError {
  if (unread !== null)
    return new BurnError('issue_unknown', `the ledger does not have ${ref}: ${unreadText(repoOf(ref), unread)}`, 'run burn doctor')
  const repo = repoOf(ref)
  const repos = reposOf(fleet)
  const near = repos.includes(repo) ? null : nearest(repo, repos)
  const hint =
    near === null
      ? 'check the name: the forge lists no such open issue in a repo of the spec'
      : `did you mean ${near}${ref.slice(repo.length)}?`
  return new BurnError('issue_unknown', `there is no issue ${ref}`, hint, { exit: 2 })
}

/** Returns the message that burn could not read a repo, with the time and the reason. */
export function unreadText(repo: RepoRef, { since, why }: { readonly since: Time; readonly why: string }): string {
  return `${repo} has been unreadable since ${new Date(since).toISOString().slice(0, 19)}Z: ${why}`
}
