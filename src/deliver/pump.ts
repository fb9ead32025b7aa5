/** Carries deliveries into panes: looks, steps, writes each intent before its effect. All machines at once. */
import type { Carrying } from '../core/ledger/deliveries.ts'
import type { Reason } from '../core/reasons.ts'
import type { Delivery } from '../core/lives.ts'
import type { Machine, WorkerId } from '../core/nouns.ts'
import type { Glimpse } from '../decide/sight.ts'
import type { PaneHost } from '../core/pane-host.ts'
import type { Session } from '../observe/session.ts'
import { Breakers } from './breakers.ts'
import { hasPassed } from '../core/elapsed.ts'
import { activeStates, pastingStates, unprovenStates } from '../core/lives.ts'
import { loopsIn } from '../decide/stops.ts'
import { mapBounded } from '../core/bounded.ts'
import { mover } from './steps.ts'
import { turn, type TurnOptions } from './turn.ts'

/** Pauses between looks at panes in which nothing moved, milliseconds: the first is a redraw, the last a second look at an idle screen. */
const shortestPause = 15
const longestPause = 250

export interface PumpOptions {
  /** How long a delivery that can't be placed yet, or is queued behind a running turn, keeps the pump running, milliseconds. It stays as it is after that. */
  readonly patience: number
  /**
   * The same for a text that is in its composer already, where a question opened before Enter, or a person types; without it the pump runs until Enter
   * was pressed.
   */
  readonly placed_patience?: number
  /** How long a machine that was lost on the way is tried again, milliseconds (0): for those who have no next cycle to go on in. */
  readonly reconnect?: number
  /** Deliveries that are left alone for now. */
  readonly unsure?: ReadonlySet<string>
  readonly onMove?: (delivery: Delivery) => void
  /** Hears why a delivery waits, at each look. */
  readonly onWait?: (delivery: string, why: Reason) => void
}

/**
 * Runs until every delivery has ended, or waits for something only a person or time can change. Returns them as they now are. On
 * `stop` nothing more is placed, but what is placed is seen through.
 */
export async function pump(machines: readonly Machine[], session: Session, stop: AbortSignal, options: PumpOptions): Promise<Delivery[]> {
  const { deliveries: all, holds: byPeople, leases } = await session.ledger.carrying(session.owner)
  const held = [...byPeople].map(([worker, why]) => [worker, { code: 'held', why }] as const)
  const holds = new Map<WorkerId, Reason>([...loopsIn(leases, session.clock.now()), ...held])
  const deliveries = all.filter(({ id }) => options.unsure?.has(id) !== true)
  const carried = Map.groupBy(deliveries, ({ worker }) => worker.slice(0, worker.indexOf('/')))
  const links = await session.machines.open(machines.filter(({ name }) => carried.has(name)))
  const breakers = deliveries.length === 0 ? null : await Breakers.of(session)
  const move = mover(session)
  // Where the ledger fails on one machine, the others still end their turns: nobody may step a delivery beside the next pump.
  const done = await mapBounded(links, links.length, async (link) => {
    const own = carried.get(link.machine.name) ?? []
    return pumpMachine(link, { deliveries: own, holds, breakers, move }, session, stop, options)
  })
  return done.flat()
}

async function pumpMachine(
  first: PaneHost,
  {
    deliveries,
    holds,
    ...shared
  }: Pick<Carrying, 'deliveries'> & { readonly holds: ReadonlyMap<WorkerId, Reason> } & Pick<TurnOptions, 'breakers' | 'move'>,
  session: Session,
  stop: AbortSignal,
  options: PumpOptions,
): Promise<Delivery[]> {
  const { clock } = session
  const before = new Map(deliveries.map((delivery) => [delivery.id, delivery]))
  let now = deliveries
  let pause = shortestPause
  let moved = clock.now()
  let link = first
  let lost: number | null = null
  const glimpses = new Map<string, Glimpse>()
  for (;;) {
    const open = now.filter(({ state }) => activeStates.includes(state) || state === 'unknown')
    const result = await turn(link, open, holds, session, { stopping: stop.aborted, glimpses, ...shared })
    for (const delivery of result.moved) options.onMove?.(delivery)
    for (const [id, { reason }] of result.waiting) options.onWait?.(id, reason)
    // What was written before the connection was lost, or by somebody else, is in the ledger, and not in the result.
    const known = result.lost || result.refused ? await session.ledger.deliveries({ ids: now.map(({ id }) => id) }) : result.moved
    const news = new Map(known.map((delivery) => [delivery.id, delivery]))
    now = now.map((delivery) => news.get(delivery.id) ?? delivery)
    // A process that slept longer than its lease has nothing to do with them any more.
    if (result.refused) now = now.filter(({ state, lease_owner }) => !activeStates.includes(state) || lease_owner === session.owner)
    if (result.moved.length > 0 || result.wrote) [moved, pause] = [clock.now(), shortestPause]
    else pause = Math.min(longestPause, pause * 1.5)
    const active = now.filter(({ state }) => activeStates.includes(state))
    const placed = active.some(({ state }) => pastingStates.includes(state))
    const rests = active.every(({ id, state }) => state === 'planned' || result.waiting.get(id)?.until === null)
    const patience = placed ? (options.placed_patience ?? Infinity) : options.patience
    const enough = rests && ((!placed && stop.aborted) || hasPassed(moved, patience, clock.now()))
    lost = result.lost ? (lost ?? clock.now()) : null
    const over = lost !== null && hasPassed(lost, options.reconnect ?? 0, clock.now())
    if (active.length === 0 || over || enough)
      return now.filter((delivery) => delivery !== before.get(delivery.id) || !unprovenStates.includes(delivery.state))
    // What was written is placed by a fresh look, at once.
    if (!result.wrote) await clock.sleep(pause)
    if (lost !== null) link = (await session.machines.open([link.machine]))[0] ?? link
  }
}
