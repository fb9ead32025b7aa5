/** Fills in the settings that limit usage, and finds contradictions in them. */
import type { Allowance, UsageBudget } from '../core/budget.ts'
import type { Account, Machine, WorkerId } from '../core/nouns.ts'
import type { PathFinding } from './findings.ts'
import type { WrittenSpec } from './schema.ts'
import type { SprintPolicy } from '../core/sprint.ts'
import { backendName, sprintWorkers } from '../core/sprint.ts'
import { nearest } from '../core/suggest.ts'

/** Returns the accounts of the spec. Unknown names stand for no worker; `accountFindings` reports them. */
export function completeAccounts({ accounts = {} }: Pick<WrittenSpec, 'accounts'>, machines: readonly Machine[]): Account[] {
  const known = workersByName(machines)
  return Object.entries(accounts).map(([name, { workers = [], backends }]) => {
    const ids = [...new Set(workers.flatMap((written) => known.get(written) ?? []))]
    return { name, workers: ids, ...(backends === undefined ? {} : { backends }) }
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
  return Object.entries(accounts).flatMap(([account, { workers = [] }]) =>
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

/** Returns a finding for each unknown backend of an account, and for each backend of several accounts. */
export function backendFindings(
  { accounts = {} }: Pick<WrittenSpec, 'accounts'>,
  { sprint }: { readonly sprint: Pick<SprintPolicy, 'backends'> | null },
): PathFinding[] {
  const known = (sprint?.backends ?? []).map(backendName)
  const owners = new Map<string, string>()
  return Object.entries(accounts).flatMap(([account, { backends = [] }]) =>
    backends.flatMap((written, index): PathFinding[] => {
      const path = ['accounts', account, 'backends', index]
      if (!known.includes(written)) {
        const near = nearest(written, known) ?? known[0]
        const hint = near === undefined ? 'add the backend to sprint.backends' : `write the name of a backend, such as "${near}"`
        return [{ path, what: `sprint.backends has no ${written}`, hint }]
      }
      const owner = owners.get(written) ?? account
      owners.set(written, owner)
      if (owner === account) return []
      return [{ path, what: `the backend ${written} is in the account ${owner}, too`, hint: 'list each backend in one account' }]
    }),
  )
}

type WrittenBudget = NonNullable<WrittenSpec['budget']>

/** Returns the budgets of the fleet, its lanes and its accounts. */
export function completeBudgets({ budget = {} }: Pick<WrittenSpec, 'budget'>): UsageBudget[] {
  const { lanes = {}, accounts = {}, ...own } = budget
  const part = (scope: UsageBudget['scope'], name: string, { day, issue }: Pick<WrittenBudget, 'day' | 'issue'>): UsageBudget[] =>
    day === undefined && issue === undefined ? [] : [{ scope, name, day: allowanceOf(day), issue: allowanceOf(issue) }]
  return [
    ...part('fleet', 'all', own),
    ...Object.entries(lanes).flatMap(([name, each]) => part('lane', name, each)),
    ...Object.entries(accounts).flatMap(([name, each]) => part('account', name, each)),
  ]
}

function allowanceOf(written: WrittenBudget['day']): Allowance | null {
  return written === undefined ? null : { usd: written.usd ?? null, tokens: written.tokens ?? null }
}

/** Returns a finding for each budget of a lane or account that does not exist. */
export function budgetFindings(
  { budget = {}, accounts = {} }: Pick<WrittenSpec, 'accounts' | 'budget'>,
  machines: readonly Machine[],
): PathFinding[] {
  const lanes = [...machines.flatMap(({ windows }) => windows.map(({ lane }) => lane)), sprintWorkers]
  const unknown = (key: 'lanes' | 'accounts', noun: string, known: readonly string[]) =>
    Object.keys(budget[key] ?? {}).flatMap((name): PathFinding[] => {
      if (known.includes(name)) return []
      const near = nearest(name, known)
      const hint = near === null ? `write the name of one of the ${key}` : `did you mean "${near}"?`
      return [{ path: ['budget', key, name], of: 'key', what: `the spec has no ${noun} ${name}`, hint }]
    })
  return [...unknown('lanes', 'lane', lanes), ...unknown('accounts', 'account', Object.keys(accounts))]
}
