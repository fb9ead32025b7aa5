/** Writes the configuration for cron, systemd and launchd that starts a scheduled run. It installs nothing. */
import { BurnError } from '../core/errors.ts'

/** A command that a scheduler starts: at an interval, or once as a service. */
export interface ScheduledRun {
  /** A name for units and labels: letters, digits and dashes. */
  readonly name: string
  readonly argv: readonly string[]
  /** The interval between two starts (ms); null for a service, which runs until somebody stops it. */
  readonly every: number | null
  /** The environment variables of the run, by name. */
  readonly variables: Readonly<Record<string, string>>
  /** The absolute path of the log file, to which cron and launchd append the output. systemd writes the output to the journal instead. */
  readonly log: string
}

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** Maximum length of a command in a crontab. Source: Debian's cron; others accept more. */
const maxCommandLength = 998

/**
 * Returns one line for `crontab -e`. Throws BurnError `schedule_every`, `schedule_words` or `schedule_long` (exit 2) if cron cannot express
 * the run.
 */
export function crontabLine(run: ScheduledRun): string {
  const { argv, every, log } = withoutControls(run)
  const folder = log.slice(0, log.lastIndexOf('/')) || '/'
  const words = `mkdir -p ${shell(folder)} && ${Object.entries(run.variables)
    .map(([name, value]) => `${name}=${shell(value)}`)
    .join(' ')} ${argv.map(shell).join(' ')} >>${shell(log)} 2>&1`
  // In a crontab, a percent sign ends the command, even within quotes.
  const command = words.replaceAll('%', '\\%')
  const hint = 'shorten PATH for this command, or use --format systemd'
  if (command.length > maxCommandLength)
    throw new BurnError(
      'schedule_long',
      `the crontab command has ${command.length} characters, but cron accepts at most ${maxCommandLength}`,
      hint,
      {
        exit: 2,
      },
    )
  return `${cronTime(every)} ${command}\n`
}

/**
 * Returns the run unchanged. Throws BurnError `schedule_words` (exit 2) if a part of it has a control character, which no scheduler can
 * express.
 */
function withoutControls(run: ScheduledRun): ScheduledRun {
  const odd = [...run.argv, ...Object.values(run.variables), run.log].find((word) => /\p{Cc}/u.test(word))
  if (odd === undefined) return run
  const hint = 'rename the file or folder, or remove the argument'
  throw new BurnError(
    'schedule_words',
    `no scheduler accepts ${JSON.stringify(odd)}, because this argument or path has a control character`,
    hint,
    { exit: 2 },
  )
}

function cronTime(every: number | null): string {
  if (every === null) return '@reboot'
  const minutes = every / minute
  const hours = every / hour
  if (minutes >= 1 && minutes < 60 && Number.isInteger(minutes) && 60 % minutes === 0)
    return minutes === 1 ? '* * * * *' : `*/${minutes} * * * *`
  if (hours >= 1 && hours < 24 && Number.isInteger(hours) && 24 % hours === 0) return hours === 1 ? '7 * * * *' : `7 */${hours} * * *`
  if (every === day) return '7 3 * * *'
  throw new BurnError(
    'schedule_every',
    'cron needs an interval that divides an hour or a day',
    'use for example --every 15m, 1h, 6h or 1d',
    {
      exit: 2,
    },
  )
}

/** Returns a word quoted for a POSIX shell. */
function shell(word: string): string {
  return /^[A-Za-z0-9_./:,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/**
 * How systemd runs a service. `burn stop` is no failure, even if a cycle failed (3). A new start would not correct the spec (2). A stop must
 * not end the tmux servers, which are in the control group of the service, too.
 */
const serviceKeys = `Type=simple
Restart=on-failure
RestartSec=30
SuccessExitStatus=3
RestartPreventExitStatus=2
KillMode=process
`

/**
 * Returns files, by name, for `systemctl --user`: a service, and its timer if the run has an interval. The timer starts no second run while
 * the first is running. The output goes to the journal. Throws BurnError `schedule_words` (exit 2).
 */
export function systemdUnits(run: ScheduledRun): ReadonlyMap<string, string> {
  const { name, argv, every, variables } = withoutControls(run)
  // systemd expands variables only in commands, so burn doubles dollar signs only here.
  const exec = argv.map((word) => systemdWord(word).replaceAll('$', '$$$$')).join(' ')
  const service = `[Unit]
Description=burn-fleet: ${name}

[Service]
${every === null ? serviceKeys : 'Type=oneshot\n'}${Object.entries(variables)
    .map(([key, value]) => `Environment=${systemdWord(`${key}=${value}`)}\n`)
    .join('')}ExecStart=${exec}
KillSignal=SIGTERM
TimeoutStopSec=120
${every === null ? '\n[Install]\nWantedBy=default.target\n' : ''}`
  if (every === null) return new Map([[`${name}.service`, service]])
  const timer = `[Unit]
Description=burn-fleet: ${name}, every ${Math.round(every / 1000)} seconds

[Timer]
OnBootSec=60
OnUnitActiveSec=${Math.round(every / 1000)}
RandomizedDelaySec=${Math.max(1, Math.round(every / 20_000))}

[Install]
WantedBy=timers.target
`
  return new Map([
    [`${name}.service`, service],
    [`${name}.timer`, timer],
  ])
}

function systemdWord(word: string): string {
  return `"${word.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%')}"`
}

/**
 * Returns a property list for `~/Library/LaunchAgents`. launchd starts no second run while the first is running. It restarts a service after
 * a failure, and leaves the tmux servers of a service alone. Throws BurnError
 * `schedule_words` (exit 2).
 */
export function launchdPlist(run: ScheduledRun): string {
  const { name, argv, every, log } = withoutControls(run)
  const pairs = Object.entries(run.variables).map(([key, value]) => `    <key>${key}</key>\n    <string>${xml(value)}</string>`)
  const words = argv.map((word) => `    <string>${xml(word)}</string>`).join('\n')
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${xml(name)}</string>
  <key>ProgramArguments</key>
  <array>
${words}
  </array>
  <key>EnvironmentVariables</key>
  <dict>
${pairs.join('\n')}
  </dict>
${every === null ? launchdService : `  <key>StartInterval</key>\n  <integer>${Math.round(every / 1000)}</integer>`}
  <key>StandardOutPath</key>
  <string>${xml(log)}</string>
  <key>StandardErrorPath</key>
  <string>${xml(log)}</string>
</dict>
</plist>
`
}

const launchdService = `  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>30</integer>
  <key>AbandonProcessGroup</key>
  <true/>`

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
