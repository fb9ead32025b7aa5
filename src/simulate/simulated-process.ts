/** A process that may stop or end in the middle: whatever it asks of the world then never answers. */
import type { Clock } from '../core/ports.ts'

const never = new Promise<never>(() => {})

export class SimulatedProcess {
  #ended = false
  #held: Promise<void> | null = null
  #resume = () => {}
  /** Boundaries passed: before and after each call to the world. */
  passed = 0
  #endsAt = Infinity
  #stopsAt = Infinity

  get ended(): boolean {
    return this.#ended
  }

  /** As SIGKILL does. */
  kill(): void {
    this.#ended = true
  }

  /** Ends so many boundaries from now. */
  killAfter(boundaries: number): void {
    this.#endsAt = this.passed + boundaries
  }

  /** Stops so many boundaries from now, as SIGSTOP does. */
  suspendAfter(boundaries: number): void {
    this.#stopsAt = this.passed + boundaries
  }

  /** As SIGCONT does. */
  resume(): void {
    this.#stopsAt = Infinity
    this.#resume()
    this.#held = null
  }

  async checkpoint(): Promise<void> {
    if (++this.passed >= this.#endsAt) this.#ended = true
    if (this.#ended) return never
    if (this.passed >= this.#stopsAt && this.#held === null) this.#held = new Promise((resolve) => (this.#resume = resolve))
    if (this.#held !== null) await this.#held
    return this.#ended ? never : undefined
  }

  /** A port as this process has it. `plain`: methods that reach nobody, and answer at once. */
  port<T extends object>(port: T, plain: readonly (keyof T)[] = []): T {
    return new Proxy(port, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        // A method of the port, with what its caller gives.
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

  /** `skew`: how far its clock is ahead, milliseconds. */
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
