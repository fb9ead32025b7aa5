/** Workers with a free slot, in the order in which they are asked; taking one costs the same however many there are. */
import type { Issue, RepoRef, Time, Worker } from '../core/nouns.ts'

/** A worker that may be given work, with the slots that are free. */
export interface FreeWorker {
  readonly worker: Worker
  readonly free: number[]
  live: number
  readonly used_at: Time
}

/**
 * Desks by how many dispatches they hold, fewest first; among those, the one not used for longest. A desk that was given work through
 * another queue is found on a level that is no longer its own, and goes to the end of its own.
 */
class Queue {
  readonly #levels: { readonly desks: FreeWorker[]; head: number }[] = []

  /** Desks must come in the order of `used_at`. */
  add(desk: FreeWorker): void {
    while (this.#levels.length <= desk.live) this.#levels.push({ desks: [], head: 0 })
    this.#levels[desk.live]?.desks.push(desk)
  }

  first(): FreeWorker | null {
    for (let live = 0; live < this.#levels.length; live++) {
      const level = this.#levels[live] ?? { desks: [], head: 0 }
      for (; level.head < level.desks.length; level.head++) {
        const desk = level.desks[level.head]
        if (desk === undefined || desk.free.length === 0) continue
        if (desk.live === live) return desk
        this.add(desk)
      }
    }
    return null
  }
}

/** Queues by sublane: an issue's own labels first, then those of no sublane, then all others. */
class Sublanes {
  readonly #named = new Map<string, Queue>()
  readonly #plain = new Queue()
  readonly #others = new Queue()

  add(desk: FreeWorker): void {
    const { sublane } = desk.worker
    if (sublane === null) return this.#plain.add(desk)
    const name = sublane.toLowerCase()
    const queue = this.#named.get(name) ?? new Queue()
    this.#named.set(name, queue)
    queue.add(desk)
    this.#others.add(desk)
  }

  best(issue: Issue): FreeWorker | null {
    const named = this.#named.size === 0 ? [] : issue.labels.flatMap((label) => this.#named.get(label.toLowerCase())?.first() ?? [])
    // Several of its labels may be sublanes: the one with most room, as if they were one.
    const own = named.toSorted((a, b) => a.live - b.live || a.used_at - b.used_at)[0]
    return own ?? this.#plain.first() ?? this.#others.first()
  }
}

/** The desks that serve a repo: those whose home it is, and all. */
export class FreeWorkers {
  readonly #serving: ReadonlyMap<RepoRef, readonly FreeWorker[]>
  readonly #queues = { home: new Map<RepoRef, Sublanes>(), anywhere: new Map<RepoRef, Sublanes>() }

  /** `closed`: repos whose issues no desk takes. */
  constructor(desks: readonly FreeWorker[], closed: Pick<ReadonlySet<RepoRef>, 'has'> = new Set()) {
    const serving = new Map<RepoRef, FreeWorker[]>()
    for (const desk of desks.toSorted((a, b) => a.used_at - b.used_at)) {
      for (const repo of desk.worker.repos) {
        if (closed.has(repo)) continue
        const list = serving.get(repo)
        if (list === undefined) serving.set(repo, [desk])
        else list.push(desk)
      }
    }
    this.#serving = serving
  }

  /** Slots that are free for a repo's issues, by repo; repos without any are not in it. */
  freeSlots(): Map<RepoRef, number> {
    return new Map([...this.#serving].map(([repo, desks]) => [repo, desks.reduce((sum, { free }) => sum + free.length, 0)]))
  }

  /** Takes a slot for an issue; null where none is free. The desk is as it was before. */
  takeSlot(issue: Issue, where: 'home' | 'anywhere'): { readonly worker: Worker; readonly slot: number; readonly held: number } | null {
    const desk = this.#queue(issue.repo, where).best(issue)
    const slot = desk?.free.shift()
    return desk === null || slot === undefined ? null : { worker: desk.worker, slot, held: desk.live++ }
  }

  #queue(repo: RepoRef, where: 'home' | 'anywhere'): Sublanes {
    const known = this.#queues[where].get(repo)
    if (known !== undefined) return known
    const queue = new Sublanes()
    for (const desk of this.#serving.get(repo) ?? []) if (where === 'anywhere' || desk.worker.home === repo) queue.add(desk)
    this.#queues[where].set(repo, queue)
    return queue
  }
}
