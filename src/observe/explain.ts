/** Everything that is known of one issue: what the forge says, what was decided and why, who had it, what happened. */
import type { IssueRecord, Resting } from '../core/ledger/backlog.ts'
import type { Event } from '../core/ledger/history.ts'
import type { Reason } from '../core/reasons.ts'
import type { Delivery, Dispatch } from '../core/lives.ts'
import type { Sprint } from '../core/sprint.ts'
import type { IssueRef, RepoRef, Time, WorkerId } from '../core/nouns.ts'
import type { Session } from './session.ts'
import { BurnError } from '../core/errors.ts'
import { isStale } from '../decide/settle.ts'
import { repoOf } from '../core/refs.ts'

export interface Explanation {
  readonly issue: IssueRef
  /** Null where the forge's issue was never read. */
  readonly record: IssueRecord | null
  /** Why it waits, where it stands in its repo's queue. */
  readonly waits: Reason | null
  /** The issue, or its repo, is left alone for a while. */
  readonly resting: readonly Resting[]
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

/** Throws BurnError `issue_unknown` where neither forge nor ledger has it. */
export async function explain(ref: IssueRef, session: Session): Promise<Explanation> {
  const { ledger, fleet, clock } = session
  const [record, dispatches, sprints, events] = await Promise.all([
    ledger.issue(ref),
    ledger.dispatches({ issue: ref, limit: 8 }),
    ledger.sprints({ issue: ref, limit: 8 }),
    ledger.events({ issue: ref, limit: 12 }),
  ])
  const repo = repoOf(ref)
  const known = (await ledger.repos()).find((each) => each.repo === repo)
  const unread = known?.unread ?? null
  if (record === null && dispatches.length === 0) {
    if (unread !== null)
      throw new BurnError('issue_unknown', `nothing is known of ${ref}: ${unreadText(repo, unread)}`, 'burn doctor says more')
    throw new BurnError(
      'issue_unknown',
      `nothing is known of ${ref}`,
      'run burn dispatch --dry-run once, so that the forge is read; or check the name',
    )
  }
  const deliveries = new Map((await ledger.deliveries({ ids: dispatches.map(({ id }) => id) })).map((delivery) => [delivery.id, delivery]))
  const serving = fleet.machines.flatMap(({ windows }) =>
    windows.flatMap(({ workers }) => workers.filter((w) => w.role === 'worker' && w.repos.includes(repo)).map(({ id }) => id)),
  )
  return {
    issue: ref,
    record,
    waits: record?.standing === 'queued' ? (known?.waits ?? null) : null,
    unread,
    resting: (await ledger.resting(clock.now())).filter(({ subject }) => subject === ref || subject === repo),
    dispatches: dispatches.map((d) => ({
      ...d,
      delivery: deliveries.get(d.id) ?? null,
      stale: isStale(d, fleet.dispatch.stale_after, clock.now()),
    })),
    sprints,
    serving,
    events,
  }
}

/** Says since when a repo could not be read, and why. */
export function unreadText(repo: RepoRef, { since, why }: { readonly since: Time; readonly why: string }): string {
  return `${repo} could not be read since ${new Date(since).toISOString().slice(0, 19)}Z: ${why}`
}
