/** Workers that take their issues themselves (`burn worker loop`): nothing is typed into their panes meanwhile. */
import type { LedgerView } from '../core/ledger.ts'
import type { Time, WorkerId } from '../core/nouns.ts'
import type { WorkerSight } from '../core/view.ts'

const prefix = 'loop '

/** The lease of a worker that takes its issues itself. */
export function loopLease(worker: WorkerId): string {
  return `${prefix}${worker}`
}

export const looping = 'it takes its issues itself (burn worker loop)'

/** Those that do so now, each with why nothing is sent to it. */
export function loopsIn(leases: LedgerView['leases'], now: Time): Map<WorkerId, string> {
  const live = [...leases].filter(([name, { until }]) => name.startsWith(prefix) && until > now)
  return new Map(live.map(([name]) => [name.slice(prefix.length), looping]))
}

export function withLoops(sights: readonly WorkerSight[], leases: LedgerView['leases'], now: Time): WorkerSight[] {
  const loops = loopsIn(leases, now)
  return sights.map((sight) => {
    const stopped = loops.get(sight.worker.id)
    return stopped === undefined ? sight : { ...sight, stopped }
  })
}
