/**
 * Handles failures that would affect every issue: login, billing, model, quota, connection. Such trouble is a fault of the worker or its
 * account, so the failure does not count as an attempt of the issue. The worker gets no new work until it recovers. burn tells the agent to
 * continue its dispatches after a pause, when the limit resets, or when the agent has recovered by itself. If the agent does not recover,
 * burn releases its dispatches.
 */
import type { LiveDispatch } from '../core/ledger/claims.ts'
import type { Time, WorkerId } from '../core/nouns.ts'
import type { TroubleKind } from '../core/trouble.ts'
import type { HoldsFacet, Moment, ReadingsFacet, UnderWayState, WorkerSnapshot } from '../core/fleet-state.ts'
import { activeStates } from '../core/lifecycle.ts'
import { isWorkerTrouble } from '../core/trouble.ts'
import { rateLimitReset } from './rate-limit-reset.ts'
import { limitReset } from './usage-limits.ts'

const minute = 60_000
/** After this time (ms) burn gives a worker in trouble one issue, which shows whether the worker has recovered. */
const trialPause = 60 * minute
/**
 * If a turn fails within this time (ms) after a resume text, burn assumes the same trouble. The value is longer than the maximum time that
 * a text waits before burn types it.
 */
const sameTroubleTime = 20 * minute

/** Time (ms) after a resume text in which a screen or an event may still tell about the failed turn before it. */
export const maxReportDelay = 10_000

/** Trouble of a worker: a failure that would affect every issue. */
export interface WorkerTrouble {
  readonly kind: TroubleKind
  readonly evidence: string
  /** The time at which burn first saw the failed turn. */
  readonly since: Time
  /** The time at which the provider accepts requests again; null if it is unknown. */
  readonly reset: Time | null
}

/** Returns a worker's trouble; null if it has none, or if the issue caused the failure. `since`: the start of its current state. */
export function workerTrouble(
  { reading: { state, detail, evidence }, usage_limits = [] }: Pick<WorkerSnapshot, 'reading' | 'usage_limits'>,
  since: Time,
): WorkerTrouble | null {
  if (state !== 'error' || !isWorkerTrouble(detail)) return null
  // Reports of the agent are more precise than words on a screen, which may lack the day or the time zone.
  const reported = detail === 'rate limit' ? limitReset(usage_limits, since) : null
  return { kind: detail, evidence, since, reset: reported ?? rateLimitReset(evidence, since) }
}

/**
 * Returns the snapshots, with the reason under `stopped` for each worker in trouble. When burn may test the worker with one issue again,
 * `stopped` is absent.
 */
export function withTroubles(
  snapshots: readonly WorkerSnapshot[],
  { records, states, now }: Pick<Moment, 'now'> & Pick<HoldsFacet, 'records'> & Pick<ReadingsFacet, 'states'>,
): readonly WorkerSnapshot[] {
  if (snapshots.every((snapshot) => workerTrouble(snapshot, now) === null)) return snapshots
  const used = new Map(records.map(({ id, used_at }) => [id, used_at]))
  return snapshots.map((snapshot) => {
    const since = states.get(snapshot.worker.id)?.since ?? now
    const trouble = workerTrouble(snapshot, since)
    if (trouble === null || snapshot.stopped !== undefined) return snapshot
    const again = Math.max(trouble.reset ?? 0, Math.max(since, used.get(snapshot.worker.id) ?? 0) + trialPause)
    const { kind, evidence } = trouble
    return now >= again ? snapshot : { ...snapshot, stopped: { code: 'trouble', kind, evidence, again } }
  })
}

/** The resume texts that burn has sent about one trouble. */
interface Attempts {
  /** The start of the trouble. */
  readonly began: Time
  /** The number of resume texts about the trouble. */
  readonly times: number
  /** The time of the last resume text or of the failure, whichever is later. */
  readonly last: Time
}

/**
 * Returns the resume texts that belong to the current trouble. If a turn failed later than `sameTroubleTime` after a resume text, the
 * trouble is a new one. `resumes`: the times of the texts, oldest first.
 */
function attemptsOf(since: Time, resumes: readonly Time[], pause: number): Attempts {
  let began = since
  let times = 0
  for (const at of resumes.toReversed()) {
    if (at + sameTroubleTime < began) break
    times += 1
    began = Math.min(began, at - pause)
  }
  return { began, times, last: Math.max(since, resumes.at(-1) ?? 0) }
}

/** The trouble of a worker, and the times of the next steps. */
export interface RecoveryPlan {
  readonly trouble: WorkerTrouble
  /** The time at which burn tells the agent to continue. */
  readonly next: Time
  /** The time at which burn releases the worker's dispatches; null if burn never does. */
  readonly until: Time | null
}

/** Returns the plan for each worker in trouble. */
export function recoveryPlans(seen: UnderWayState): Map<WorkerId, RecoveryPlan> {
  const troubles = seen.workers.flatMap((snapshot) => {
    const trouble = workerTrouble(snapshot, seen.states.get(snapshot.worker.id)?.since ?? seen.now)
    return trouble === null ? [] : [[snapshot.worker.id, trouble] as const]
  })
  if (troubles.length === 0) return new Map()
  const own = Map.groupBy(seen.dispatches, ({ worker }) => worker)
  return new Map(troubles.map(([worker, trouble]) => [worker, planOf(trouble, own.get(worker) ?? [], seen)]))
}

function planOf(trouble: WorkerTrouble, own: readonly LiveDispatch[], seen: UnderWayState): RecoveryPlan {
  const { idle_timeout, stale_after } = seen.fleet.dispatch
  const pause = Math.min(5 * minute, (idle_timeout ?? Infinity) / 6)
  // Resume texts that burn planned at the same time for several dispatches count as one attempt.
  const resumes = new Set(own.flatMap(({ id }) => (seen.resumes.get(id) ?? []).map(({ planned_at }) => planned_at)))
  const { began, times, last } = attemptsOf(
    trouble.since,
    [...resumes].toSorted((a, b) => a - b),
    pause,
  )
  // burn does not wait for a limit that lasts longer than `stale_after`, because another worker can do the issue sooner.
  const reset = trouble.reset !== null && trouble.reset <= began + stale_after ? trouble.reset : null
  const next = Math.max(reset ?? 0, times === 0 && reset !== null ? 0 : last + pause * 2 ** times)
  return { trouble, next, until: idle_timeout === null ? null : Math.max(began, reset ?? 0) + idle_timeout }
}

/** Returns true if a resume text for the dispatch is planned or being delivered. */
export function hasPendingResume({ id }: LiveDispatch, { resumes }: UnderWayState): boolean {
  return resumes.get(id)?.some(({ state }) => activeStates.includes(state)) === true
}
