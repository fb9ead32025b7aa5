/**
 * Decides which workers burn sends nothing to: workers that run `burn worker loop`, workers whose agent kind has an open circuit breaker,
 * and workers in trouble.
 */
import type { Reason } from '../core/reasons.ts'
import type { ParsedScreen } from '../core/agent.ts'
import type { HoldsFacet, ReadingsFacet, WorkerSnapshot } from '../core/fleet-state.ts'
import type { LedgerView } from '../core/ledger.ts'
import type { Fleet, Time, WorkerId } from '../core/nouns.ts'
import { withTroubles } from './trouble.ts'
import { unprovenStates, type Delivery } from '../core/lifecycle.ts'
import { hasElapsed } from '../core/elapsed.ts'

const prefix = 'loop '

/** Returns the name of the lease that `burn worker loop` holds for a worker. */
export function loopLease(worker: WorkerId): string {
  return `${prefix}${worker}`
}

/** The reason for a worker that claims its issues itself. */
export const looping: Reason = { code: 'looping' }

/** Returns the workers for which a `burn worker loop` holds the lease, each with the reason `looping`. */
export function loopsIn(leases: LedgerView['leases'], now: Time): Map<WorkerId, Reason> {
  const live = [...leases].filter(([name, { until }]) => name.startsWith(prefix) && until > now)
  return new Map(live.map(([name]) => [name.slice(prefix.length), looping]))
}

const startPrefix = 'start '
const drainPrefix = 'drain '

/** Returns true for the name of a lease without work of its own. The ledger stores these leases as jobs. */
export function isMereLease(job: string): boolean {
  return job.startsWith(startPrefix) || job.startsWith(drainPrefix)
}

/** Returns the name of the lease that a process holds while it starts or restarts the agent of a worker. */
export function startLease(worker: WorkerId): string {
  return `${startPrefix}${worker}`
}

/** Returns the name of the lease that keeps new work from a worker until the work under way has ended. */
export function drainLease(worker: WorkerId): string {
  return `${drainPrefix}${worker}`
}

/** Returns true if a process starts or restarts the agent of a worker, or waits until nothing is under way to do so. */
function isStarting(worker: WorkerId, leases: LedgerView['leases'], now: Time): boolean {
  return [startLease(worker), drainLease(worker)].some((name) => (leases.get(name)?.until ?? 0) > now)
}

/** The facts from the ledger that decide which workers burn sends nothing to. */
export interface StopFacts extends Pick<HoldsFacet, 'records'>, Pick<ReadingsFacet, 'states'> {
  readonly fleet: Fleet
  readonly leases: LedgerView['leases']
  /** The latest deliveries to all workers, newest first. */
  readonly recent: LedgerView['recent']
  readonly now: Time
}

/** Returns the snapshots. `stopped` is the reason that burn sends nothing to a worker; it is absent if burn may send. */
export function withStops(snapshots: readonly WorkerSnapshot[], facts: StopFacts): readonly WorkerSnapshot[] {
  const loops = loopsIn(facts.leases, facts.now)
  const screens = new Map(snapshots.flatMap(({ worker, parsed }) => (parsed === undefined ? [] : [[worker.id, parsed] as const])))
  const breakers = breakersOf(screens, { ...facts, kinds: agentKindsOf(facts.fleet) })
  const stopped = snapshots.map((snapshot) => {
    const { id, agent } = snapshot.worker
    const starting: Reason | null = isStarting(id, facts.leases, facts.now) ? { code: 'starting' } : null
    const reason = loops.get(id) ?? starting ?? breakers.get(agent.kind) ?? null
    return reason === null ? snapshot : { ...snapshot, stopped: reason }
  })
  return withTroubles(stopped, facts)
}

/** Returns the agent kind of each worker. */
export function agentKindsOf({ machines }: Pick<Fleet, 'machines'>): ReadonlyMap<WorkerId, string> {
  return new Map(
    machines.flatMap(({ windows }) => windows.flatMap(({ workers }) => workers.map(({ id, agent }) => [id, agent.kind] as const))),
  )
}

/** Returns the breaker of each agent kind, from the screens of its live agents and the outcomes of the last texts to them. */
export function breakersOf(
  screens: ReadonlyMap<WorkerId, ParsedScreen>,
  { kinds, recent, now }: Pick<StopFacts, 'recent' | 'now'> & { readonly kinds: ReadonlyMap<WorkerId, string> },
): ReadonlyMap<string, Reason | null> {
  const texts = Map.groupBy(recent, ({ worker }) => kinds.get(worker))
  const shown = Map.groupBy(screens, ([worker]) => kinds.get(worker))
  const breaker = (kind: string) =>
    breakerFor(
      kind,
      (shown.get(kind) ?? []).map(([, parsed]) => parsed),
      texts.get(kind) ?? [],
      now,
    )
  return new Map([...new Set(kinds.values())].map((kind) => [kind, breaker(kind)]))
}

/**
 * Minimum number of unknown screens, or of unproven texts, that opens a breaker. They must also be at least half of the screens or texts
 * that the breaker considers. A single unusual pane does not open the breaker.
 */
const threshold = 3
/** Number of newest texts that a breaker considers. */
const recentTexts = 10
/** Maximum age (ms) of an unproven text that a breaker considers. */
const maxAge = 10 * 60_000

/**
 * Returns the reason that burn sends nothing to an agent kind; null if its breaker is closed. An update of an agent can change its
 * composer. Typing into an unknown screen could answer questions and lose texts on every worker at once. The breaker closes when burn
 * recognises the composers again and the unproven texts are old. `screens`: the screens of the live agents of this kind. `ended`: ended
 * deliveries to agents of this kind, newest first.
 */
export function breakerFor(
  kind: string,
  screens: readonly ParsedScreen[],
  ended: readonly Pick<Delivery, 'state' | 'evidence' | 'changed_at'>[],
  now: Time,
): Reason | null {
  const strange = screens.filter(({ composer, reading }) => composer === 'absent' && reading.state === 'unknown')
  if (strange.length >= threshold && strange.length * 2 >= screens.length)
    return { code: 'composer_strange', kind, strange: strange.length, of: screens.length, evidence: strange[0]?.reading.evidence ?? '' }
  const recent = ended
    // If the agent exited, the text was lost with it. That is no evidence about its screen.
    .filter(({ state, evidence }) => state === 'seen' || (unprovenStates.includes(state) && evidence.code !== 'agent_gone'))
    .slice(0, recentTexts)
  const unproven = recent.filter(({ state, changed_at }) => unprovenStates.includes(state) && !hasElapsed(changed_at, maxAge, now))
  const [last] = unproven
  if (last !== undefined && unproven.length >= threshold && unproven.length * 2 >= recent.length)
    return { code: 'texts_unproven', kind, unproven: unproven.length, of: recent.length, last: last.evidence }
  return null
}
