/** A clock for simulations. It jumps to the next timer as soon as no other work is pending, so hours pass in milliseconds. */
import type { Time } from '../core/nouns.ts'
import type { Clock } from '../core/ports.ts'
import { setImmediate as settled } from 'node:timers/promises'

interface Timer {
  readonly at: Time
  /** The order of creation, for timers with the same time. */
  readonly seq: number
  act(): void
}

/** A clock whose time advances when no other work is pending. So simulated code must wait only for this clock. */
export class VirtualClock implements Clock {
  #now: Time
  #seq = 0
  readonly #timers: Timer[] = []

  constructor(start: Time) {
    this.#now = start
  }

  now(): Time {
    return this.#now
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) return resolve()
      const wake = () => {
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      signal?.addEventListener('abort', wake)
      this.at(this.#now + Math.max(0, ms), wake)
    })
  }

  /** Schedules a call of `act` at a simulated time. A time in the past means now. */
  at(at: Time, act: () => void): void {
    push(this.#timers, { at: Math.max(Math.ceil(at), this.#now), seq: this.#seq++, act })
  }

  /** Advances time from timer to timer, until `over` returns true or no timer is left. */
  async run(over: () => boolean): Promise<void> {
    for (;;) {
      await settled()
      const first = this.#timers[0]
      if (first === undefined || over()) return
      this.#now = first.at
      for (let next = this.#timers[0]; next !== undefined && next.at === this.#now; next = this.#timers[0]) {
        pop(this.#timers)
        next.act()
      }
    }
  }
}

const before = (a: Timer, b: Timer) => a.at < b.at || (a.at === b.at && a.seq < b.seq)

/** Adds a timer to a binary heap. The first element is the next timer. */
function push(heap: Timer[], timer: Timer): void {
  let at = heap.push(timer) - 1
  for (let above = (at - 1) >> 1; at > 0 && before(timer, heap[above]!); above = (at - 1) >> 1) {
    heap[at] = heap[above]!
    at = above
  }
  heap[at] = timer
}

/** Removes the first timer of a binary heap. */
function pop(heap: Timer[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let at = 0
  for (;;) {
    const left = 2 * at + 1
    const child = left + 1 < heap.length && before(heap[left + 1]!, heap[left]!) ? left + 1 : left
    if (child >= heap.length || !before(heap[child]!, last)) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = last
}
