/** The environment and directory that child processes get if nothing else is said. */
import { AsyncLocalStorage } from 'node:async_hooks'

interface ProcessContext {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
}

export const processContext = new AsyncLocalStorage<ProcessContext>()

/** Runs `work` so that the child processes it starts have this environment and directory, and not those of this process. */
export function withProcessContext<T>(given: ProcessContext, work: () => Promise<T>): Promise<T> {
  return processContext.run(given, work)
}
