/** Ends the turn of a backend that makes no progress, so that the next backend gets a part of the budget. */
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../core/ports.ts'
import type { Failure } from '../core/sprint.ts'
import { ifCode, noSuchPath } from '../core/errors.ts'

/** Watches whether a backend makes progress: it writes to the transcript, or changes a file of the workspace. */
export class ProgressWatch {
  readonly #limit: number
  readonly #dir: string
  readonly #clock: Clock
  #notes = 0

  /** `limit`: the time (ms) without progress after which a turn ends; Infinity if it never ends. `dir`: the workspace. */
  constructor(limit: number, dir: string, clock: Clock) {
    this.#limit = limit
    this.#dir = dir
    this.#clock = clock
  }

  /** Call this function for each entry that the backend adds to the transcript. */
  noted(): void {
    this.#notes += 1
  }

  /** Returns the failure of a turn that ended without progress. */
  failure(): Failure {
    return { class: 'backend_failed', reason: `no output and no change in the workspace for ${Math.round(this.#limit / 1000)} s` }
  }

  /** Runs a turn. Aborts the signal for `turn` if there is no progress for the limit. `stalled` says whether it did so. */
  async during<T>(turn: (stalled: AbortSignal) => Promise<T>): Promise<{ readonly result: T; readonly stalled: boolean }> {
    if (this.#limit === Infinity) return { result: await turn(new AbortController().signal), stalled: false }
    const [ended, stalled] = [new AbortController(), new AbortController()]
    const watching = this.#watch(ended.signal, stalled)
    try {
      return { result: await turn(stalled.signal), stalled: stalled.signal.aborted }
    } finally {
      ended.abort()
      await watching
    }
  }

  async #watch(ended: AbortSignal, stalled: AbortController): Promise<void> {
    for (let before = await this.#state(); !ended.aborted;) {
      await this.#clock.sleep(this.#limit, ended)
      const now = ended.aborted ? '' : await this.#state()
      if (now === before) return stalled.abort()
      before = now
    }
  }

  /** Returns a text that changes with the transcript, and with the number and the times of the workspace's files. */
  async #state(): Promise<string> {
    const entries = await readdir(this.#dir, { recursive: true, withFileTypes: true }).catch(ifCode(noSuchPath, []))
    let newest = 0
    for (const { parentPath, name } of entries) {
      const found = await lstat(join(parentPath, name)).catch(ifCode(noSuchPath, null))
      newest = Math.max(newest, found?.mtimeMs ?? 0)
    }
    return `${this.#notes} ${entries.length} ${newest}`
  }
}
