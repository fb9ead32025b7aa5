/** One turn of the pump on one machine: one look at its panes, one step of each delivery, one write, then the effects. */
import type { DeliveryMove } from '../core/ledger.ts'
import type { Delivery } from '../core/lives.ts'
import type { Worker, WorkerId } from '../core/nouns.ts'
import type { AgentKind } from '../core/agent.ts'
import type { MachineSight, Pane } from '../core/panes.ts'
import type { Tmux, TmuxCommand } from '../core/ports.ts'
import type { DeliverySight, DeliveryStep } from '../decide/deliver.ts'
import type { Breakers } from './breakers.ts'
import type { Link } from './machines.ts'
import type { Session } from './session.ts'
import { agentKind } from '../agents/index.ts'
import { messageOf } from '../core/errors.ts'
import { pastingStates } from '../core/lives.ts'
import { incarnationOf } from '../core/panes.ts'
import { deliveryLimits, deliverySight, step } from '../decide/deliver.ts'
import { capture } from '../tmux/panes.ts'
import { held, placeLine, sanitizes, submitLine } from '../tmux/paste.ts'

export interface TurnResult {
  readonly moved: readonly Delivery[]
  /** The machine can't be reached any more: nothing is known until it is. */
  readonly lost: boolean
}

/** What a turn knows of one delivery. */
interface Case {
  readonly delivery: Delivery
  readonly pane: Pane | null
  readonly kind: AgentKind
  readonly sight: DeliverySight
  readonly step: DeliveryStep
}

export async function turn(
  link: Link,
  deliveries: readonly Delivery[],
  holds: ReadonlyMap<WorkerId, string>,
  session: Session,
  options: { readonly stopping: boolean; readonly breakers: Breakers | null },
): Promise<TurnResult> {
  const { sight, screens } = await session.machines.look(link)
  if (sight.state !== 'up' || link.tmux === null) return { moved: [], lost: true }
  try {
    const cases = (await look(link, link.tmux, { sight, screens }, deliveries, holds, options.breakers, session)).filter(
      ({ step: { do: what } }) => what !== 'wait' && !(options.stopping && what === 'place'),
    )
    return { moved: await apply(cases, link.tmux, session), lost: false }
  } catch (thrown) {
    await session.machines.drop(link, thrown)
    session.notify({ level: 'error', subject: link.machine.name, text: messageOf(thrown) })
    return { moved: [], lost: true }
  }
}

type Screens = ReadonlyMap<string, readonly string[]>
const historyRows = 200

type Up = Extract<MachineSight, { state: 'up' }>

async function look(
  link: Link,
  tmux: Tmux,
  { sight, screens }: { sight: Up; screens: Screens },
  deliveries: readonly Delivery[],
  holds: ReadonlyMap<WorkerId, string>,
  breakers: Breakers | null,
  session: Session,
): Promise<Case[]> {
  const panes = new Map(sight.panes.flatMap((pane) => (pane.worker === null ? [] : [[pane.worker, pane] as const])))
  const workers = new Map(link.machine.windows.flatMap((window) => window.workers.map((worker) => [worker.id, worker] as const)))
  // The breaker is asked for what is still to be placed, and looks at every agent for that.
  const judges = deliveries.some(({ state }) => state === 'planned') ? breakers : null
  for (const pane of judges === null ? [] : sight.panes) {
    const worker = pane.worker === null ? undefined : workers.get(pane.worker)
    if (worker === undefined) continue
    const lives = incarnationOf(pane, sight.server_started) !== null
    judges?.see(worker.id, lives ? agentKind(worker.agent).look(screens.get(pane.id) ?? [], pane) : null)
  }
  // Between two looks a busy agent can scroll what it echoed off the screen: the id is looked for above it too.
  const sent = deliveries
    .filter(({ state }) => state === 'submitted' || state === 'unknown')
    .flatMap(({ worker }) => panes.get(worker)?.id ?? [])
  const history = await capture(tmux, sent, { lines: historyRows })
  const busy = new Set(deliveries.filter(({ state }) => pastingStates.includes(state) || state === 'submitted').map(({ worker }) => worker))
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
      },
      session,
    )
    if (facts.step.do === 'place') busy.add(delivery.worker)
    return facts
  })
}

function caseOf(
  delivery: Delivery,
  worker: Worker | undefined,
  pane: Pane | null,
  { server_started }: Up,
  shown: { readonly screens: Screens; readonly history: Screens },
  because: { readonly busy: boolean; readonly hold: string | null; readonly stopped: string | null; readonly mode_blocks: boolean },
  { clock }: Session,
): Case {
  const kind = agentKind(worker?.agent ?? { kind: 'shell' })
  const screen = (pane === null ? undefined : shown.screens.get(pane.id)) ?? []
  const above = (pane === null ? undefined : shown.history.get(pane.id)?.slice(0, -pane.height)) ?? []
  const raw = pane === null || incarnationOf(pane, server_started) === null ? null : kind.look(screen, pane)
  // The screen does not tell how the agent was configured; the spec does.
  const seen = raw !== null && (pane?.queues === true || worker?.agent.busy_input_mode === 'queue') ? { ...raw, interrupts: false } : raw
  const now = clock.now()
  const sight = deliverySight({ id: delivery.id, pane, server_started, look: seen, screen, above, ...because, reachable: true, now })
  return { delivery, pane, kind, sight, step: step(delivery, sight, deliveryLimits(kind, delivery.kind), now) }
}

/** Intents first, all in one write; then the effects of those that were written, all in one go. */
async function apply(cases: readonly Case[], tmux: Tmux, session: Session): Promise<Delivery[]> {
  if (cases.length === 0) return []
  const { ledger, clock, owner } = session
  const moved = new Map((await ledger.moveDeliveries(cases.map(moveOf), owner, clock.now())).map((delivery) => [delivery.id, delivery]))
  const effects = cases.filter((each) => moved.has(each.delivery.id) && (each.step.do === 'place' || each.step.do === 'submit'))
  const replies = await tmux.run(effects.map((each) => effectLine(each, tmux)))
  const refused = effects.filter(
    ({ step: { do: what } }, index) => what === 'place' && replies[index] !== undefined && held(replies[index]).outcome === 'refused',
  )
  const undone = refused.map(({ delivery }): DeliveryMove => {
    return {
      id: delivery.id,
      token: delivery.lease_token,
      from: 'placing',
      to: 'refused',
      evidence: 'the agent ended before the text was placed',
    }
  })
  for (const delivery of undone.length === 0 ? [] : await ledger.moveDeliveries(undone, owner, clock.now()))
    moved.set(delivery.id, delivery)
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
