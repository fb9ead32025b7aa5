/** Finds the scheduled jobs of a machine: the person's crontab, user timers of systemd, launchd, and Hermes. */
import type { MachineJobs, ScheduledJob } from '../core/scheduled-job.ts'
import { itemsOf, membersOf, parseJson, stringOf, type JsonObject } from '../core/json.ts'
import { oneLine } from '../core/text.ts'

/**
 * A script that prints parts, each after a line `part NAME`, and `part end` last. A command over `docker exec` or cron has no
 * `XDG_RUNTIME_DIR`, and `systemctl --user` needs it.
 */
export const jobsScript = `echo 'part zone'; cat /etc/timezone 2>/dev/null || readlink /etc/localtime 2>/dev/null | sed 's|.*/zoneinfo/||'
echo 'part cron'; crontab -l 2>/dev/null
echo 'part timers'
[ -n "$XDG_RUNTIME_DIR" ] || { XDG_RUNTIME_DIR=/run/user/$(id -u); export XDG_RUNTIME_DIR; }
if timers=$(systemctl --user list-timers --all --output=json 2>/dev/null); then
  printf '%s\\n' "$timers"
  for unit in $(printf '%s' "$timers" | tr ',{}' '\\n\\n\\n' | sed -n -e 's/^"unit":"\\([^"]*\\)".*/\\1/p' -e 's/^"activates":"\\([^"]*\\)".*/\\1/p'); do
    echo "part unit $unit"; systemctl --user show "$unit" -p Result -p ActiveState -p TimersMonotonic 2>/dev/null
  done
fi
if [ "$(uname)" = Darwin ]; then for plist in "$HOME"/Library/LaunchAgents/burn-*.plist; do
  [ -r "$plist" ] || continue
  label=\${plist##*/}; label=\${label%.plist}; echo "part launchd $label"; launchctl print "gui/$(id -u)/$label" 2>/dev/null | sed -n -E 's/^[[:space:]](last exit code) = /\\1=/p'
done; fi
for jobs in "$HOME"/.hermes/cron/jobs.json "$HOME"/.hermes/profiles/*/cron/jobs.json; do
  if [ -r "$jobs" ]; then home=\${jobs%/cron/jobs.json}; echo "part hermes \${home#"$HOME"/}"; cat "$jobs"; echo; fi
done
echo 'part end'`

/** Returns the jobs in the output of `jobsScript`; null if the output is incomplete. */
export function parseScheduledJobs(output: string): MachineJobs | null {
  const parts = output.split(/^part /m).map((part) => {
    const end = part.indexOf('\n')
    return { name: part.slice(0, end), text: part.slice(end + 1) }
  })
  if (parts.at(-1)?.name !== 'end') return null
  const textOf = (name: string) => parts.find((part) => part.name === name)?.text ?? ''
  const units = new Map(parts.flatMap(({ name, text }) => (name.startsWith('unit ') ? [[name.slice(5), text] as const] : [])))
  const zone = textOf('zone').trim()
  return {
    zone: zone === '' ? null : zone,
    jobs: [
      ...cronJobs(textOf('cron')),
      ...timers(textOf('timers'), units),
      ...parts.flatMap(({ name, text }) => (name.startsWith('launchd ') ? [launchdJob(name.slice(8), text)] : [])),
      ...parts.flatMap(({ name, text }) => (name.startsWith('hermes ') ? hermesJobs(name.slice(7), text) : [])),
    ],
  }
}

/** Returns the jobs of a crontab. cron keeps no record of runs. */
function cronJobs(text: string): ScheduledJob[] {
  return text.split('\n').flatMap((line) => {
    const [, cron = '', command = ''] = /^\s*(@\w+|(?:[^\s#=]+\s+){4}[^\s#=]+)\s+(.+)$/.exec(line) ?? []
    // A name such as `PATH = /bin` is a setting, and five words may look like a schedule only if they begin with a digit or a star.
    if (cron === '' || !/^[@*\d]/.test(cron)) return []
    return [{ scheduler: 'cron', name: command.trim(), schedule: { cron }, next: null, last: 'unknown' }]
  })
}

/** Returns the user timers of systemd. Its times are microseconds since 1970; 0 or null means that there is none. */
function timers(text: string, units: ReadonlyMap<string, string>): ScheduledJob[] {
  return itemsOf(parseJson(text)?.value).flatMap((each): ScheduledJob[] => {
    const { unit, activates, next, last } = membersOf(each)
    if (typeof unit !== 'string' || typeof activates !== 'string') return []
    const service = units.get(activates) ?? ''
    const result = /^Result=(.*)$/m.exec(service)?.[1] ?? ''
    const running = /^ActiveState=(?:active|activating)$/m.test(service)
    const ok = running || result === '' ? null : result === 'success'
    const started = millis(last)
    const run = started === null ? ('none' as const) : { started, ok, result: ok === false ? result : '' }
    const every = running ? null : timerPeriod(units.get(unit) ?? '')
    return [{ scheduler: 'systemd', name: unit, schedule: every === null ? null : { every }, next: millis(next), last: run }]
  })
}

/** The units of systemd's time spans (ms). Source: systemd.time(7). */
const spans: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  month: 2_629_800_000,
  y: 31_557_600_000,
}

/** Returns the period (ms) of a timer that starts its job again some time after the last run; null if it has none. */
function timerPeriod(properties: string): number | null {
  const span = /OnUnit(?:Active|Inactive)USec=([^;]+) ;/.exec(properties)?.[1] ?? ''
  const parts = [...span.matchAll(/(\d+(?:\.\d+)?)([a-z]+)/g)].map(([, count, unit = '']) => Number(count) * (spans[unit] ?? 0))
  const period = parts.reduce((sum, part) => sum + part, 0)
  return period > 0 ? period : null
}

const millis = (micros: unknown) => (typeof micros === 'number' && micros > 0 ? Math.floor(micros / 1000) : null)

/** Returns a job of launchd. launchd counts runs, but does not tell when they began. */
function launchdJob(name: string, text: string): ScheduledJob {
  const code = /^last exit code=(\d+)/m.exec(text)?.[1]
  const failed = code !== undefined && code !== '0'
  return {
    scheduler: 'launchd',
    name,
    schedule: null,
    next: null,
    last: failed ? { started: 0, ok: false, result: `exit code ${code}` } : 'unknown',
  }
}

/** Returns the jobs of a Hermes home. After a missed run Hermes sets a later `next_run_at`, so burn sees only a present delay. */
function hermesJobs(home: string, text: string): ScheduledJob[] {
  return itemsOf(membersOf(parseJson(text)?.value)['jobs']).flatMap((each): ScheduledJob[] => {
    const { id, name, enabled, schedule, next_run_at, last_run_at, last_status } = membersOf(each)
    if (enabled === false || typeof id !== 'string') return []
    const started = timeOf(last_run_at)
    const ok = last_status === 'ok' ? true : last_status === 'error' ? false : null
    return [
      {
        scheduler: 'hermes',
        name: `${home} ${oneLine(stringOf(name) ?? id, 80)}`,
        schedule: hermesSchedule(membersOf(schedule)),
        next: timeOf(next_run_at),
        // The error text is left out, because it may contain secrets.
        last: started === null ? 'none' : { started, ok, result: '' },
      },
    ]
  })
}

function hermesSchedule({ kind, expr, minutes, run_at }: JsonObject): ScheduledJob['schedule'] {
  if (kind === 'cron' && typeof expr === 'string') return { cron: expr }
  if (kind === 'interval' && typeof minutes === 'number' && minutes > 0) return { every: minutes * 60_000 }
  const once = timeOf(run_at)
  return kind === 'once' && once !== null ? { once } : null
}

function timeOf(value: unknown): number | null {
  const time = typeof value === 'string' ? Date.parse(value) : typeof value === 'number' ? value * 1000 : NaN
  return Number.isFinite(time) ? time : null
}
