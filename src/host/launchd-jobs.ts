/** Reads the jobs of launchd that belong to the fleet. */
import type { JobSchedule, ScheduledJob } from '../core/scheduled-job.ts'
import { programNames } from '../core/agent-kinds.ts'
import { itemsOf, membersOf, parseJson, stringOf } from '../core/json.ts'
import { isFleetJob, runsFleetProgram, type Person } from '../decide/fleet-jobs.ts'
import { shellWords } from './quote.ts'

/** A property list without one of these words names no program of the fleet. Shorter names occur in most lists. */
const named = ['burn', ...programNames.filter((name) => name.length > 3)].join('|')
const daemons = '/Library/LaunchDaemons/'

/**
 * Prints for each property list that may belong to the fleet a part `launchd PATH`: the list as JSON on one line, then what launchd tells
 * about the job. A property list may be XML or binary. A person's jobs are in the domain `user` if the person has no session at the screen.
 * In the output of launchctl a nested line begins with two tabs.
 */
export const launchdScript = `if [ "$(uname)" = Darwin ]; then for plist in "$HOME"/Library/LaunchAgents/*.plist /Library/LaunchAgents/*.plist ${daemons}*.plist; do
  [ -r "$plist" ] || continue
  label=\${plist##*/}; label=\${label%.plist}; domains="gui/$(id -u) user/$(id -u)"
  case $plist in ${daemons}*) domains=system ;; */burn-*) ;; *) grep -aqE '${named}' "$plist" || continue ;; esac
  json=$(plutil -convert json -o - "$plist" 2>/dev/null) || json={}
  own=$(printf '%s\\n' "$json" | sed -n 's/.*"Label":"\\([^"]*\\)".*/\\1/p')
  printf 'part launchd %s\\n%s\\n' "$plist" "$json"
  for domain in $domains; do launchctl print "$domain/\${own:-$label}" 2>/dev/null && break; done |
    sed -n -E 's/^[[:space:]](state|last exit code|last exit reason|last terminating signal|run interval) = /\\1=/p'
done; fi`

/** Returns the job of a property list; an empty list if it does not belong to the fleet. `text`: the rest of the part `launchd PATH`. */
export function launchdJobs(path: string, text: string, person: Person): ScheduledJob[] {
  const end = text.indexOf('\n')
  const [list, facts] = [membersOf(parseJson(text.slice(0, end))?.value), text.slice(end)]
  const name = stringOf(list['Label']) ?? path.slice(path.lastIndexOf('/') + 1).replace(/\.plist$/, '')
  const words = itemsOf(list['ProgramArguments']).flatMap((word) => stringOf(word) ?? [])
  const command = words.length === 0 ? (stringOf(list['Program']) ?? '') : shellWords(words)
  const isSystem = path.startsWith(daemons)
  const isOurs = isSystem
    ? isFleetJob({ name, command, user: stringOf(list['UserName']) ?? '' }, person)
    : runsFleetProgram({ name, command })
  const every = typeof list['StartInterval'] === 'number' ? list['StartInterval'] : Number(/^\d+/.exec(factIn(facts, 'run interval'))?.[0])
  const schedule = every > 0 ? { every: every * 1000 } : calendarSchedule(list['StartCalendarInterval'])
  // A job without a schedule is a service. Of the services, burn lists only its own.
  const isListed = isOurs && (schedule !== null || name.startsWith('burn-')) && !(list['Disabled'] === true && facts.trim() === '')
  if (!isListed) return []
  const why = failureIn(facts)
  return [
    {
      scheduler: 'launchd',
      name: isSystem ? `${name} (system)` : name,
      schedule,
      next: null,
      last: why === null ? 'unknown' : { started: null, ok: false, result: why },
      ...(command === '' ? {} : { command }),
    },
  ]
}

const factIn = (facts: string, name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(facts)?.[1] ?? ''

/** The signals by which people and the system end a program that works: SIGHUP, SIGINT, SIGPIPE and SIGTERM. */
const cleanSignals = [1, 2, 13, 15]
/** The system ended an idle program to free memory. */
const idleExit = 'JETSAM_REASON_MEMORY_IDLE_EXIT'

/**
 * Returns why the last run of a job failed; null if it did not, or if it has not ended. launchd counts runs, but does not tell when they
 * began, and its count begins anew after a reboot. After a kill, the line of the exit code is missing or of an earlier run.
 */
function failureIn(facts: string): string | null {
  if (factIn(facts, 'state') === 'running') return null
  const [, signal, number] = /^(.*): (\d+)$/.exec(factIn(facts, 'last terminating signal')) ?? []
  if (signal !== undefined) return cleanSignals.includes(Number(number)) ? null : `signal ${number} (${signal})`
  const reason = factIn(facts, 'last exit reason')
  if (reason !== '') return reason === idleExit ? null : reason
  const code = /^-?\d+/.exec(factIn(facts, 'last exit code'))?.[0] ?? '0'
  return code === '0' ? null : `exit code ${code}`
}

const calendarFields = ['Minute', 'Hour', 'Day', 'Month', 'Weekday'] as const

/**
 * Returns the schedule of one calendar entry of launchd, or of a list of them; null if there is none, or if one cron expression cannot say
 * the same. A missing field matches every value, as `*` does.
 */
function calendarSchedule(value: unknown): JobSchedule | null {
  const entries = (Array.isArray(value) ? itemsOf(value) : [value]).filter((each) => typeof each === 'object').map(membersOf)
  const rows = entries.map((entry) => calendarFields.map((field) => (typeof entry[field] === 'number' ? String(entry[field]) : '*')))
  const values = calendarFields.map((_, index) => [...new Set(rows.map((row) => row[index] ?? '*'))])
  const combinations = values.reduce((product, { length }) => product * length, 1)
  if (entries.length === 0 || combinations !== new Set(rows.map((row) => row.join(' '))).size) return null
  return { cron: values.map((each) => (each.includes('*') ? '*' : each.join(','))).join(' ') }
}
