/**
 * The usage limits of a login at a model provider, as an agent program reports them. Claude Code reports them on its status line, and Codex
 * in its session files.
 */
import type { Time, WorkerId } from './nouns.ts'

/** One limit, such as that of five hours, at the time at which the agent reported it. */
export interface UsageLimit {
  /** The length of the period, such as `5h` or `7d`, or the provider's own name of the limit. */
  readonly name: string
  /** The used part in percent. A provider may accept requests after 100, if it sells further usage. */
  readonly used: number
  /** The time at which the period ends; null if the agent does not report it. */
  readonly resets_at: Time | null
  /** The time of the report. */
  readonly at: Time
}

/** The newest report of one limit by a worker's agent. */
export interface WorkerLimit extends UsageLimit {
  readonly worker: WorkerId
}

/** The lengths of the periods that have a name of their own in the reports of Claude Code. */
const claudeNames: Readonly<Record<string, string>> = { five_hour: '5h', seven_day: '7d' }

const written = /^(\d{1,12}) [\da-f-]{1,32}((?: [a-z0-9_]{1,40}=\d{1,6}(?:\.\d{1,6})?=\d{0,12}){1,8})$/

/**
 * Parses the limits that the hook wrote to the pane option `@burn_limits`: the time in seconds, a word that changes with each request and each
 * prompt, and `NAME=PERCENT=RESET` for each limit. RESET is in seconds, or empty if it is unknown. Returns no limits if the text has
 * another format, because an agent or a person may set the option to anything.
 */
export function parseLimits(text: string): UsageLimit[] {
  const [, at, all] = written.exec(text) ?? []
  if (at === undefined || all === undefined) return []
  return all
    .trim()
    .split(' ')
    .map((each) => {
      const [name = '', used, reset] = each.split('=')
      const resets_at = reset === undefined || reset === '' ? null : Number(reset) * 1000
      return { name: claudeNames[name] ?? name, used: Number(used), resets_at, at: Number(at) * 1000 }
    })
}

const hour = 60

/** Returns the name of a limit with a period of this many minutes. */
export function limitName(minutes: number): string {
  if (minutes % (24 * hour) === 0) return `${minutes / (24 * hour)}d`
  return minutes % hour === 0 ? `${minutes / hour}h` : `${minutes}m`
}

/** Returns the newest report of each limit of each worker. */
export function newestLimits(limits: readonly WorkerLimit[]): WorkerLimit[] {
  const newest = new Map<string, WorkerLimit>()
  for (const limit of limits) {
    const key = `${limit.worker} ${limit.name}`
    if (limit.at >= (newest.get(key)?.at ?? 0)) newest.set(key, limit)
  }
  return [...newest.values()]
}
