/** Everything that is known of one issue: what the forge says, what was decided and why, who had it, what happened. */
import type { Event, IssueRecord } from '../core/ledger.ts'
import type { Resting } from '../core/rest-ledger.ts'
import type { Delivery, Dispatch } from '../core/lives.ts'
import type { Sprint } from '../core/sprint.ts'
import type { IssueRef, WorkerId } from '../core/nouns.ts'
import type { Session } from './session.ts'
import { BurnError } from '../core/errors.ts'
import { isStale } from '../decide/settle.ts'
import { repoOf } from '../core/refs.ts'

export interface Explanation {
  readonly issue: IssueRef
  /** Null where the forge's issue was never read. */
  readonly record: IssueRecord | null
  /** Why it waits, where it stands in its repo's queue. */
  readonly waits: string | null
  /** The issue, or its repo, is left alone for a while. */
  readonly resting: readonly Resting[]
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
  if (record === null && dispatches.length === 0) {
    throw new BurnError(
      'issue_unknown',
      `nothing is known of ${ref}`,
      'run burn dispatch --dry-run once, so that the forge is read; or check the name',
    )
  }
  const deliveries = new Map((await ledger.deliveries({ ids: dispatches.map(({ id }) => id) })).map((delivery) => [delivery.id, delivery]))
  const repo = repoOf(ref)
  const queue = record?.standing === 'queued' ? (await ledger.repos()).find((each) => each.repo === repo) : undefined
  const serving = fleet.machines.flatMap(({ windows }) =>
    windows.flatMap(({ workers }) => workers.filter((w) => w.role === 'worker' && w.repos.includes(repo)).map(({ id }) => id)),
  )
  return {
    issue: ref,
    record,
    waits: queue?.waits ?? null,
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
