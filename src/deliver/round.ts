/** The deliveries of one machine, round by round: one look, one step of each delivery, one write of all intents, then the effects. */
import type { DeliveryMove } from '../core/ledger/deliveries.ts'
import type { Delivery } from '../core/lifecycle.ts'
import type { Time, WorkerId } from '../core/nouns.ts'
import type { PaneHost, Typing } from '../core/pane-host.ts'
import type { Reason } from '../core/reasons.ts'
import type { Remembered } from '../decide/observation.ts'
import type { CircuitBreakers } from './circuit-breakers.ts'
import type { DeliveryPorts } from './ports.ts'
import { batchCalls } from '../core/concurrency.ts'
import { isLedgerFailure, messageOf } from '../core/errors.ts'
import { activeStates } from '../core/lifecycle.ts'
import { stepsFor, type Case } from './steps.ts'
import { linesFor } from './texts.ts'

/** What a terminal sends for Enter. */
const enter = '\r'
/** Pause before burn tries again to write a text to its file, milliseconds. */
const rewrite = 5_000

/** Writes steps to the ledger; by id, what moved. */
export type WriteMoves = (moves: readonly DeliveryMove[]) => Promise<ReadonlyMap<string, Delivery>>

/** One writer for all machines: steps that come at the same moment are written together. */
export function writerOf({ ledger, clock, owner }: Pick<DeliveryPorts, 'ledger' | 'clock' | 'owner'>): WriteMoves {
  return batchCalls((moves: readonly DeliveryMove[]) => ledger.moveDeliveries(moves, owner, clock.now()))
}

/** What the machines of one run share. */
export interface Shared {
  /** Why workers are held. */
  readonly holds: ReadonlyMap<WorkerId, Reason>
  readonly breakers: CircuitBreakers | null
  readonly write: WriteMoves
}

export interface Round {
  readonly moved: readonly Delivery[]
  /** Why the others wait, by delivery; `until` is null if only the pane, or a person at it, can change that. */
  readonly waiting: ReadonlyMap<string, { readonly reason: Reason; readonly until: Time | null }>
  /** Texts were written to their files: a fresh look can place them. */
  readonly wrote: boolean
  /** The ledger refused a step: another process ended the delivery, or has its lease. */
  readonly refused: boolean
  /** The machine can't be reached: nothing is known until it can. */
  readonly lost: boolean
}

const nothing: Round = { moved: [], waiting: new Map(), wrote: false, refused: false, lost: true }

export class MachineDeliveries {
  /** As they are now. */
  all: readonly Delivery[]
  host: PaneHost
  readonly #shared: Shared
  readonly #ports: DeliveryPorts
  readonly #remembered = new Map<string, Remembered>()

  constructor(host: PaneHost, deliveries: readonly Delivery[], shared: Shared, ports: DeliveryPorts) {
    this.host = host
    this.all = deliveries
    this.#shared = shared
    this.#ports = ports
  }

  /** With `stopping`, nothing more is placed, and what is placed goes on. Throws only if the ledger fails. */
  async round(stopping: boolean): Promise<Round> {
    const round = await this.#round(stopping)
    // What was written before the connection was lost, or by another process, is in the ledger and not in the round.
    const ids = this.all.map(({ id }) => id)
    const known = round.lost || round.refused ? await this.#ports.ledger.deliveries({ ids }) : round.moved
    const news = new Map(known.map((delivery) => [delivery.id, delivery]))
    this.all = this.all.map((delivery) => news.get(delivery.id) ?? delivery)
    return round
  }

  async #round(stopping: boolean): Promise<Round> {
    const { snapshot: sight, screens } = await this.host.snapshotWithScreens()
    if (sight.state !== 'up') return nothing
    const open = this.all.filter(({ state }) => activeStates.includes(state) || state === 'unknown')
    try {
      const standing = { ...this.#shared, remembered: this.#remembered, ports: this.#ports }
      const cases = await stepsFor(this.host, { sight, screens }, open, standing)
      const waiting = new Map(cases.flatMap(({ delivery, step }) => (step.do === 'wait' ? [[delivery.id, step] as const] : [])))
      const due = cases.filter(({ step }) => step.do !== 'wait' && !(stopping && (step.do === 'place' || step.do === 'write')))
      return { ...(await this.#carryOut(due)), waiting, lost: false }
    } catch (thrown) {
      if (isLedgerFailure(thrown)) throw thrown
      await this.host.drop(thrown)
      this.#ports.notify({ kind: 'machine.lost', subject: this.host.machine.name, payload: { why: messageOf(thrown) } })
      return nothing
    }
  }

  async #carryOut(cases: readonly Case[]): Promise<Pick<Round, 'moved' | 'wrote' | 'refused'>> {
    const wrote = await this.#writeTexts(cases)
    const moves = cases.flatMap((each) => moveOf(each) ?? [])
    const moved = new Map(moves.length === 0 ? [] : await this.#shared.write(moves))
    const refused = moves.some(({ id }) => !moved.has(id))
    const written = cases.filter(({ delivery, step }) => step.do === 'take_back' || moved.has(delivery.id))
    for (const undone of await this.#type(written)) moved.set(undone.id, undone)
    return { moved: moves.flatMap(({ id }) => moved.get(id) ?? []), wrote, refused }
  }

  /** Writes the texts that are due to their files, and remembers the lines to type, or why there are none. */
  async #writeTexts(cases: readonly Case[]): Promise<boolean> {
    const due = cases.flatMap(({ delivery, worker, kind, pane, step, seen }) =>
      step.do !== 'write' || worker === undefined || pane === null ? [] : [{ delivery, worker, kind, columns: pane.width, seen }],
    )
    if (due.length === 0) return false
    const lines = await linesFor(due, this.host)
    for (const { delivery, seen } of due) {
      const said = lines.get(delivery.id)
      if (said === undefined) continue
      const unwritten = 'why' in said ? { why: said.why, again: this.#ports.clock.now() + rewrite } : null
      this.#remembered.set(delivery.id, { ...seen, line: 'line' in said ? said.line : null, unwritten })
    }
    return [...lines.values()].some((said) => 'line' in said)
  }

  /** All effects in one round trip. A text that the host refused to place reached nobody: returns those as they are now. */
  async #type(cases: readonly Case[]): Promise<readonly Delivery[]> {
    const effects = cases.flatMap(({ delivery, step, ...each }) => {
      const typing = typingOf({ delivery, step, ...each })
      return typing === null ? [] : [{ delivery, step, typing }]
    })
    const typed = effects.length === 0 ? [] : await this.host.type(effects.map(({ typing }) => typing))
    const undone = effects.flatMap(({ delivery, step }, index): DeliveryMove[] => {
      const { outcome, why } = typed[index] ?? { outcome: 'failed', why: '' }
      if (step.do !== 'place' || outcome !== 'refused') return []
      return [{ id: delivery.id, token: delivery.lease_token, from: 'placing', to: 'refused', evidence: { code: 'nothing_typed', why } }]
    })
    return undone.length === 0 ? [] : [...(await this.#shared.write(undone)).values()]
  }
}

/** The intent that is written before a step's effect; null if the step moves nothing. */
function moveOf({ delivery, seen, step }: Case): DeliveryMove | null {
  const base = { id: delivery.id, token: delivery.lease_token, from: delivery.state }
  const incarnation = seen.incarnation === null || delivery.state !== 'planned' ? {} : { incarnation: seen.incarnation }
  switch (step.do) {
    case 'place':
      return { ...base, to: 'placing', evidence: { code: 'line_placing' }, typed: seen.line ?? '', ...incarnation }
    case 'submit':
      return { ...base, to: step.to, evidence: { code: 'enter_pressing' }, presses: delivery.presses + 1 }
    case 'move':
      return { ...base, to: step.to, evidence: step.evidence, ...(step.proof === undefined ? {} : { proof: step.proof }), ...incarnation }
    case 'abandon':
      return { ...base, to: 'unknown', evidence: step.evidence }
    case 'write':
    case 'take_back':
    case 'wait':
      return null
  }
}

/** What a step types into the pane; null if nothing. */
function typingOf({ delivery, pane, kind, seen, step }: Case): Typing | null {
  if (step.do === 'move' || step.do === 'wait' || step.do === 'write') return null
  if (pane === null || pane.agent_pid === null || seen.look === null) throw new RangeError('an effect needs a live agent')
  const typing = { target: { pane: pane.id, agent_pid: pane.agent_pid }, id: delivery.id }
  if (step.do === 'submit') return { ...typing, submit: kind.submit ?? enter }
  if (step.do === 'place') return { ...typing, place: kind.place(seen.line ?? '', seen.look) }
  return kind.take_back === undefined ? null : { ...typing, submit: kind.take_back }
}
