/** Finds the workers to which the records of usage on a machine belong. */
import type { Worker, WorkerId } from '../core/nouns.ts'
import type { UsageDatabase, UsageFiles, UsageListing } from '../core/usage.ts'
import type { PaneAgentOf } from '../agents/index.ts'
import { agentHome } from '../core/agent-home.ts'
import { agentName } from '../core/agent-kinds.ts'

/** Files of one agent kind. */
export type KindFiles = UsageFiles & { readonly kind: string }

/** The owners of the records of one machine. */
export interface Owners {
  /** The folders with files; `~` stands for the user's home directory unless a listing is known. */
  readonly folders: readonly { readonly path: string; readonly name: string }[]
  /** Returns how to read a file; null if the file belongs to no worker. */
  logOf(path: string): KindFiles | null
  /** Returns the databases in which workers may record usage. */
  databases(person: string): readonly { readonly path: string; readonly log: UsageDatabase; readonly kind: string }[]
  /** Returns true if a worker of this kind has the key. */
  has(log: { readonly kind: string }, key: string): boolean
  /** Returns the worker with a key. Empty if several workers have the key; null if none has it. */
  workerOf(kind: string, key: string): WorkerId | null
}

/** Returns the owners of the records on a machine. `listing`: the real paths of the workers' directories. */
export function ownersOn(workers: readonly Worker[], fleet: string, kindOf: PaneAgentOf, listing: UsageListing | null): Owners {
  const person = listing?.person ?? '~'
  const homeOf = (worker: Worker) => agentHome(worker, fleet, person)
  const all = workers.flatMap((worker) => {
    const { usage, kind } = kindOf(worker.agent)
    return usage === undefined ? [] : [{ worker, usage, kind }]
  })
  const keys = new Map<string, Set<WorkerId>>()
  for (const { worker, usage, kind } of listing === null ? [] : all) {
    const dir = listing?.dirs.get(worker.dir)
    for (const key of dir === undefined ? [] : usage.keys({ dir, name: agentName(fleet, worker) }))
      keys.set(`${kind} ${key}`, (keys.get(`${kind} ${key}`) ?? new Set()).add(worker.id))
  }
  const files = distinct(
    all.flatMap(({ worker, usage, kind }) =>
      usage.format === 'files' ? usage.folders(homeOf(worker)).map((path) => ({ path, name: usage.name, log: { ...usage, kind } })) : [],
    ),
  )
  return {
    folders: files,
    logOf(path) {
      const log = files.find((each) => path.startsWith(`${each.path}/`))?.log
      if (log === undefined) return null
      const key = log.keyOf(path)
      return key === null || keys.has(`${log.kind} ${key}`) ? log : null
    },
    databases: () =>
      distinct(
        all.flatMap(({ worker, usage, kind }) =>
          usage.format === 'database' ? usage.databases(homeOf(worker)).map((path) => ({ path, log: usage, kind })) : [],
        ),
      ),
    has: ({ kind }, key) => keys.has(`${kind} ${key}`),
    workerOf(kind, key) {
      const [id = null, ...others] = keys.get(`${kind} ${key}`) ?? []
      return others.length > 0 ? '' : id
    },
  }
}

function distinct<T extends { readonly path: string }>(all: readonly T[]): T[] {
  return [...new Map(all.map((each) => [each.path, each])).values()]
}
