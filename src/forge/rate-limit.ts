/** How many requests a forge gets from this process: a minute, and at once. */
import type { Clock } from '../core/ports.ts'

const minute = 60_000

/**
 * Waits until one more request fits: at most `most` at once, and as many a minute after that. `onWait` hears how long (ms) when it holds back, once a
 * minute. Where `most` is null nothing waits.
 */
export function rateLimiter(most: number | null, clock: Clock, onWait: (ms: number) => void): () => Promise<void> {
  if (most === null) return async () => {}
  let left = most
  let counted = clock.now()
  let said = -Infinity
  return async () => {
    const now = clock.now()
    left = Math.min(most, left + (Math.max(0, now - counted) * most) / minute)
    counted = now
    left -= 1
    // Who comes later waits behind those that wait already: what is owed is counted below nothing.
    const wait = left >= 0 ? 0 : Math.ceil((-left * minute) / most)
    if (wait === 0) return
    if (now - said >= minute) {
      said = now
      onWait(wait)
    }
    await clock.sleep(wait)
  }
}

/** At most `limit` of the tasks it is given run at once; the others wait in order. */
export function concurrencyLimiter(limit: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let running = 0
  return async (task) => {
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve))
    else running++
    try {
      return await task()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }
}
