/** Who is held: the one place that reads holds, for workers and for repos. */
import type { Hold } from '../core/ledger/holds.ts'
import type { Reason } from '../core/reasons.ts'
import type { RepoRef, Time, WorkerId } from '../core/nouns.ts'
import { maxRepoBackoff } from './backoff.ts'

/** The name of the scope `fleet`. */
export const wholeFleet = 'all'

/** Finds holds that are in force by what they hold. */
export interface HoldIndex {
  /** Why a worker gets nothing: the whole fleet is held, its machine, its lane or the worker itself. Null where none is. */
  worker(id: WorkerId): Reason | null
  /** Why none of a repo's issues are given; null where they may be. */
  repo(ref: RepoRef): Reason | null
}

export function heldBy(holds: readonly Hold[], now: Time): HoldIndex {
  const found = new Map<string, Hold>()
  // The first of several: all of them hold, and one is said.
  for (const hold of holds)
    if (isInForce(hold, now) && !found.has(`${hold.scope} ${hold.name}`)) found.set(`${hold.scope} ${hold.name}`, hold)
  const first = (...keys: readonly string[]) => {
    for (const key of keys) {
      const hold = found.get(key)
      if (hold !== undefined) return holdReason(hold)
    }
    return null
  }
  const fleet = `fleet ${wholeFleet}`
  return {
    worker(id) {
      if (found.size === 0) return null
      // A hold on a lane is kept for each of its windows.
      const window = id.slice(0, id.lastIndexOf('/'))
      return first(fleet, `machine ${id.slice(0, id.indexOf('/'))}`, `lane ${window}`, `worker ${id}`)
    },
    repo: (ref) => (found.size === 0 ? null : first(fleet, `repo ${ref}`)),
  }
}

/** A refusal by the forge that would hold longer than any does was kept by a clock that was set back since. */
export function isInForce({ code, until }: Pick<Hold, 'code' | 'until'>, now: Time): boolean {
  return until === null || (until > now && (code !== 'forge_refused' || until <= now + maxRepoBackoff))
}

export function holdReason({ scope, name, code, until, reason }: Hold): Reason {
  return code === 'forge_refused' && until !== null
    ? { code: 'repo_resting', until, why: reason }
    : { code: 'held', scope, name, until, why: reason }
}
