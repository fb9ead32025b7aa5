/** Facts about this machine that all sandboxes share. burn need not find them out again for each sandbox. */
import type { Clock } from '../core/ports.ts'
import type { HiddenPath } from './hidden.ts'
import type { Limits } from './limits.ts'
import type { Separation } from './separation.ts'

/**
 * The time (ms) for which a fact counts. A sandbox exists for up to an hour and does not hide private files that somebody creates during
 * this hour. These minutes come on top.
 */
const maxAge = 300_000

/** Remembers the last result of a search for each key. */
class Recent<T> {
  readonly #clock: Pick<Clock, 'now'>
  readonly #found = new Map<string, { readonly at: number; readonly value: Promise<T> }>()

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  /** Returns the result of a recent search with this key, or else of `search`. Forgets a search that fails. */
  async get(key: string, search: () => Promise<T>): Promise<T> {
    const now = this.#clock.now()
    const last = this.#found.get(key)
    if (last !== undefined && now >= last.at && now - last.at < maxAge) return last.value
    const value = search()
    this.#found.set(key, { at: now, value })
    try {
      return await value
    } catch (thrown) {
      this.#found.delete(key)
      throw thrown
    }
  }

  clear(): void {
    this.#found.clear()
  }
}

export class SandboxFacts {
  readonly hidden: Recent<readonly HiddenPath[]>
  readonly limits: Recent<Limits>
  readonly separation: Recent<Separation>

  constructor(clock: Pick<Clock, 'now'>) {
    this.hidden = new Recent(clock)
    this.limits = new Recent(clock)
    this.separation = new Recent(clock)
  }

  /** Forgets all facts. Call it when a command did not start, because a fact may have changed. */
  forget(): void {
    for (const each of [this.hidden, this.limits, this.separation]) each.clear()
  }
}
