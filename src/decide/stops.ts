/**
 * Why nothing is sent to a worker, decided once for all that read it: it takes its issues itself, its kind does not behave as known, or it
 * is in trouble.
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

/** The lease of a worker that takes its issues itself. */
export function loopLease(worker: WorkerId): string {
  return `${prefix}${worker}`
}

export const looping: Reason = { code: 'looping' }

/** Those that do so now, each with why nothing is sent to it. */
export function loopsIn(leases: LedgerView['leases'], now: Time): Map<WorkerId, Reason> {
  const live = [...leases].filter(([name, { until }]) => name.startsWith(prefix) && until > now)
  return new Map(live.map(([name]) => [name.slice(prefix.length), looping]))
}

/** What it is decided from, beside the sights: what the ledger knows. */
export interface StopFacts extends Pick<HoldsFacet, 'records'>, Pick<ReadingsFacet, 'states'> {
  readonly fleet: Fleet
  readonly leases: LedgerView['leases']
  /** The newest texts to all workers, newest first. */
  readonly recent: LedgerView['recent']
  readonly now: Time
}

/** The same sights, each with why nothing is sent to it. */
export function withStops(sights: readonly WorkerSnapshot[], facts: StopFacts): readonly WorkerSnapshot[] {
  const loops = loopsIn(facts.leases, facts.now)
  const looks = new Map(sights.flatMap(({ worker, look }) => (look === undefined ? [] : [[worker.id, look] as const])))
  const breakers = breakersOf(looks, { ...facts, kinds: agentKindsOf(facts.fleet) })
  const stopped = sights.map((sight) => {
    const why = loops.get(sight.worker.id) ?? breakers.get(sight.worker.agent.kind) ?? null
    return why === null ? sight : { ...sight, stopped: why }
  })
  return withTroubles(stopped, facts)
}

/** Each worker's agent kind. */
export function agentKindsOf({ machines }: Pick<Fleet, 'machines'>): ReadonlyMap<WorkerId, string> {
  return new Map(
    machines.flatMap(({ windows }) => windows.flatMap(({ workers }) => workers.map(({ id, agent }) => [id, agent.kind] as const))),
  )
}

/** Why nothing is sent to each agent kind, by what all its live agents show now, and what became of the last texts to them. */
export function breakersOf(
  looks: ReadonlyMap<WorkerId, ParsedScreen>,
  { kinds, recent, now }: Pick<StopFacts, 'recent' | 'now'> & { readonly kinds: ReadonlyMap<WorkerId, string> },
): ReadonlyMap<string, Reason | null> {
  const texts = Map.groupBy(recent, ({ worker }) => kinds.get(worker))
  const shown = Map.groupBy(looks, ([worker]) => kinds.get(worker))
  const why = (kind: string) =>
    breakerFor(
      kind,
      (shown.get(kind) ?? []).map(([, look]) => look),
      texts.get(kind) ?? [],
      now,
    )
  return new Map([...new Set(kinds.values())].map((kind) => [kind, why(kind)]))
}

/** So many workers of a kind, and at least half of those that live, open it: one odd pane is that pane's matter. */
const fewest = 3
/** Of so many newest texts that ended, and no older than `memory` milliseconds. */
const newest = 10
const memory = 10 * 60_000

/**
 * Why nothing is sent to an agent kind that no longer behaves as known; null if it does. After an update its composer may look otherwise,
 * and typing into the unknown would answer questions and lose texts on every worker at once. Closes by itself once composers are recognised
 * again and the last texts are some minutes old. `looks`: its live agents; `ended`: deliveries to it, newest first.
 */
export function breakerFor(
  kind: string,
  looks: readonly ParsedScreen[],
  ended: readonly Pick<Delivery, 'state' | 'evidence' | 'changed_at'>[],
  now: Time,
): Reason | null {
  const strange = looks.filter(({ composer, reading }) => composer === 'absent' && reading.state === 'unknown')
  if (strange.length >= fewest && strange.length * 2 >= looks.length)
    return { code: 'composer_strange', kind, strange: strange.length, of: looks.length, evidence: strange[0]?.reading.evidence ?? '' }
  const recent = ended
    // The agent exited, so the text was lost with it: that says nothing about its screen.
    .filter(({ state, evidence }) => state === 'seen' || (unprovenStates.includes(state) && evidence.code !== 'agent_gone'))
    .slice(0, newest)
  const unproven = recent.filter(({ state, changed_at }) => unprovenStates.includes(state) && !hasElapsed(changed_at, memory, now))
  const [last] = unproven
  if (last !== undefined && unproven.length >= fewest && unproven.length * 2 >= recent.length)
    return { code: 'texts_unproven', kind, unproven: unproven.length, of: recent.length, last: last.evidence }
  return null
}
