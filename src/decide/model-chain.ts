/** Decides which step of a chain of models a sprint uses: the first whose circuit breaker is closed. */
import type { Breaker } from '../core/model.ts'
import type { BreakerSettings } from '../core/model-settings.ts'
import type { Time } from '../core/nouns.ts'
import type { Failure, FailureClass } from '../core/sprint.ts'
import { backoffMs } from './backoff.ts'

/** The longest time (ms) for which a breaker stays open. */
export const longestPause = 3_600_000

/** The breaker of a step that never failed. */
export const closedBreaker: Breaker = { failures: 0, until: null, last: null }

/** The failures that show a fault of the endpoint or its model. Other failures depend on the issue. */
const ofStep: readonly FailureClass[] = ['backend_down', 'auth', 'rate_limited', 'model_unknown', 'backend_failed']

/**
 * Returns the breaker after a request. A success closes it. After `failures` consecutive failures it opens, and each further failure doubles
 * the pause. A failure that depends on the issue changes nothing.
 */
export function breakerAfter(before: Breaker, failure: Failure | null, { failures, pause }: BreakerSettings, now: Time): Breaker {
  if (failure === null) return closedBreaker
  if (!ofStep.includes(failure.class)) return before
  const count = before.failures + 1
  const opens = count >= failures
  const until = opens ? now + backoffMs(count - failures + 1, { first: pause, longest: longestPause }, 0) : null
  return { failures: count, until, last: failure }
}

/** Returns the time until which sprints skip the step; null if they may use it. */
export function openUntil({ until }: Breaker, now: Time): Time | null {
  // If the system clock was set back, the breaker could otherwise stay open for too long.
  return until !== null && until > now && until - now <= longestPause ? until : null
}
