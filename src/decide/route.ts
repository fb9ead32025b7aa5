/** Which worker gets an issue. Every worker is filled up to its depth; nobody looks whether it is idle. */
import type { IssueRecord } from '../core/ledger/backlog.ts'
import type { LiveDispatch } from '../core/ledger/claims.ts'
import type { Reason } from '../core/reasons.ts'
import type { Issue, RepoRef, Worker, WorkerId } from '../core/nouns.ts'
import type { FleetState, UnderWayState, WorkerSnapshot } from '../core/fleet-state.ts'
import { slotStates } from '../core/lifecycle.ts'
import { heldBy } from './holds.ts'
import { FreeWorkers, type FreeWorker } from './free-workers.ts'
import { workerTrouble } from './trouble.ts'

export interface Route {
  readonly issue: Issue
  readonly worker: Worker
  readonly slot: number
  readonly reason: Reason
}

export interface Routed {
  readonly routes: readonly Route[]
  /** Those that nobody has room for. */
  readonly waiting: readonly Issue[]
  /** Why an issue waits, by repo: repos that nobody has room for. */
  readonly reasons: ReadonlyMap<RepoRef, Reason>
}

/** Why a worker gets nothing; null where it may be given work. */
export function workBlockReason(sight: WorkerSnapshot, hold: Reason | null): Reason | null {
  return sight.worker.role === 'worker' ? sendBlockReason(sight, hold) : { code: 'role', role: sight.worker.role }
}

/** Why nothing is sent to a worker, whatever its role; null where something may be. */
export function sendBlockReason(sight: WorkerSnapshot, hold: Reason | null): Reason | null {
  if (hold !== null) return hold
  if (sight.stopped !== undefined) return { code: 'sent_nothing', why: sight.stopped }
  const { state } = sight.reading
  return state === 'dead' || state === 'unreachable' ? { code: 'worker_state', state } : null
}

/**
 * Gives issues, in the order they come, to workers with a free slot whose window serves the repo. A worker gets
 * issues of its home repo for as long as there are any (a lane builds deep context), then others: so home goes first over all issues,
 * and what is left goes to whoever still has room. Among several: a sublane that is one of the labels, then fewest live
 * dispatches, then the one not used for longest.
 */
export function route(issues: readonly Issue[], seen: FleetState, desks: FreeWorkers): Routed {
  const routes: Route[] = []
  const give = (issue: Issue, where: 'home' | 'anywhere') => {
    const taken = desks.takeSlot(issue, where)
    if (taken !== null) routes.push({ issue, worker: taken.worker, slot: taken.slot, reason: whyThere(taken.worker, taken.held, issue) })
    return taken !== null
  }
  const left = issues.filter((issue) => !give(issue, 'home'))
  const waiting = left.filter((issue) => !give(issue, 'anywhere'))
  const still = desks.freeSlots()
  return {
    routes,
    waiting,
    reasons: whyWaiting([...seen.writers.keys()].filter((repo) => (still.get(repo) ?? 0) === 0).toSorted(), seen),
  }
}

/** Workers with a free slot. How many issues of each repo they have room for is how much of its queue need be looked at. */
export function freeWorkers(seen: UnderWayState): FreeWorkers {
  const records = new Map(seen.records.map((record) => [record.id, record]))
  const taken = slotsTaken(seen.dispatches)
  const held = heldBy(seen.holds, seen.now)
  const desks: FreeWorker[] = []
  for (const sight of seen.workers) {
    const { worker } = sight
    if (workBlockReason(sight, held.worker(worker.id)) !== null || seen.following.has(worker.id)) continue
    const slots = taken.get(worker.id)
    // A depth that was lowered leaves slots above it taken: they count.
    const live = slots?.size ?? 0
    const free: number[] = []
    // One in trouble that may be tried again is tried with one issue.
    const room = workerTrouble(sight, seen.now) === null ? worker.depth : Math.min(1, worker.depth)
    for (let slot = 0; slot < worker.depth && free.length < room - live; slot++) if (slots?.has(slot) !== true) free.push(slot)
    if (free.length > 0) desks.push({ worker, free, live, used_at: records.get(worker.id)?.used_at ?? 0 })
  }
  return new FreeWorkers(desks, seen.held_repos)
}

/** Slots in use, by worker. */
export function slotsTaken(dispatches: readonly LiveDispatch[]): Map<WorkerId, Set<number>> {
  const taken = new Map<WorkerId, Set<number>>()
  for (const { kind, state, worker, slot } of dispatches) {
    if (kind !== 'work' || slot === null || !slotStates.includes(state)) continue
    taken.set(worker, (taken.get(worker) ?? new Set()).add(slot))
  }
  return taken
}

function whyThere(worker: Worker, held: number, issue: Issue): Reason {
  const sublane = worker.sublane?.toLowerCase()
  const matches = issue.labels.some((label) => label.toLowerCase() === sublane)
  const { home, depth } = worker
  return { code: 'served', repo: issue.repo, home: home === issue.repo, sublane: matches ? worker.sublane : null, held, depth }
}

function whyWaiting(repos: readonly RepoRef[], seen: FleetState): Map<RepoRef, Reason> {
  const held = heldBy(seen.holds, seen.now)
  const serving = new Map(repos.map((repo) => [repo, { all: 0, open: 0, first: null as Reason | null }]))
  for (const sight of seen.workers) {
    if (sight.worker.role !== 'worker') continue
    for (const repo of sight.worker.repos) {
      const count = serving.get(repo)
      if (count === undefined) continue
      const first: Reason | null = seen.following.has(sight.worker.id) ? { code: 'follow_up_first' } : null
      const why = workBlockReason(sight, held.worker(sight.worker.id)) ?? first
      count.all += 1
      if (why === null) count.open += 1
      else count.first ??= why
    }
  }
  return new Map(
    [...serving].map(([repo, { all, open, first }]) => [
      repo,
      seen.held_repos.get(repo) ??
        (open > 0 ? { code: 'workers_full', workers: open, repo } : { code: 'workers_closed', workers: all, repo, first }),
    ]),
  )
}

/** Higher priority first, then the oldest. */
export function queueOrder(a: Pick<IssueRecord, 'issue' | 'priority'>, b: Pick<IssueRecord, 'issue' | 'priority'>): number {
  const [one, other] = [a.issue, b.issue]
  const age = one.created_at - other.created_at
  return b.priority - a.priority || age || (one.repo === other.repo ? one.number - other.number : one.repo < other.repo ? -1 : 1)
}
