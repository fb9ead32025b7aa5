/** Decides which worker gets an issue. A worker gets issues until it has `depth` of them, even if it is busy. */
import type { LiveDispatch } from '../core/ledger/claims.ts'
import type { Reason } from '../core/reasons.ts'
import type { Issue, RepoRef, Worker, WorkerId } from '../core/nouns.ts'
import type { FleetState, UnderWayState, WorkerSnapshot } from '../core/fleet-state.ts'
import { slotStates } from '../core/lifecycle.ts'
import { lanesByLogin, lanesOf } from './eligible.ts'
import { heldBy } from './holds.ts'
import { FreeWorkers, type FreeWorker } from './free-workers.ts'
import { workerTrouble } from './trouble.ts'

/** An issue, and the worker and slot that it goes to. */
export interface Route {
  readonly issue: Issue
  readonly worker: Worker
  readonly slot: number
  readonly reason: Reason
}

/** The result of `route`. */
export interface Routed {
  readonly routes: readonly Route[]
  /** Issues for which no free slot is left. */
  readonly waiting: readonly Issue[]
  /** For each repo without a free slot, the reason that its issues wait. */
  readonly reasons: ReadonlyMap<RepoRef, Reason>
}

/** Returns the reason that a worker gets no work; null if it may get work. */
export function workBlockReason(snapshot: WorkerSnapshot, hold: Reason | null): Reason | null {
  return snapshot.worker.role === 'worker' ? sendBlockReason(snapshot, hold) : { code: 'role', role: snapshot.worker.role }
}

/** Returns the reason that burn sends nothing to a worker, whatever its role; null if burn may send. */
export function sendBlockReason(snapshot: WorkerSnapshot, hold: Reason | null): Reason | null {
  if (hold !== null) return hold
  if (snapshot.stopped !== undefined) return { code: 'sent_nothing', why: snapshot.stopped }
  const { state } = snapshot.reading
  return state === 'dead' || state === 'unreachable' ? { code: 'worker_state', state } : null
}

/** Returns the state of the fleet as it would be if burn had started an agent for each worker without one. */
export function withAgents<State extends UnderWayState>(state: State): State {
  const start = ({ reading, ...rest }: WorkerSnapshot): WorkerSnapshot => ({
    ...rest,
    reading: reading.state === 'dead' ? { state: 'idle', detail: null, evidence: 'burn would start its agent' } : reading,
  })
  return { ...state, workers: state.workers.map(start) }
}

/**
 * Gives issues, in their order, to workers with a free slot whose window serves the repo. `urgency`: lists of equally urgent issues, the
 * most urgent list first. Within a list, a worker gets issues of its home repo first, because its agent has context about that repo. So the
 * first pass gives issues only to workers with that home repo. The second pass gives the remaining issues to any worker. Of several
 * workers, a worker whose sublane is a label of the issue goes first. Then the fewest live dispatches count, then the oldest last claim. If
 * an assignee of the issue stands for a lane, only workers of this lane get the issue. They get such issues before others.
 */
export function route(urgency: readonly (readonly Issue[])[], seen: FleetState, free: FreeWorkers): Routed {
  const routes: Route[] = []
  const byLogin = lanesByLogin(seen.fleet)
  const give = (issue: Issue, where: 'home' | 'anywhere') => {
    const taken = free.takeSlot(issue, where, lanesOf(issue, byLogin))
    if (taken !== null) routes.push({ issue, worker: taken.worker, slot: taken.slot, reason: routeReason(taken.worker, taken.held, issue) })
    return taken !== null
  }
  const giveAll = (some: readonly Issue[]) => {
    const left = some.filter((issue) => !give(issue, 'home'))
    return left.filter((issue) => !give(issue, 'anywhere'))
  }
  const isBound = (issue: Issue) => lanesOf(issue, byLogin).length > 0
  const waiting = urgency.flatMap((issues) => [...giveAll(issues.filter(isBound)), ...giveAll(issues.filter((issue) => !isBound(issue)))])
  const slots = free.freeSlots()
  return {
    routes,
    waiting,
    reasons: waitReasons([...seen.writers.keys()].filter((repo) => (slots.get(repo) ?? 0) === 0).toSorted(), seen),
  }
}

/**
 * Returns the workers with a free slot. From the queue of a repo, a cycle reads only as many issues as these workers have free slots for
 * that repo.
 */
export function freeWorkers(seen: UnderWayState): FreeWorkers {
  const records = new Map(seen.records.map((record) => [record.id, record]))
  const taken = slotsTaken(seen.dispatches)
  const held = heldBy(seen.holds, seen.now, seen.fleet.accounts)
  const found: FreeWorker[] = []
  for (const snapshot of seen.workers) {
    const { worker } = snapshot
    if (workBlockReason(snapshot, held.worker(worker.id)) !== null || seen.following.has(worker.id)) continue
    const slots = taken.get(worker.id)
    // If the spec lowered `depth`, dispatches in the slots above it still count.
    const live = slots?.size ?? 0
    const free: number[] = []
    // A worker in trouble gets one issue, which shows whether the worker has recovered.
    const room = workerTrouble(snapshot, seen.now) === null ? worker.depth : Math.min(1, worker.depth)
    for (let slot = 0; slot < worker.depth && free.length < room - live; slot++) if (slots?.has(slot) !== true) free.push(slot)
    if (free.length > 0) found.push({ worker, free, live, used_at: records.get(worker.id)?.used_at ?? 0 })
  }
  return new FreeWorkers(found, seen.held_repos)
}

/** Returns the slots in use, by worker. */
export function slotsTaken(dispatches: readonly LiveDispatch[]): Map<WorkerId, Set<number>> {
  const taken = new Map<WorkerId, Set<number>>()
  for (const { kind, state, worker, slot } of dispatches) {
    if (kind !== 'work' || slot === null || !slotStates.includes(state)) continue
    taken.set(worker, (taken.get(worker) ?? new Set()).add(slot))
  }
  return taken
}

function routeReason(worker: Worker, held: number, issue: Issue): Reason {
  const sublane = worker.sublane?.toLowerCase()
  const matches = issue.labels.some((label) => label.toLowerCase() === sublane)
  const { home, depth } = worker
  return { code: 'served', repo: issue.repo, home: home === issue.repo, sublane: matches ? worker.sublane : null, held, depth }
}

function waitReasons(repos: readonly RepoRef[], seen: FleetState): Map<RepoRef, Reason> {
  const held = heldBy(seen.holds, seen.now, seen.fleet.accounts)
  const serving = new Map(repos.map((repo) => [repo, { all: 0, open: 0, first: null as Reason | null }]))
  for (const snapshot of seen.workers) {
    if (snapshot.worker.role !== 'worker') continue
    for (const repo of snapshot.worker.repos) {
      const count = serving.get(repo)
      if (count === undefined) continue
      const followUp: Reason | null = seen.following.has(snapshot.worker.id) ? { code: 'follow_up_first' } : null
      const why = workBlockReason(snapshot, held.worker(snapshot.worker.id)) ?? followUp
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
