/** Limits the requests to a forge: their number per minute, and the number of concurrent requests. */
import type { Clock } from '../core/ports.ts'

const minute = 60_000

/**
 * Returns a function that waits until one more request fits into the limit per minute. A burst of `perMinute` requests may start at once.
 * `onWait` is called with the wait (ms), at most once a minute. If `perMinute` is null, there is no limit.
 */
export function rateLimiter(perMinute: number | null, clock: Clock, onWait: (ms: number) => void): () => Promise<void> {
  if (perMinute === null) return async () => {}
  let tokens = perMinute
  let refilled_at = clock.now()
  let reported_at = -Infinity
  return async () => {
    const now = clock.now()
    tokens = Math.min(perMinute, tokens + (Math.max(0, now - refilled_at) * perMinute) / minute)
    refilled_at = now
    tokens -= 1
    // `tokens` may become negative, so that a later request waits longer than the requests that are already waiting.
    const wait = tokens >= 0 ? 0 : Math.ceil((-tokens * minute) / perMinute)
    if (wait === 0) return
    if (now - reported_at >= minute) {
      reported_at = now
      onWait(wait)
    }
    await clock.sleep(wait)
  }
}

/** Returns a function that runs at most `limit` tasks at once. All other tasks wait in order. */
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
