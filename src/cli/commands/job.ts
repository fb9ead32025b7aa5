/** `burn job`: lists recurring jobs, and prints entries for cron, launchd or systemd. It installs nothing. */
import { dirname, resolve } from 'node:path'
import type { ScheduledRun } from '../../decide/schedule.ts'
import { BurnError } from '../../core/errors.ts'
import { isMereLease } from '../../decide/stops.ts'
import { command, done } from '../command.ts'
import { duration, listTable } from '../table.ts'
import { machinesNamed, unknownNameError } from '../named.ts'
import { choice, flag, list, parsedArg, parseDuration, text, usage } from '../args.ts'

export const jobListCommand = command({
  args: {},
  examples: ['burn job list', 'burn job list --json'],
  async run({ open, clock }) {
    const { ledger } = (await open()).session
    const now = clock.now()
    const jobs = (await ledger.jobs()).filter(({ name }) => !isMereLease(name))
    return done({ jobs: jobs.map((job) => ({ ...job, running: job.owner !== null && (job.until ?? 0) > now })) })
  },
  present({ jobs }, io, _, now) {
    const rows = jobs.map(({ name, running, owner, last_run, last_result, next_run }) => [
      name,
      last_run === null ? '' : `${duration(now - last_run)} ago`,
      next_run === null ? '' : next_run <= now ? 'due' : `in ${duration(next_run - now)}`,
      running ? `running: ${owner}` : (last_result ?? ''),
    ])
    if (rows.length === 0) io.out('no job has run yet: burn dispatch --cycles 0 runs the jobs')
    else io.out(...listTable(['JOB', 'LAST RUN', 'NEXT RUN', 'RESULT'], rows, io, ['RESULT', 'LAST RUN']))
  },
})

export const jobRunCommand = command({
  args: {
    name: text('<job>', 'Job to run: collect, login-refresh, notify, report, retention, roll-up, snapshot, usage or watchdog'),
    machine: list('-m, --machine <machine...>', 'Sample or capture only these machines'),
  },
  examples: ['burn job run collect', 'burn job run usage --machine mac'],
  notes: [
    'collect takes samples. usage reads the tokens of agents, and watchdog their models. login-refresh renews logins. snapshot saves all panes.',
    'notify sends notifications, and report the daily report. roll-up summarises old samples, and retention deletes old history.',
    'burn dispatch --cycles 0 runs these jobs when they are due. burn skips a job that another process runs now.',
  ],
  async run({ open }, given) {
    const { periodicJobs } = await import('../../cycle/periodic.ts')
    const job = periodicJobs.find(({ name }) => name === given.name)
    if (job === undefined)
      throw unknownNameError(
        'job',
        given.name,
        periodicJobs.map(({ name }) => name),
      )
    const { session } = await open()
    const missing = job.missingKey?.(session.fleet) ?? null
    if (missing !== null) {
      const message = `the spec has no "${missing}", so burn does not run the job ${job.name}`
      throw new BurnError('job_disabled', message, `set "${missing}" in the spec; burn spec docs explains it`, { exit: 2 })
    }
    const { withLeases } = await import('../../observe/session.ts')
    const results = await withLeases(session, () => job.run(machinesNamed(session.fleet, given.machine), session, true))
    return done({ results })
  },
  present: ({ results }, io) => io.out(...(results.length === 0 ? ['another process runs this job now'] : results)),
})

/** `burn job run` needs no `--alone`: the lease of the job has the same effect. */
const commandsOf = {
  start: ['start'],
  sprint: ['sprint', 'run', '--alone'],
  dispatch: ['dispatch', '--alone'],
  collect: ['job', 'run', 'collect'],
} as const

const formats = ['crontab', 'systemd', 'launchd'] as const

export const scheduleCommand = command({
  args: {
    what: choice('<what>', 'Command to schedule', ['start', 'sprint', 'dispatch', 'collect'], undefined),
    options: list('[args...]', 'Options of the scheduled command; write "--" before them'),
    every: parsedArg('--every <duration>', 'Interval between runs (default: 15m)', parseDuration, undefined),
    cron: flag('--cron', 'Print a crontab line (default)'),
    systemd: flag('--systemd', 'Print systemd units'),
    launchd: flag('--launchd', 'Print a launchd job (macOS)'),
    format: choice('--format <format>', 'Same as --cron, --systemd or --launchd', formats, undefined),
  },
  examples: [
    'burn job schedule start --systemd',
    'burn job schedule sprint --every 15m',
    'burn job schedule sprint --every 1h -- --lane bugs --jobs 4',
    'burn job schedule dispatch --every 5m --systemd',
    'burn job schedule collect --every 5m',
  ],
  notes: [
    'burn prints the entry for the scheduler, and does not install it. A scheduled run exits at once if the previous run has not ended.',
    '"start" is a service: it runs burn start until burn stop, and begins again after a failure or a reboot. When the service ends, panes and agents stay as they are.',
  ],
  async run({ common, self, env, home, cwd }, given) {
    const { what = 'sprint', options } = given
    const [every, format] = [intervalOf(what, given.every), formatOf(given)]
    const [{ readSpec }, { parseSpec }, { ownFiles }, { scheduledEnvironment, secretWarnings }] = await Promise.all([
      import('../read-spec.ts'),
      import('../../spec/load.ts'),
      import('../../host/own-files.ts'),
      import('../../decide/scheduled-environment.ts'),
    ])
    const { crontabLine, launchdPlist, systemdUnits } = await import('../../decide/schedule.ts')
    const { file, text } = await readSpec(common.spec, { env, home, cwd })
    const { forge, sprint } = parseSpec(text, file)
    const here = common.here ?? env['BURN_HERE']
    const { variables, warnings } = scheduledEnvironment(env, (path) => resolve(cwd, path))
    const run: ScheduledRun = {
      name: `burn-${what}`,
      argv: [...self, ...commandsOf[what], '--spec', resolve(cwd, file), ...(here === undefined ? [] : ['--here', here]), ...options],
      every,
      variables,
      log: ownFiles({ env, home })('state', `${what}.log`),
    }
    const files = {
      crontab: (): [string, string][] => [['crontab', crontabLine(run)]],
      launchd: (): [string, string][] => [[`${run.name}.plist`, launchdPlist(run)]],
      systemd: (): [string, string][] => [...systemdUnits(run)],
    }
    return done({
      files: Object.fromEntries(files[format]()),
      argv: run.argv,
      log: run.log,
      warnings: [
        ...warnings,
        ...secretWarnings(forge, 'forge'),
        ...(what === 'sprint' ? secretWarnings(sprint?.backends, 'sprint.backends') : []),
      ],
      advice: advice[format](run),
    })
  },
  present({ files, warnings, advice: then }, io) {
    const all = Object.entries(files)
    for (const [name, text] of all) {
      if (all.length > 1) io.out(`# ${name}`)
      io.write(text)
    }
    io.err(...warnings.map((warning) => `${io.paint('yellow', 'warning:')} ${warning}`), io.paint('gray', then))
  },
})

/** Returns the interval between two runs (ms); null for a service. Throws BurnError `schedule_every` (exit 2). */
function intervalOf(what: keyof typeof commandsOf, every: number | undefined): number | null {
  if (what !== 'start') {
    if (every === undefined || every >= 60_000) return every ?? parseDuration('15m')
    const hint = 'write --every 1m or more'
    throw new BurnError('schedule_every', 'no scheduler starts a command more often than once a minute', hint, { exit: 2 })
  }
  if (every === undefined) return null
  throw new BurnError('schedule_every', 'burn start runs until it is stopped, so it has no interval', 'leave out --every', { exit: 2 })
}

type Format = (typeof formats)[number]

/** Returns the format that the options name. Throws BurnError `usage` (exit 2) if they name several. */
function formatOf(given: {
  readonly cron: boolean
  readonly systemd: boolean
  readonly launchd: boolean
  readonly format: Format | undefined
}) {
  const named = new Set(formats.filter((each) => given.format === each || given[each === 'crontab' ? 'cron' : each]))
  if (named.size > 1) throw usage(`the options name several formats: ${[...named].join(', ')}`, 'name one format')
  return [...named][0] ?? 'crontab'
}

const advice = {
  crontab: ({ every }: ScheduledRun) =>
    every === null
      ? 'Add the line with: crontab -e   (cron starts burn at each boot, and does not restart burn after a failure)'
      : 'Add the line with: crontab -e',
  launchd: ({ name, log }: ScheduledRun) =>
    `Save the job as ~/Library/LaunchAgents/${name}.plist. Then run: mkdir -p ${dirname(log)}; launchctl load -w ~/Library/LaunchAgents/${name}.plist`,
  systemd: ({ name, every }: ScheduledRun) =>
    `Save ${every === null ? `the unit as ~/.config/systemd/user/${name}.service` : 'both units in ~/.config/systemd/user'}. Then run: systemctl --user enable --now ${name}.${every === null ? 'service' : 'timer'}   (loginctl enable-linger keeps it running when you are logged out; journalctl --user -u ${name} shows its output)`,
} as const
