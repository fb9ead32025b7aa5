/** Stores the default environment and directory of child processes. */
import { AsyncLocalStorage } from 'node:async_hooks'

interface ProcessContext {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
}

/** The environment and directory of the current work; empty if child processes get those of this process. */
export const processContext = new AsyncLocalStorage<ProcessContext>()

/** Runs `work`. The child processes that it starts get the given environment and directory instead of those of this process. */
export function withProcessContext<T>(given: ProcessContext, work: () => Promise<T>): Promise<T> {
  return processContext.run(given, work)
}
