/** The parts of one run of sprints: the faults of its repos, and the names of its workers. */
import type { FleetState } from '../core/fleet-state.ts'
import type { RepoRef } from '../core/nouns.ts'
import type { SprintContext } from './context.ts'
import { sprintWorkers } from '../core/sprint.ts'
import { repoFaultForSprints } from './preflight.ts'

/** The faults of the repos of one run. It checks each repo once, even for parallel sprints, and reports each fault once. */
export class RepoFaults {
  readonly #context: SprintContext
  readonly #again: boolean
  readonly #found = new Map<RepoRef, Promise<string | null>>()

  constructor(context: SprintContext, again: boolean) {
    this.#context = context
    this.#again = again
  }

  /** Returns the fault of a repo; null if sprints can publish changes in the repo. */
  of(repo: RepoRef): Promise<string | null> {
    const known = this.#found.get(repo) ?? this.#check(repo)
    this.#found.set(repo, known)
    return known
  }

  async #check(repo: RepoRef): Promise<string | null> {
    const why = await repoFaultForSprints(repo, this.#context, { again: this.#again ? 'faults' : 'none' })
    if (why !== null) this.#context.session.notify({ kind: 'repo.unusable', subject: repo, payload: { why } })
    return why
  }

  /** Makes the next `of` read the result that a sprint stored. */
  forget(repo: RepoRef): void {
    this.#found.set(repo, repoFaultForSprints(repo, this.#context))
  }
}

/**
 * Provides the workers `sprint/<host>/<n>`, the lowest free number first. A worker has only one sprint at a time, across all processes on
 * the machine.
 */
export class WorkerPool {
  readonly #host: string
  readonly #taken: Set<string>

  constructor(host: string, { sprints }: FleetState) {
    this.#host = host
    this.#taken = new Set(sprints.map(({ worker }) => worker))
  }

  acquire(): string {
    for (let n = 1; ; n++) {
      const worker = `${sprintWorkers}/${this.#host}/${n}`
      if (this.#taken.has(worker)) continue
      this.#taken.add(worker)
      return worker
    }
  }

  release(worker: string): void {
    this.#taken.delete(worker)
  }
}
