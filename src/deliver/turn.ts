/** One turn of the pump on one machine: one look at its panes, one step of each delivery, one write, then the effects. */
import type { Reason } from '../core/reasons.ts'
import type { Delivery } from '../core/lives.ts'
import type { Time, Worker, WorkerId } from '../core/nouns.ts'
import type { PaneAgent } from '../core/agent.ts'
import type { MachineSight, Pane } from '../core/panes.ts'
import type { Glimpse } from '../decide/sight.ts'
import type { Breakers } from './breakers.ts'
import type { PaneHost } from '../core/pane-host.ts'
import type { Session } from '../observe/session.ts'
import type { KindOf } from '../agents/index.ts'
import { isLedgerFailure, messageOf } from '../core/errors.ts'
import { heldIn, idIn } from '../core/line.ts'
import { activeStates, pastingStates } from '../core/lives.ts'
import { agentKey, incarnationOf } from '../core/incarnation.ts'
import { machineOf } from '../core/refs.ts'
import { deliveryLimits, step } from '../decide/deliver.ts'
import { deliverySight } from '../decide/sight.ts'
import { endedAgents } from '../observe/agents.ts'
import { carryOut, type CarriedOut, type Case, type Mover } from './steps.ts'

export interface TurnResult extends CarriedOut {
  /** Why the others wait, by delivery; `until` is null where only the pane, or a person at it, can change that. */
  readonly waiting: ReadonlyMap<string, { readonly reason: Reason; readonly until: Time | null }>
  /** The machine can't be reached any more: nothing is known until it is. */
  readonly lost: boolean
}

export interface TurnOptions {
  readonly stopping: boolean
  readonly breakers: Breakers | null
  /** Writes steps, with those of other machines where they come at the same moment; gives what moved. */
  readonly move: Mover
  /** What the looks before this one found, by delivery. One for all turns of a machine. */
  readonly glimpses: Map<string, Glimpse>
}

const nothing: TurnResult = { moved: [], waiting: new Map(), lost: true, refused: false, wrote: false }

export async function turn(
  link: PaneHost,
  deliveries: readonly Delivery[],
  holds: ReadonlyMap<WorkerId, Reason>,
  session: Session,
  options: TurnOptions,
): Promise<TurnResult> {
  const { sight, screens } = await link.look()
  if (sight.state !== 'up') return nothing
  try {
    const ended = await endedOf(link, sight, deliveries, session)
    const seen = await look(link, { sight, screens, ended }, deliveries, holds, options, session)
    const waiting = new Map(seen.flatMap(({ delivery, step: next }) => (next.do === 'wait' ? [[delivery.id, next] as const] : [])))
    const begins = (what: string) => what === 'place' || what === 'write'
    const cases = seen.filter(({ step: { do: what } }) => what !== 'wait' && !(options.stopping && begins(what)))
    return { ...(await carryOut(cases, link, options, session)), waiting, lost: false }
  } catch (thrown) {
    if (isLedgerFailure(thrown)) throw thrown
    await link.drop(thrown)
    session.notify({ level: 'error', subject: link.machine.name, text: messageOf(thrown) })
    return nothing
  }
}

type Screens = ReadonlyMap<string, readonly string[]>
const historyRows = 200

type Up = Extract<MachineSight, { state: 'up' }>

/** Agents that texts are under way to, and that are proven to have ended. */
function endedOf(link: PaneHost, sight: Up, deliveries: readonly Delivery[], session: Session): Promise<ReadonlySet<string>> {
  const active = deliveries.filter(({ state }) => pastingStates.includes(state) || state === 'submitted')
  return endedAgents(active, new Map([[link.machine.name, sight]]), session)
}

async function look(
  link: PaneHost,
  { sight, screens, ended }: { sight: Up; screens: Screens; ended: ReadonlySet<string> },
  deliveries: readonly Delivery[],
  holds: ReadonlyMap<WorkerId, Reason>,
  { breakers, glimpses }: TurnOptions,
  session: Session,
): Promise<Case[]> {
  const panes = new Map(sight.panes.flatMap((pane) => (pane.worker === null ? [] : [[pane.worker, pane] as const])))
  const workers = new Map(link.machine.windows.flatMap((window) => window.workers.map((worker) => [worker.id, worker] as const)))
  const busy = new Set(deliveries.filter(({ state }) => pastingStates.includes(state) || state === 'submitted').map(({ worker }) => worker))
  // The breaker is asked for what could be placed now, and looks at every agent for that.
  const judges = deliveries.some(({ state, worker }) => state === 'planned' && !busy.has(worker)) ? breakers : null
  const { kindOf } = session
  if (judges !== null) judge(judges, workers, { sight, screens }, deliveries, kindOf, session.clock.now())
  // Between two looks a busy agent can scroll what it echoed off the screen: the line is looked for above it too.
  const sent = deliveries
    .filter(({ state }) => state === 'submitted' || state === 'unknown')
    .flatMap(({ worker }) => panes.get(worker) ?? [])
  const history = sent.length === 0 ? new Map() : await link.history(sent, historyRows)
  const left = await leftovers({ deliveries, panes, workers, screens, sight }, session)
  return deliveries.map((delivery) => {
    const worker = workers.get(delivery.worker)
    const pane = panes.get(delivery.worker) ?? null
    const facts = caseOf(
      delivery,
      worker,
      pane,
      sight,
      { screens, history },
      {
        busy: busy.has(delivery.worker) && delivery.state === 'planned',
        hold: holds.get(delivery.worker) ?? null,
        stopped: delivery.state === 'planned' ? (judges?.whyNot(delivery.worker) ?? null) : null,
        mode_blocks: link.modes_block,
        before: glimpses.get(delivery.id),
        leftover: left.has(delivery.worker),
        ended,
      },
      kindOf(worker?.agent ?? { kind: 'shell' }),
      session,
    )
    if (facts.step.do === 'place' || facts.step.do === 'write') busy.add(delivery.worker)
    glimpses.set(delivery.id, facts.sight)
    return facts
  })
}

interface Shown {
  readonly deliveries: readonly Delivery[]
  readonly panes: ReadonlyMap<WorkerId, Pane>
  readonly workers: ReadonlyMap<WorkerId, Worker>
  readonly screens: Screens
  readonly sight: Up
}

/** Workers in whose composer nothing stands but a line of ours that was abandoned: its delivery has ended. */
async function leftovers({ deliveries, panes, workers, screens, sight }: Shown, session: Session): Promise<ReadonlySet<WorkerId>> {
  const found = new Map<WorkerId, { readonly id: string; readonly draft: string }>()
  for (const { worker: id, state } of deliveries) {
    const [worker, pane] = [workers.get(id), panes.get(id)]
    if ((state !== 'planned' && state !== 'unknown') || worker === undefined || pane === undefined) continue
    const kind = session.kindOf(worker.agent)
    if (kind.take_back === undefined || incarnationOf(pane, sight.server_started) === null) continue
    const { draft } = kind.look(screens.get(pane.id) ?? [], pane)
    const delivery = draft === '' ? null : idIn(draft)
    if (delivery !== null) found.set(id, { id: delivery, draft })
  }
  const known = new Map(deliveries.map((delivery) => [delivery.id, delivery]))
  const others = [...new Set([...found.values()].map(({ id }) => id))].filter((id) => !known.has(id))
  if (others.length > 0) for (const delivery of await session.ledger.deliveries({ ids: others })) known.set(delivery.id, delivery)
  const isLeft = (worker: WorkerId, id: string, draft: string) => {
    const delivery = known.get(id)
    if (delivery === undefined || delivery.worker !== worker || activeStates.includes(delivery.state)) return false
    const held = heldIn(draft, id, delivery.typed)
    return held === 'line' || held === 'beginning'
  }
  return new Set([...found].flatMap(([worker, { id, draft }]) => (isLeft(worker, id, draft) ? [worker] : [])))
}

/** Shows the breaker every live agent, but those that were only just started: a screen that is being drawn is strange to everybody. */
function judge(
  breakers: Breakers,
  workers: ReadonlyMap<WorkerId, Worker>,
  { sight, screens }: { readonly sight: Up; readonly screens: Screens },
  deliveries: readonly Delivery[],
  kindOf: KindOf,
  now: Time,
): void {
  const told = new Map(deliveries.flatMap(({ kind, worker, planned_at }) => (kind === 'identity' ? [[worker, planned_at] as const] : [])))
  for (const pane of sight.panes) {
    const worker = pane.worker === null ? undefined : workers.get(pane.worker)
    if (worker === undefined) continue
    const kind = kindOf(worker.agent)
    if (now - (told.get(worker.id) ?? 0) < kind.limits.ready / 2) continue
    const lives = incarnationOf(pane, sight.server_started) !== null
    breakers.see(worker.id, lives ? kind.look(screens.get(pane.id) ?? [], pane) : null)
  }
}

function caseOf(
  delivery: Delivery,
  worker: Worker | undefined,
  pane: Pane | null,
  { server_started, clock: machine_now }: Up,
  shown: { readonly screens: Screens; readonly history: Screens },
  because: {
    readonly busy: boolean
    readonly hold: Reason | null
    readonly stopped: Reason | null
    readonly mode_blocks: boolean
    readonly before: Glimpse | undefined
    readonly leftover: boolean
    readonly ended: ReadonlySet<string>
  },
  kind: PaneAgent,
  { clock }: Session,
): Case {
  const screen = (pane === null ? undefined : shown.screens.get(pane.id)) ?? []
  const above = (pane === null ? undefined : shown.history.get(pane.id)) ?? []
  const raw = pane === null || incarnationOf(pane, server_started) === null ? null : kind.look(screen, pane)
  // The screen does not tell how the agent was configured; the spec does.
  const seen = raw !== null && (pane?.queues === true || worker?.agent.busy_input_mode === 'queue') ? { ...raw, interrupts: false } : raw
  const now = clock.now()
  const sight = deliverySight({
    delivery,
    pane,
    server_started,
    look: seen,
    screen,
    above,
    ...because,
    reachable:
      isFound(delivery, pane, server_started) || because.ended.has(agentKey(machineOf(delivery.worker), delivery.incarnation ?? '')),
    now,
    machine_now,
  })
  return { delivery, pane, worker, kind, sight, step: step(delivery, sight, deliveryLimits(kind, delivery.kind), now) }
}

/** False if a text is under way to an agent that no pane shows: nothing is known of it until it is found or has ended. */
function isFound({ state, incarnation }: Delivery, pane: Pane | null, serverStarted: number): boolean {
  const under = pastingStates.includes(state) || state === 'submitted'
  return !under || incarnation === null || (pane !== null && incarnationOf(pane, serverStarted) === incarnation)
}
