/** What the demo says at its end. */
import type { Outcome } from './verify.ts'
import type { Stage } from './stage.ts'
import type { Io } from '../src/cli/io.ts'
import { fit, table } from '../src/cli/table.ts'
import { command, lookInto } from './burn.ts'
import { lanes } from './stage.ts'

export interface Ending {
  readonly outcomes: readonly Outcome[]
  readonly seconds: number
  readonly keep: boolean
  /** The person's own terminal is a tmux pane. */
  readonly inside: boolean
}

export function sayOutcomes({ outcomes, seconds }: Ending, io: Io): void {
  for (const line of outcomeTable(outcomes, io)) io.out(line)
  io.out('')
  for (const line of closing(outcomes, seconds)) io.out(line)
}

export function sayFurther({ keep, inside }: Ending, stage: Stage, io: Io): void {
  for (const line of ['', ...further(stage, keep, inside), '', ...own()]) io.out(line)
}

/** What has no branch says why instead, across the columns that it leaves empty. */
function outcomeTable(outcomes: readonly Outcome[], io: Io): string[] {
  const width = io.tty ? io.width : Infinity
  const done = outcomes.map(({ worker, branch, change, wrong }) => [worker ?? '', branch ?? '', wrong ?? change])
  const [doneHead = '', ...doneRows] = table(
    ['WORKER', 'BRANCH', 'CHANGE'],
    done.map((row, index) => (hasChange(outcomes[index]) ? row : ['', '', ''])),
  )
  const title = Math.max(12, width - longestChange)
  const rows = outcomes.map(({ issue, worker, wrong, change }, index) => {
    const text = hasChange(outcomes[index])
      ? (doneRows[index] ?? '')
      : [worker?.padEnd(10), wrong ?? change].filter((part) => part !== undefined).join('  ')
    return [markOf(outcomes[index]), `${issue.repo}#${issue.number}`, fit(issue.title, title), text]
  })
  const [head = '', ...lines] = table(['', 'ISSUE', 'TITLE', doneHead], rows, width)
  return [io.paint('bold', head), ...lines.map((line, index) => painted(line, outcomes[index], io))]
}

/** Columns beside the title: mark, issue, worker, branch, and enough of the change. */
const longestChange = 85

const hasChange = (outcome: Outcome | undefined) => outcome?.wrong === null && outcome.branch !== null

function markOf(outcome: Outcome | undefined): string {
  if (outcome?.wrong !== null) return '✗'
  if (outcome.branch !== null) return '✓'
  return outcome.worker === null ? '-' : '?'
}

function painted(line: string, outcome: Outcome | undefined, io: Io): string {
  if (outcome?.wrong !== null) return io.paint('red', line)
  if (outcome.branch !== null) return io.paint('green', line.slice(0, 1)) + line.slice(1)
  return io.paint(outcome.worker === null ? 'gray' : 'yellow', line)
}

function closing(outcomes: readonly Outcome[], seconds: number): string[] {
  const wrong = outcomes.filter((each) => each.wrong !== null).length
  const changes = outcomes.filter((each) => each.wrong === null && each.branch !== null)
  const workers = new Set(changes.map(({ worker }) => worker)).size
  const count = (kind: string) => outcomes.filter(({ issue, wrong: why }) => why === null && issue.fate.kind === kind).length
  return [
    `${changes.length} changes by ${workers} workers wait for your review, ${count('council')} question went to the council, ${count('skip')} issues were left alone (${seconds.toFixed(0)} s).`,
    wrong === 0
      ? 'Each branch was compared with what its issue asks for, by git: all are right.'
      : `${wrong} of ${outcomes.length} issues did not become what they should have: see ✗ above.`,
  ]
}

function further(stage: Stage, keep: boolean, inside: boolean): string[] {
  const kept = [
    'The fleet is still up:',
    `  ${lookInto(stage, lanes[0].name, inside)}    look into a lane (Ctrl-b n: the next, Ctrl-b d: leave)`,
    `  ${command} status --spec ${stage.spec}    what everyone is doing`,
    `  tmux -L ${stage.socket} kill-server    end it`,
  ]
  return [
    ...(keep ? kept : ['The fleet has ended. To look into its panes, keep it up:  npm run demo -- --keep']),
    `Issues, branches, reviews and the ledger are in ${stage.dir}; delete it when you have seen enough.`,
  ]
}

/** The two lines of the spec that make it one's own. */
function own(): string[] {
  return [
    'Your own forge: in a copy of its fleet-spec.json change two lines, and name your repos in "windows":',
    '  "forge": { "kind": "gitea", "url": "https://forge.example.com", "owner": "you" },',
    '  "agent": { "kind": "hermes" },',
    'The token goes into ~/.config/burn-fleet/token, readable by you alone (chmod 600).',
  ]
}
