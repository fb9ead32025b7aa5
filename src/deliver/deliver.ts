/**
 * Delivers texts into panes, on all machines concurrently. It runs rounds until every delivery has ended, or waits for a person or until a
 * later time.
 */
import type { Delivery } from '../core/lifecycle.ts'
import type { DeliveryView } from '../core/ledger/deliveries.ts'
import type { Account, Machine, Time, WorkerId } from '../core/nouns.ts'
import type { Reason } from '../core/reasons.ts'
import type { DeliveryPorts } from './ports.ts'
import { mapConcurrently } from '../core/concurrency.ts'
import { hasElapsed } from '../core/elapsed.ts'
import { activeStates, pastingStates, unprovenStates } from '../core/lifecycle.ts'
import { heldBy, stopsTexts } from '../decide/holds.ts'
import { loopsIn } from '../decide/stops.ts'
import { CircuitBreakers } from './circuit-breakers.ts'
import { MachineDeliveries, writerOf } from './round.ts'

/**
 * First pause (ms) after a round that changed no delivery: about the time of one screen redraw. The pause grows while no delivery changes.
 */
const minPause = 15
const maxPause = 250

export interface DeliverOptions {
  /**
   * Maximum time (ms) to wait for deliveries that burn cannot type yet, or that an agent queued behind a running turn. After this time the
   * call returns, and the deliveries keep their state.
   */
  readonly timeout: number
  /**
   * Maximum time (ms) to wait for a text that is in its composer already, for example while the agent asks a question. By default burn
   * waits until it has pressed Enter.
   */
  readonly placed_timeout?: number
  /**
   * Maximum time (ms) to reconnect to a machine whose connection was lost (default 0). Commands that deliver only once, such as `burn
   * send`, set this option.
   */
  readonly reconnect?: number
  /** The ids of deliveries to skip in this call, because another fleet may have claimed their issue first. */
  readonly unsure?: ReadonlySet<string>
  readonly onMove?: (delivery: Delivery) => void
  /** Called with the id of each waiting delivery and the reason, once in each round. */
  readonly onWait?: (delivery: string, why: Reason) => void
}

/**
 * Delivers the texts that this process holds a lease on, and returns the deliveries that changed. It returns when each delivery has ended,
 * or waits for a person or until a later time. After `stop`, burn types no further text, but completes the deliveries whose text is in a
 * composer. Throws if the ledger fails.
 */
export async function deliver(
  machines: readonly Machine[],
  ports: DeliveryPorts,
  stop: AbortSignal,
  options: DeliverOptions,
): Promise<Delivery[]> {
  const view = await ports.ledger.deliveryView(ports.owner)
  const holds = holdsOn(view, ports.fleet.accounts, ports.clock.now())
  const deliveries = view.deliveries.filter(({ id }) => options.unsure?.has(id) !== true)
  const byMachine = Map.groupBy(deliveries, ({ worker }) => worker.slice(0, worker.indexOf('/')))
  const hosts = await ports.machines.open(machines.filter(({ name }) => byMachine.has(name)))
  const breakers = deliveries.length === 0 ? null : new CircuitBreakers(ports, view.recent)
  const shared = { holds, breakers, write: writerOf(ports) }
  // If the ledger fails for one machine, burn still waits for the other machines. Otherwise a second call could process their deliveries
  // concurrently.
  const changed = await mapConcurrently(hosts, hosts.length, (host) => {
    const own = new MachineDeliveries(host, byMachine.get(host.machine.name) ?? [], shared, ports)
    return runRounds(own, ports, stop, options)
  })
  return changed.flat()
}

/** Returns the workers to which burn must not type now, each with the reason. */
function holdsOn({ deliveries, holds, leases }: DeliveryView, accounts: readonly Account[], now: Time): Map<WorkerId, Reason> {
  const [held, loops] = [heldBy(holds.filter(stopsTexts), now, accounts), loopsIn(leases, now)]
  const found = new Map<WorkerId, Reason>()
  for (const { worker } of deliveries) {
    const why = held.worker(worker) ?? loops.get(worker)
    if (why !== undefined) found.set(worker, why)
  }
  return found
}

async function runRounds(
  own: MachineDeliveries,
  { clock, machines, owner }: DeliveryPorts,
  stop: AbortSignal,
  options: DeliverOptions,
): Promise<Delivery[]> {
  const before = new Map(own.all.map((delivery) => [delivery.id, delivery]))
  const isActive = ({ state }: Delivery) => activeStates.includes(state)
  let pause = minPause
  let movedAt = clock.now()
  let lostAt: number | null = null
  for (;;) {
    const { moved, waiting, wrote, refused, lost } = await own.round(stop.aborted)
    for (const delivery of moved) options.onMove?.(delivery)
    for (const [id, { reason }] of waiting) options.onWait?.(id, reason)
    // A process that slept longer than its lease no longer owns its deliveries.
    if (refused) own.all = own.all.filter((delivery) => !isActive(delivery) || delivery.lease_owner === owner)
    if (moved.length > 0 || wrote) [movedAt, pause] = [clock.now(), minPause]
    else pause = Math.min(maxPause, pause * 1.5)
    const active = own.all.filter(isActive)
    const placed = active.some(({ state }) => pastingStates.includes(state))
    const canStop = active.every(({ id, state }) => state === 'planned' || waiting.get(id)?.until === null)
    const timeout = placed ? (options.placed_timeout ?? Infinity) : options.timeout
    const isDone = canStop && ((!placed && stop.aborted) || hasElapsed(movedAt, timeout, clock.now()))
    lostAt = lost ? (lostAt ?? clock.now()) : null
    const isGivenUp = lostAt !== null && hasElapsed(lostAt, options.reconnect ?? 0, clock.now())
    if (active.length === 0 || isGivenUp || isDone)
      return own.all.filter((delivery) => delivery !== before.get(delivery.id) || !unprovenStates.includes(delivery.state))
    // If burn wrote files, the next round can type the lines without a pause.
    if (!wrote) await clock.sleep(pause)
    if (lostAt !== null) own.host = (await machines.open([own.host.machine]))[0] ?? own.host
  }
}
