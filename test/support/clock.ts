/** The system clock, for tests. */
import type { Clock } from '../../src/core/ports.ts'
import { setTimeout as wait } from 'node:timers/promises'

/** The system clock. `sleep` resolves, without an error, if its signal is aborted. */
export const clock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) => wait(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined /* aborted */),
}
