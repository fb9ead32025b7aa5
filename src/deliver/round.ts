/**
 * The deliveries of one machine. Each round takes one snapshot, decides one step of each delivery, writes all steps to the ledger in one
 * transaction, and then types the keys.
 */
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

/** The byte that a terminal sends for Enter. */
const enter = '\r'
/** Pause (ms) before burn retries to write a text to its file. */
const writeRetryPause = 5_000

/** Writes steps to the ledger and returns the deliveries that changed, by id. */
export type WriteMoves = (moves: readonly DeliveryMove[]) => Promise<ReadonlyMap<string, Delivery>>

/** Returns the writer that all machines of a run share. It batches steps that arrive while a write is running. */
export function writerOf({ ledger, clock, owner }: Pick<DeliveryPorts, 'ledger' | 'clock' | 'owner'>): WriteMoves {
  return batchCalls((moves: readonly DeliveryMove[]) => ledger.moveDeliveries(moves, owner, clock.now()))
}

/** The state that all machines of one run share. */
export interface Shared {
  /** The reason of each hold, by worker. */
  readonly holds: ReadonlyMap<WorkerId, Reason>
  readonly breakers: CircuitBreakers | null
  readonly write: WriteMoves
}

/** The result of one round. */
export interface Round {
  readonly moved: readonly Delivery[]
  /**
   * The reasons that deliveries wait, by delivery id. `until` is null if only the agent, or a person who uses its pane, can end the wait.
   */
  readonly waiting: ReadonlyMap<string, { readonly reason: Reason; readonly until: Time | null }>
  /** True if burn wrote texts to files in this round. The next round can then type the lines that name these files. */
  readonly wrote: boolean
  /** True if the ledger refused a step, because another process ended the delivery or has its lease. */
  readonly refused: boolean
  /** True if the machine is unreachable. The deliveries are then unchanged. */
  readonly lost: boolean
}

const lostRound: Round = { moved: [], waiting: new Map(), wrote: false, refused: false, lost: true }

/** Carries out the deliveries to the panes of one machine. */
export class MachineDeliveries {
  /** The current deliveries, updated by each round. */
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

  /**
   * Runs one round. If `stopping`, it types no further text, but completes the deliveries whose text is in a composer. Throws only if the
   * ledger fails.
   */
  async round(stopping: boolean): Promise<Round> {
    const round = await this.#round(stopping)
    // After a lost connection or a refused step, only the ledger has the current states.
    const ids = this.all.map(({ id }) => id)
    const changed = round.lost || round.refused ? await this.#ports.ledger.deliveries({ ids }) : round.moved
    const byId = new Map(changed.map((delivery) => [delivery.id, delivery]))
    this.all = this.all.map((delivery) => byId.get(delivery.id) ?? delivery)
    return round
  }

  async #round(stopping: boolean): Promise<Round> {
    const { snapshot, screens } = await this.host.snapshotWithScreens()
    if (snapshot.state !== 'up') return lostRound
    const open = this.all.filter(({ state }) => activeStates.includes(state) || state === 'unknown')
    try {
      const context = { ...this.#shared, remembered: this.#remembered, ports: this.#ports }
      const cases = await stepsFor(this.host, { snapshot, screens }, open, context)
      const waiting = new Map(cases.flatMap(({ delivery, step }) => (step.do === 'wait' ? [[delivery.id, step] as const] : [])))
      const begins = ({ delivery, step }: Case) => step.do === 'write' || (step.do === 'place' && delivery.state === 'planned')
      const due = cases.filter((each) => each.step.do !== 'wait' && !(stopping && begins(each)))
      const { unwritten, ...carried } = await this.#carryOut(due)
      return { ...carried, waiting: new Map([...waiting, ...unwritten]), lost: false }
    } catch (thrown) {
      if (isLedgerFailure(thrown)) throw thrown
      await this.host.drop(thrown)
      this.#ports.notify({ kind: 'machine.lost', subject: this.host.machine.name, payload: { why: messageOf(thrown) } })
      return lostRound
    }
  }

  async #carryOut(cases: readonly Case[]): Promise<Pick<Round, 'moved' | 'wrote' | 'refused'> & { readonly unwritten: Round['waiting'] }> {
    const { wrote, unwritten } = await this.#writeTexts(cases)
    const moves = cases.flatMap((each) => moveOf(each) ?? [])
    const moved = new Map(moves.length === 0 ? [] : await this.#shared.write(moves))
    const refused = moves.some(({ id }) => !moved.has(id))
    const written = cases.filter(({ delivery, step }) => {
      if (step.do === 'place') return moved.get(delivery.id)?.state === 'placing'
      return step.do === 'take_back' || step.do === 'close_menu' || moved.has(delivery.id)
    })
    for (const undone of await this.#type(written)) moved.set(undone.id, undone)
    return { moved: moves.flatMap(({ id }) => moved.get(id) ?? []), wrote, refused, unwritten }
  }

  /**
   * Writes texts to their files, and stores the line to type or the error for the next round. `wrote`: it wrote at least one file.
   * `unwritten`: the deliveries that wait because the write failed.
   */
  async #writeTexts(cases: readonly Case[]): Promise<{ readonly wrote: boolean; readonly unwritten: Round['waiting'] }> {
    const due = cases.flatMap(({ delivery, worker, kind, pane, step, seen }) =>
      step.do !== 'write' || worker === undefined || pane === null ? [] : [{ delivery, worker, kind, columns: pane.width, seen }],
    )
    const failed = new Map<string, { readonly reason: Reason; readonly until: Time }>()
    if (due.length === 0) return { wrote: false, unwritten: failed }
    const lines = await linesFor(due, this.host)
    for (const { delivery, seen } of due) {
      const prepared = lines.get(delivery.id)
      if (prepared === undefined) continue
      const unwritten = 'why' in prepared ? { why: prepared.why, again: this.#ports.clock.now() + writeRetryPause } : null
      if (unwritten !== null) failed.set(delivery.id, { reason: unwritten.why, until: unwritten.again })
      this.#remembered.set(delivery.id, { ...seen, line: 'line' in prepared ? prepared.line : null, unwritten })
    }
    return { wrote: failed.size < lines.size, unwritten: failed }
  }

  /** Types all keys in one round trip. Returns the deliveries whose line the host refused to type: their texts reached no agent. */
  async #type(cases: readonly Case[]): Promise<readonly Delivery[]> {
    const effects = cases.flatMap(({ delivery, step, ...each }) => {
      const typing = typingOf({ delivery, step, ...each })
      return typing === null ? [] : [{ delivery, step, typing }]
    })
    const typed = effects.length === 0 ? [] : await this.host.type(effects.map(({ typing }) => typing))
    // Until the agent has closed its menu, the screen looks the same, and burn would press the key again.
    if (effects.some(({ step }) => step.do === 'close_menu')) await this.#ports.clock.sleep(menuPause)
    const undone = effects.flatMap(({ delivery, step }, index): DeliveryMove[] => {
      const { outcome, why } = typed[index] ?? { outcome: 'failed', why: '' }
      // A second attempt proves nothing about the first: another process may have typed the line meanwhile.
      if (step.do !== 'place' || outcome !== 'refused' || delivery.state !== 'planned') return []
      return [{ id: delivery.id, token: delivery.lease_token, from: 'placing', to: 'refused', evidence: { code: 'nothing_typed', why } }]
    })
    return undone.length === 0 ? [] : [...(await this.#shared.write(undone)).values()]
  }
}

/** The time (ms) for an agent to close a menu. */
const menuPause = 1_000

/** Returns the state change that burn stores before it carries out a step; null if the step does not change the delivery. */
function moveOf({ delivery, seen, step }: Case): DeliveryMove | null {
  const base = { id: delivery.id, token: delivery.lease_token, from: delivery.state }
  const incarnation = seen.incarnation === null || delivery.state !== 'planned' ? {} : { incarnation: seen.incarnation }
  switch (step.do) {
    case 'place':
      return { ...base, to: 'placing', evidence: { code: 'line_placing', after: seen.last_text }, typed: seen.line ?? '', ...incarnation }
    case 'submit':
      return { ...base, to: step.to, evidence: { code: 'enter_pressing' }, presses: delivery.presses + 1 }
    case 'move':
      return { ...base, to: step.to, evidence: step.evidence, ...(step.proof === undefined ? {} : { proof: step.proof }), ...incarnation }
    case 'abandon':
      return { ...base, to: 'unknown', evidence: step.evidence }
    case 'write':
    case 'take_back':
    case 'close_menu':
    case 'wait':
      return null
  }
}

/** Returns the keys that a step types into the pane; null if it types none. */
function typingOf({ delivery, pane, kind, seen, step }: Case): Typing | null {
  if (step.do === 'move' || step.do === 'wait' || step.do === 'write') return null
  if (pane === null || pane.agent_pid === null || seen.parsed === null) throw new RangeError('burn types only to a live agent')
  const typing = { target: { pane: pane.id, agent_pid: pane.agent_pid }, id: delivery.id }
  if (step.do === 'submit') return { ...typing, submit: kind.submit ?? enter }
  if (step.do === 'place') return { ...typing, place: kind.place(seen.line ?? '', seen.parsed), after: seen.last_text }
  const keys = step.do === 'close_menu' ? seen.parsed.closes_menu : kind.take_back
  return keys === undefined ? null : { ...typing, submit: keys }
}
