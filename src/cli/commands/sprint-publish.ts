/** `burn sprint publish`: a person has seen a change that burn kept, and sends it to the forge. */
import { Command } from 'commander'
import type { ExitCode } from '../../core/errors.ts'
import type { Waiting } from '../../sprint/kept.ts'
import type { CommonOptions, Context, OpenSession } from '../context.ts'
import type { Io } from '../io.ts'
import { BurnError } from '../../core/errors.ts'
import { sanitize } from '../../core/text.ts'
import { issueNamed, withCommon, withOpen } from '../context.ts'
import { gitFor, hostHere, sprintPolicy } from '../wire-sprints.ts'

interface Options extends CommonOptions {
  readonly yes?: boolean
  readonly dryRun?: boolean
}

/** Lines of a patch that are shown. */
const mostLines = 400

export function publishCommand(context: Context): Command {
  return withCommon(new Command('publish'))
    .description('push a change that was kept for a person, because it touches CI definitions or hooks, and open it for review')
    .argument('<sprint>', 'its id, or an issue: the newest of it')
    .option('-y, --yes', 'do not ask')
    .option('-n, --dry-run', 'show what would be pushed, and push nothing')
    .addHelpText('after', '\nExamples:\n  burn sprint publish app#7 --dry-run\n  burn sprint publish 01kaj4z7x3f9q --yes')
    .action((name: string, options: Options) =>
      withOpen(context, options, async (open): Promise<ExitCode> => {
        const { session } = open
        const { io } = context
        const ports = { session, policy: sprintPolicy(session), git: gitFor(open, context), host: hostHere() }
        const { publishWaiting, waitingChange } = await import('../../sprint/kept.ts')
        const waiting = await waitingChange(await sprintNamed(name, session), ports)
        if (options.json && options.dryRun) io.out(JSON.stringify(reportOf(waiting)))
        if (!options.json) for (const line of linesOf(waiting, io)) io.out(line)
        if (options.dryRun) return 0
        if (!options.yes && !(await io.confirm(`Push ${waiting.workspace.branch} and open it for review?`)))
          throw new BurnError('not_confirmed', 'nothing was pushed', 'add --yes to publish it without a question', { exit: 2 })
        const change = await publishWaiting(waiting, ports)
        io.out(options.json ? JSON.stringify({ ...reportOf(waiting), change_url: change.url }) : `open for review: ${change.url}`)
        return 0
      }),
    )
}

async function sprintNamed(name: string, { ledger, fleet }: OpenSession['session']): Promise<string> {
  if (!name.includes('#')) return name
  const issue = issueNamed(fleet, name)
  const [newest] = await ledger.sprints({ issue, limit: 1 })
  if (newest !== undefined) return newest.id
  throw new BurnError('sprint_unknown', `there is no sprint of ${issue}`, 'burn sprint list shows them', { exit: 2 })
}

function reportOf({ sprint, workspace, change, paths, protected: seen }: Waiting) {
  const { branch, base, title, body } = change
  return { id: sprint.id, issue: sprint.issue, branch, base, title, body, paths, protected: seen, workspace: workspace.path }
}

function linesOf({ sprint, workspace, change, paths, protected: seen, patch }: Waiting, io: Io): string[] {
  const lines = sanitize(patch).trimEnd().split('\n')
  const more =
    lines.length > mostLines ? [`… ${lines.length - mostLines} more lines: git -C ${workspace.path} diff ${workspace.base_commit}`] : []
  return [
    `${io.paint('bold', sprint.issue)}  ${sanitize(change.title)}`,
    `Sprint ${sprint.id} would push ${change.branch} for ${change.base}: ${paths.length} file${paths.length === 1 ? '' : 's'}.`,
    'Protected:',
    ...seen.map((path) => `  ${io.paint('yellow', sanitize(path).replaceAll('\n', ' '))}`),
    '',
    ...lines.slice(0, mostLines),
    ...more,
    '',
  ]
}
