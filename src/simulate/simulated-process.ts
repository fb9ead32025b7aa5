/**
 * Simulates a process that can be killed or suspended at any call. A call of a killed process never returns; a call of a suspended process
 * returns after `resume`.
 */
import type { Clock } from '../core/ports.ts'

const never = new Promise<never>(() => {})

/** A simulated process. It can be killed or suspended at checkpoints, which are before and after each of its calls. */
export class SimulatedProcess {
  #ended = false
  #held: Promise<void> | null = null
  #resume = () => {}
  /** Number of checkpoints that the process has passed. */
  passed = 0
  #endsAt = Infinity
  #stopsAt = Infinity

  get ended(): boolean {
    return this.#ended
  }

  /** Kills the process, as SIGKILL does. */
  kill(): void {
    this.#ended = true
  }

  /** Kills the process at a later checkpoint. */
  killAfter(checkpoints: number): void {
    this.#endsAt = this.passed + checkpoints
  }

  /** Suspends the process at a later checkpoint, as SIGSTOP does. */
  suspendAfter(checkpoints: number): void {
    this.#stopsAt = this.passed + checkpoints
  }

  /** Resumes the process, as SIGCONT does. */
  resume(): void {
    this.#stopsAt = Infinity
    this.#resume()
    this.#held = null
  }

  /** Resolves at once if the process runs, after `resume` if it is suspended, and never if it is killed. */
  async checkpoint(): Promise<void> {
    if (++this.passed >= this.#endsAt) this.#ended = true
    if (this.#ended) return never
    if (this.passed >= this.#stopsAt && this.#held === null) this.#held = new Promise((resolve) => (this.#resume = resolve))
    if (this.#held !== null) await this.#held
    return this.#ended ? never : undefined
  }

  /**
   * Wraps a port so that each call goes through checkpoints, where this process can be stopped. The methods in `plain` are not wrapped,
   * because they make no request.
   */
  port<T extends object>(port: T, plain: readonly (keyof T)[] = []): T {
    return new Proxy(port, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        // The cast is safe: `value` is a method of the port, and `given` has the arguments of its caller.
        const call = value.bind(target) as (...given: readonly unknown[]) => unknown
        if (plain.some((each) => each === name)) return call
        return async (...given: readonly unknown[]) => {
          await this.checkpoint()
          const answer = await call(...given)
          await this.checkpoint()
          return answer
        }
      },
    })
  }

  /** Returns the clock of this process. `skew` returns how far this clock is ahead of the simulated time (ms). */
  clock(clock: Clock, skew: () => number): Clock {
    return {
      now: () => clock.now() + skew(),
      sleep: async (ms, signal) => {
        await clock.sleep(ms, signal)
        await this.checkpoint()
      },
    }
  }
}
