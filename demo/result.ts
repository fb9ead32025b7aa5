/** Prints the results of the demo. */
import type { Outcome } from './verify.ts'
import type { DemoSetup } from './setup.ts'
import type { Io } from '../src/cli/io.ts'
import { table } from '../src/cli/table.ts'
import { fit } from '../src/cli/wrap.ts'
import { counted } from '../src/core/text.ts'
import { attachCommand, command } from './burn.ts'
import { lanes } from './setup.ts'

/** How a demo ended. */
export interface Ending {
  readonly outcomes: readonly Outcome[]
  readonly seconds: number
  readonly keep: boolean
  /** Whether the person's terminal is a tmux pane. */
  readonly inside: boolean
}

/** Prints the table of outcomes and the totals. */
export function printOutcomes({ outcomes, seconds }: Ending, io: Io): void {
  for (const line of outcomeTable(outcomes, io)) io.out(line)
  io.out('')
  for (const line of closing(outcomes, seconds)) io.out(line)
}

/** Prints how to look at the results, and how to use another forge. */
export function printNextSteps({ keep, inside }: Ending, setup: DemoSetup, io: Io): void {
  for (const line of ['', ...whereToLook(setup, keep, inside), '', ...otherForge()]) io.out(line)
}

/** Returns the table of outcomes. If an issue has no branch, its row has the reason in the columns of branch and change. */
function outcomeTable(outcomes: readonly Outcome[], io: Io): string[] {
  const width = io.tty ? io.width : Infinity
  const done = outcomes.map(({ worker, branch, change, wrong }) => [worker ?? '', branch ?? '', wrong ?? change])
  const [doneHead = '', ...doneRows] = table(
    ['WORKER', 'BRANCH', 'CHANGE'],
    done.map((row, index) => (hasChange(outcomes[index]) ? row : ['', '', ''])),
  )
  const title = Math.max(12, width - otherColumns)
  const rows = outcomes.map(({ issue, worker, wrong, change }, index) => {
    const text = hasChange(outcomes[index])
      ? (doneRows[index] ?? '')
      : [worker?.padEnd(10), wrong ?? change].filter((part) => part !== undefined).join('  ')
    return [markOf(outcomes[index]), `${issue.repo}#${issue.number}`, fit(issue.title, title), text]
  })
  const [head = '', ...lines] = table(['', 'ISSUE', 'TITLE', doneHead], rows, width)
  return [io.paint('bold', head), ...lines.map((line, index) => painted(line, outcomes[index], io))]
}

/** Width (in characters) that the table needs for its columns other than the title. */
const otherColumns = 85

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
  const count = (kind: string) => outcomes.filter(({ issue, wrong: why }) => why === null && issue.expected.kind === kind).length
  return [
    `${counted(changes.length, 'change')} by ${counted(workers, 'worker')} for your review, ${counted(count('council'), 'question')} to the council, ${counted(count('skip'), 'issue')} not assigned (${seconds.toFixed(0)} s).`,
    ...outcomes.flatMap(({ issue, worker, wrong: why }) =>
      issue.feedback === null || why !== null
        ? []
        : [
            `The change of ${issue.repo}#${issue.number} came back after a ${issue.feedback.by === 'check' ? 'failed check' : 'review'}, and ${worker} fixed it.`,
          ],
    ),
    wrong === 0
      ? 'Each branch was compared with its issue: all are right.'
      : `${wrong} of ${counted(outcomes.length, 'issue')} have a wrong outcome: see ✗ above.`,
  ]
}

function whereToLook(setup: DemoSetup, keep: boolean, inside: boolean): string[] {
  const kept = [
    'The fleet is still running:',
    `  ${attachCommand(setup, lanes[0].name, inside)}    attach to a lane (Ctrl-b n: next lane, Ctrl-b d: detach)`,
    `  ${command} status --spec ${setup.spec}    show what each worker is doing`,
    `  tmux -L ${setup.socket} kill-server    end the fleet`,
  ]
  return [
    ...(keep ? kept : ['The fleet has ended. To look at its panes, keep it running:  npm run demo -- --keep']),
    `Issues, branches, reviews and the ledger are in ${setup.dir}. Delete this folder when you no longer need it.`,
  ]
}

/** Returns the lines of the spec to change for another forge and agent. */
function otherForge(): string[] {
  return [
    'To use your own forge, copy fleet-spec.json, change these two lines, and write your repos under "windows":',
    '  "forge": { "kind": "gitea", "url": "https://forge.example.com", "owner": "you" },',
    '  "agent": { "kind": "hermes" },',
    'Write the token of the forge to ~/.config/burn-fleet/token, and make it private (chmod 600).',
  ]
}
