/** Time that passes as soon as nobody has anything left to do at this moment: hours in milliseconds, the same every time. */
import type { Time } from '../core/nouns.ts'
import type { Clock } from '../core/ports.ts'
import { setImmediate as settled } from 'node:timers/promises'

interface Due {
  readonly at: Time
  /** Of those due at the same time, who came first goes first. */
  readonly seq: number
  act(): void
}

/** What is simulated must wait for nothing but this clock: all else it does is over before time goes on. */
export class VirtualClock implements Clock {
  #now: Time
  #seq = 0
  readonly #due: Due[] = []

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

  /** Acts at a time, or at once where it is past. */
  at(at: Time, act: () => void): void {
    push(this.#due, { at: Math.max(Math.ceil(at), this.#now), seq: this.#seq++, act })
  }

  /** Lets time pass until `over` says so, or nothing is due any more. */
  async run(over: () => boolean): Promise<void> {
    for (;;) {
      await settled()
      const first = this.#due[0]
      if (first === undefined || over()) return
      this.#now = first.at
      for (let next = this.#due[0]; next !== undefined && next.at === this.#now; next = this.#due[0]) {
        pop(this.#due)
        next.act()
      }
    }
  }
}

const before = (a: Due, b: Due) => a.at < b.at || (a.at === b.at && a.seq < b.seq)

/** A binary heap: the next one due is the first. */
function push(heap: Due[], due: Due): void {
  let at = heap.push(due) - 1
  for (let above = (at - 1) >> 1; at > 0 && before(due, heap[above]!); above = (at - 1) >> 1) {
    heap[at] = heap[above]!
    at = above
  }
  heap[at] = due
}

function pop(heap: Due[]): void {
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
