import type { Clock } from '../../src/core/ports.ts'
import { setTimeout as wait } from 'node:timers/promises'

/** The machine's own clock. */
export const clock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    wait(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined /* aborted: that is an end too */),
}
