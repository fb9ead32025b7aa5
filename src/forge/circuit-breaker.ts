/** A forge that stays down is left alone, longer each time: nobody waits for it again and again, and it need not turn everybody away while it recovers. */
import type { Clock } from '../core/ports.ts'
import { hasElapsed } from '../core/elapsed.ts'
import { BurnError } from '../core/errors.ts'
import { backoffMs } from '../decide/backoff.ts'

/** Milliseconds. */
const retry = { first: 1_000, longest: 5 * 60_000 }
/** So many requests in a row must have failed: one alone says nothing of the others. */
const fewest = 3
/** What a forge fails with that is down or wants fewer requests. Every other answer is one, and shows that it is there. */
const down = new Set(['forge_unavailable', 'forge_timeout', 'forge_rate_limited'])

/** A failure of one request, which may be that of the object it asks for: some objects make a healthy forge fail every time. */
const failedOnce = 'forge_failed'

/** Hears whether this request is the one that finds out if the forge is back: it is not worth a second attempt. */
type Request<T> = (trial: boolean) => Promise<T>

/**
 * Runs requests while the forge answers. In an outage one is let through after each pause, and all others fail at once with the reason of the last.
 * `answers` asks the forge for something that has nothing to do with the requests: it decides if only they fail.
 */
export function circuitBreaker(
  host: string,
  clock: Clock,
  random: () => number,
  answers: () => Promise<boolean>,
): <T>(request: Request<T>) => Promise<T> {
  const stands = onceAtATime(answers)
  let failed = 0
  let trying = false
  let over: { readonly count: number; readonly at: number; readonly pause: number; readonly reason: BurnError } | null = null

  function fails(reason: BurnError, trial: boolean): void {
    failed += 1
    // Requests that were under way when it began say nothing new.
    if (over === null ? failed < fewest : !trial) return
    const count = (over?.count ?? 0) + 1
    over = { count, at: clock.now(), pause: backoffMs(count, retry, random()), reason }
  }

  return async (request) => {
    const trial = over !== null
    if (over !== null && (trying || !hasElapsed(over.at, over.pause, clock.now())))
      throw circuitOpenError(host, over.reason, over.at + over.pause)
    trying = trial
    try {
      const answer = await request(trial)
      failed = 0
      over = null
      return answer
    } catch (thrown) {
      const code = thrown instanceof BurnError ? thrown.code : ''
      const doubtful = code === failedOnce && (failed + 1 < fewest || !(await stands()))
      if (thrown instanceof BurnError && (down.has(code) || doubtful)) fails(thrown, trial)
      else {
        failed = 0
        over = null
      }
      throw thrown
    } finally {
      if (trial) trying = false
    }
  }
}

function onceAtATime(ask: () => Promise<boolean>): () => Promise<boolean> {
  let asking: Promise<boolean> | null = null
  return () => (asking ??= ask().finally(() => (asking = null)))
}

function circuitOpenError(host: string, { code, message, hint }: BurnError, until: number): BurnError {
  const when = `${new Date(until).toISOString().slice(11, 19)}Z`
  return new BurnError(code, `${host} stays down and is left alone until ${when}: ${message}`, hint)
}
