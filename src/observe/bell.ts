/** Wakes who waits: rung before the wait, it ends at once. */
import type { Clock } from '../core/ports.ts'

export class Bell {
  readonly #clock: Clock
  #rung = false
  #waiting: AbortController | null = null

  constructor(clock: Clock) {
    this.#clock = clock
  }

  ring(): void {
    this.#rung = true
    this.#waiting?.abort()
  }

  /** Waits until it is rung, `ms` have passed, or `stop` is aborted. */
  async wait(ms: number, stop: AbortSignal): Promise<void> {
    if (!this.#rung && !stop.aborted) {
      this.#waiting = new AbortController()
      const end = () => this.#waiting?.abort()
      stop.addEventListener('abort', end)
      await this.#clock.sleep(ms, this.#waiting.signal)
      stop.removeEventListener('abort', end)
      this.#waiting = null
    }
    this.#rung = false
  }
}
