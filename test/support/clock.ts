/** The system clock, for tests. */
import type { Clock } from '../../src/core/ports.ts'
import { setTimeout as wait } from 'node:timers/promises'

/** The system clock. An aborted sleep resolves. */
export const clock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) => wait(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined /* aborted */),
}
