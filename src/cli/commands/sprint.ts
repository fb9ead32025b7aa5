/** `burn sprint`: one issue, one disposable run, one change for review. */
import { sentence, worded } from '../../decide/wording.ts'
import { Command } from 'commander'
import type { ExitCode } from '../../core/errors.ts'
import type { SprintContext } from '../../sprint/context.ts'
import type { SprintRun, SprintsRun } from '../../sprint/run.ts'
import type { CommonOptions, Context, OpenSession } from '../context.ts'
import { BurnError } from '../../core/errors.ts'
import { servedRepos } from '../../core/refs.ts'
import { issueNamed, positive, unknown, withCommon, withOpen } from '../context.ts'
import { progressOf, sprintTable } from '../sprint-lines.ts'
import { publishCommand } from './sprint-publish.ts'
import { sprintRecordCommands } from './sprint-records.ts'

interface Options extends CommonOptions {
  readonly repo: readonly string[]
  readonly issue?: string
  readonly lane?: string
  readonly count?: number
  readonly jobs: number
  readonly alone?: boolean
  readonly now?: boolean
  readonly dryRun?: boolean
}

export function sprintCommand(context: Context): Command {
  const sprint = new Command('sprint').description(
    'take an issue, do it in a workspace of its own, and open a change for review; no pane needed',
  )
  sprint.addCommand(runCommand(context))
  sprint.addCommand(publishCommand(context))
  for (const command of sprintRecordCommands(context)) sprint.addCommand(command)
  return sprint
}

function runCommand(context: Context): Command {
  return withCommon(new Command('run'))
    .description('take the first eligible issue, or so many of them')
    .option('-r, --repo <repo...>', 'only issues of these repos', [])
    .option('--issue <issue>', 'this one: owner/repo#7, or repo#7')
    .option('--lane <lane>', 'only issues of the repos that windows of this lane serve')
    .option('-c, --count <n>', 'how many issues at most (default: as many as --jobs)', positive)
    .option('-j, --jobs <n>', 'how many at a time', positive, 1)
    .option('--alone', 'end at once where another run with --alone goes on: for schedulers')
    .option('--now', 'also where sprints rest after trouble')
    .option('-n, --dry-run', 'say what would be taken and by whom, and change nothing')
    .addHelpText(
      'after',
      '\nExamples:\n  burn sprint run --dry-run\n  burn sprint run\n  burn sprint run --issue app#7\n  burn sprint run --lane bugs --jobs 4 --count 20\n\nExit codes: 0 every sprint ended in a change (or there was nothing to do), 3 some did, a change waits for a person, or some repos could not be read, 1 none did, or no repo could be read.',
    )
    .action((options: Options) => withOpen(context, options, (open) => run(open, options, context)))
}

async function run(open: OpenSession, options: Options, context: Context): Promise<ExitCode> {
  const { wireSprints } = await import('../wire-sprints.ts')
  const sprints = await wireSprints(open, context, progressOf(context, options.json === true))
  const wish = wishOf(options, open)
  if (options.dryRun) return dryRun(wish, sprints, options, context)
  const { runSprints } = await import('../../sprint/run.ts')
  const { runJobAlone } = await import('../../jobs/run.ts')
  const begin = () => runSprints(wish, sprints, context.stop)
  const done = options.alone ? await runJobAlone('sprint run', open.session, begin) : { ran: true as const, result: await begin() }
  if (!done.ran) {
    const text = 'another run goes on: nothing was begun'
    context.io.out(options.json ? JSON.stringify({ sprints: [], skipped: text }) : text)
    return 0
  }
  return showRows(done.result, options, context)
}

function wishOf(options: Options, { session: { fleet } }: OpenSession): SprintRun {
  const all = fleet.sprint?.repos ?? []
  const issue = options.issue === undefined ? null : issueNamed(fleet, options.issue)
  const named = [
    ...options.repo.map((repo) => (repo.includes('/') ? repo : `${fleet.forge.owner}/${repo}`)),
    ...(issue === null ? [] : [issue.slice(0, issue.lastIndexOf('#'))]),
  ]
  for (const repo of named) if (!all.includes(repo)) throw unknown('repo', repo, all)
  const lane = options.lane === undefined ? null : laneRepos(options.lane, fleet)
  const repos = all.filter((repo) => (named.length === 0 || named.includes(repo)) && (lane === null || lane.includes(repo)))
  if (repos.length === 0)
    throw new BurnError(
      'sprint_no_repo',
      'there is no repo to take issues from',
      'write "repos" in "sprint" of the spec, or other options',
      { exit: 2 },
    )
  return { repos, issue, count: options.count ?? options.jobs, jobs: options.jobs, now: options.now === true || issue !== null }
}

function laneRepos(lane: string, { machines }: OpenSession['session']['fleet']): readonly string[] {
  const lanes = [...new Set(machines.flatMap(({ windows }) => windows.map((window) => window.lane)))]
  if (!lanes.includes(lane)) throw unknown('lane', lane, lanes)
  return servedRepos(machines.map((machine) => ({ ...machine, windows: machine.windows.filter((window) => window.lane === lane) })))
}

async function dryRun(wish: SprintRun, sprints: SprintContext, options: Options, { io }: Context): Promise<ExitCode> {
  const { look, sayUnread } = await import('../../sprint/look.ts')
  const { picks, unread } = await look({ ...wish, worker: `sprint/${sprints.host}`, dryRun: true }, sprints)
  sayUnread(unread, new Set(), sprints.session)
  const backends = await Promise.all(sprints.backends.map(async (backend) => ({ name: backend.name, failure: await backend.probe() })))
  const next = picks.picks.slice(0, wish.count)
  if (options.json) {
    const would = next.map(({ issue, attempt, reason }) => ({ issue: issue.ref, title: issue.title, attempt, reason }))
    io.out(
      JSON.stringify(
        worded({
          would_take: would,
          waiting: picks.picks.length - next.length,
          refused: picks.refused,
          backends,
          unread: [...unread].map(([repo, why]) => ({ repo, why })),
        }),
      ),
    )
    return unread.size > 0 ? 3 : 0
  }
  const { table } = await import('../table.ts')
  const rows = next.map(({ issue, attempt, reason }) => [issue.ref, String(attempt), sentence(reason), issue.title])
  for (const line of table(['ISSUE', 'TRY', 'WHY', 'TITLE'], rows, io.tty ? io.width : Infinity)) io.out(line)
  io.out(`Would take ${next.length}; ${picks.picks.length - next.length} more could follow; ${picks.refused.length} are not for a sprint.`)
  for (const { name, failure } of backends)
    io.out(failure === null ? `${name}: ready` : io.paint('yellow', `${name}: ${failure.class}: ${failure.reason}`))
  if (wish.issue !== null) for (const { issue, reason } of picks.refused) io.out(`${issue}: ${sentence(reason)}`)
  return unread.size > 0 ? 3 : 0
}

function showRows({ rows, unread }: SprintsRun, options: Options, { io }: Context): ExitCode {
  const good = rows.filter(({ outcome }) => outcome === 'change').length
  const kept = rows.filter(({ outcome }) => outcome === 'kept').length
  if (options.json) io.out(JSON.stringify({ sprints: rows, unread: [...unread].map(([repo, why]) => ({ repo, why })) }))
  else if (rows.length === 0) io.out(`${nothing(unread)} (burn sprint run --dry-run says why).`)
  else {
    for (const line of sprintTable(rows, io)) io.out(line)
    io.out(
      `${rows.length} sprint${rows.length === 1 ? '' : 's'}: ${good} with a change for review${kept === 0 ? '' : `, ${kept} kept for a person (burn sprint publish)`}`,
    )
  }
  return good === rows.length && unread.size === 0 ? 0 : good + kept > 0 || rows.length === 0 ? 3 : 1
}

/** Nothing is called empty that was not read. */
function nothing(unread: SprintsRun['unread']): string {
  if (unread.size === 0) return 'There is nothing to do: no open issue is for a sprint now'
  return `There is nothing to do in the repos that could be read; ${unread.size} could not be`
}
