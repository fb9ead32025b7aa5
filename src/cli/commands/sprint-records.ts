/** `burn sprint list|show|results|prune`: what sprints there were, and what they left. */
import { Command } from 'commander'
import type { Sprint } from '../../core/sprint.ts'
import type { Total } from '../../sprint/results.ts'
import type { TranscriptLine } from '../../sprint/transcript.ts'
import type { CommonOptions, Context } from '../context.ts'
import type { Io } from '../io.ts'
import { BurnError } from '../../core/errors.ts'
import { checkLine, usageLine } from '../../decide/sprint-texts.ts'
import { durationGiven, issueNamed, positive, wholeNumber, withCommon, withOpen, withSession } from '../context.ts'
import { sprintTable } from '../sprint-lines.ts'
import { duration, table } from '../table.ts'
import { gitFor, sprintPolicy } from '../wire-sprints.ts'

export function sprintRecordCommands(context: Context): Command[] {
  return [listCommand(context), showCommand(context), resultsCommand(context), pruneCommand(context)]
}

interface ListOptions extends CommonOptions {
  readonly issue?: string
  readonly live?: boolean
  readonly limit: number
  readonly csv?: boolean
}

function listCommand(context: Context): Command {
  return withCommon(new Command('list'))
    .description('the sprints there were, newest first')
    .option('--issue <issue>', 'only of this issue')
    .option('--live', 'only those that have not ended')
    .option('--limit <n>', 'at most so many', positive, 40)
    .addHelpText('after', '\nExamples:\n  burn sprint list\n  burn sprint list --live --json')
    .action((options: ListOptions) =>
      withSession(context, options, async ({ ledger, fleet, clock }) => {
        const issue = options.issue === undefined ? {} : { issue: issueNamed(fleet, options.issue) }
        const rows = await ledger.sprints({ ...issue, limit: options.limit, live: options.live === true })
        if (options.json) context.io.out(JSON.stringify({ sprints: rows }))
        else for (const line of sprintTable(rows, context.io, clock.now())) context.io.out(line)
        return 0
      }),
    )
}

function resultsCommand(context: Context): Command {
  return withCommon(new Command('results'))
    .description('what sprints came to: totals by model, or every row as CSV')
    .option('--csv', 'every row, comma-separated, with a head')
    .option('--limit <n>', 'at most so many of the newest', positive, 1000)
    .addHelpText('after', '\nExamples:\n  burn sprint results\n  burn sprint results --csv > results.csv')
    .action((options: ListOptions) =>
      withSession(context, options, async ({ ledger }) => {
        const rows = await ledger.sprints({ limit: options.limit })
        const { resultsCsv, totals } = await import('../../sprint/results.ts')
        if (options.csv) context.io.write(resultsCsv(rows))
        else if (options.json) context.io.out(JSON.stringify({ totals: totals(rows), sprints: rows }))
        else showTotals(totals(rows), context.io)
        return 0
      }),
    )
}

function showTotals(all: readonly Total[], io: Io): void {
  const rows = all.map(({ model, sprints, changes, tokens, cost, failures }) => [
    model,
    String(sprints),
    String(changes),
    `${Math.round((100 * changes) / sprints)}%`,
    String(tokens),
    cost.toFixed(4),
    failures.map(([failure, count]) => `${failure} ${count}`).join(', '),
  ])
  for (const line of table(['MODEL', 'SPRINTS', 'CHANGES', 'SHARE', 'TOKENS', 'USD', 'FAILURES'], rows, io.tty ? io.width : Infinity))
    io.out(line)
}

function showCommand(context: Context): Command {
  return withCommon(new Command('show'))
    .description('one sprint, with its transcript')
    .argument('<sprint>', 'its id, or an issue: the newest of it')
    .option('--full', 'every text of the transcript as it is')
    .addHelpText('after', '\nExamples:\n  burn sprint show app#7\n  burn sprint show 01kaj4z7x3f9q --full')
    .action((name: string, options: CommonOptions & { readonly full?: boolean }) =>
      withSession(context, options, async (session) => {
        const found = name.includes('#') ? { issue: issueNamed(session.fleet, name) } : { ids: [name] }
        const [row] = await session.ledger.sprints({ ...found, limit: 1 })
        if (row === undefined)
          throw new BurnError('sprint_unknown', `there is no sprint ${name}`, 'burn sprint list shows them', { exit: 2 })
        const { readTranscript } = await import('../../sprint/transcript.ts')
        const lines = session.fleet.sprint === null ? null : await readTranscript(session.fleet.sprint.dir, row.id)
        if (options.json) context.io.out(JSON.stringify({ sprint: row, transcript: lines }))
        else showSprint(row, lines, options.full === true, context.io)
        return 0
      }),
    )
}

function showSprint(row: Sprint, lines: readonly TranscriptLine[] | null, full: boolean, io: Io): void {
  const mends = (lines ?? []).filter((line) => line.kind === 'check' && !line.passed).length
  const facts: [string, string][] = [
    ['issue', row.issue],
    ['worker', `${row.worker} on ${row.host}`],
    ['began', new Date(row.started_at).toISOString()],
    ['took', row.ended_at === null ? `${row.stage}, not ended` : duration(row.ended_at - row.started_at)],
    [
      'backend',
      `${row.backend ?? 'none yet'}${row.model === null ? '' : `, ${row.model}`}${row.provider === null ? '' : ` of ${row.provider}`}`,
    ],
    ['used', usageLine(row)],
    [
      'check',
      row.check_result === null
        ? (row.check_command ?? 'not run')
        : checkLine({ command: row.check_command, result: row.check_result, mends }),
    ],
    [
      'end',
      row.outcome === null ? 'not ended' : `${row.outcome}${row.failure === null ? '' : `: ${row.failure}: ${row.failure_text ?? ''}`}`,
    ],
    ['change', row.change_url ?? 'none'],
  ]
  for (const [name, value] of facts) io.out(`${io.paint('gray', name.padEnd(8))}${value}`)
  io.out('')
  if (lines === null) io.out('Its transcript is not here: it was pruned, or is on another machine.')
  for (const line of lines ?? []) io.out(transcriptLine(line, row.started_at, full, io))
}

const shortest = 400

function transcriptLine(line: TranscriptLine, began: number, full: boolean, io: Io): string {
  const at = io.paint('gray', duration(line.at - began).padStart(6))
  const text = (whole: string) => {
    const kept = whole.trimEnd()
    return (full || kept.length <= shortest ? kept : `${kept.slice(0, shortest).toWellFormed()} […]`).replaceAll('\n', '\n        ')
  }
  if (line.kind === 'note') return `${at}  ${text(line.text)}`
  if (line.kind === 'check') return `${at}  ${io.paint(line.passed ? 'green' : 'red', `check ${line.command}`)}\n        ${text(line.text)}`
  if (line.kind === 'call')
    return `${at}  ${io.paint(line.ok ? 'cyan' : 'red', line.tool)} ${text(JSON.stringify(line.args) ?? '')}\n        ${text(line.text)}`
  return `${at}  ${io.paint('bold', line.by === 'burn' ? 'burn' : (line.model ?? 'model'))}: ${text(line.text)}`
}

interface PruneCommandOptions extends CommonOptions {
  readonly keep?: number
  readonly olderThan?: string
  readonly force?: boolean
  readonly dryRun?: boolean
}

function pruneCommand(context: Context): Command {
  return withCommon(new Command('prune'))
    .description('remove old workspaces and transcripts; never work that is nowhere else')
    .option('--keep <n>', 'how many ended workspaces stay (default: sprint.keep.workspaces)', wholeNumber)
    .option('--older-than <duration>', 'how old what goes must be (default: sprint.keep.age)')
    .option('--force', 'also workspaces with work that is not pushed: it is lost then')
    .option('-n, --dry-run', 'say what would go, and remove nothing')
    .addHelpText('after', '\nExamples:\n  burn sprint prune --dry-run\n  burn sprint prune --keep 5\n  burn sprint prune --older-than 7d')
    .action((options: PruneCommandOptions) =>
      withOpen(context, options, async (open) => {
        const { session } = open
        const policy = sprintPolicy(session)
        const { pruneSprints } = await import('../../sprint/prune.ts')
        const age = options.olderThan === undefined ? policy.keep.age : await durationGiven(options.olderThan, '--older-than 7d')
        const limits = {
          workspaces: options.keep ?? policy.keep.workspaces,
          age,
          force: options.force === true,
          dryRun: options.dryRun === true,
        }
        const gone = await pruneSprints(limits, { session, policy, git: gitFor(open, context) })
        if (options.json) context.io.out(JSON.stringify(gone))
        else {
          const would = options.dryRun ? 'would remove' : 'removed'
          context.io.out(`${would} ${gone.workspaces.length} workspaces and ${gone.transcripts.length} transcripts`)
          for (const id of gone.kept) context.io.out(context.io.paint('yellow', `${id} stays: its work is not pushed (--force removes it)`))
        }
        return 0
      }),
    )
}
