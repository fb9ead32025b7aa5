/** Delivers texts into panes, on all machines at once: rounds until every delivery has ended or waits. */
import type { Delivery } from '../core/lifecycle.ts'
import type { DeliveryView } from '../core/ledger/deliveries.ts'
import type { Machine, Time, WorkerId } from '../core/nouns.ts'
import type { Reason } from '../core/reasons.ts'
import type { DeliveryPorts } from './ports.ts'
import { mapConcurrently } from '../core/concurrency.ts'
import { hasElapsed } from '../core/elapsed.ts'
import { activeStates, pastingStates, unprovenStates } from '../core/lifecycle.ts'
import { heldBy } from '../decide/holds.ts'
import { loopsIn } from '../decide/stops.ts'
import { CircuitBreakers } from './circuit-breakers.ts'
import { MachineDeliveries, writerOf } from './round.ts'

/** Pauses between rounds in which nothing moved, milliseconds: the first is a redraw, the last a second look at an idle screen. */
const shortestPause = 15
const longestPause = 250

export interface DeliverOptions {
  /** How long a delivery that can't be placed yet, or is queued behind a running turn, is waited for, milliseconds. It stays as it is after that. */
  readonly timeout: number
  /**
   * The same for a text that is in its composer already, where a question opened before Enter, or a person types; without it burn waits until Enter was
   * pressed.
   */
  readonly placed_timeout?: number
  /** How long a machine that was lost on the way is tried again, milliseconds (0): for callers that have no next cycle to go on in. */
  readonly reconnect?: number
  /** Deliveries that are left alone for now. */
  readonly unsure?: ReadonlySet<string>
  readonly onMove?: (delivery: Delivery) => void
  /** Hears why a delivery waits, at each look. */
  readonly onWait?: (delivery: string, why: Reason) => void
}

/**
 * Delivers what this process has a lease on, until each delivery has ended, or waits for something that only a person or time can change. Returns those
 * that changed. On `stop` nothing more is placed, and what is placed goes on to its end.
 */
export async function deliver(
  machines: readonly Machine[],
  ports: DeliveryPorts,
  stop: AbortSignal,
  options: DeliverOptions,
): Promise<Delivery[]> {
  const carrying = await ports.ledger.deliveryView(ports.owner)
  const holds = holdsOn(carrying, ports.clock.now())
  const deliveries = carrying.deliveries.filter(({ id }) => options.unsure?.has(id) !== true)
  const byMachine = Map.groupBy(deliveries, ({ worker }) => worker.slice(0, worker.indexOf('/')))
  const hosts = await ports.machines.open(machines.filter(({ name }) => byMachine.has(name)))
  const breakers = deliveries.length === 0 ? null : new CircuitBreakers(ports, carrying.recent)
  const shared = { holds, breakers, write: writerOf(ports) }
  // Where the ledger fails on one machine, the others still end their rounds: nobody may step a delivery beside the next run.
  const done = await mapConcurrently(hosts, hosts.length, (host) => {
    const own = new MachineDeliveries(host, byMachine.get(host.machine.name) ?? [], shared, ports)
    return roundsOf(own, ports, stop, options)
  })
  return done.flat()
}

/** Workers of these deliveries that nothing is typed to now, each with why. */
function holdsOn({ deliveries, holds, leases }: DeliveryView, now: Time): Map<WorkerId, Reason> {
  const [held, loops] = [heldBy(holds, now), loopsIn(leases, now)]
  const found = new Map<WorkerId, Reason>()
  for (const { worker } of deliveries) {
    const why = held.worker(worker) ?? loops.get(worker)
    if (why !== undefined) found.set(worker, why)
  }
  return found
}

async function roundsOf(
  own: MachineDeliveries,
  { clock, machines, owner }: DeliveryPorts,
  stop: AbortSignal,
  options: DeliverOptions,
): Promise<Delivery[]> {
  const before = new Map(own.all.map((delivery) => [delivery.id, delivery]))
  const isActive = ({ state }: Delivery) => activeStates.includes(state)
  let pause = shortestPause
  let movedAt = clock.now()
  let lostAt: number | null = null
  for (;;) {
    const { moved, waiting, wrote, refused, lost } = await own.round(stop.aborted)
    for (const delivery of moved) options.onMove?.(delivery)
    for (const [id, { reason }] of waiting) options.onWait?.(id, reason)
    // A process that slept longer than its lease has nothing to do with them any more.
    if (refused) own.all = own.all.filter((delivery) => !isActive(delivery) || delivery.lease_owner === owner)
    if (moved.length > 0 || wrote) [movedAt, pause] = [clock.now(), shortestPause]
    else pause = Math.min(longestPause, pause * 1.5)
    const active = own.all.filter(isActive)
    const placed = active.some(({ state }) => pastingStates.includes(state))
    const rests = active.every(({ id, state }) => state === 'planned' || waiting.get(id)?.until === null)
    const timeout = placed ? (options.placed_timeout ?? Infinity) : options.timeout
    const enough = rests && ((!placed && stop.aborted) || hasElapsed(movedAt, timeout, clock.now()))
    lostAt = lost ? (lostAt ?? clock.now()) : null
    const over = lostAt !== null && hasElapsed(lostAt, options.reconnect ?? 0, clock.now())
    if (active.length === 0 || over || enough)
      return own.all.filter((delivery) => delivery !== before.get(delivery.id) || !unprovenStates.includes(delivery.state))
    // A fresh look places at once what was written.
    if (!wrote) await clock.sleep(pause)
    if (lostAt !== null) own.host = (await machines.open([own.host.machine]))[0] ?? own.host
  }
}
