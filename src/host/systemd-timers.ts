/** Reads the timers of systemd: those of the user, and those of the system that belong to the fleet. */
import type { ScheduledJob } from '../core/scheduled-job.ts'
import { itemsOf, membersOf, parseJson } from '../core/json.ts'
import { isFleetJob, type Person } from '../decide/fleet-jobs.ts'

/**
 * Prints for each manager of systemd a part `timers --user` or `timers --system`, and a part `units` with their properties. A command over
 * `docker exec` or cron has no `XDG_RUNTIME_DIR`, and `systemctl --user` needs it. JSON doubles the backslashes in names of units.
 */
export const timersScript = `[ -n "$XDG_RUNTIME_DIR" ] || { XDG_RUNTIME_DIR=/run/user/$(id -u); export XDG_RUNTIME_DIR; }
for manager in --user --system; do
  timers=$(systemctl $manager list-timers --all --output=json 2>/dev/null) || continue
  printf 'part timers %s\\n%s\\n' $manager "$timers"
  set -- $(printf '%s\\n' "$timers" | tr ',{}' '\\n\\n\\n' | sed -n -e 's/\\\\\\\\/\\\\/g' -e 's/^"unit":"\\([^"]*\\)".*/\\1/p' -e 's/^"activates":"\\([^"]*\\)".*/\\1/p')
  echo "part units $manager"
  systemctl $manager show -p Id -p Result -p ActiveState -p TimersMonotonic -p User -p WorkingDirectory -p ExecStart -- "$@" 2>/dev/null
done`

/** Returns the timers of both managers. `textOf`: the text of a part of the output. */
export function timerJobs(textOf: (part: string) => string, person: Person): ScheduledJob[] {
  const user = timersOf(textOf('timers --user'), unitsIn(textOf('units --user')))
  const system = timersOf(textOf('timers --system'), unitsIn(textOf('units --system')))
  return [
    ...user.map(({ job }) => job),
    ...system.flatMap(({ job, service }) => {
      const command = `${propertyOf(service, 'ExecStart')} ${propertyOf(service, 'WorkingDirectory')}`
      const isOurs = isFleetJob({ name: job.name, command, user: propertyOf(service, 'User') }, person)
      return isOurs ? [{ ...job, name: `${job.name} (system)` }] : []
    }),
  ]
}

/** Returns the properties of each unit by its name. systemctl prints an empty line between two units. */
function unitsIn(text: string): ReadonlyMap<string, string> {
  return new Map(text.split('\n\n').map((block) => [propertyOf(block, 'Id'), block] as const))
}

const propertyOf = (unit: string, name: string) =>
  [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value]) => value).join(' ')

/** Returns the timers, and the properties of their services. systemd's times are microseconds since 1970; 0 or null means that there is none. */
function timersOf(text: string, units: ReadonlyMap<string, string>): { readonly job: ScheduledJob; readonly service: string }[] {
  return itemsOf(parseJson(text)?.value).flatMap((each) => {
    const { unit, activates, next, last } = membersOf(each)
    if (typeof unit !== 'string' || typeof activates !== 'string') return []
    const service = units.get(activates) ?? ''
    const result = propertyOf(service, 'Result')
    const running = ['active', 'activating'].includes(propertyOf(service, 'ActiveState'))
    const ok = running || result === '' ? null : result === 'success'
    const started = millis(last)
    const run = started === null ? ('none' as const) : { started, ok, result: ok === false ? result : '' }
    const every = running ? null : timerPeriod(units.get(unit) ?? '')
    const schedule = every === null ? null : { every }
    return [{ job: { scheduler: 'systemd' as const, name: unit, schedule, next: millis(next), last: run }, service }]
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
