/**
 * Sends no requests to a forge that is down, except a probe after each pause. Each pause is longer than the one before. Commands fail at
 * once in a pause, so that the forge can recover without the load of their requests.
 */
import type { Clock } from '../core/ports.ts'
import { hasElapsed } from '../core/elapsed.ts'
import { BurnError } from '../core/errors.ts'
import { backoffMs } from '../decide/backoff.ts'

/** The first and the longest pause between two probes (ms). */
const probeBackoff = { first: 1_000, longest: 5 * 60_000 }
/** The number of consecutive failures that opens the circuit. A single failure may concern only its own request. */
const failureThreshold = 3
/**
 * The error codes of a forge that is down or asks for fewer requests. Every other error is an answer of the forge, and shows that the forge
 * is up.
 */
const outageCodes = new Set(['forge_unavailable', 'forge_timeout', 'forge_rate_limited'])

/**
 * The error code of a request that failed in the forge. The requested object may be the cause: with some objects, a healthy forge fails
 * every time.
 */
const requestFailed = 'forge_failed'

/** Sends a request. A probe finds out whether the forge is back, and is not retried. */
type Request<T> = (isProbe: boolean) => Promise<T>

/**
 * Returns a function that runs requests while the forge answers. During an outage the function sends one request after each pause. All
 * other requests fail at once, with the error of the last failure. `isReachable` sends an independent request, to find out whether the
 * forge itself is down or only some requests fail.
 */
export function circuitBreaker(
  host: string,
  clock: Clock,
  random: () => number,
  isReachable: () => Promise<boolean>,
): <T>(request: Request<T>) => Promise<T> {
  const isReachableNow = deduplicateCalls(isReachable)
  let failures = 0
  let isProbing = false
  let outage: { readonly count: number; readonly at: number; readonly pause: number; readonly reason: BurnError } | null = null

  function recordFailure(reason: BurnError, isProbe: boolean): void {
    failures += 1
    // Requests that burn sent before the outage began do not prolong the outage.
    if (outage === null ? failures < failureThreshold : !isProbe) return
    const count = (outage?.count ?? 0) + 1
    outage = { count, at: clock.now(), pause: backoffMs(count, probeBackoff, random()), reason }
  }

  return async (request) => {
    const isProbe = outage !== null
    if (outage !== null && (isProbing || !hasElapsed(outage.at, outage.pause, clock.now())))
      throw circuitOpenError(host, outage.reason, outage.at + outage.pause)
    isProbing = isProbe
    try {
      const answer = await request(isProbe)
      failures = 0
      outage = null
      return answer
    } catch (thrown) {
      const code = thrown instanceof BurnError ? thrown.code : ''
      const mayBeDown = code === requestFailed && (failures + 1 < failureThreshold || !(await isReachableNow()))
      if (thrown instanceof BurnError && (outageCodes.has(code) || mayBeDown)) recordFailure(thrown, isProbe)
      else {
        failures = 0
        outage = null
      }
      throw thrown
    } finally {
      if (isProbe) isProbing = false
    }
  }
}

/** Returns a function that waits for the running call, if there is one, and starts a call otherwise. */
function deduplicateCalls(call: () => Promise<boolean>): () => Promise<boolean> {
  let running: Promise<boolean> | null = null
  return () => (running ??= call().finally(() => (running = null)))
}

function circuitOpenError(host: string, { code, message, hint }: BurnError, until: number): BurnError {
  const time = `${new Date(until).toISOString().slice(11, 19)}Z`
  return new BurnError(code, `${host} is down, and burn sends no requests to it until ${time}: ${message}`, hint)
}
