/**
 * Trouble that every issue would meet (login, billing, model, quota, connection) belongs to a worker or its account, and counts as no
 * attempt. Its worker gets nothing until it recovers. Its agent is told to go on with all that it holds: after a pause, when the limit
 * resets, or once it has recovered by itself. What does not recover is released.
 */
import type { LiveDispatch } from '../core/ledger/claims.ts'
import type { Time, WorkerId } from '../core/nouns.ts'
import type { TroubleKind } from '../core/trouble.ts'
import type { HoldsFacet, Moment, ReadingsFacet, UnderWayState, WorkerSnapshot } from '../core/fleet-state.ts'
import { activeStates } from '../core/lifecycle.ts'
import { isWorkerTrouble } from '../core/trouble.ts'
import { rateLimitReset } from './rate-limit-reset.ts'

const minute = 60_000
/** After so long a worker in trouble is tried with one issue, milliseconds. */
const triedAfter = 60 * minute
/** A turn that failed sooner after its agent was told to go on met the same trouble. Longer than a text waits for its pane. */
const sameTrouble = 20 * minute

export interface WorkerTrouble {
  readonly kind: TroubleKind
  readonly evidence: string
  /** When its turn failed, or was seen first to have. */
  readonly since: Time
  /** When the provider takes requests again; null where that is not known. */
  readonly reset: Time | null
}

/** A worker's trouble; null where it has none, or one that came of its issue. */
export function workerTrouble(
  { reading: { state, detail, evidence } }: Pick<WorkerSnapshot, 'reading'>,
  since: Time,
): WorkerTrouble | null {
  return state === 'error' && isWorkerTrouble(detail) ? { kind: detail, evidence, since, reset: rateLimitReset(evidence, since) } : null
}

/** Sights with why workers in trouble are sent nothing. One whose last try is long ago may be tried again. */
export function withTroubles(
  sights: readonly WorkerSnapshot[],
  { records, states, now }: Pick<Moment, 'now'> & Pick<HoldsFacet, 'records'> & Pick<ReadingsFacet, 'states'>,
): readonly WorkerSnapshot[] {
  if (sights.every((sight) => workerTrouble(sight, now) === null)) return sights
  const used = new Map(records.map(({ id, used_at }) => [id, used_at]))
  return sights.map((sight) => {
    const since = states.get(sight.worker.id)?.since ?? now
    const trouble = workerTrouble(sight, since)
    if (trouble === null || sight.stopped !== undefined) return sight
    const again = Math.max(trouble.reset ?? 0, Math.max(since, used.get(sight.worker.id) ?? 0) + triedAfter)
    const { kind, evidence } = trouble
    return now >= again ? sight : { ...sight, stopped: { code: 'trouble', kind, evidence, again } }
  })
}

/** What was tried about a trouble so far. */
interface Tried {
  readonly began: Time
  readonly times: number
  readonly last: Time
}

/**
 * By what the agent was told about its dispatches, newest last: a turn that went on for a while before it failed is a trouble of its own.
 */
function tried(since: Time, told: readonly Time[], pause: number): Tried {
  let began = since
  let times = 0
  for (const at of told.toReversed()) {
    if (at + sameTrouble < began) break
    times += 1
    began = Math.min(began, at - pause)
  }
  return { began, times, last: Math.max(since, told.at(-1) ?? 0) }
}

/** The trouble of a worker with what follows from it. */
export interface RecoveryPlan {
  readonly trouble: WorkerTrouble
  /** When its agent is told to go on. */
  readonly next: Time
  /** When what it holds is released; null where it never is. */
  readonly until: Time | null
}

/** By worker: those in trouble. */
export function recoveryPlans(seen: UnderWayState): Map<WorkerId, RecoveryPlan> {
  const troubles = seen.workers.flatMap((sight) => {
    const trouble = workerTrouble(sight, seen.states.get(sight.worker.id)?.since ?? seen.now)
    return trouble === null ? [] : [[sight.worker.id, trouble] as const]
  })
  if (troubles.length === 0) return new Map()
  const own = Map.groupBy(seen.dispatches, ({ worker }) => worker)
  return new Map(troubles.map(([worker, trouble]) => [worker, courseOf(trouble, own.get(worker) ?? [], seen)]))
}

function courseOf(trouble: WorkerTrouble, own: readonly LiveDispatch[], seen: UnderWayState): RecoveryPlan {
  const { idle_timeout, stale_after } = seen.fleet.dispatch
  const pause = Math.min(5 * minute, (idle_timeout ?? Infinity) / 6)
  // What is told about several dispatches at once is one try.
  const told = new Set(own.flatMap(({ id }) => (seen.resumes.get(id) ?? []).map(({ planned_at }) => planned_at)))
  const { began, times, last } = tried(
    trouble.since,
    [...told].toSorted((a, b) => a - b),
    pause,
  )
  // A limit that lasts longer than work may be stale is nothing to wait for: somebody else can do it.
  const reset = trouble.reset !== null && trouble.reset <= began + stale_after ? trouble.reset : null
  const next = Math.max(reset ?? 0, times === 0 && reset !== null ? 0 : last + pause * 2 ** times)
  return { trouble, next, until: idle_timeout === null ? null : Math.max(began, reset ?? 0) + idle_timeout }
}

/** A text that tells its agent to go on is on its way. */
export function hasPendingResume({ id }: LiveDispatch, { resumes }: UnderWayState): boolean {
  return resumes.get(id)?.some(({ state }) => activeStates.includes(state)) === true
}
