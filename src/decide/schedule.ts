/** Lines for the schedulers that machines have: cron, launchd, systemd. Pure text; nothing is installed. */
import { BurnError } from '../core/errors.ts'

export interface ScheduledRun {
  /** A name for units and labels: letters, digits and dashes. */
  readonly name: string
  readonly argv: readonly string[]
  /** Milliseconds between two starts. */
  readonly every: number
  /** What programs are looked for in. */
  readonly path: string
  /** TMUX_TMPDIR, where it is set: tmux servers are looked for there. */
  readonly tmux_tmpdir: string | null
  /** Absolute path of a file that what it prints is added to; systemd has a journal for that. */
  readonly log: string
}

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** What cron takes of a line's command (Debian's; others take more). */
const longestCommand = 998

/** One line for `crontab -e`. Throws BurnError `schedule_every`, `schedule_words` or `schedule_long` (exit 2) where cron can't say it. */
export function crontabLine(run: ScheduledRun): string {
  const { argv, every, log } = plain(run)
  const folder = log.slice(0, log.lastIndexOf('/')) || '/'
  const words = `mkdir -p ${shell(folder)} && ${settings(run)
    .map(([name, value]) => `${name}=${shell(value)}`)
    .join(' ')} ${argv.map(shell).join(' ')} >>${shell(log)} 2>&1`
  // A percent sign ends the command in a crontab, also in quotes.
  const command = words.replaceAll('%', '\\%')
  const hint = 'call it with a shorter PATH, or write --format systemd'
  if (command.length > longestCommand)
    throw new BurnError('schedule_long', `cron cuts commands off at ${longestCommand} characters, and this has ${command.length}`, hint, {
      exit: 2,
    })
  return `${cronTime(every)} ${command}\n`
}

/** Each of them is read a line at a time, or as XML: none can say a line end or another control character. */
function plain(run: ScheduledRun): ScheduledRun {
  const odd = [...run.argv, run.path, run.log, run.tmux_tmpdir ?? ''].find((word) => /\p{Cc}/u.test(word))
  if (odd === undefined) return run
  const hint = 'rename what it names, or leave it out'
  throw new BurnError('schedule_words', `no scheduler takes ${JSON.stringify(odd)}: it has a control character`, hint, { exit: 2 })
}

/** What the run needs of the environment in which it was scheduled. */
function settings({ path, tmux_tmpdir }: ScheduledRun): (readonly [string, string])[] {
  return [['PATH', path], ...(tmux_tmpdir === null ? [] : [['TMUX_TMPDIR', tmux_tmpdir] as const])]
}

function cronTime(every: number): string {
  const minutes = every / minute
  const hours = every / hour
  if (minutes >= 1 && minutes < 60 && Number.isInteger(minutes) && 60 % minutes === 0)
    return minutes === 1 ? '* * * * *' : `*/${minutes} * * * *`
  if (hours >= 1 && hours < 24 && Number.isInteger(hours) && 24 % hours === 0) return hours === 1 ? '7 * * * *' : `7 */${hours} * * *`
  if (every === day) return '7 3 * * *'
  throw new BurnError('schedule_every', 'cron can only say what divides an hour or a day', 'write for example --every 15m, 1h, 6h or 1d', {
    exit: 2,
  })
}

/** A word as any POSIX shell reads it back. */
function shell(word: string): string {
  return /^[A-Za-z0-9_./:,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/**
 * Two files, each under its name, for `systemctl --user`: a service, and its timer, which starts no second run beside the first. What it
 * prints is in the journal.
 */
export function systemdUnits(run: ScheduledRun): ReadonlyMap<string, string> {
  const { name, argv, every } = plain(run)
  // Only in a command a dollar sign stands for a variable.
  const exec = argv.map((word) => systemdWord(word).replaceAll('$', '$$$$')).join(' ')
  const service = `[Unit]
Description=burn-fleet: ${name}

[Service]
Type=oneshot
${settings(run)
  .map(([key, value]) => `Environment=${systemdWord(`${key}=${value}`)}\n`)
  .join('')}ExecStart=${exec}
KillSignal=SIGTERM
TimeoutStopSec=120
`
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

/** A property list for `~/Library/LaunchAgents`; launchd starts no second run beside the first. */
export function launchdPlist(run: ScheduledRun): string {
  const { name, argv, every, log } = plain(run)
  const variables = settings(run).map(([key, value]) => `    <key>${key}</key>\n    <string>${xml(value)}</string>`)
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
${variables.join('\n')}
  </dict>
  <key>StartInterval</key>
  <integer>${Math.round(every / 1000)}</integer>
  <key>StandardOutPath</key>
  <string>${xml(log)}</string>
  <key>StandardErrorPath</key>
  <string>${xml(log)}</string>
</dict>
</plist>
`
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
