/** Finds a worker with a free slot for an issue. The cost does not grow with the number of workers. */
import type { Issue, RepoRef, Time, Worker } from '../core/nouns.ts'

/** A worker that may get work, with its free slots. */
export interface FreeWorker {
  readonly worker: Worker
  /** The numbers of the free slots of the worker, in ascending order. */
  readonly free: number[]
  /** The number of dispatches that use slots of the worker. */
  live: number
  /** The time of the last claim for the worker; 0 if there was none. */
  readonly used_at: Time
}

/**
 * A queue of workers, grouped by their number of dispatches (their level). The lowest level goes first; within a level, the worker whose
 * last claim is oldest. A worker is in several queues. If a worker got work through another queue, its level in this queue is outdated, and
 * `first` moves it to its current level.
 */
class Queue {
  readonly #levels: { readonly workers: FreeWorker[]; head: number }[] = []

  /** Adds a worker. Callers add workers in the order of `used_at`. */
  add(worker: FreeWorker): void {
    while (this.#levels.length <= worker.live) this.#levels.push({ workers: [], head: 0 })
    this.#levels[worker.live]?.workers.push(worker)
  }

  first(): FreeWorker | null {
    for (let live = 0; live < this.#levels.length; live++) {
      const level = this.#levels[live] ?? { workers: [], head: 0 }
      for (; level.head < level.workers.length; level.head++) {
        const worker = level.workers[level.head]
        if (worker === undefined || worker.free.length === 0) continue
        if (worker.live === live) return worker
        this.add(worker)
      }
    }
    return null
  }
}

/** Queues by sublane. Workers whose sublane is a label of the issue go first, then those without a sublane, then all others. */
class Sublanes {
  readonly #named = new Map<string, Queue>()
  readonly #plain = new Queue()
  readonly #others = new Queue()

  add(free: FreeWorker): void {
    const { sublane } = free.worker
    if (sublane === null) return this.#plain.add(free)
    const name = sublane.toLowerCase()
    const queue = this.#named.get(name) ?? new Queue()
    this.#named.set(name, queue)
    queue.add(free)
    this.#others.add(free)
  }

  best(issue: Issue): FreeWorker | null {
    const named = this.#named.size === 0 ? [] : issue.labels.flatMap((label) => this.#named.get(label.toLowerCase())?.first() ?? [])
    // If several labels of the issue are sublanes, their queues count as one.
    const own = named.toSorted((a, b) => a.live - b.live || a.used_at - b.used_at)[0]
    return own ?? this.#plain.first() ?? this.#others.first()
  }
}

/** The free workers of each repo: the workers with this home repo, and all workers that serve the repo. */
export class FreeWorkers {
  readonly #serving: ReadonlyMap<RepoRef, readonly FreeWorker[]>
  /** The queues by repo, or by repo and lane. */
  readonly #queues = { home: new Map<string, Sublanes>(), anywhere: new Map<string, Sublanes>() }

  /** Builds the queues. `closed`: repos whose issues no worker gets. */
  constructor(free: readonly FreeWorker[], closed: Pick<ReadonlySet<RepoRef>, 'has'> = new Set()) {
    const serving = new Map<RepoRef, FreeWorker[]>()
    for (const each of free.toSorted((a, b) => a.used_at - b.used_at)) {
      for (const repo of each.worker.repos) {
        if (closed.has(repo)) continue
        const list = serving.get(repo)
        if (list === undefined) serving.set(repo, [each])
        else list.push(each)
      }
    }
    this.#serving = serving
  }

  /** Returns the number of free slots for the issues of each repo, without repos that have none. */
  freeSlots(): Map<RepoRef, number> {
    return new Map([...this.#serving].map(([repo, workers]) => [repo, workers.reduce((sum, { free }) => sum + free.length, 0)]))
  }

  /**
   * Reserves a free slot for an issue, and returns the worker and the number of the slot; null if no slot is free. `lanes`: the lanes whose
   * workers may get the issue; all lanes if the list is empty. `held`: the number of the worker's dispatches before the reservation.
   */
  takeSlot(
    issue: Issue,
    where: 'home' | 'anywhere',
    lanes: readonly string[] = [],
  ): { readonly worker: Worker; readonly slot: number; readonly held: number } | null {
    const queues = lanes.length === 0 ? [this.#queue(issue.repo, where, null)] : lanes.map((lane) => this.#queue(issue.repo, where, lane))
    const free = queues.map((queue) => queue.best(issue)).find((each) => each !== null) ?? null
    const slot = free?.free.shift()
    return free === null || slot === undefined ? null : { worker: free.worker, slot, held: free.live++ }
  }

  #queue(repo: RepoRef, where: 'home' | 'anywhere', lane: string | null): Sublanes {
    const key = lane === null ? repo : `${repo} ${lane}`
    const known = this.#queues[where].get(key)
    if (known !== undefined) return known
    const queue = new Sublanes()
    for (const free of this.#serving.get(repo) ?? [])
      if ((where === 'anywhere' || free.worker.home === repo) && (lane === null || free.worker.lane === lane)) queue.add(free)
    this.#queues[where].set(key, queue)
    return queue
  }
}
