/** One look at a machine: what is seen of each delivery to its workers, and the step that follows. */
import type { ParsedScreen, PaneAgent } from '../core/agent.ts'
import type { Delivery } from '../core/lifecycle.ts'
import type { Incarnation, Time, Worker, WorkerId } from '../core/nouns.ts'
import type { PaneHost, Screens } from '../core/pane-host.ts'
import type { MachineSnapshot, Pane } from '../core/panes.ts'
import type { Reason } from '../core/reasons.ts'
import type { CircuitBreakers } from './circuit-breakers.ts'
import type { DeliveryPorts } from './ports.ts'
import { endedIn, incarnationOf } from '../core/incarnation.ts'
import { composerContent, idIn } from '../core/typed-line.ts'
import { activeStates, pastingStates } from '../core/lifecycle.ts'
import { deliveryLimits, nextStep, type DeliveryStep } from '../decide/delivery-step.ts'
import { observe, type Observation, type Remembered } from '../decide/observation.ts'

/** Rows above the screen in which a line is looked for: between two looks a busy agent can scroll what it echoed off the screen. */
const historyRows = 200

/** One delivery at this look. */
export interface Case {
  readonly delivery: Delivery
  readonly pane: Pane | null
  /** Undefined if the spec no longer has it. */
  readonly worker: Worker | undefined
  readonly kind: PaneAgent
  readonly seen: Observation
  readonly step: DeliveryStep
}

/** What is known of a machine's deliveries beside what it shows. */
export interface Known {
  /** Why workers are held. */
  readonly holds: ReadonlyMap<WorkerId, Reason>
  readonly breakers: CircuitBreakers | null
  /** What the looks before this one found, by delivery. */
  readonly remembered: Map<string, Remembered>
  readonly ports: DeliveryPorts
}

type Up = Extract<MachineSnapshot, { state: 'up' }>

/** What a machine shows, by worker. */
class Scene {
  readonly host: PaneHost
  readonly snapshot: Up
  readonly workers: ReadonlyMap<WorkerId, Worker>
  readonly #panes: ReadonlyMap<WorkerId | null, Pane>
  readonly #screens: Screens
  readonly #kindOf: DeliveryPorts['kindOf']

  constructor(host: PaneHost, sight: Up, screens: Screens, kindOf: DeliveryPorts['kindOf']) {
    this.host = host
    this.snapshot = sight
    this.workers = new Map(host.machine.windows.flatMap(({ workers }) => workers.map((worker) => [worker.id, worker] as const)))
    this.#panes = new Map(sight.panes.map((pane) => [pane.worker, pane]))
    this.#screens = screens
    this.#kindOf = kindOf
  }

  pane(worker: WorkerId): Pane | null {
    return this.#panes.get(worker) ?? null
  }

  screen(pane: Pane | null): readonly string[] {
    return (pane === null ? undefined : this.#screens.get(pane.id)) ?? []
  }

  kind(worker: WorkerId): PaneAgent {
    return this.#kindOf(this.workers.get(worker)?.agent ?? { kind: 'shell' })
  }

  incarnation(worker: WorkerId): Incarnation | null {
    const pane = this.pane(worker)
    return pane === null ? null : incarnationOf(pane, this.snapshot.server_started)
  }

  /** What a worker's live agent shows; null if none lives in its pane. */
  look(worker: WorkerId): ParsedScreen | null {
    const pane = this.pane(worker)
    return pane === null || this.incarnation(worker) === null ? null : this.kind(worker).parseScreen(this.screen(pane), pane)
  }
}

/** The step of each delivery, by one look at its machine. Throws if the machine or the ledger is lost. */
export async function stepsFor(
  host: PaneHost,
  { sight, screens }: { readonly sight: Up; readonly screens: Screens },
  deliveries: readonly Delivery[],
  { holds, remembered, ports, ...standing }: Known,
): Promise<Case[]> {
  const scene = new Scene(host, sight, screens, ports.kindOf)
  const under = deliveries.filter(isUnderWay)
  const agents = [...new Set(under.flatMap(({ incarnation }) => incarnation ?? []))]
  const ended = await endedIn(sight, agents, (missing) => ports.machines.liveness(host.machine, missing))
  const busy = new Set(under.map(({ worker }) => worker))
  // Breakers are asked about what could be placed now, and look at every agent for that.
  const breakers = deliveries.some(({ state, worker }) => state === 'planned' && !busy.has(worker)) ? standing.breakers : null
  if (breakers !== null) showAgents(breakers, scene, deliveries, ports.clock.now())
  const sent = deliveries
    .filter(({ state }) => state === 'submitted' || state === 'unknown')
    .flatMap(({ worker }) => scene.pane(worker) ?? [])
  const above: Screens = sent.length === 0 ? new Map() : await host.history(sent, historyRows)
  const left = await leftovers(deliveries, scene, ports)
  return deliveries.map((delivery) => {
    const { id, worker, state } = delivery
    const planned = state === 'planned'
    const because = {
      above: above.get(scene.pane(worker)?.id ?? '') ?? [],
      before: remembered.get(id),
      leftover: left.has(worker),
      hold: holds.get(worker) ?? null,
      busy: planned && busy.has(worker),
      stopped: planned ? (breakers?.whyNot(worker) ?? null) : null,
      reachable: isFound(delivery, scene) || ended.has(delivery.incarnation ?? ''),
    }
    const found = caseOf(delivery, scene, because, ports.clock.now())
    if (found.step.do === 'place' || found.step.do === 'write') busy.add(worker)
    remembered.set(id, found.seen)
    return found
  })
}

type Because = Required<Pick<Parameters<typeof observe>[0], 'above' | 'leftover' | 'hold' | 'busy' | 'stopped' | 'reachable'>> & {
  readonly before: Remembered | undefined
}

function caseOf(delivery: Delivery, scene: Scene, because: Because, now: Time): Case {
  const worker = scene.workers.get(delivery.worker)
  const pane = scene.pane(delivery.worker)
  const kind = scene.kind(delivery.worker)
  const shown = scene.look(delivery.worker)
  // The screen does not tell how the agent was configured; the spec does.
  const queues = pane?.queues === true || worker?.agent.busy_input_mode === 'queue'
  const seen = observe({
    delivery,
    pane,
    server_started: scene.snapshot.server_started,
    look: shown !== null && queues ? { ...shown, interrupts: false } : shown,
    screen: scene.screen(pane),
    mode_blocks: scene.host.modes_block,
    ...because,
    now,
    machine_now: scene.snapshot.clock,
  })
  return { delivery, pane, worker, kind, seen, step: nextStep(delivery, seen, deliveryLimits(kind, delivery.kind), now) }
}

function isUnderWay({ state }: Delivery): boolean {
  return pastingStates.includes(state) || state === 'submitted'
}

/** False if a text is under way to an agent that no pane shows: nothing is known of it until it is found or has ended. */
function isFound(delivery: Delivery, scene: Scene): boolean {
  const { incarnation, worker } = delivery
  return !isUnderWay(delivery) || incarnation === null || scene.incarnation(worker) === incarnation
}

/** Shows the breakers every live agent but those that were just started: nobody recognises a screen that is being drawn. */
function showAgents(breakers: CircuitBreakers, scene: Scene, deliveries: readonly Delivery[], now: Time): void {
  const told = new Map(deliveries.flatMap(({ kind, worker, planned_at }) => (kind === 'identity' ? [[worker, planned_at] as const] : [])))
  for (const { worker } of scene.snapshot.panes) {
    if (worker === null || !scene.workers.has(worker)) continue
    if (now - (told.get(worker) ?? 0) >= scene.kind(worker).limits.ready / 2) breakers.see(worker, scene.look(worker))
  }
}

/** Workers whose composer holds nothing but the line of a delivery that has ended. */
async function leftovers(deliveries: readonly Delivery[], scene: Scene, { ledger }: DeliveryPorts): Promise<ReadonlySet<WorkerId>> {
  const found = new Map<WorkerId, { readonly id: string; readonly draft: string }>()
  for (const { worker, state } of deliveries) {
    if ((state !== 'planned' && state !== 'unknown') || !scene.workers.has(worker) || scene.kind(worker).take_back === undefined) continue
    const draft = scene.look(worker)?.draft ?? ''
    const id = draft === '' ? null : idIn(draft)
    if (id !== null) found.set(worker, { id, draft })
  }
  const known = new Map(deliveries.map((delivery) => [delivery.id, delivery]))
  const others = [...new Set([...found.values()].map(({ id }) => id))].filter((id) => !known.has(id))
  if (others.length > 0) for (const delivery of await ledger.deliveries({ ids: others })) known.set(delivery.id, delivery)
  const isLeft = (worker: WorkerId, id: string, draft: string) => {
    const delivery = known.get(id)
    if (delivery === undefined || delivery.worker !== worker || activeStates.includes(delivery.state)) return false
    const held = composerContent(draft, id, delivery.typed)
    return held === 'line' || held === 'beginning'
  }
  return new Set([...found].flatMap(([worker, { id, draft }]) => (isLeft(worker, id, draft) ? [worker] : [])))
}
