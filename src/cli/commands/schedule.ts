/** `burn schedule`: prints what cron, launchd or systemd need to run sprints or cycles; installs nothing. */
import { Argument, Command, Option } from 'commander'
import { dirname, join, resolve } from 'node:path'
import type { CommonOptions, Context } from '../context.ts'
import type { ScheduledRun } from '../../decide/schedule.ts'
import { BurnError } from '../../core/errors.ts'
import { durationGiven, withCommon } from '../context.ts'

interface Options extends CommonOptions {
  readonly every: string
  readonly format: 'crontab' | 'systemd' | 'launchd'
}

const commandsOf = { sprint: ['sprint', 'run'], dispatch: ['dispatch'] } as const

export function scheduleCommand(context: Context): Command {
  return withCommon(new Command('schedule'))
    .description('print a crontab line, systemd units or a launchd job that runs sprints or cycles')
    .addArgument(new Argument('<what>', 'what to run').choices(Object.keys(commandsOf)))
    .argument('[options...]', 'options of that command, after --')
    .option('--every <duration>', 'how often', '15m')
    .addOption(new Option('--format <format>', 'for which scheduler').choices(['crontab', 'systemd', 'launchd']).default('crontab'))
    .addHelpText(
      'after',
      '\nIt installs nothing. A run that is due while the one before still goes on ends at once (--alone).\n\nExamples:\n  burn schedule sprint --every 15m\n  burn schedule sprint --every 1h -- --lane bugs --jobs 4\n  burn schedule dispatch --every 5m --format systemd',
    )
    .action((what: keyof typeof commandsOf, rest: string[], options: Options) => schedule(what, rest, options, context))
}

async function schedule(what: keyof typeof commandsOf, rest: readonly string[], options: Options, context: Context): Promise<void> {
  const { readSpec } = await import('../wire.ts')
  const { crontabLine, launchdPlist, systemdUnits } = await import('../../decide/schedule.ts')
  const { file } = await readSpec(options.spec, context)
  const here = options.here === undefined ? [] : ['--here', options.here]
  const run: ScheduledRun = {
    name: `burn-${what}`,
    argv: [...context.self, ...commandsOf[what], '--alone', '--spec', resolve(context.cwd, file), ...here, ...rest],
    every: await durationGiven(options.every, '--every 15m'),
    path: context.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    tmux_tmpdir: (context.env['TMUX_TMPDIR'] ?? '') === '' ? null : resolve(context.cwd, context.env['TMUX_TMPDIR'] ?? ''),
    log: join(context.home, `.local/state/burn-fleet/${what}.log`),
  }
  if (run.every < 60_000)
    throw new BurnError('schedule_every', 'schedulers start nothing more often than once a minute', 'write --every 1m or more', { exit: 2 })
  const files =
    options.format === 'crontab'
      ? new Map([['crontab', crontabLine(run)]])
      : options.format === 'launchd'
        ? new Map([[`${run.name}.plist`, launchdPlist(run)]])
        : systemdUnits(run)
  if (options.json) return context.io.out(JSON.stringify({ files: Object.fromEntries(files), argv: run.argv, log: run.log }))
  for (const [name, text] of files) {
    if (files.size > 1) context.io.out(`# ${name}`)
    context.io.write(text)
  }
  context.io.err(context.io.paint('gray', advice[options.format](run)))
}

const advice = {
  crontab: () => 'Add the line with: crontab -e',
  launchd: ({ name, log }: ScheduledRun) =>
    `Save it as ~/Library/LaunchAgents/${name}.plist, then: mkdir -p ${dirname(log)}; launchctl load -w ~/Library/LaunchAgents/${name}.plist`,
  systemd: ({ name }: ScheduledRun) =>
    `Save both in ~/.config/systemd/user, then: systemctl --user enable --now ${name}.timer   (loginctl enable-linger keeps it running when you are not logged in; journalctl --user -u ${name} shows what it printed)`,
} as const
