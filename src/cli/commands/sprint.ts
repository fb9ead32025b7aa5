/** `burn sprint run` and `publish`: work on issues without a pane, and open changes for review. */
import type { SprintContext } from '../../sprint/context.ts'
import type { KeptChange } from '../../sprint/kept.ts'
import type { SprintRunOptions, SprintRunResult } from '../../sprint/run.ts'
import type { Io } from '../io.ts'
import { BurnError } from '../../core/errors.ts'
import { servedRepos } from '../../core/refs.ts'
import { counted, sanitize } from '../../core/text.ts'
import { leftOutLines } from '../dispatch-plan.ts'
import { sentence } from '../../decide/wording.ts'
import { command, done, type OpenSession, type Done } from '../command.ts'
import { issueNamed, unknownNameError } from '../named.ts'
import { progressOf, sprintTable } from '../sprint-lines.ts'
import { table } from '../table.ts'
import { flag, list, optional, parsePositive, parsedArg, text } from '../args.ts'

interface RunFlags {
  readonly repo: readonly string[]
  readonly issue: string | undefined
  readonly lane: string | undefined
  readonly count: number | null
  readonly jobs: number
  readonly now: boolean
}

type Shown = Awaited<ReturnType<typeof dryRun>>['result'] | Ran

interface Ran {
  readonly sprints: SprintRunResult['rows']
  readonly unread?: readonly { readonly repo: string; readonly why: string }[]
  readonly unusable?: Ran['unread']
  readonly skipped?: string
}

export const sprintRunCommand = command({
  args: {
    repo: list('-r, --repo <repo...>', 'Work only on issues of these repos'),
    issue: optional('--issue <issue>', 'Issue to work on, as owner/repo#7 or repo#7'),
    lane: optional('--lane <lane>', 'Work only on issues of repos that this lane serves'),
    count: parsedArg('-c, --count <n>', 'Maximum number of issues to work on (default: the value of --jobs)', parsePositive, null),
    jobs: parsedArg('-j, --jobs <n>', 'Maximum number of concurrent sprints', parsePositive, 1),
    alone: flag('--alone', 'Exit if another "burn sprint run --alone" is running (for cron)'),
    now: flag('--now', 'Start sprints even during the pause that follows a failure'),
    dry_run: flag('-n, --dry-run', 'Show which issues would be worked on, and change nothing'),
  },
  examples: [
    'burn sprint run --dry-run',
    'burn sprint run',
    'burn sprint run --issue app#7',
    'burn sprint run --lane bugs --jobs 4 --count 20',
  ],
  notes: [
    'Exit codes: 0 all sprints opened a change, or there was nothing to do; 1 none did, or no repo could be read; 2 usage or spec error. The code is 3 if only some sprints opened a change, a change waits for a person, or some repos could not be read.',
  ],
  async run(deps, given): Promise<Done<Shown>> {
    const open = await deps.open()
    const { wireSprints } = await import('../wire-sprints.ts')
    const sprints = await wireSprints(open, deps, progressOf(deps.person))
    const options = runOptionsOf(given, open)
    if (given.dry_run) return dryRun(options, sprints)
    const { runSprints } = await import('../../sprint/run.ts')
    const { runJobAlone } = await import('../../jobs/run.ts')
    const begin = () => runSprints(options, sprints, deps.stop)
    const ran = given.alone ? await runJobAlone('sprint run', open.session, begin) : { ran: true as const, result: await begin() }
    if (!ran.ran) return done<Shown>({ sprints: [], skipped: 'another burn sprint run --alone is running, so this command did nothing' })
    const { rows, unread, unusable } = ran.result
    const count = (outcome: string) => rows.filter((row) => row.outcome === outcome).length
    const some = count('change') + count('kept') > 0 || rows.length === 0
    const exit = count('change') === rows.length && unread.size + unusable.size === 0 ? 0 : some ? 3 : 1
    return done<Shown>({ sprints: rows, unread: reasonsOf(unread), unusable: reasonsOf(unusable) }, exit)
  },
  present(shown: Shown, io) {
    if ('would_take' in shown) showDryRun(shown, io)
    else showRan(shown, io)
  },
})

const reasonsOf = (reasons: ReadonlyMap<string, string>) => [...reasons].map(([repo, why]) => ({ repo, why }))

function runOptionsOf(options: RunFlags, { session: { fleet } }: OpenSession): SprintRunOptions {
  const all = fleet.sprint?.repos ?? []
  const issue = options.issue === undefined ? null : issueNamed(fleet, options.issue)
  const named = [
    ...options.repo.map((repo) => (repo.includes('/') ? repo : `${fleet.forge.owner}/${repo}`)),
    ...(issue === null ? [] : [issue.slice(0, issue.lastIndexOf('#'))]),
  ]
  for (const repo of named) if (!all.includes(repo)) throw unknownNameError('repo', repo, all)
  const lane = options.lane === undefined ? null : laneRepos(options.lane, fleet)
  const repos = all.filter((repo) => (named.length === 0 || named.includes(repo)) && (lane === null || lane.includes(repo)))
  if (repos.length === 0)
    throw new BurnError('sprint_no_repo', 'no repo matches', 'set "repos" under "sprint" in the spec, or use other options', { exit: 2 })
  return { repos, issue, count: options.count ?? options.jobs, jobs: options.jobs, now: options.now === true || issue !== null }
}

function laneRepos(lane: string, { machines }: OpenSession['session']['fleet']): readonly string[] {
  const lanes = [...new Set(machines.flatMap(({ windows }) => windows.map((window) => window.lane)))]
  if (!lanes.includes(lane)) throw unknownNameError('lane', lane, lanes)
  return servedRepos(machines.map((machine) => ({ ...machine, windows: machine.windows.filter((window) => window.lane === lane) })))
}

async function dryRun(options: SprintRunOptions, sprints: SprintContext) {
  const { findIssues, reportUnread } = await import('../../sprint/find-issues.ts')
  const { picks, unread } = await findIssues({ ...options, worker: `sprint/${sprints.host}`, dryRun: true }, sprints)
  reportUnread(unread, new Set(), sprints.session)
  const backends = await Promise.all(sprints.backends.map(async (backend) => ({ name: backend.name, failure: await backend.probe() })))
  const next = picks.picks.slice(0, options.count)
  const would_take = next.map(({ issue, attempt, reason }) => ({ issue: issue.ref, title: issue.title, attempt, reason }))
  const { refused } = picks
  const result = {
    issue: options.issue,
    would_take,
    waiting: picks.picks.length - next.length,
    waiting_issues: picks.picks.slice(next.length).map(({ issue }) => issue.ref),
    refused,
    backends,
    unread: reasonsOf(unread),
  }
  return done(result, unread.size > 0 ? 3 : 0)
}

function showDryRun({ would_take, waiting, waiting_issues, refused, backends }: Exclude<Shown, Ran>, io: Io): void {
  const rows = would_take.map(({ issue: ref, attempt, reason, title }) => [ref, String(attempt), sentence(reason), title])
  if (rows.length > 0) io.out(...table(['ISSUE', 'TRY', 'WHY', 'TITLE'], rows, io.columns, ['TRY', 'WHY']))
  const planned = rows.length === 0 ? 'Would work on no issue' : `Would work on ${counted(rows.length, 'issue')}`
  const later = { code: 'prose', text: `eligible, but after the first ${counted(rows.length, 'issue')} (--count)` } as const
  io.out(...leftOutLines([...waiting_issues.map((issue) => ({ issue, reason: later })), ...refused], io))
  io.out(`${planned}. Other eligible issues: ${waiting}. Not eligible: ${refused.length}.`)
  for (const { name, failure } of backends)
    io.out(failure === null ? `${name}: ready` : io.paint('yellow', `${name}: ${failure.class}: ${failure.reason}`))
}

function showRan({ sprints, unread = [], unusable = [], skipped }: Ran, io: Io): void {
  if (skipped !== undefined) return io.out(skipped)
  if (sprints.length === 0) return io.out(`${nothingToDo(unread.length, unusable.length)} (burn sprint run --dry-run gives the reasons).`)
  const count = (outcome: string) => sprints.filter((row) => row.outcome === outcome).length
  const kept = count('kept') === 0 ? '' : `, ${count('kept')} kept for a person (burn sprint publish)`
  io.out(...sprintTable(sprints, io))
  io.out(`${counted(sprints.length, 'sprint')}: ${count('change')} with a change for review${kept}`)
}

/** Returns the message that no issue is eligible. It counts the repos that could not be read, because they may have eligible issues. */
function nothingToDo(unread: number, unusable: number): string {
  if (unusable > 0) return `Nothing to do: in ${counted(unusable, 'repo')} no sprint can publish a change, see above or run burn doctor`
  if (unread === 0) return 'Nothing to do: no open issue is eligible for a sprint'
  return `Nothing to do in the repos that could be read; ${counted(unread, 'repo')} could not be read`
}

type Published = ReturnType<typeof keptReport> & { readonly change_url: string | null }

/** Maximum number of lines of a patch that are shown. */
const maxPatchLines = 400

export const publishCommand = command({
  args: {
    sprint: text('<sprint>', 'Id of a sprint, or an issue to select the newest sprint of this issue'),
    yes: flag('-y, --yes', 'Do not ask for confirmation'),
    dry_run: flag('-n, --dry-run', 'Show what would be pushed, and push nothing'),
  },
  examples: ['burn sprint publish app#7 --dry-run', 'burn sprint publish 01kaj4z7x3f9q --yes'],
  notes: [
    'A sprint does not push a change that touches a protected path, such as a CI definition or a hook. The change waits until a person publishes it.',
  ],
  async run(deps, { sprint, yes, dry_run }): Promise<Done<Published>> {
    const { io, person } = deps
    const open = await deps.open()
    const { session } = open
    const { gitFor, hostHere, sprintPolicy } = await import('../wire-sprints.ts')
    const ports = { session, policy: sprintPolicy(session), git: await gitFor(open, deps), host: hostHere() }
    const { publishKeptChange, findKeptChange } = await import('../../sprint/kept.ts')
    const kept = await findKeptChange(await sprintNamed(sprint, session), ports)
    person?.out(...linesOf(kept, person))
    const report = keptReport(kept)
    if (dry_run) return done({ ...report, change_url: null })
    if (!yes && !(await io.confirm(`Push ${kept.workspace.branch} and open a change for review?`)))
      throw new BurnError('not_confirmed', 'nothing was pushed', 'add --yes to publish without confirmation', { exit: 2 })
    const change = await publishKeptChange(kept, ports)
    return done({ ...report, change_url: change.url })
  },
  /** Prints only the URL. `run` has printed the change, before it asked for confirmation. */
  present({ change_url }, io) {
    if (change_url !== null) io.out(`Open for review: ${change_url}`)
  },
})

async function sprintNamed(name: string, { ledger, fleet }: OpenSession['session']): Promise<string> {
  if (!name.includes('#')) return name
  const issue = issueNamed(fleet, name)
  const [newest] = await ledger.sprints({ issue, limit: 1 })
  if (newest !== undefined) return newest.id
  throw new BurnError('sprint_unknown', `${issue} has no sprint`, 'burn sprint list shows all sprints', { exit: 2 })
}

function keptReport({ sprint, workspace, change, paths, protected: seen }: KeptChange) {
  const { branch, base, title, body } = change
  return { id: sprint.id, issue: sprint.issue, branch, base, title, body, paths, protected: seen, workspace: workspace.path }
}

function linesOf({ sprint, workspace, change, paths, protected: seen, patch }: KeptChange, io: Io): string[] {
  const lines = sanitize(patch).trimEnd().split('\n')
  const more =
    lines.length > maxPatchLines
      ? [`… ${lines.length - maxPatchLines} more lines: git -C ${workspace.path} diff ${workspace.base_commit}`]
      : []
  return [
    `${io.paint('bold', sprint.issue)}  ${sanitize(change.title)}`,
    `Sprint ${sprint.id} would push ${change.branch} for ${change.base}: ${counted(paths.length, 'file')}.`,
    'Protected:',
    ...seen.map((path) => `  ${io.paint('yellow', sanitize(path).replaceAll('\n', ' '))}`),
    '',
    ...lines.slice(0, maxPatchLines),
    ...more,
    '',
  ]
}
