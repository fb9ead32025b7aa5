/** Judges deliveries by the logs of the stand-in agents. */
import type { Delivery } from '../../src/core/lifecycle.ts'
import { existsSync } from 'node:fs'
import type { LogLine, SoakFleet } from './fleet.ts'
import type { Round, Trouble } from './trouble.ts'
import { executed } from './texts.ts'
import { said } from '../support/reasons.ts'

/** The results of all rounds so far. */
export interface Tally {
  /** The number of deliveries by trouble and final state. */
  readonly outcomes: Map<Trouble, Map<string, number>>
  readonly violations: string[]
  /** How often agents received each delivery. */
  readonly received: Map<string, number>
  /** Deliveries that reached nobody according to the ledger. */
  readonly refused: Set<string>
  /** The times of the questions that the person answered, by worker. */
  readonly answered: Map<string, Set<number>>
  deliveries: number
}

/** Returns an empty tally. */
export function newTally(): Tally {
  return { outcomes: new Map(), violations: [], received: new Map(), refused: new Set(), answered: new Map(), deliveries: 0 }
}

/**
 * Troubles after which a delivery may be `unknown`: the agent or the connection is gone, or Enter shows no effect while the agent works.
 */
const ambiguous: readonly Trouble[] = ['death', 'cut', 'question', 'copy mode']

/** Returns a text without blanks at the ends of lines, which agents may drop. */
const plain = (text: string) => text.replaceAll(/[ \t]+$/gm, '').trim()

/** Adds the results of a round to `tally`. `before`: the number of log lines of each worker at the start of the round. */
export function judge(
  fleet: SoakFleet,
  round: Round,
  sent: readonly { readonly delivery: Delivery; readonly text: string }[],
  before: ReadonlyMap<string, number>,
  tally: Tally,
): void {
  // The lines of this round. `tally.received` finds texts of earlier rounds that arrive again.
  const logs = new Map(fleet.workers.map((worker) => [worker, fleet.log(worker).slice(before.get(worker) ?? 0)]))
  for (const { delivery, text } of sent) {
    tally.deliveries += 1
    if (delivery.state === 'refused') tally.refused.add(delivery.id)
    const troubles = round.troubles.get(delivery.worker) ?? new Set<Trouble>()
    for (const trouble of troubles.size === 0 ? (['none'] as const) : troubles) count(tally, trouble, delivery.state)
    for (const problem of problemsOf(delivery, text, logs, troubles))
      tally.violations.push(
        `${delivery.id} of ${text.length} B to ${delivery.worker} (${[...troubles].join(', ')}): ${problem}; its agent: ${story(logs.get(delivery.worker) ?? [])}; its pane:\n${fleet.tmux(delivery.worker, 'capture-pane', '-p', '-t', fleet.pane(delivery.worker))}`,
      )
  }
  for (const worker of round.destroyed)
    tally.violations.push(`${worker}: the draft ${round.drafts.get(worker)} is gone, but the person did not clear it`)
  if (existsSync(executed)) tally.violations.push(`a text was executed: ${executed}`)
  for (const [worker, fresh] of logs) {
    for (const id of fresh.flatMap(({ event, text = '' }) =>
      event === 'received' ? (/\[burn ([0-9a-z]{13})\]/.exec(text)?.[1] ?? []) : [],
    )) {
      tally.received.set(id, (tally.received.get(id) ?? 0) + 1)
      if (tally.refused.has(id)) tally.violations.push(`${worker}: received ${id}, which was refused`)
      if (tally.received.get(id) === 2) tally.violations.push(`${worker}: received ${id} again`)
    }
    for (const { at } of answersNotByPerson(fleet.log(worker), before.get(worker) ?? 0, round.answered.get(worker) ?? new Set()))
      tally.violations.push(`${worker}: the question of ${at % 1_000_000} was answered, but not by the person; its agent: ${story(fresh)}`)
    const draft = round.drafts.get(worker)
    if (draft !== undefined && fresh.some(({ event, text = '' }) => event === 'received' && text.includes(draft)))
      tally.violations.push(`${worker}: the draft ${draft} was sent`)
    if (fresh.some(({ event }) => event === 'interrupted')) tally.violations.push(`${worker}: a running turn was cut`)
  }
}

/** Returns the questions that were answered from line `from` on, but not by the person in this round or the previous one. */
function answersNotByPerson(log: readonly LogLine[], from: number, byPerson: ReadonlySet<number>): LogLine[] {
  return log.flatMap(({ event, kind }, index) => {
    if (index < from || event !== 'answered' || kind === undefined) return []
    const asked = log.slice(0, index).findLast((line) => line.event === 'asked')
    return asked === undefined || byPerson.has(asked.at) ? [] : [asked]
  })
}

/** Returns the events of an agent in this round, to help find the cause. */
const story = (lines: readonly LogLine[]) => lines.map(({ at, event }) => `${event}@${at % 1_000_000}`).join(' ')

function problemsOf(
  { id, worker, state, evidence }: Delivery,
  text: string,
  logs: ReadonlyMap<string, readonly LogLine[]>,
  troubles: ReadonlySet<Trouble>,
): string[] {
  const found: string[] = []
  const got = [...logs].flatMap(([who, lines]) =>
    lines.filter(({ event, text: full = '' }) => event === 'received' && full.includes(id)).map((line) => ({ who, full: line.text ?? '' })),
  )
  if (got.length > 1) found.push(`received ${got.length} times`)
  if (got.some(({ who }) => who !== worker)) found.push(`received by ${got.map(({ who }) => who).join(', ')}`)
  if (got.some(({ full }) => !plain(full).includes(plain(text)))) found.push('received incomplete')
  if ((state === 'seen' || state === 'submitted') && got.length === 0) found.push(`${state} (${said(evidence)}), but never received`)
  if (state === 'refused' && got.length > 0) found.push(`refused (${said(evidence)}), but received`)
  if (state === 'planned' || state === 'placing' || state === 'placed') found.push(`did not end: ${state}`)
  if (state === 'unknown' && !ambiguous.some((trouble) => troubles.has(trouble)))
    found.push(`unknown (${said(evidence)}) without a reason; ${got.length === 0 ? 'never received' : 'received'}`)
  return found
}

function count({ outcomes }: Tally, trouble: Trouble, state: string): void {
  const row = outcomes.get(trouble) ?? new Map<string, number>()
  outcomes.set(trouble, row.set(state, (row.get(state) ?? 0) + 1))
}
