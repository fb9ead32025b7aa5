/** `burn sprint list`, `show`, `results` and `prune`: print and delete the records of sprints, their workspaces and transcripts. */
import { counted } from '../../core/text.ts'
import type { Sprint } from '../../core/sprint.ts'
import type { Total, TranscriptLine } from '../../sprint/results.ts'
import type { Io } from '../io.ts'
import { BurnError } from '../../core/errors.ts'
import { checkLine, usageLine } from '../../decide/sprint-texts.ts'
import { command, done } from '../command.ts'
import { issueNamed } from '../named.ts'
import { sprintTable } from '../sprint-lines.ts'
import { sprintNowLines, watchSprints, type SprintNow } from '../sprint-watch.ts'
import { duration, listTable } from '../table.ts'
import { flag, optional, parsePositive, parsedArg, parseDuration, text, parseWholeNumber } from '../args.ts'

export const sprintListCommand = command({
  args: {
    issue: optional('--issue <issue>', 'Show only sprints of this issue'),
    live: flag('--live', 'Show only sprints that have not ended'),
    limit: parsedArg('--limit <n>', 'Maximum number of sprints', parsePositive, 40),
    watch: flag('-w, --watch', 'Show running sprints, recent ends and success rates until Ctrl-C'),
  },
  examples: ['burn sprint list', 'burn sprint list --live --json', 'burn sprint list --watch'],
  notes: ['Without a terminal, --watch prints each running sprint again when it changes.'],
  endless: ({ watch }) => watch,
  async run({ open, ...context }, { issue, live, limit, watch }) {
    const { session } = await open()
    const { ledger, fleet } = session
    const only = issue === undefined ? {} : { issue: issueNamed(fleet, issue) }
    if (watch) return watchSprints(context, session, only, watchInterval)
    return done<Listed>({ sprints: await ledger.sprints({ ...only, limit, live }) })
  },
  present(shown: Listed, io, _, now) {
    if (!('sprints' in shown)) io.out(...sprintNowLines(shown, io, now))
    else if (shown.sprints.length === 0) io.out('no sprints: burn sprint run starts one')
    else io.out(...sprintTable(shown.sprints, io, now))
  },
})

type Listed = { readonly sprints: readonly Sprint[] } | SprintNow

/** The pause between two readings with `--watch` (ms). */
const watchInterval = 2_000

export const resultsCommand = command({
  args: {
    csv: flag('--csv', 'Print one row per sprint as comma-separated values, with a header'),
    limit: parsedArg('--limit <n>', 'Number of the newest sprints to include', parsePositive, 1000),
  },
  examples: ['burn sprint results', 'burn sprint results --csv > results.csv'],
  async run({ open, person }, { csv, limit }) {
    const { ledger } = (await open()).session
    const sprints = await ledger.sprints({ limit })
    const { resultsCsv, totals } = await import('../../sprint/results.ts')
    if (!csv || person === null) return done({ totals: totals(sprints), sprints })
    person.write(resultsCsv(sprints))
    return 0
  },
  present: ({ totals }, io) => io.out(...totalLines(totals, io)),
})

function totalLines(all: readonly Total[], io: Io): string[] {
  const rows = all.map(({ model, sprints, changes, tokens, cost, failures }) => [
    model,
    String(sprints),
    String(changes),
    `${Math.round((100 * changes) / sprints)}%`,
    String(tokens),
    cost === null ? '' : cost.toFixed(4),
    failures.map(([failure, count]) => `${failure} ${count}`).join(', '),
  ])
  return listTable(['MODEL', 'SPRINTS', 'CHANGES', 'SHARE', 'TOKENS', 'USD', 'FAILURES'], rows, io, [
    'FAILURES',
    'USD',
    'TOKENS',
    'CHANGES',
  ])
}

export const sprintShowCommand = command({
  args: {
    sprint: text('<sprint>', 'Id of a sprint, or an issue to select the newest sprint of this issue'),
    full: flag('--full', 'Print the whole transcript; without this option burn cuts long texts'),
  },
  examples: ['burn sprint show app#7', 'burn sprint show 01kaj4z7x3f9q --full'],
  async run({ open }, { sprint: name }) {
    const { fleet, ledger } = (await open()).session
    const found = name.includes('#') ? { issue: issueNamed(fleet, name) } : { ids: [name] }
    const [sprint] = await ledger.sprints({ ...found, limit: 1 })
    if (sprint === undefined)
      throw new BurnError('sprint_unknown', `there is no sprint ${name}`, 'burn sprint list shows all sprints', { exit: 2 })
    const { readTranscript } = await import('../../sprint/results.ts')
    return done({ sprint, transcript: fleet.sprint === null ? null : await readTranscript(fleet.sprint.dir, sprint.id) })
  },
  present: ({ sprint, transcript }, io, { full }) => showSprint(sprint, transcript, full, io),
})

function showSprint(row: Sprint, lines: readonly TranscriptLine[] | null, full: boolean, io: Io): void {
  const failedChecks = (lines ?? []).filter((line) => line.kind === 'check' && !line.passed).length
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
        : checkLine({ command: row.check_command, result: row.check_result, mends: failedChecks }),
    ],
    [
      'end',
      row.outcome === null ? 'not ended' : `${row.outcome}${row.failure === null ? '' : `: ${row.failure}: ${row.failure_text ?? ''}`}`,
    ],
    ['change', row.change_url ?? 'none'],
  ]
  for (const [name, value] of facts) io.out(`${io.paint('gray', name.padEnd(8))}${value}`)
  io.out('')
  if (lines === null) io.out('This machine has no transcript of the sprint: it was pruned, or is on another machine.')
  for (const line of lines ?? []) io.out(...transcriptLine(line, row.started_at, full, io).split('\n'))
}

/** Without `--full`, longer texts of a transcript are cut to this number of characters. */
const maxText = 400

function transcriptLine(line: TranscriptLine, began: number, full: boolean, io: Io): string {
  const at = io.paint('gray', duration(line.at - began).padStart(6))
  const text = (whole: string) => {
    const kept = whole.trimEnd()
    return (full || kept.length <= maxText ? kept : `${kept.slice(0, maxText).toWellFormed()} […]`).replaceAll('\n', '\n        ')
  }
  if (line.kind === 'note') return `${at}  ${text(line.text)}`
  if (line.kind === 'check') return `${at}  ${io.paint(line.passed ? 'green' : 'red', `check ${line.command}`)}\n        ${text(line.text)}`
  if (line.kind === 'call')
    return `${at}  ${io.paint(line.ok ? 'cyan' : 'red', line.tool)} ${text(JSON.stringify(line.args) ?? '')}\n        ${text(line.text)}`
  return `${at}  ${io.paint('bold', line.by === 'burn' ? 'burn' : (line.model ?? 'model'))}: ${text(line.text)}`
}

export const sprintPruneCommand = command({
  args: {
    keep: parsedArg(
      '--keep <n>',
      'Number of workspaces of ended sprints to keep (default: sprint.keep.workspaces of the spec)',
      parseWholeNumber,
      null,
    ),
    older_than: parsedArg(
      '--older-than <duration>',
      'Minimum age of the workspaces and transcripts to delete (default: sprint.keep.age of the spec)',
      parseDuration,
      null,
    ),
    force: flag('--force', 'Also delete workspaces with unpushed work; that work is lost'),
    dry_run: flag('-n, --dry-run', 'Show what would be deleted, and delete nothing'),
  },
  examples: ['burn sprint prune --dry-run', 'burn sprint prune --keep 5', 'burn sprint prune --older-than 7d'],
  async run(deps, { keep, older_than, force, dry_run }) {
    const open = await deps.open()
    const { session } = open
    const { gitFor, sprintPolicy } = await import('../wire-sprints.ts')
    const policy = sprintPolicy(session)
    const { pruneSprints } = await import('../../sprint/prune.ts')
    const limits = { workspaces: keep ?? policy.keep.workspaces, age: older_than ?? policy.keep.age, force, dryRun: dry_run }
    return done(await pruneSprints(limits, { session, policy, git: await gitFor(open, deps) }))
  },
  present(gone, io, { dry_run }) {
    const what = `${counted(gone.workspaces.length, 'workspace')} and ${counted(gone.transcripts.length, 'transcript')}`
    io.out(`${dry_run ? 'Would delete' : 'Deleted'} ${what}`)
    for (const id of gone.kept) io.out(io.paint('yellow', `Kept workspace ${id}: it has unpushed work (--force deletes such workspaces)`))
  },
})
