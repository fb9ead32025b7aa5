/** Carries out the steps of one turn: texts into files, one write of all intents, then the effects. */
import type { PaneAgent } from '../core/agent.ts'
import type { DeliveryMove } from '../core/ledger/deliveries.ts'
import type { Delivery } from '../core/lives.ts'
import type { Worker } from '../core/nouns.ts'
import type { Pane } from '../core/panes.ts'
import type { DeliveryStep } from '../decide/deliver.ts'
import type { DeliverySight, Glimpse } from '../decide/sight.ts'
import type { PaneHost, Typing } from '../core/pane-host.ts'
import type { Session } from '../observe/session.ts'
import { linesFor } from './texts.ts'
import { together } from '../core/coalesce.ts'

/** What a turn knows of one delivery. */
export interface Case {
  readonly delivery: Delivery
  readonly pane: Pane | null
  /** Undefined where the spec no longer has it. */
  readonly worker: Worker | undefined
  readonly kind: PaneAgent
  readonly sight: DeliverySight
  readonly step: DeliveryStep
}

/** Writes steps, with those of other machines where they come at the same moment. */
export function mover({ ledger, clock, owner }: Pick<Session, 'ledger' | 'clock' | 'owner'>) {
  return together((moves: readonly DeliveryMove[]) => ledger.moveDeliveries(moves, owner, clock.now()))
}

export type Mover = ReturnType<typeof mover>

/** What a terminal sends for Enter. */
const enter = '\r'
/** Pause before a text that could not be written to its file is tried again, milliseconds. */
const rewrite = 5_000

export interface CarriedOut {
  readonly moved: readonly Delivery[]
  /** The ledger refused a step: somebody else ended the delivery, or holds its lease by now. */
  readonly refused: boolean
  /** Texts were written to their files: a fresh look can place them. */
  readonly wrote: boolean
}

export async function carryOut(
  cases: readonly Case[],
  host: PaneHost,
  { move, glimpses }: { readonly move: Mover; readonly glimpses: Map<string, Glimpse> },
  session: Session,
): Promise<CarriedOut> {
  const wrote = await writeAll(cases, host, glimpses, session)
  const moves = cases.filter(({ step }) => step.do !== 'take_back' && step.do !== 'write')
  const moved = moves.length === 0 ? new Map<string, Delivery>() : new Map(await move(moves.map(moveOf)))
  const written = new Set(moves.flatMap(({ delivery: { id } }) => (moved.has(id) ? [id] : [])))
  await effect(
    cases.filter(({ delivery, step }) => step.do === 'take_back' || written.has(delivery.id)),
    host,
    move,
    moved,
  )
  return { moved: moves.flatMap(({ delivery: { id } }) => moved.get(id) ?? []), refused: written.size < moves.length, wrote }
}

/** Writes what is due to its files, and remembers the lines to type, or why there are none. */
async function writeAll(cases: readonly Case[], host: PaneHost, glimpses: Map<string, Glimpse>, session: Session): Promise<boolean> {
  const due = cases.flatMap(({ delivery, worker, kind, pane, step, sight }) =>
    step.do !== 'write' || worker === undefined || pane === null ? [] : [{ delivery, worker, kind, columns: pane.width, sight }],
  )
  if (due.length === 0) return false
  const lines = await linesFor(due, host)
  for (const { delivery, sight } of due) {
    const said = lines.get(delivery.id)
    if (said === undefined) continue
    const unwritten = 'why' in said ? { why: said.why, again: session.clock.now() + rewrite } : null
    glimpses.set(delivery.id, { ...sight, line: 'line' in said ? said.line : null, unwritten })
  }
  return [...lines.values()].some((said) => 'line' in said)
}

/** All effects in one round trip. A text that the host refused to place reached nobody: `moved` gets what became of it. */
async function effect(cases: readonly Case[], host: PaneHost, move: Mover, moved: Map<string, Delivery>): Promise<void> {
  const effects = cases.flatMap((each) => {
    const typing = typingOf(each)
    return typing === null ? [] : [{ each, typing }]
  })
  const typed = effects.length === 0 ? [] : await host.type(effects.map(({ typing }) => typing))
  const undone = effects.flatMap(({ each: { delivery, step } }, index): DeliveryMove[] => {
    const { outcome, why } = typed[index] ?? { outcome: 'failed', why: '' }
    if (step.do !== 'place' || outcome !== 'refused') return []
    return [{ id: delivery.id, token: delivery.lease_token, from: 'placing', to: 'refused', evidence: { code: 'nothing_typed', why } }]
  })
  if (undone.length === 0) return
  for (const [id, delivery] of await move(undone)) moved.set(id, delivery)
}

/** Null if the step types nothing into the pane. */
function typingOf({ delivery, pane, kind, sight, step }: Case): Typing | null {
  if (step.do === 'move' || step.do === 'wait' || step.do === 'write') return null
  if (pane === null || pane.agent_pid === null || sight.look === null) throw new RangeError('an effect needs a live agent')
  const typing = { target: { pane: pane.id, agent_pid: pane.agent_pid }, id: delivery.id }
  if (step.do === 'submit') return { ...typing, submit: kind.submit ?? enter }
  if (step.do === 'place') return { ...typing, place: kind.place(sight.line ?? '', sight.look) }
  return kind.take_back === undefined ? null : { ...typing, submit: kind.take_back }
}

function moveOf({ delivery, sight, step }: Case): DeliveryMove {
  const base = { id: delivery.id, token: delivery.lease_token, from: delivery.state }
  const incarnation = sight.incarnation === null || delivery.state !== 'planned' ? {} : { incarnation: sight.incarnation }
  switch (step.do) {
    case 'place':
      return { ...base, to: 'placing', evidence: { code: 'line_placing' }, typed: sight.line ?? '', ...incarnation }
    case 'submit':
      return { ...base, to: step.to, evidence: { code: 'enter_pressing' }, presses: delivery.presses + 1 }
    case 'move':
      return { ...base, to: step.to, evidence: step.evidence, ...(step.proof === undefined ? {} : { proof: step.proof }), ...incarnation }
    case 'abandon':
      return { ...base, to: 'unknown', evidence: step.evidence }
    case 'write':
    case 'take_back':
    case 'wait':
      throw new RangeError(`${step.do} does not move a delivery`)
  }
}
