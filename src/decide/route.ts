/** Which worker gets an issue. Every worker is filled up to its depth; nobody looks whether it is idle. */
import type { Dispatch } from '../core/lives.ts'
import type { Issue, RepoRef, Time, Worker, WorkerId } from '../core/nouns.ts'
import type { View, WorkerSight } from '../core/view.ts'
import { slotStates } from '../core/lives.ts'

export interface Route {
  readonly issue: Issue
  readonly worker: Worker
  readonly slot: number
  readonly reason: string
}

interface Desk {
  readonly worker: Worker
  readonly free: number[]
  live: number
  used_at: Time
}

/** Why a worker gets nothing; null where it may be given work. */
export function closedTo(sight: WorkerSight, hold: string | null): string | null {
  if (sight.worker.role !== 'worker') return `is a ${sight.worker.role}`
  if (hold !== null) return `is held: ${hold}`
  if (sight.stopped !== undefined) return `is sent nothing: ${sight.stopped}`
  const { state } = sight.reading
  return state === 'dead' || state === 'unreachable' ? `is ${state}` : null
}

/**
 * Gives issues, in the order they come, to workers with a free slot whose window serves the repo. A worker gets
 * issues of its home repo for as long as there are any (a lane builds deep context), then others: so home goes first over all issues,
 * and what is left goes to whoever still has room. Among several: a sublane that is one of the labels, then fewest live
 * dispatches, then the one not used for longest.
 */
export function route(issues: readonly Issue[], view: View): { routes: Route[]; waiting: { issue: Issue; reason: string }[] } {
  const desks = openDesks(view)
  const routes: Route[] = []
  const atHome = (desk: Desk, issue: Issue) => desk.worker.home === issue.repo
  const left = issues.filter((issue) => !give(issue, desks.get(issue.repo) ?? [], atHome, routes, view.now))
  const waiting = left
    .filter((issue) => !give(issue, desks.get(issue.repo) ?? [], () => true, routes, view.now))
    .map((issue) => ({ issue, reason: whyWaiting(issue, view) }))
  return { routes, waiting }
}

function openDesks(view: View): Map<RepoRef, Desk[]> {
  const holds = new Map(view.ledger.workers.map((record) => [record.id, record]))
  const taken = slotsTaken(view.ledger.dispatches)
  const desks = new Map<RepoRef, Desk[]>()
  for (const sight of view.workers) {
    const record = holds.get(sight.worker.id)
    if (closedTo(sight, record?.hold ?? null) !== null) continue
    const slots = taken.get(sight.worker.id) ?? new Set<number>()
    const free = Array.from({ length: sight.worker.depth }, (_, slot) => slot).filter((slot) => !slots.has(slot))
    const desk: Desk = { worker: sight.worker, free, live: slots.size, used_at: record?.used_at ?? 0 }
    // A depth that was lowered leaves slots above it taken: they count.
    if (desk.live >= sight.worker.depth) continue
    for (const repo of sight.worker.repos) {
      const serving = desks.get(repo)
      if (serving === undefined) desks.set(repo, [desk])
      else serving.push(desk)
    }
  }
  return desks
}

/** Slots in use, by worker. */
export function slotsTaken(dispatches: readonly Dispatch[]): Map<WorkerId, Set<number>> {
  const taken = new Map<WorkerId, Set<number>>()
  for (const { kind, state, worker, slot } of dispatches) {
    if (kind !== 'work' || slot === null || !slotStates.includes(state)) continue
    taken.set(worker, (taken.get(worker) ?? new Set()).add(slot))
  }
  return taken
}

function give(issue: Issue, desks: readonly Desk[], fits: (desk: Desk, issue: Issue) => boolean, routes: Route[], now: Time): boolean {
  let best: Desk | null = null
  for (const desk of desks) {
    if (desk.live < desk.worker.depth && fits(desk, issue) && (best === null || ahead(desk, best, issue))) best = desk
  }
  const slot = best?.free.shift()
  if (best === null || slot === undefined) return false
  routes.push({ issue, worker: best.worker, slot, reason: whyThere(best, issue) })
  best.live += 1
  best.used_at = now
  return true
}

function ahead(a: Desk, b: Desk, issue: Issue): boolean {
  const order = sublaneRank(a.worker, issue) - sublaneRank(b.worker, issue) || a.live - b.live || a.used_at - b.used_at
  return order < 0
}

/** 0: its sublane is one of the labels; 1: it has none; 2: it is there for something else. */
function sublaneRank(worker: Worker, issue: Issue): number {
  if (worker.sublane === null) return 1
  const sublane = worker.sublane.toLowerCase()
  return issue.labels.some((label) => label.toLowerCase() === sublane) ? 0 : 2
}

function whyThere(desk: Desk, issue: Issue): string {
  const { worker } = desk
  const repo =
    worker.home === issue.repo ? `${issue.repo} is its home repo` : `its window serves ${issue.repo} and its home repo has nothing left`
  const sublane = sublaneRank(worker, issue) === 0 ? `, sublane ${worker.sublane} matches a label` : ''
  return `${repo}${sublane}; it held ${desk.live} of ${worker.depth}`
}

function whyWaiting(issue: Issue, view: View): string {
  const holds = new Map(view.ledger.workers.map(({ id, hold }) => [id, hold]))
  const serving = view.workers.filter(({ worker }) => worker.role === 'worker' && worker.repos.includes(issue.repo))
  const shut = serving.map((sight) => closedTo(sight, holds.get(sight.worker.id) ?? null)).filter((why) => why !== null)
  const open = serving.length - shut.length
  if (open > 0) return `waits: all ${open} workers that serve ${issue.repo} are full`
  return `waits: none of the ${serving.length} workers that serve ${issue.repo} can take work (the first ${shut[0] ?? 'is missing'})`
}
