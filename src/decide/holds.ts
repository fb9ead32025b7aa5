/** Finds the hold that applies to a worker or a repo. Only this file interprets holds. */
import type { Hold, HoldCode } from '../core/ledger/holds.ts'
import type { Reason } from '../core/reasons.ts'
import type { Account, RepoRef, Time, WorkerId } from '../core/nouns.ts'
import { machineOf } from '../core/refs.ts'
import { maxRepoBackoff } from './backoff.ts'

/** The name of a hold with the scope `fleet`. */
export const wholeFleet = 'all'

/** The holds that are in force, by target. */
export interface HoldIndex {
  /** Returns the reason that a worker gets no work: a hold on the worker, its lane, account or machine, or on the fleet; null if there is none. */
  worker(id: WorkerId): Reason | null
  /** Returns the reason that burn gives no issue of a repo: a hold on the repo or the fleet; null if there is no hold. */
  repo(ref: RepoRef): Reason | null
}

/** Returns an index of the holds that are in force at `now`. `accounts`: the accounts of the spec, with their workers. */
export function heldBy(holds: readonly Hold[], now: Time, accounts: readonly Account[]): HoldIndex {
  const found = new Map<string, Hold>()
  // Several holds can have the same target. The first one is reported.
  for (const hold of holds)
    if (isInForce(hold, now) && !found.has(`${hold.scope} ${hold.name}`)) found.set(`${hold.scope} ${hold.name}`, hold)
  const first = (...keys: readonly string[]) => {
    for (const key of keys) {
      const hold = found.get(key)
      if (hold !== undefined) return holdReason(hold)
    }
    return null
  }
  const accountsOf = accountHolds(found, accounts)
  return {
    worker(id) {
      if (found.size === 0) return null
      return first(...workerKeys(id, accountsOf.get(id) ?? []))
    },
    repo: (ref) => (found.size === 0 ? null : first(`fleet ${wholeFleet}`, `repo ${ref}`)),
  }
}

/** The codes of holds that stop only new work. */
const stopsOnlyWork: readonly HoldCode[] = ['budget', 'drain', 'retire']

/** Returns true if burn sends no texts to the workers of the hold. */
export function stopsTexts({ code }: Pick<Hold, 'code'>): boolean {
  return !stopsOnlyWork.includes(code)
}

/** The codes of holds that a person sets and ends. */
export const personalCodes = ['person', 'drain', 'retire'] as const satisfies readonly HoldCode[]

/** Returns the holds in force that apply to a worker, the widest first. */
export function holdsOnWorker(id: WorkerId, holds: readonly Hold[], now: Time, accounts: readonly Account[]): Hold[] {
  const own = accounts.filter(({ workers }) => workers.includes(id)).map(({ name }) => `account ${name}`)
  const keys = [...workerKeys(id, own)]
  return holds
    .filter((hold) => isInForce(hold, now) && keys.includes(`${hold.scope} ${hold.name}`))
    .toSorted((a, b) => keys.indexOf(`${a.scope} ${a.name}`) - keys.indexOf(`${b.scope} ${b.name}`))
}

/** Returns the keys of the targets that contain a worker, the widest first. The ledger stores a hold on a lane as one row per window. */
function workerKeys(id: WorkerId, accounts: readonly string[]): readonly string[] {
  const window = id.slice(0, id.lastIndexOf('/'))
  return [`fleet ${wholeFleet}`, `machine ${machineOf(id)}`, ...accounts, `lane ${window}`, `worker ${id}`]
}

/** Returns the keys of the holds on each worker's account. */
function accountHolds(found: ReadonlyMap<string, Hold>, accounts: readonly Account[]): Map<WorkerId, string[]> {
  const keys = new Map<WorkerId, string[]>()
  for (const { name, workers } of accounts) {
    const key = `account ${name}`
    if (found.has(key)) for (const worker of workers) keys.set(worker, [...(keys.get(worker) ?? []), key])
  }
  return keys
}

/**
 * Returns true if a hold applies at `now`. A back-off that ends later than the maximum does not apply: the clock was set back after burn
 * stored it.
 */
export function isInForce({ code, until }: Pick<Hold, 'code' | 'until'>, now: Time): boolean {
  return until === null || (until > now && (code !== 'forge_refused' || until <= now + maxRepoBackoff))
}

/** Returns a hold as a reason. For a back-off after a refusal of the forge, the reason is `repo_resting`. */
export function holdReason({ scope, name, code, until, reason }: Hold): Reason {
  return code === 'forge_refused' && until !== null
    ? { code: 'repo_resting', until, why: reason }
    : { code: 'held', scope, name, until, why: reason }
}
