/** Carries out the steps of one turn: texts into files, one write of all intents, then the effects. */
import type { AgentKind } from '../core/agent.ts'
import type { DeliveryMove } from '../core/ledger.ts'
import type { Delivery } from '../core/lives.ts'
import type { Worker } from '../core/nouns.ts'
import type { Pane } from '../core/panes.ts'
import type { Tmux, TmuxCommand } from '../core/ports.ts'
import type { DeliveryStep } from '../decide/deliver.ts'
import type { DeliverySight, Glimpse } from '../decide/sight.ts'
import type { Link } from './machines.ts'
import type { Session } from './session.ts'
import type { TypedLines } from './texts.ts'
import { held, placeLine, submitLine } from '../tmux/paste.ts'
import { linesFor } from './texts.ts'
import { together } from './together.ts'

/** What a turn knows of one delivery. */
export interface Case {
  readonly delivery: Delivery
  readonly pane: Pane | null
  /** Undefined where the spec no longer has it. */
  readonly worker: Worker | undefined
  readonly kind: AgentKind
  readonly sight: DeliverySight
  readonly step: DeliveryStep
}

/** Writes steps, with those of other machines where they come at the same moment. */
export function mover({ ledger, clock, owner }: Pick<Session, 'ledger' | 'clock' | 'owner'>) {
  return together((moves: readonly DeliveryMove[]) => ledger.moveDeliveries(moves, owner, clock.now()))
}

export type Mover = ReturnType<typeof mover>

/** Pause before a text that could not be written to its file is tried again, milliseconds. */
const rewrite = 5_000

export interface CarriedOut {
  readonly moved: readonly Delivery[]
  /** The ledger refused a step: somebody else ended the delivery, or holds its lease by now. */
  readonly refused: boolean
}

export async function carryOut(
  cases: readonly Case[],
  link: Link,
  tmux: Tmux,
  { move, glimpses }: { readonly move: Mover; readonly glimpses: Map<string, Glimpse> },
  session: Session,
): Promise<CarriedOut> {
  const placing = cases.filter(({ step }) => step.do === 'place')
  const due = placing.flatMap(({ delivery, worker, kind, pane }) =>
    worker === undefined || pane === null ? [] : [{ delivery, worker, kind, columns: pane.width }],
  )
  const lines: TypedLines = due.length === 0 ? new Map() : await linesFor(due, link, session)
  const ready = cases.filter((each) => each.step.do !== 'place' || lineOf(each, lines) !== null)
  for (const { delivery, sight } of placing) {
    const said = lines.get(delivery.id)
    if (said !== undefined && 'why' in said)
      glimpses.set(delivery.id, { ...sight, unwritten: { why: said.why, again: session.clock.now() + rewrite } })
  }
  const moves = ready.filter(({ step }) => step.do !== 'take_back')
  const moved = moves.length === 0 ? new Map<string, Delivery>() : new Map(await move(moves.map((each) => moveOf(each, lines))))
  const written = new Set(moves.flatMap(({ delivery: { id } }) => (moved.has(id) ? [id] : [])))
  await effect(
    ready.filter(({ delivery, step }) => step.do === 'take_back' || written.has(delivery.id)),
    lines,
    tmux,
    move,
    moved,
  )
  return { moved: moves.flatMap(({ delivery: { id } }) => moved.get(id) ?? []), refused: written.size < moves.length }
}

function lineOf({ delivery: { id } }: Case, lines: TypedLines): string | null {
  const said = lines.get(id)
  return said !== undefined && 'line' in said ? said.line : null
}

/** All effects in one go. A text that tmux refused to place reached nobody: `moved` gets what became of it. */
async function effect(cases: readonly Case[], lines: TypedLines, tmux: Tmux, move: Mover, moved: Map<string, Delivery>): Promise<void> {
  const effects = cases.flatMap((each) => {
    const line = effectLine(each, lines, tmux)
    return line === null ? [] : [{ each, line }]
  })
  const replies = await tmux.run(effects.map(({ line }) => line))
  const undone = effects.flatMap(({ each: { delivery, step } }, index): DeliveryMove[] => {
    const { outcome, why } = step.do === 'place' && replies[index] !== undefined ? held(replies[index]) : { outcome: 'done', why: '' }
    if (outcome !== 'refused') return []
    return [{ id: delivery.id, token: delivery.lease_token, from: 'placing', to: 'refused', evidence: `nothing was typed: ${why}` }]
  })
  if (undone.length === 0) return
  for (const [id, delivery] of await move(undone)) moved.set(id, delivery)
}

/** Null where the step has no effect on the pane. */
function effectLine(each: Case, lines: TypedLines, { version }: Tmux): readonly TmuxCommand[] | null {
  const { delivery, pane, kind, sight, step } = each
  if (step.do === 'move' || step.do === 'wait') return null
  if (pane === null || pane.agent_pid === null || sight.look === null) throw new RangeError('an effect needs a live agent')
  const target = { pane: pane.id, agent_pid: pane.agent_pid }
  const buffer = `burn-${delivery.id}`
  if (step.do === 'submit') return submitLine(target, buffer, version, kind.submit)
  if (step.do === 'place') return placeLine(target, kind.place(lineOf(each, lines) ?? '', sight.look), buffer, version)
  return kind.take_back === undefined ? null : submitLine(target, buffer, version, kind.take_back)
}

function moveOf(each: Case, lines: TypedLines): DeliveryMove {
  const { delivery, sight, step } = each
  const base = { id: delivery.id, token: delivery.lease_token, from: delivery.state }
  const incarnation = sight.incarnation === null || delivery.state !== 'planned' ? {} : { incarnation: sight.incarnation }
  switch (step.do) {
    case 'place':
      return { ...base, to: 'placing', evidence: 'its line is being placed', typed: lineOf(each, lines) ?? '', ...incarnation }
    case 'submit':
      return { ...base, to: step.to, evidence: 'Enter is being pressed', presses: delivery.presses + 1 }
    case 'move':
      return { ...base, to: step.to, evidence: step.evidence, ...(step.proof === undefined ? {} : { proof: step.proof }), ...incarnation }
    case 'abandon':
      return { ...base, to: 'unknown', evidence: step.evidence }
    case 'take_back':
    case 'wait':
      throw new RangeError(`${step.do} does not move a delivery`)
  }
}
