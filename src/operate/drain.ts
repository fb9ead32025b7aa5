/** Waits until a part of the fleet is drained: until it gets no new work and nothing is under way. */
import type { Hold } from '../core/ledger/holds.ts'
import type { Fleet, Machine } from '../core/nouns.ts'
import type { Session } from '../observe/session.ts'
import type { HoldTarget } from './hold.ts'
import { machineOf } from '../core/refs.ts'
import { holdsOnWorker } from '../decide/holds.ts'
import { workUnderWay, type FleetPart, type UnderWay } from '../decide/under-way.ts'
import { readStatus } from '../observe/state.ts'

/** The pause (ms) between two reads of the fleet. */
const pollInterval = 2_000

/** Options of `untilDrained`. */
export interface DrainOptions {
  /** Returns true when the wait must end although work is under way, for example because the hold has ended. */
  readonly isOver?: () => boolean
  /** Called at the first read, and whenever the work under way has changed. */
  readonly onChange: (left: readonly UnderWay[]) => void
}

/** Returns the part of the fleet that holds on these targets cover. */
export function partOf(targets: readonly HoldTarget[], { accounts }: Pick<Fleet, 'accounts'>): FleetPart {
  // `holdsOnWorker` decides from holds. Only scope and name of these holds matter.
  const holds = targets.map((each): Hold => ({
    ...each,
    code: 'drain',
    reason: { code: 'prose', text: '' },
    until: null,
    actor: '',
    created_at: 0,
  }))
  const repos = new Set(targets.flatMap(({ scope, name }) => (scope === 'repo' ? [name] : [])))
  const isFleet = targets.some(({ scope }) => scope === 'fleet')
  return {
    hasWorker: (id) => holdsOnWorker(id, holds, 0, accounts).length > 0,
    hasRepo: (repo) => isFleet || repos.has(repo),
  }
}

/**
 * Waits until nothing is under way for a part of the fleet, and returns the work that is left: none, unless `stop` was aborted or `isOver`
 * returned true. The caller must hold the part first, so that it gets no new work. A dispatcher must run, because it notices the end of
 * work. Throws BurnError `ledger_*`.
 */
export async function untilDrained(
  part: FleetPart,
  session: Session,
  stop: AbortSignal,
  { isOver = () => false, onChange }: DrainOptions,
): Promise<readonly UnderWay[]> {
  const machines = machinesOf(part, session.fleet)
  let shown: string | null = null
  for (;;) {
    const left = workUnderWay(await readStatus(machines, session), part)
    const facts = JSON.stringify(left)
    if (facts !== shown) onChange(left)
    shown = facts
    if (left.length === 0 || stop.aborted || isOver()) return left
    await session.clock.sleep(pollInterval, stop)
  }
}

/** Returns the machines that have workers of a part of the fleet. */
function machinesOf({ hasWorker }: FleetPart, { machines }: Pick<Fleet, 'machines'>): Machine[] {
  const names = new Set(
    machines.flatMap(({ windows }) =>
      windows.flatMap(({ workers }) => workers.filter(({ id }) => hasWorker(id)).map(({ id }) => machineOf(id))),
    ),
  )
  return machines.filter(({ name }) => names.has(name))
}
