/** Finds the scheduled jobs of a machine: crontabs, timers of systemd, launchd, and Hermes. */
import type { JobRunRecord, MachineJobs, ScheduledJob } from '../core/scheduled-job.ts'
import type { Time } from '../core/nouns.ts'
import { itemsOf, membersOf, parseJson, stringOf, type JsonObject } from '../core/json.ts'
import { oneLine } from '../core/text.ts'
import { isFleetJob, type Person } from '../decide/fleet-jobs.ts'
import { launchdJobs, launchdScript } from './launchd-jobs.ts'
import { timerJobs, timersScript } from './systemd-timers.ts'
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
 * A script that prints parts, each after a line `part NAME`, and `part end` last. cron ignores files of `/etc/cron.d` whose names have a dot,
 * such as those that a package manager saves.
 */
export const jobsScript = `printf 'part person\\n%s\\n%s\\n' "$(id -un)" "$HOME"
echo 'part zone'; cat /etc/timezone 2>/dev/null || readlink /etc/localtime 2>/dev/null | sed 's|.*/zoneinfo/||'
echo 'part cron'; crontab -l 2>/dev/null
echo 'part system cron'
for tab in /etc/crontab /etc/cron.d/*; do
  case \${tab##*/} in *[!A-Za-z0-9_-]*) ;; *) [ -r "$tab" ] && { cat "$tab"; echo; } ;; esac
done
${timersScript}
${launchdScript}
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
  const executions = lastExecutions(textOf('executions'))
  const zone = textOf('zone').trim()
  const [user = '', home = ''] = textOf('person').split('\n')
  const person = { user, home }
  return {
    zone: zone === '' ? null : zone,
    jobs: [
      ...cronJobs(textOf('cron')),
      ...systemCronJobs(textOf('system cron'), person),
      ...timerJobs(textOf, person),
      ...parts.flatMap(({ name, text }) => (name.startsWith('launchd ') ? launchdJobs(name.slice('launchd '.length), text, person) : [])),
      ...parts.flatMap(({ name, text }) => (name.startsWith('hermes ') ? hermesJobs(name.slice(7), text, executions) : [])),
    ],
  }
}

/** Returns the entries of a crontab: the schedule, and the rest of the line. */
function cronEntries(text: string): { readonly cron: string; readonly rest: string }[] {
  return text.split('\n').flatMap((line) => {
    const [, cron = '', rest = ''] = /^\s*(@\w+|(?:[^\s#=]+\s+){4}[^\s#=]+)\s+(.+)$/.exec(line) ?? []
    // A name such as `PATH = /bin` is a setting, and five words may look like a schedule only if they begin with a digit or a star.
    return cron === '' || !/^[@*\d]/.test(cron) ? [] : [{ cron, rest: rest.trim() }]
  })
}

/** Returns the jobs of a person's crontab. cron keeps no record of runs. */
function cronJobs(text: string): ScheduledJob[] {
  return cronEntries(text).map(({ cron, rest }) => ({ scheduler: 'cron', name: rest, schedule: { cron }, next: null, last: 'unknown' }))
}

/** Returns the jobs of the system's crontabs that belong to the fleet. After the schedule comes the account. */
function systemCronJobs(text: string, person: Person): ScheduledJob[] {
  return cronEntries(text).flatMap(({ cron, rest }): ScheduledJob[] => {
    const [, user = '', command = ''] = /^(\S+)\s+(.+)$/.exec(rest) ?? []
    if (!isFleetJob({ name: '', command, user }, person)) return []
    return [{ scheduler: 'cron', name: `${command} (system)`, schedule: { cron }, next: null, last: 'unknown', command }]
  })
}

/** The last run of a job in a database of Hermes. */
type Execution = JobRunRecord & { readonly started: Time }

/** Returns the last runs in Hermes' databases, by the home and the id of the job. */
function lastExecutions(text: string): ReadonlyMap<string, Execution> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const [path, rows] = itemsOf(parseJson(line)?.value)
      const home = /(\.hermes(?:\/profiles\/[^/]+)?)\/cron\/executions\.db$/.exec(stringOf(path) ?? '')?.[1]
      return itemsOf(rows).flatMap((row): [string, Execution][] => {
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
function hermesJobs(home: string, text: string, executions: ReadonlyMap<string, Execution>): ScheduledJob[] {
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
