/** Decides the next step of each delivery of a machine, from one snapshot of its panes and screens. */
import type { ParsedScreen, PaneAgent } from '../core/agent.ts'
import type { Delivery } from '../core/lifecycle.ts'
import type { Incarnation, Time, Worker, WorkerId } from '../core/nouns.ts'
import type { PaneHost, Screens } from '../core/pane-host.ts'
import type { MachineSnapshot, Pane } from '../core/panes.ts'
import type { Reason } from '../core/reasons.ts'
import type { CircuitBreakers } from './circuit-breakers.ts'
import type { DeliveryPorts } from './ports.ts'
import { endedIn, incarnationOf } from '../core/incarnation.ts'
import { idIn } from '../core/typed-line.ts'
import { activeStates, pastingStates } from '../core/lifecycle.ts'
import { deliveryLimits, nextStep, type DeliveryStep } from '../decide/delivery-step.ts'
import { isOwnLine, observe, type Observation, type Remembered } from '../decide/observation.ts'

/**
 * Rows above the screen that burn searches for a line. A busy agent can scroll the echo of the line off the screen between two snapshots.
 */
const historyRows = 200

/** One delivery with its observation and its next step. */
export interface Case {
  readonly delivery: Delivery
  readonly pane: Pane | null
  /** The recipient; undefined if the spec no longer has this worker. */
  readonly worker: Worker | undefined
  readonly kind: PaneAgent
  readonly seen: Observation
  readonly step: DeliveryStep
}

/** The inputs of the steps, except for the snapshot. */
export interface StepContext {
  /** The reason of each hold, by worker. */
  readonly holds: ReadonlyMap<WorkerId, Reason>
  readonly breakers: CircuitBreakers | null
  /** The results of earlier rounds, by delivery id. */
  readonly remembered: Map<string, Remembered>
  readonly ports: DeliveryPorts
}

type UpSnapshot = Extract<MachineSnapshot, { state: 'up' }>

/** A snapshot of a machine, indexed by worker. */
class WorkerViews {
  readonly host: PaneHost
  readonly snapshot: UpSnapshot
  readonly workers: ReadonlyMap<WorkerId, Worker>
  readonly #panes: ReadonlyMap<WorkerId | null, Pane>
  readonly #screens: Screens
  readonly #kindOf: DeliveryPorts['kindOf']

  constructor(host: PaneHost, snapshot: UpSnapshot, screens: Screens, kindOf: DeliveryPorts['kindOf']) {
    this.host = host
    this.snapshot = snapshot
    this.workers = new Map(host.machine.windows.flatMap(({ workers }) => workers.map((worker) => [worker.id, worker] as const)))
    this.#panes = new Map(snapshot.panes.map((pane) => [pane.worker, pane]))
    this.#screens = screens
    this.#kindOf = kindOf
  }

  pane(worker: WorkerId): Pane | null {
    return this.#panes.get(worker) ?? null
  }

  rows(pane: Pane | null): readonly string[] {
    return (pane === null ? undefined : this.#screens.get(pane.id)) ?? []
  }

  kind(worker: WorkerId): PaneAgent {
    return this.#kindOf(this.workers.get(worker)?.agent ?? { kind: 'shell' })
  }

  incarnation(worker: WorkerId): Incarnation | null {
    const pane = this.pane(worker)
    return pane === null ? null : incarnationOf(pane, this.snapshot.server_started)
  }

  /** Returns the parsed screen of a worker's live agent; null if no agent runs in the pane. */
  screen(worker: WorkerId): ParsedScreen | null {
    const pane = this.pane(worker)
    return pane === null || this.incarnation(worker) === null ? null : this.kind(worker).parseScreen(this.rows(pane), pane)
  }
}

/**
 * Returns each delivery with its next step. Reads history and the process table from the machine if needed. Throws if the machine or the
 * ledger is lost.
 */
export async function stepsFor(
  host: PaneHost,
  { snapshot, screens }: { readonly snapshot: UpSnapshot; readonly screens: Screens },
  deliveries: readonly Delivery[],
  { holds, remembered, ports, ...context }: StepContext,
): Promise<Case[]> {
  const views = new WorkerViews(host, snapshot, screens, ports.kindOf)
  const inProgress = deliveries.filter(isInProgress)
  const agents = [...new Set(inProgress.flatMap(({ incarnation }) => incarnation ?? []))]
  const ended = await endedIn(snapshot, agents, (missing) => ports.machines.liveness(host.machine, missing))
  const busy = new Set(inProgress.map(({ worker }) => worker))
  // burn parses the screens of all agents for the breakers only if it could type a text now, because parsing is slow.
  const breakers = deliveries.some(({ state, worker }) => state === 'planned' && !busy.has(worker)) ? context.breakers : null
  if (breakers !== null) updateBreakers(breakers, views, deliveries, ports.clock.now())
  const sent = deliveries
    .filter(({ state }) => state === 'submitted' || state === 'unknown')
    .flatMap(({ worker }) => views.pane(worker) ?? [])
  const above: Screens = sent.length === 0 ? new Map() : await host.history(sent, historyRows)
  const withLeftover = await workersWithLeftover(deliveries, views, ports)
  return deliveries.map((delivery) => {
    const { id, worker, state } = delivery
    const planned = state === 'planned'
    const facts = {
      above: above.get(views.pane(worker)?.id ?? '') ?? [],
      before: remembered.get(id),
      leftover: withLeftover.has(worker),
      hold: holds.get(worker) ?? null,
      busy: planned && busy.has(worker),
      stopped: planned ? (breakers?.reasonFor(worker) ?? null) : null,
      reachable: isFound(delivery, views) || ended.has(delivery.incarnation ?? ''),
    }
    const found = caseOf(delivery, views, facts, ports.clock.now())
    if (found.step.do === 'place' || found.step.do === 'write') busy.add(worker)
    remembered.set(id, found.seen)
    return found
  })
}

type Facts = Required<Pick<Parameters<typeof observe>[0], 'above' | 'leftover' | 'hold' | 'busy' | 'stopped' | 'reachable'>> & {
  readonly before: Remembered | undefined
}

function caseOf(delivery: Delivery, views: WorkerViews, facts: Facts, now: Time): Case {
  const worker = views.workers.get(delivery.worker)
  const pane = views.pane(delivery.worker)
  const kind = views.kind(delivery.worker)
  const screen = views.screen(delivery.worker)
  // The screen does not show whether Enter queues or interrupts, but the spec and the pane's options show this.
  const queues = pane?.queues === true || worker?.agent.busy_input_mode === 'queue'
  const seen = observe({
    delivery,
    pane,
    server_started: views.snapshot.server_started,
    parsed: screen !== null && queues ? { ...screen, interrupts: false } : screen,
    screen: views.rows(pane),
    mode_blocks: views.host.modes_block,
    done: delivery.kind === 'command' && delivery.typed !== null && kind.model_command?.isDone(delivery.typed, views.rows(pane)) === true,
    ...facts,
    now,
    machine_now: views.snapshot.clock,
  })
  return { delivery, pane, worker, kind, seen, step: nextStep(delivery, seen, deliveryLimits(kind, delivery.kind), now) }
}

function isInProgress({ state }: Delivery): boolean {
  return pastingStates.includes(state) || state === 'submitted'
}

/**
 * Returns false if burn typed the text to an agent that it finds in no pane now. burn changes nothing until it finds the agent, or has
 * proof that the agent has ended.
 */
function isFound(delivery: Delivery, views: WorkerViews): boolean {
  const { incarnation, worker } = delivery
  return !isInProgress(delivery) || incarnation === null || views.incarnation(worker) === incarnation
}

/**
 * Updates the breakers with the screen of every agent. Skips agents that were just started, because burn cannot recognise a half-drawn
 * screen.
 */
function updateBreakers(breakers: CircuitBreakers, views: WorkerViews, deliveries: readonly Delivery[], now: Time): void {
  const startedAt = new Map(
    deliveries.flatMap(({ kind, worker, planned_at }) => (kind === 'identity' ? [[worker, planned_at] as const] : [])),
  )
  for (const { worker } of views.snapshot.panes) {
    if (worker === null || !views.workers.has(worker)) continue
    if (now - (startedAt.get(worker) ?? 0) >= views.kind(worker).limits.ready / 2) breakers.updateScreen(worker, views.screen(worker))
  }
}

/** Returns the workers whose composer holds only the line of an ended delivery. */
async function workersWithLeftover(
  deliveries: readonly Delivery[],
  views: WorkerViews,
  { ledger }: DeliveryPorts,
): Promise<ReadonlySet<WorkerId>> {
  const found = new Map<WorkerId, { readonly id: string; readonly draft: string }>()
  for (const { worker, state } of deliveries) {
    if ((state !== 'planned' && state !== 'unknown') || !views.workers.has(worker) || views.kind(worker).take_back === undefined) continue
    const draft = views.screen(worker)?.draft ?? ''
    const id = draft === '' ? null : idIn(draft)
    if (id !== null) found.set(worker, { id, draft })
  }
  const known = new Map(deliveries.map((delivery) => [delivery.id, delivery]))
  const others = [...new Set([...found.values()].map(({ id }) => id))].filter((id) => !known.has(id))
  if (others.length > 0) for (const delivery of await ledger.deliveries({ ids: others })) known.set(delivery.id, delivery)
  const isLeftover = (worker: WorkerId, id: string, draft: string) => {
    const delivery = known.get(id)
    if (delivery === undefined || delivery.worker !== worker || activeStates.includes(delivery.state)) return false
    return isOwnLine(draft, delivery)
  }
  return new Set([...found].flatMap(([worker, { id, draft }]) => (isLeftover(worker, id, draft) ? [worker] : [])))
}
