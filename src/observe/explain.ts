/** Everything that is known of one issue: what the forge says, what was decided and why, who had it, what happened. */
import type { IssueRecord, BackedOff } from '../core/ledger/backlog.ts'
import type { Event } from '../core/events.ts'
import type { Reason } from '../core/reasons.ts'
import type { Delivery, Dispatch } from '../core/lifecycle.ts'
import type { Sprint } from '../core/sprint.ts'
import type { IssueRef, RepoRef, Time, WorkerId } from '../core/nouns.ts'
import type { IssueState } from '../core/fleet-state.ts'
import type { Session } from './session.ts'
import { BurnError } from '../core/errors.ts'
import { isStale } from '../decide/dispatch-moves.ts'
import { repoOf } from '../core/refs.ts'

export interface Explanation {
  readonly issue: IssueRef
  /** Null where the forge's issue was never read. */
  readonly record: IssueRecord | null
  /** Why it waits, where it stands in its repo's queue. */
  readonly waits: Reason | null
  /** The issue, or its repo, is left alone for a while. */
  readonly backed_off: readonly BackedOff[]
  /** Since when the forge does not let burn read its repo: all that is known of the issue may be old. Null where it does. */
  readonly unread: { readonly since: Time; readonly why: string } | null
  /** Newest first. */
  readonly dispatches: readonly (Dispatch & { readonly delivery: Delivery | null; readonly stale: boolean })[]
  /** Those that were done without a pane, newest first. */
  readonly sprints: readonly Sprint[]
  readonly serving: readonly WorkerId[]
  /** Newest first, bounded. */
  readonly events: readonly Event[]
}

/** Reads one issue and what happened to it, and nothing else of the fleet. Throws BurnError `issue_unknown` if neither forge nor ledger has it. */
export async function explain(ref: IssueRef, session: Session): Promise<Explanation> {
  return explanation(ref, await readIssue(ref, session))
}

async function readIssue(ref: IssueRef, { ledger, fleet, clock }: Session): Promise<IssueState> {
  const now = clock.now()
  const [record, history, sprints, events, repos, rests] = await Promise.all([
    ledger.issue(ref),
    ledger.dispatches({ issue: ref, limit: 8 }),
    ledger.sprints({ issue: ref, limit: 8 }),
    ledger.events({ issue: ref, limit: 12 }),
    ledger.repos(),
    ledger.backoffs(now),
  ])
  const texts = await ledger.deliveries({ ids: history.map(({ id }) => id) })
  return { fleet, now, issues: record === null ? [] : [record], history, sprints, events, repos, backed_off: rests, texts }
}

function explanation(ref: IssueRef, state: IssueState): Explanation {
  const { fleet, now, history, sprints, events } = state
  const repo = repoOf(ref)
  const [record = null] = state.issues
  const known = state.repos.find((each) => each.repo === repo)
  const unread = known?.unread ?? null
  if (record === null && history.length === 0) throw unknownIssue(ref, unread)
  const texts = new Map(state.texts.map((delivery) => [delivery.id, delivery]))
  const workers = fleet.machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers))
  return {
    issue: ref,
    record,
    waits: record?.standing === 'queued' ? (known?.wait_reason ?? null) : null,
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

function unknownIssue(ref: IssueRef, unread: Explanation['unread']): BurnError {
  if (unread !== null)
    return new BurnError('issue_unknown', `nothing is known of ${ref}: ${unreadText(repoOf(ref), unread)}`, 'burn doctor says more')
  const hint = 'run burn dispatch --dry-run once, so that the forge is read; or check the name'
  return new BurnError('issue_unknown', `nothing is known of ${ref}`, hint)
}

/** Says since when a repo could not be read, and why. */
export function unreadText(repo: RepoRef, { since, why }: { readonly since: Time; readonly why: string }): string {
  return `${repo} could not be read since ${new Date(since).toISOString().slice(0, 19)}Z: ${why}`
}
