/** Judges deliveries by what the agents themselves wrote down that they received. */
import type { Delivery } from '../../src/core/lifecycle.ts'
import { existsSync } from 'node:fs'
import type { SoakFleet, Told } from './fleet.ts'
import type { Round, Trouble } from './trouble.ts'
import { executed } from './texts.ts'
import { said } from '../support/reasons.ts'

export interface Tally {
  /** By trouble, how often each state was the end. */
  readonly outcomes: Map<Trouble, Map<string, number>>
  readonly violations: string[]
  /** How often each delivery was received, over all rounds. */
  readonly received: Map<string, number>
  /** Deliveries that the ledger says reached nobody. */
  readonly refused: Set<string>
  /** When the questions were asked that the person answered, over all rounds, by worker. */
  readonly answered: Map<string, Set<number>>
  deliveries: number
}

export function newTally(): Tally {
  return { outcomes: new Map(), violations: [], received: new Map(), refused: new Set(), answered: new Map(), deliveries: 0 }
}

/** What may leave it open whether a text was taken: the agent is gone, the connection was, or Enter shows nothing while it works. */
const ambiguous: readonly Trouble[] = ['death', 'cut', 'question', 'copy mode']

/** Blanks at ends of rows and at the end are nobody's loss. */
const plain = (text: string) => text.replaceAll(/[ \t]+$/gm, '').trim()

export function judge(
  fleet: SoakFleet,
  round: Round,
  sent: readonly { readonly delivery: Delivery; readonly text: string }[],
  before: ReadonlyMap<string, number>,
  tally: Tally,
): void {
  // Only what was told in this round; a text of an earlier one that comes again is caught by its count.
  const told = new Map(fleet.workers.map((worker) => [worker, fleet.told(worker).slice(before.get(worker) ?? 0)]))
  for (const { delivery, text } of sent) {
    tally.deliveries += 1
    if (delivery.state === 'refused') tally.refused.add(delivery.id)
    const troubles = round.troubles.get(delivery.worker) ?? new Set<Trouble>()
    for (const trouble of troubles.size === 0 ? (['none'] as const) : troubles) count(tally, trouble, delivery.state)
    for (const wrong of wrongs(delivery, text, told, troubles))
      tally.violations.push(
        `${delivery.id} of ${text.length} B to ${delivery.worker} (${[...troubles].join(', ')}): ${wrong}; its agent: ${story(told.get(delivery.worker) ?? [])}; its pane:\n${fleet.tmux(delivery.worker, 'capture-pane', '-p', '-t', fleet.pane(delivery.worker))}`,
      )
  }
  for (const worker of round.destroyed)
    tally.violations.push(`${worker}: the draft ${round.drafts.get(worker)} is gone, and nobody took it`)
  if (existsSync(executed)) tally.violations.push(`a text was executed: ${executed}`)
  for (const [worker, fresh] of told) {
    for (const id of fresh.flatMap(({ event, text = '' }) =>
      event === 'received' ? (/\[burn ([0-9a-z]{13})\]/.exec(text)?.[1] ?? []) : [],
    )) {
      tally.received.set(id, (tally.received.get(id) ?? 0) + 1)
      if (tally.refused.has(id)) tally.violations.push(`${worker}: received ${id}, which was refused`)
      if (tally.received.get(id) === 2) tally.violations.push(`${worker}: received ${id} again`)
    }
    for (const { at } of answeredByNobody(fleet.told(worker), before.get(worker) ?? 0, round.answered.get(worker) ?? new Set()))
      tally.violations.push(`${worker}: the question of ${at % 1_000_000} was answered, and not by the person; its agent: ${story(fresh)}`)
    const draft = round.drafts.get(worker)
    if (draft !== undefined && fresh.some(({ event, text = '' }) => event === 'received' && text.includes(draft)))
      tally.violations.push(`${worker}: the draft ${draft} was sent`)
    if (fresh.some(({ event }) => event === 'interrupted')) tally.violations.push(`${worker}: a running turn was cut`)
  }
}

/** Questions whose answer the agent noted from line `from` on, and that the person did not answer: in this round, or in the one before it. */
function answeredByNobody(told: readonly Told[], from: number, byPerson: ReadonlySet<number>): Told[] {
  return told.flatMap(({ event, kind }, index) => {
    if (index < from || event !== 'answered' || kind === undefined) return []
    const asked = told.slice(0, index).findLast((line) => line.event === 'asked')
    return asked === undefined || byPerson.has(asked.at) ? [] : [asked]
  })
}

/** What an agent did in this round, for whoever has to find out why. */
const story = (lines: readonly Told[]) => lines.map(({ at, event }) => `${event}@${at % 1_000_000}`).join(' ')

function wrongs(
  { id, worker, state, evidence }: Delivery,
  text: string,
  told: ReadonlyMap<string, readonly Told[]>,
  troubles: ReadonlySet<Trouble>,
): string[] {
  const found: string[] = []
  const got = [...told].flatMap(([who, lines]) =>
    lines.filter(({ event, text: full = '' }) => event === 'received' && full.includes(id)).map((line) => ({ who, full: line.text ?? '' })),
  )
  if (got.length > 1) found.push(`received ${got.length} times`)
  if (got.some(({ who }) => who !== worker)) found.push(`received by ${got.map(({ who }) => who).join(', ')}`)
  if (got.some(({ full }) => !plain(full).includes(plain(text)))) found.push('received, but not whole')
  if ((state === 'seen' || state === 'submitted') && got.length === 0) found.push(`${state} (${said(evidence)}), and never received`)
  if (state === 'refused' && got.length > 0) found.push(`refused (${said(evidence)}), and received`)
  if (state === 'planned' || state === 'placing' || state === 'placed') found.push(`it never ended: ${state}`)
  if (state === 'unknown' && !ambiguous.some((trouble) => troubles.has(trouble)))
    found.push(`unknown (${said(evidence)}) without a reason; ${got.length === 0 ? 'never received' : 'received'}`)
  return found
}

function count({ outcomes }: Tally, trouble: Trouble, state: string): void {
  const row = outcomes.get(trouble) ?? new Map<string, number>()
  outcomes.set(trouble, row.set(state, (row.get(state) ?? 0) + 1))
}
