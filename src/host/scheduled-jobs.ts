/** Finds the scheduled jobs of a machine: the person's crontab, user timers of systemd, launchd, and Hermes. */
import type { JobRunRecord, MachineJobs, ScheduledJob } from '../core/scheduled-job.ts'
import { itemsOf, membersOf, parseJson, stringOf, type JsonObject } from '../core/json.ts'
import { oneLine } from '../core/text.ts'
import { shellWords } from './quote.ts'
import { pythons } from './usage-databases.ts'

/** Prints the path of each database in its arguments, with the last run of each job. It prints nothing about one that it cannot read. */
const executionsScript = `
import json, sqlite3, sys
from urllib.parse import quote
for path in sys.argv[1:]:
    try:
        db = sqlite3.connect("file:" + quote(path) + "?mode=ro", uri=True, timeout=2)
        rows = db.execute("select job_id, status, coalesce(started_at, claimed_at), max(claimed_at) from executions group by job_id").fetchall()
    except sqlite3.Error: continue
    print(json.dumps([path, rows]))
`

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
  sed -n -e '/<key>StartInterval</,/<integer>/s|.*<integer>\\([0-9]*\\)<.*|every=\\1|p' -e '/<key>ProgramArguments</,/<.array>/s|^ *<string>\\(.*\\)</string>$|word=\\1|p' "$plist"
done; fi
for jobs in "$HOME"/.hermes/cron/jobs.json "$HOME"/.hermes/profiles/*/cron/jobs.json; do
  if [ -r "$jobs" ]; then home=\${jobs%/cron/jobs.json}; echo "part hermes \${home#"$HOME"/}"; cat "$jobs"; echo; fi
done
set --
for db in "$HOME"/.hermes/cron/executions.db "$HOME"/.hermes/profiles/*/cron/executions.db; do [ -r "$db" ] && set -- "$@" "$db"; done
if [ $# -gt 0 ]; then echo 'part executions'
  for python in ${pythons}; do [ -n "$python" ] && "$python" -c '${executionsScript}' "$@" </dev/null 2>/dev/null && break; done
fi
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
  const executions = lastExecutions(textOf('executions'))
  const zone = textOf('zone').trim()
  return {
    zone: zone === '' ? null : zone,
    jobs: [
      ...cronJobs(textOf('cron')),
      ...timers(textOf('timers'), units),
      ...parts.flatMap(({ name, text }) => (name.startsWith('launchd ') ? [launchdJob(name.slice(8), text)] : [])),
      ...parts.flatMap(({ name, text }) => (name.startsWith('hermes ') ? hermesJobs(name.slice(7), text, executions) : [])),
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

/**
 * Returns a job of launchd. launchd counts runs, but does not tell when they began. The words and the interval of the job come from its
 * property list, in the form that `burn job schedule` prints.
 */
function launchdJob(name: string, text: string): ScheduledJob {
  const code = /^last exit code=(\d+)/m.exec(text)?.[1]
  const failed = code !== undefined && code !== '0'
  const every = Number(/^every=(\d+)$/m.exec(text)?.[1] ?? 0) * 1000
  const words = [...text.matchAll(/^word=(.*)$/gm)].map(([, word = '']) =>
    word.replace(/&(amp|lt|gt);/g, (_, of: string) => entities[of] ?? ''),
  )
  return {
    scheduler: 'launchd',
    name,
    schedule: every === 0 ? null : { every },
    next: null,
    last: failed ? { started: 0, ok: false, result: `exit code ${code}` } : 'unknown',
    ...(words.length === 0 ? {} : { command: shellWords(words) }),
  }
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>' }

/** Returns the last runs in Hermes' databases, by the home and the id of the job. */
function lastExecutions(text: string): ReadonlyMap<string, JobRunRecord> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const [path, rows] = itemsOf(parseJson(line)?.value)
      const home = /(\.hermes(?:\/profiles\/[^/]+)?)\/cron\/executions\.db$/.exec(stringOf(path) ?? '')?.[1]
      return itemsOf(rows).flatMap((row): [string, JobRunRecord][] => {
        const [id, status, at] = itemsOf(row)
        const started = timeOf(at)
        if (home === undefined || started === null) return []
        const ok = status === 'completed' ? true : status === 'failed' || status === 'unknown' ? false : null
        return [[`${home} ${String(id)}`, { started, ok, result: status === 'unknown' ? 'Hermes ended during the run' : '' }]]
      })
    }),
  )
}

/**
 * Returns the jobs of a Hermes home. After a missed run Hermes sets a later `next_run_at`, so burn sees only a present delay. `executions`:
 * the last runs, which also show a run that has not ended.
 */
function hermesJobs(home: string, text: string, executions: ReadonlyMap<string, JobRunRecord>): ScheduledJob[] {
  return itemsOf(membersOf(parseJson(text)?.value)['jobs']).flatMap((each): ScheduledJob[] => {
    const { id, name, enabled, schedule, next_run_at, last_run_at, last_status } = membersOf(each)
    if (enabled === false || typeof id !== 'string') return []
    const started = timeOf(last_run_at)
    const ok = last_status === 'ok' ? true : last_status === 'error' ? false : null
    const execution = executions.get(`${home} ${id}`)
    return [
      {
        scheduler: 'hermes',
        name: `${home} ${oneLine(stringOf(name) ?? id, 80)}`,
        schedule: hermesSchedule(membersOf(schedule)),
        next: timeOf(next_run_at),
        // The error text is left out, because it may contain secrets.
        last:
          execution !== undefined && (started === null || execution.started > started)
            ? execution
            : started === null
              ? 'none'
              : { started, ok, result: '' },
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
