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
  /** Absolute path of a file that what it prints is added to. */
  readonly log: string
}

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** One line for `crontab -e`. Throws BurnError `schedule_every` (exit 2) where cron can't say it. */
export function crontabLine({ argv, every, path, log }: ScheduledRun): string {
  const command = `PATH=${shell(path)} ${argv.map(shell).join(' ')} >>${shell(log)} 2>&1`
  // A percent sign ends the command in a crontab, also in quotes.
  return `${cronTime(every)} ${command.replaceAll('%', '\\%')}\n`
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

/** Two files, each under its name: `systemctl --user` knows a service and its timer. Neither starts while the other run goes on. */
export function systemdUnits({ name, argv, every, path, log }: ScheduledRun): ReadonlyMap<string, string> {
  const exec = argv.map(systemdWord).join(' ')
  const service = `[Unit]
Description=burn-fleet: ${name}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
Environment=${systemdWord(`PATH=${path}`)}
ExecStart=${exec}
StandardOutput=append:${log.replaceAll('%', '%%')}
StandardError=inherit
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
  return `"${word.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%').replaceAll('$', '$$$$')}"`
}

/** A property list for `~/Library/LaunchAgents`; launchd starts no second run beside the first. */
export function launchdPlist({ name, argv, every, path, log }: ScheduledRun): string {
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
    <key>PATH</key>
    <string>${xml(path)}</string>
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
