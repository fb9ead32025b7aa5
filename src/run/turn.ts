/** One turn of the pump on one machine: one look at its panes, one step of each delivery, one write, then the effects. */
import type { DeliveryMove } from '../core/ledger.ts'
import type { Delivery } from '../core/lives.ts'
import type { Incarnation, Time, Worker, WorkerId } from '../core/nouns.ts'
import type { AgentKind } from '../core/agent.ts'
import type { MachineSight, Pane } from '../core/panes.ts'
import type { Tmux, TmuxCommand } from '../core/ports.ts'
import type { DeliverySight, DeliveryStep } from '../decide/deliver.ts'
import type { Breakers } from './breakers.ts'
import type { Link } from './machines.ts'
import type { Session } from './session.ts'
import type { KindOf } from '../agents/index.ts'
import { isLedgerFailure, messageOf } from '../core/errors.ts'
import { pastingStates } from '../core/lives.ts'
import { incarnationOf } from '../core/incarnation.ts'
import { deliveryLimits, deliverySight, step } from '../decide/deliver.ts'
import { capture } from '../tmux/panes.ts'
import { held, placeLine, sanitizes, submitLine } from '../tmux/paste.ts'
import { endedAgents } from './agents.ts'
import { together } from './together.ts'

export interface TurnResult {
  readonly moved: readonly Delivery[]
  /** Why the others wait, by delivery; `until` is null where only the pane, or a person at it, can change that. */
  readonly waiting: ReadonlyMap<string, { readonly reason: string; readonly until: Time | null }>
  /** The machine can't be reached any more: nothing is known until it is. */
  readonly lost: boolean
  /** The ledger refused a step: somebody else ended the delivery, or holds its lease by now. */
  readonly refused: boolean
}

export interface TurnOptions {
  readonly stopping: boolean
  readonly breakers: Breakers | null
  /** Writes steps, with those of other machines where they come at the same moment; gives what moved. */
  readonly move: ReturnType<typeof mover>
  /** What the looks before this one found: since when a delivery's id is seen outside the composer. One for all turns of a machine. */
  readonly glimpses: Map<string, Time>
}

/** What a turn knows of one delivery. */
interface Case {
  readonly delivery: Delivery
  readonly pane: Pane | null
  readonly kind: AgentKind
  readonly sight: DeliverySight
  readonly step: DeliveryStep
}

export function mover({ ledger, clock, owner }: Pick<Session, 'ledger' | 'clock' | 'owner'>) {
  return together((moves: readonly DeliveryMove[]) => ledger.moveDeliveries(moves, owner, clock.now()))
}

const nothing: TurnResult = { moved: [], waiting: new Map(), lost: true, refused: false }

export async function turn(
  link: Link,
  deliveries: readonly Delivery[],
  holds: ReadonlyMap<WorkerId, string>,
  session: Session,
  options: TurnOptions,
): Promise<TurnResult> {
  const { sight, screens } = await session.machines.look(link)
  if (sight.state !== 'up' || link.tmux === null) return nothing
  try {
    const ended = await endedOf(link, sight, deliveries, session)
    const seen = await look(link, link.tmux, { sight, screens, ended }, deliveries, holds, options, session)
    const waiting = new Map(seen.flatMap(({ delivery, step: next }) => (next.do === 'wait' ? [[delivery.id, next] as const] : [])))
    const cases = seen.filter(({ step: { do: what } }) => what !== 'wait' && !(options.stopping && what === 'place'))
    const moved = await apply(cases, link.tmux, options.move)
    return { moved, waiting, lost: false, refused: moved.length < cases.length }
  } catch (thrown) {
    if (isLedgerFailure(thrown)) throw thrown
    await session.machines.drop(link, thrown)
    session.notify({ level: 'error', subject: link.machine.name, text: messageOf(thrown) })
    return nothing
  }
}

type Screens = ReadonlyMap<string, readonly string[]>
const historyRows = 200

type Up = Extract<MachineSight, { state: 'up' }>

/** Agents that texts are under way to, and that are proven to have ended. */
function endedOf(link: Link, sight: Up, deliveries: readonly Delivery[], session: Session): Promise<ReadonlySet<Incarnation>> {
  const active = deliveries.filter(({ state }) => pastingStates.includes(state) || state === 'submitted')
  return endedAgents(active, new Map([[link.machine.name, sight]]), session)
}

async function look(
  link: Link,
  tmux: Tmux,
  { sight, screens, ended }: { sight: Up; screens: Screens; ended: ReadonlySet<Incarnation> },
  deliveries: readonly Delivery[],
  holds: ReadonlyMap<WorkerId, string>,
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
  // Between two looks a busy agent can scroll what it echoed off the screen: the id is looked for above it too.
  const sent = deliveries
    .filter(({ state }) => state === 'submitted' || state === 'unknown')
    .flatMap(({ worker }) => panes.get(worker)?.id ?? [])
  const history = await capture(tmux, sent, { lines: historyRows })
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
        mode_blocks: sanitizes(tmux.version),
        elsewhere: glimpses.get(delivery.id) ?? null,
        ended,
      },
      kindOf(worker?.agent ?? { kind: 'shell' }),
      session,
    )
    if (facts.step.do === 'place') busy.add(delivery.worker)
    if (facts.sight.elsewhere === null) glimpses.delete(delivery.id)
    else glimpses.set(delivery.id, facts.sight.elsewhere)
    return facts
  })
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
    readonly hold: string | null
    readonly stopped: string | null
    readonly mode_blocks: boolean
    readonly elsewhere: Time | null
    readonly ended: ReadonlySet<Incarnation>
  },
  kind: AgentKind,
  { clock }: Session,
): Case {
  const screen = (pane === null ? undefined : shown.screens.get(pane.id)) ?? []
  const above = (pane === null ? undefined : shown.history.get(pane.id)?.slice(0, -pane.height)) ?? []
  const raw = pane === null || incarnationOf(pane, server_started) === null ? null : kind.look(screen, pane)
  // The screen does not tell how the agent was configured; the spec does.
  const seen = raw !== null && (pane?.queues === true || worker?.agent.busy_input_mode === 'queue') ? { ...raw, interrupts: false } : raw
  const now = clock.now()
  const sight = deliverySight({
    id: delivery.id,
    pane,
    server_started,
    look: seen,
    screen,
    above,
    ...because,
    reachable: isFound(delivery, pane, server_started) || because.ended.has(delivery.incarnation ?? ''),
    now,
    machine_now,
  })
  return { delivery, pane, kind, sight, step: step(delivery, sight, deliveryLimits(kind, delivery.kind), now) }
}

/** False if a text is under way to an agent that no pane shows: nothing is known of it until it is found or has ended. */
function isFound({ state, incarnation }: Delivery, pane: Pane | null, serverStarted: number): boolean {
  const under = pastingStates.includes(state) || state === 'submitted'
  return !under || incarnation === null || (pane !== null && incarnationOf(pane, serverStarted) === incarnation)
}

/** Intents first, all in one write; then the effects of those that were written, all in one go. */
async function apply(cases: readonly Case[], tmux: Tmux, move: TurnOptions['move']): Promise<Delivery[]> {
  if (cases.length === 0) return []
  const written = await move(cases.map(moveOf))
  const moved = new Map(cases.flatMap(({ delivery: { id } }) => (written.has(id) ? [[id, written.get(id) as Delivery] as const] : [])))
  const effects = cases.filter((each) => moved.has(each.delivery.id) && (each.step.do === 'place' || each.step.do === 'submit'))
  const replies = await tmux.run(effects.map((each) => effectLine(each, tmux)))
  const undone = effects.flatMap(({ delivery, step: { do: what } }, index): DeliveryMove[] => {
    const { outcome, why } = what === 'place' && replies[index] !== undefined ? held(replies[index]) : { outcome: 'done', why: '' }
    if (outcome !== 'refused') return []
    const evidence = `nothing was typed: ${why}`
    return [{ id: delivery.id, token: delivery.lease_token, from: 'placing', to: 'refused', evidence }]
  })
  const ended = undone.length === 0 ? new Map<string, Delivery>() : await move(undone)
  for (const { id } of undone) moved.set(id, ended.get(id) ?? (moved.get(id) as Delivery))
  return [...moved.values()]
}

function effectLine({ delivery, pane, kind, sight, step: next }: Case, { version }: Tmux): readonly TmuxCommand[] {
  if (pane === null || pane.agent_pid === null || sight.look === null) throw new RangeError('an effect needs a live agent')
  const target = { pane: pane.id, agent_pid: pane.agent_pid }
  const buffer = `burn-${delivery.id}`
  return next.do === 'place'
    ? placeLine(target, kind.place(delivery.text, delivery.id, sight.look), buffer, version)
    : submitLine(target, buffer, version, kind.submit)
}

function moveOf({ delivery, sight, step: next }: Case): DeliveryMove {
  const base = { id: delivery.id, token: delivery.lease_token, from: delivery.state }
  const incarnation = sight.incarnation === null || delivery.state !== 'planned' ? {} : { incarnation: sight.incarnation }
  switch (next.do) {
    case 'place':
      return { ...base, to: 'placing', evidence: 'its text is being placed', ...incarnation }
    case 'submit':
      return { ...base, to: next.to, evidence: 'Enter is being pressed', presses: delivery.presses + 1 }
    case 'move':
      return { ...base, to: next.to, evidence: next.evidence, ...incarnation }
    case 'wait':
      throw new RangeError('a waiting delivery does not move')
  }
}
