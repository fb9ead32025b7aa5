/** Formats the fleet's status as lines, for `burn status` and `burn watch`. */
import type { ReadingState } from '../core/nouns.ts'
import type { MachineReport, StatusReport, Totals, WorkerReport } from '../decide/report.ts'
import type { WorkerCondition } from '../decide/worker-condition.ts'
import type { Io } from './io.ts'
import { keysOf } from '../core/json.ts'
import { counted, oneLine } from '../core/text.ts'
import { driftLine } from '../decide/drift.ts'
import { elsewhereAdvice, workersIn } from '../decide/report.ts'
import { duration, table } from './table.ts'
import { wrap } from './wrap.ts'
import { needText } from '../decide/needs.ts'
import { heldName, sentence, unreachableText } from '../decide/wording.ts'

/** A state of a worker, or what the state means. */
type Condition = ReadingState | WorkerCondition

/** The colours of all conditions. Those that need a person come first. */
const colours: Record<Condition, Parameters<Io['paint']>[0]> = {
  waiting: 'yellow',
  error: 'red',
  dead: 'red',
  unknown: 'gray',
  unreachable: 'magenta',
  limited: 'red',
  idle_with_work: 'yellow',
  working: 'green',
  starting: 'blue',
  idle: 'cyan',
  not_started: 'gray',
  retiring: 'magenta',
  retired: 'gray',
}

const ranks = new Map(keysOf(colours).map((condition, rank) => [condition, rank]))

/** Returns the rank of a worker by the attention that it needs; 0 needs it most. */
export function attentionOf({ condition, state }: WorkerReport): number {
  return ranks.get(condition ?? state) ?? 0
}

const nameOfCondition = (condition: Condition) => (condition === 'limited' ? 'usage limit' : condition.replaceAll('_', ' '))

/** Returns the lines for a machine: its totals, then a row per worker. */
export function machineLines(machine: MachineReport, io: Io, now: number): string[] {
  const head = machine.reachable
    ? `${io.paint('bold', machine.name)}  ${totalsLine(machine.totals, workersIn([machine]), io)}`
    : io.paint('magenta', unreachableText(machine.name, machine.reason ?? ''))
  const workers = machine.windows.flatMap((window) => window.workers.map((worker) => ({ window, worker })))
  const rows = workers.map(({ window, worker }) => [window.name, window.lane, nameOf(worker.id), ...workerCells(worker, io, now)])
  const heads = ['WINDOW', 'LANE', 'WORKER', ...stateHeads]
  const retiring = machine.retiring.map((id) =>
    io.paint('gray', `${id} is retiring: it is no longer in the spec (burn up --prune ends its pane)`),
  )
  return [
    ...wrap(head, io.columns, '  '),
    ...indented(machine.remedy === null ? [] : [io.paint('gray', machine.remedy)], io),
    ...(machine.reachable ? insetTable(heads, rows, io, ['LANE', 'WINDOW', 'EVIDENCE', 'FOR']) : []),
    ...indented(retiring, io),
    ...driftLines(
      workers.map(({ worker }) => worker),
      io,
    ),
    '',
  ]
}

/** Returns the texts as lines that begin with two blanks and fit the terminal. */
function indented(texts: readonly string[], io: Io): string[] {
  return texts.flatMap((text) => wrap(`  ${text}`, io.columns, '    '))
}

const nameOf = (id: string) => id.slice(id.lastIndexOf('/') + 1)

/** The maximum number of differences that the lines of a machine show. */
const maxDrifts = 10

/** Returns a line for each agent that runs with other settings than it should. */
export function driftLines(workers: readonly WorkerReport[], io: Io): string[] {
  const texts = workers.flatMap(({ drift }) => (drift === null ? [] : [driftLine(drift)]))
  const more = texts.length - maxDrifts
  const lines = [...texts.slice(0, maxDrifts), ...(more > 0 ? [`… and ${more} more: burn model drift`] : [])]
  return indented(
    lines.map((line) => io.paint('yellow', line)),
    io,
  )
}

/** Returns the totals of the fleet in one line. */
export function fleetTotals({ totals, machines }: StatusReport, io: Io): string {
  return totalsLine(totals, workersIn(machines), io)
}

/** Returns a warning with its remedy if another ledger of this fleet has claimed issues; no lines otherwise. */
export function elsewhereLines({ claimed_elsewhere }: StatusReport, io: Io): string[] {
  const advice = elsewhereAdvice(claimed_elsewhere)
  return advice === null ? [] : [...wrap(io.paint('yellow', advice.what), io.columns, '  '), ...indented([advice.remedy], io)]
}

/** Returns the table of running sprints. */
export function sprintLines({ sprints }: StatusReport, io: Io, now: number): string[] {
  const rows = sprints.map(({ issue, worker, stage, since }) => [issue, stage, duration(now - Date.parse(since)), worker])
  return rows.length === 0
    ? []
    : [io.paint('bold', 'sprints'), ...insetTable(['ISSUE', 'STAGE', 'FOR', 'WORKER'], rows, io, ['WORKER', 'FOR']), '']
}

/** The maximum number of lines of `needLines`. */
const maxNeeds = 10

/** Returns the issues and changes that need a person. The rows of the workers show the questions. */
export function needLines({ needs_you }: StatusReport, io: Io, now: number): string[] {
  const all = needs_you.filter(({ kind }) => kind !== 'question')
  if (all.length === 0) return []
  const more = all.length - maxNeeds
  const texts = all.slice(0, maxNeeds).map((need) => {
    const { subject, since, remedy } = need
    return `${subject}${since === null ? '' : ` for ${duration(now - Date.parse(since))}`}: ${needText(need)} (${remedy})`
  })
  const rest = more > 0 ? [`… and ${more} more: burn report`] : []
  return [io.paint('bold', 'needs you'), ...indented([...texts, ...rest], io), '']
}

/** Maximum number of rows that `backoffLines` returns. */
const maxRows = 20

/** Returns the list of unread repos, holds, and backed-off issues and repos. Holds on single workers are in the rows of the workers. */
export function backoffLines({ backed_off, holds, unread }: StatusReport, io: Io, now: number): string[] {
  const down = unread.map(({ repo, since, why }) => [repo, `not read for ${duration(now - Date.parse(since))}`, why])
  const backoffs = backed_off.map(({ subject, until, why }) => [
    subject,
    `backed off ${duration(Date.parse(until) - now)} more`,
    sentence(why),
  ])
  const held = holds.flatMap(({ scope, name, code, until, why, actor }) => {
    if (scope === 'worker' || code === 'forge_refused') return []
    const state = until === null ? 'held' : `held ${duration(Date.parse(until) - now)} more`
    return [[heldName(scope, name), state, `${sentence(why)} (${actor})`]]
  })
  const all = [...down, ...held, ...backoffs]
  const rows = all.slice(0, maxRows)
  if (rows.length === 0) return []
  const more = all.length - rows.length
  // A reason may end with its remedy, so it must not be cut.
  const texts = rows.map(([name, state, why]) => `${name} ${state}: ${why}`)
  return [io.paint('bold', 'no new work'), ...indented([...texts, ...(more > 0 ? [`… and ${more} more`] : [])], io), '']
}

/** Returns the text of a state and its detail, in the colour of the state. */
export function stateText(state: ReadingState, detail: string | null, io: Io): string {
  return io.paint(colours[state], detail === null ? state : `${state}: ${detail}`)
}

function mangledText({ texts }: WorkerReport): string {
  const issues = texts.flatMap(({ issue, state }) => (state === 'mangled' ? [issue] : []))
  return issues.length === 0 ? '' : `mangled text: ${issues.join(', ')}`
}

/** The heads of `workerCells`. */
export const stateHeads: readonly string[] = ['STATE', 'FOR', 'ISSUE', 'EVIDENCE']

/** Returns the cells of a worker: its state, the age of the state, its issue and the evidence. */
export function workerCells(worker: WorkerReport, io: Io, now: number): string[] {
  const isRepeated = worker.stopped?.code === 'trouble' && worker.stopped.evidence === worker.evidence
  const evidence = isRepeated || worker.condition === 'retired' ? '' : worker.question === null ? worker.evidence : oneLine(worker.question)
  const [issue = '', ...others] = worker.issues
  return [
    conditionText(worker, io),
    ageText(worker, now),
    `${issue}${others.length === 0 ? '' : ` +${others.length}`}`,
    [
      worker.hold === null ? '' : `held: ${worker.hold}`,
      worker.stopped === null ? '' : `gets no texts: ${sentence(worker.stopped)}`,
      mangledText(worker),
      evidence,
    ]
      .filter((part) => part !== '')
      .join('; '),
  ]
}

/** Returns the state of a worker with its meaning, in a colour. */
function conditionText({ condition, state, detail }: WorkerReport, io: Io): string {
  if (condition === null) return stateText(state, detail, io)
  if (condition === 'retiring') return `${stateText(state, detail, io)}, ${io.paint(colours.retiring, 'retiring')}`
  return io.paint(colours[condition], nameOfCondition(condition))
}

/** Returns the age of a worker's state; empty for a worker that never had an agent. */
function ageText({ condition, since, start_seen }: WorkerReport, now: number): string {
  if (condition === 'not_started' || condition === 'retired') return ''
  const age = duration(now - Date.parse(since))
  return start_seen ? age : `at least ${age}`
}

/** Returns the totals in one line. A worker with a condition counts under the name of the condition, not of its state. */
function totalsLine(totals: Totals, workers: readonly WorkerReport[], io: Io): string {
  const byName = Map.groupBy(workers, ({ condition, state }) => condition ?? state)
  const states = keysOf(colours).flatMap((name) => {
    const count = byName.get(name)?.length ?? 0
    return count === 0 ? [] : [io.paint(colours[name], `${count} ${nameOfCondition(name)}`)]
  })
  const more = [
    counted(totals.live_dispatches, 'live dispatch', 'live dispatches'),
    ...(totals.in_review > 0 ? [`${totals.in_review} in review`] : []),
    ...(totals.stale > 0 ? [io.paint('yellow', `${totals.stale} stale`)] : []),
    ...(totals.held > 0 ? [`${totals.held} held`] : []),
  ]
  return `${counted(totals.workers, 'worker')}: ${[...states, ...more].join(' · ')}`
}

function insetTable(head: readonly string[], rows: readonly (readonly string[])[], io: Io, drop: readonly string[]): string[] {
  return table(head, rows, io.columns - 2, drop).map((line) => `  ${line}`)
}
