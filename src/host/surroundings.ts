/** The environment and directory that child processes get if nothing else is said. */
import { AsyncLocalStorage } from 'node:async_hooks'

interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
}

export const surroundings = new AsyncLocalStorage<Surroundings>()

/** Runs `work` so that the child processes it starts have this environment and directory, and not those of this process. */
export function inSurroundings<T>(given: Surroundings, work: () => Promise<T>): Promise<T> {
  return surroundings.run(given, work)
}
