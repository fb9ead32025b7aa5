/** Formats the fleet's status as lines, for `burn status` and `burn watch`. */
import { counted } from '../core/text.ts'
import type { ReadingState, WorkerId } from '../core/nouns.ts'
import type { MachineReport, StatusReport, Totals, WorkerReport } from '../decide/report.ts'
import type { Io } from './io.ts'
import { keysOf } from '../core/json.ts'
import { driftLine } from '../decide/drift.ts'
import { elsewhereAdvice } from '../decide/report.ts'
import { duration, table } from './table.ts'
import { heldName, sentence } from '../decide/wording.ts'

const colours: Record<ReadingState, Parameters<Io['paint']>[0]> = {
  working: 'green',
  idle: 'cyan',
  waiting: 'yellow',
  starting: 'blue',
  error: 'red',
  dead: 'red',
  unreachable: 'magenta',
  unknown: 'gray',
}

/** Returns the lines for a machine: its totals, then a row per worker. The rows of workers in `bold` are bold. */
export function machineLines(machine: MachineReport, io: Io, now: number, bold: ReadonlySet<WorkerId> = new Set()): string[] {
  const head = `${io.paint('bold', machine.name)}  ${machine.reachable ? totalsLine(machine.totals, io) : io.paint('magenta', `unreachable: ${machine.reason ?? ''}`)}`
  const workers = machine.windows.flatMap((window) => window.workers.map((worker) => ({ window, worker })))
  const rows = workers.map(({ window, worker }) => workerRow(window, worker, io, now))
  const retiring = machine.retiring.map(
    (id) => `  ${io.paint('gray', `${id} is retiring: it is no longer in the spec (burn up --prune ends its pane)`)}`,
  )
  const lines = machine.reachable ? table(['  WINDOW', 'LANE', 'WORKER', 'STATE', 'FOR', 'LIVE', 'EVIDENCE'], rows, io.columns) : []
  const shown = lines.map((line, i) => (bold.has(workers[i - 1]?.worker.id ?? '') ? io.paint('bold', line) : line))
  const remedy = machine.remedy === null ? [] : [`  ${io.paint('gray', machine.remedy)}`]
  return [
    head,
    ...remedy,
    ...shown,
    ...retiring,
    ...driftLines(
      workers.map(({ worker }) => worker),
      io,
    ),
    '',
  ]
}

/** The maximum number of differences that the lines of a machine show. */
const maxDrifts = 10

/** Returns a line for each agent that runs with other settings than it should. */
function driftLines(workers: readonly WorkerReport[], io: Io): string[] {
  const texts = workers.flatMap(({ drift }) => (drift === null ? [] : [driftLine(drift)]))
  const more = texts.length - maxDrifts
  const lines = [...texts.slice(0, maxDrifts), ...(more > 0 ? [`… and ${more} more: burn model drift`] : [])]
  return lines.map((line) => `  ${io.paint('yellow', line)}`)
}

/** Returns the line with the totals of the fleet. */
export function fleetLine({ totals }: StatusReport, io: Io): string {
  return `${io.paint('bold', 'fleet')}  ${totalsLine(totals, io)}`
}

/** Returns a warning with its remedy if another ledger of this fleet has claimed issues; no lines otherwise. */
export function elsewhereLines({ claimed_elsewhere }: StatusReport, io: Io): string[] {
  const advice = elsewhereAdvice(claimed_elsewhere)
  return advice === null ? [] : [io.paint('yellow', advice.what), `  ${advice.remedy}`]
}

/** Returns the table of running sprints. */
export function sprintLines({ sprints }: StatusReport, io: Io, now: number): string[] {
  const rows = sprints.map(({ issue, worker, stage, since }) => [`  ${issue}`, stage, duration(now - Date.parse(since)), worker])
  return rows.length === 0 ? [] : [io.paint('bold', 'sprints'), ...table(['  ISSUE', 'STAGE', 'FOR', 'WORKER'], rows), '']
}

/** Maximum number of rows that `backoffLines` returns. */
const maxRows = 20

/** Returns the table of unread repos, holds, and backed-off issues and repos. Holds on single workers are in the rows of the workers. */
export function backoffLines({ backed_off, holds, unread }: StatusReport, io: Io, now: number): string[] {
  const down = unread.map(({ repo, since, why }) => [`  ${repo}`, `not read for ${duration(now - Date.parse(since))}`, why])
  const backoffs = backed_off.map(({ subject, until, why }) => [
    `  ${subject}`,
    `backed off ${duration(Date.parse(until) - now)} more`,
    sentence(why),
  ])
  const held = holds.flatMap(({ scope, name, code, until, why, actor }) => {
    if (scope === 'worker' || code === 'forge_refused') return []
    const state = until === null ? 'held' : `held ${duration(Date.parse(until) - now)} more`
    return [[`  ${heldName(scope, name)}`, state, `${sentence(why)} (${actor})`]]
  })
  const all = [...down, ...held, ...backoffs]
  const rows = all.slice(0, maxRows)
  if (rows.length === 0) return []
  const more = all.length - rows.length
  if (more > 0) rows.push([`  … and ${more} more`, '', ''])
  return [io.paint('bold', 'no new work'), ...table(['  NAME', 'STATE', 'WHY'], rows, io.columns), '']
}

/** Returns the text of a state and its detail, in the colour of the state. */
export function stateText(state: ReadingState, detail: string | null, io: Io): string {
  return io.paint(colours[state], detail === null ? state : `${state}: ${detail}`)
}

function mangledText({ texts }: WorkerReport): string {
  const issues = texts.flatMap(({ issue, state }) => (state === 'mangled' ? [issue] : []))
  return issues.length === 0 ? '' : `mangled text: ${issues.join(', ')}; `
}

function workerRow(window: { readonly name: string; readonly lane: string }, worker: WorkerReport, io: Io, now: number): string[] {
  const hold = worker.hold === null ? '' : `held: ${worker.hold}; `
  const stopped = worker.stopped === null ? '' : `gets no texts: ${sentence(worker.stopped)}; `
  const evidence = worker.stopped?.code === 'trouble' && worker.stopped.evidence === worker.evidence ? '' : worker.evidence
  return [
    `  ${window.name}`,
    window.lane,
    worker.id.slice(worker.id.lastIndexOf('/') + 1),
    stateText(worker.state, worker.detail, io),
    duration(now - Date.parse(worker.since)),
    String(worker.live_dispatches),
    `${hold}${stopped}${mangledText(worker)}${evidence}`,
  ]
}

function totalsLine(totals: Totals, io: Io): string {
  const states = keysOf(colours)
    .filter((state) => totals[state] > 0)
    .map((state) => io.paint(colours[state], `${totals[state]} ${state}`))
  const more = [
    counted(totals.live_dispatches, 'live dispatch', 'live dispatches'),
    ...(totals.in_review > 0 ? [`${totals.in_review} in review`] : []),
    ...(totals.stale > 0 ? [io.paint('yellow', `${totals.stale} stale`)] : []),
    ...(totals.held > 0 ? [`${totals.held} held`] : []),
  ]
  return `${counted(totals.workers, 'worker')}: ${[...states, ...more].join(' · ')}`
}
