/** Finds the usage limits of a worker's login, and the time at which a limit that is used up ends. */
import type { WorkerSnapshot } from '../core/fleet-state.ts'
import type { Account, Time, WorkerId } from '../core/nouns.ts'
import type { MachineSnapshot } from '../core/panes.ts'
import type { UsageLimit, WorkerLimit } from '../core/usage-limit.ts'
import { newestLimits, parseLimits } from '../core/usage-limit.ts'

const minute = 60_000
/** A report counts for a failed turn if it is at most this much older (ms) than the time at which burn saw the failure. */
const ofSameTurn = 5 * minute
/** Maximum wait (ms). The longest known limit lasts a week. */
const longest = 8 * 24 * 60 * minute

/** Returns the limits that the agents in the panes of the machines reported last. Their times are by burn's clock. */
export function paneLimits(snapshots: ReadonlyMap<string, MachineSnapshot>, now: Time): WorkerLimit[] {
  return [...snapshots.values()].flatMap((snapshot) => {
    if (snapshot.state !== 'up') return []
    const shift = now - snapshot.clock
    return snapshot.panes.flatMap(({ worker, limits }) =>
      worker === null ? [] : parseLimits(limits).map((limit) => ({ ...limit, worker, at: Math.min(limit.at + shift, now) })),
    )
  })
}

/** Returns the workers with the limits that the agents of their login reported. Workers of one account share a login. */
export function withUsageLimits(
  workers: readonly WorkerSnapshot[],
  reported: readonly WorkerLimit[],
  accounts: readonly Account[],
): readonly WorkerSnapshot[] {
  if (reported.length === 0) return workers
  const byWorker = Map.groupBy(newestLimits(reported), ({ worker }) => worker)
  const members = membersOf(accounts)
  return workers.map((snapshot) => {
    const { id } = snapshot.worker
    const usage_limits = (members.get(id) ?? [id]).flatMap((member) => byWorker.get(member) ?? [])
    return usage_limits.length === 0 ? snapshot : { ...snapshot, usage_limits }
  })
}

function membersOf(accounts: readonly Account[]): ReadonlyMap<WorkerId, readonly WorkerId[]> {
  return new Map(accounts.flatMap(({ workers }) => workers.map((id) => [id, workers] as const)))
}

/**
 * Returns the time at which the used-up limits end; null if no report from about the time `since` of a failed turn shows a limit that is
 * used up. An older report proves nothing, because the login may have got further usage.
 */
export function limitReset(reported: readonly UsageLimit[], since: Time): Time | null {
  const resets = reported.flatMap(({ used, resets_at, at }) => {
    const counts = used >= 100 && at >= since - ofSameTurn && resets_at !== null && resets_at > since && resets_at <= since + longest
    return counts ? [resets_at] : []
  })
  return resets.length === 0 ? null : Math.max(...resets)
}

/** A limit of a login, for reports. */
export interface ShownLimit {
  /** The account; null if the worker belongs to none. */
  readonly account: string | null
  /** The worker whose agent reported the limit last. */
  readonly worker: WorkerId
  readonly name: string
  /** The used part in percent; null if the period has ended since the report. */
  readonly used: number | null
  readonly resets_at: Time | null
  readonly at: Time
}

/** Returns the newest report of each limit of each login: of an account, or of a worker without one. */
export function loginLimits(reported: readonly WorkerLimit[], accounts: readonly Account[], now: Time): ShownLimit[] {
  const accountOf = new Map(accounts.flatMap(({ name, workers }) => workers.map((id) => [id, name] as const)))
  const newest = new Map<string, WorkerLimit>()
  for (const limit of reported.toSorted((a, b) => a.at - b.at)) {
    const account = accountOf.get(limit.worker)
    newest.set(`${account === undefined ? `worker ${limit.worker}` : `account ${account}`} ${limit.name}`, limit)
  }
  return [...newest]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { worker, name, used, resets_at, at }]) => {
      const hasEnded = resets_at !== null && resets_at <= now
      return { account: accountOf.get(worker) ?? null, worker, name, used: hasEnded ? null : used, resets_at, at }
    })
}
