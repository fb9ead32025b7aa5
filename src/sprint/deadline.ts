/** The time that a sprint has: one signal for all that it runs and waits for. */
import type { SprintContext } from './context.ts'
import { SprintFailure } from './context.ts'
import { failureOfThrown } from './trouble.ts'

const longestTimer = 2 ** 31 - 1

/** Runs `work` with a signal, which git obeys too; it is aborted by `stop`, and after `ms`. Throws SprintFailure `budget` if the time ended it. */
export async function inTime<T>(
  ms: number,
  stop: AbortSignal | null,
  context: SprintContext,
  work: (context: SprintContext, ends: AbortSignal) => Promise<T>,
): Promise<T> {
  const time = new AbortController()
  const timer = setTimeout(() => time.abort(), Math.min(longestTimer, Math.max(0, ms)))
  const signal = stop === null ? time.signal : AbortSignal.any([stop, time.signal])
  try {
    return await work({ ...context, git: { ...context.git, signal } }, signal)
  } catch (thrown) {
    if (!time.signal.aborted || failureOfThrown(thrown).class !== 'stopped') throw thrown
    const seconds = Math.round(context.policy.budget.time / 1000)
    throw new SprintFailure({ class: 'budget', reason: `its ${seconds} s are used up` }, thrown)
  } finally {
    clearTimeout(timer)
  }
}
