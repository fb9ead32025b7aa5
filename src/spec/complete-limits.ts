/** Fills in the settings that limit usage, and finds contradictions in them. */
import type { Account, Machine, WorkerId } from '../core/nouns.ts'
import type { PathFinding } from './findings.ts'
import type { WrittenSpec } from './schema.ts'
import { nearest } from '../core/suggest.ts'

/** Returns the accounts of the spec. Unknown names stand for no worker; `accountFindings` reports them. */
export function completeAccounts({ accounts = {} }: Pick<WrittenSpec, 'accounts'>, machines: readonly Machine[]): Account[] {
  const known = workersByName(machines)
  return Object.entries(accounts).map(([name, { workers }]) => {
    return { name, workers: [...new Set(workers.flatMap((written) => known.get(written) ?? []))] }
  })
}

/** Returns the workers that each name stands for: the name of a worker, window, lane or machine. */
function workersByName(machines: readonly Machine[]): Map<string, WorkerId[]> {
  const found = new Map<string, WorkerId[]>()
  for (const { name: machine, windows } of machines)
    for (const { name: window, lane, workers } of windows)
      for (const { id, name } of workers)
        for (const each of new Set([id, name, window, `${machine}/${window}`, lane, machine]))
          found.set(each, [...(found.get(each) ?? []), id])
  return found
}

/** Returns a finding for each unknown name, and for each worker of several accounts. */
export function accountFindings({ accounts = {} }: Pick<WrittenSpec, 'accounts'>, machines: readonly Machine[]): PathFinding[] {
  const known = workersByName(machines)
  const owners = new Map<WorkerId, string>()
  return Object.entries(accounts).flatMap(([account, { workers }]) =>
    workers.flatMap((written, index): PathFinding[] => {
      const path = ['accounts', account, 'workers', index]
      const ids = known.get(written)
      if (ids === undefined) {
        const near = nearest(written, [...known.keys()])
        const hint = near === null ? 'write the name of a worker, window, lane or machine' : `did you mean "${near}"?`
        return [{ path, what: `the fleet has no worker, window, lane or machine ${written}`, hint }]
      }
      const shared = ids.find((id) => (owners.get(id) ?? account) !== account)
      for (const id of ids) if (!owners.has(id)) owners.set(id, account)
      if (shared === undefined) return []
      const hint = 'list each worker in one account'
      return [{ path, what: `the worker ${shared} is in the account ${owners.get(shared)}, too`, hint }]
    }),
  )
}
