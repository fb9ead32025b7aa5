/** Decides when burn runs an agent's command that renews a login, judges the result, and finds logins that need a person. Pure. */
import type { LoginTrouble } from '../core/events.ts'
import type { Login } from '../core/login.ts'
import type { QuietHours } from '../core/notify-settings.ts'
import type { Time } from '../core/nouns.ts'
import { hasElapsed } from '../core/elapsed.ts'
import { backoffMs } from './backoff.ts'
import { finalEnd, needsPerson } from './logins.ts'
import { afterQuietHours, lastTimeOfDay } from './quiet-hours.ts'

const minute = 60_000
const day = 24 * 60 * minute
/** The pauses (ms) between two runs of the command for one login: the first one, and the longest. */
const pauses = { first: minute, longest: 30 * minute }
/** After this number of failed attempts in a row, burn reports the login. */
const reportedFailures = 3

/** The number of earlier stamps of a login that burn keeps. */
const keptStamps = 20

/** The facts about a login that burn keeps between two readings. */
export interface LoginMemory {
  /** The agent kind and the provider. Only logins of one family can be copies of each other. */
  readonly family: string
  /** The `store` of the login. */
  readonly place: string
  /** The last stamps of the login, the newest first. */
  readonly stamps: readonly string[]
  /** True if burn has seen this login, with its present stamp, in another place, too. */
  readonly copied: boolean
  /** The start of the last attempt; null if there was none. */
  readonly tried_at: Time | null
  /** The number of attempts in a row that did not renew the login. */
  readonly failures: number
  /** The trouble that burn has reported and that has not ended; null if there is none. */
  readonly reported: LoginTrouble | null
  /** The time of the last warning before a night; null if there was none. */
  readonly warned_at: Time | null
  /** The end of the login in that warning; null if there was none, or if the login was renewed since. */
  readonly warned_end: Time | null
}

export const noMemory: LoginMemory = {
  family: '',
  place: '',
  stamps: [],
  copied: false,
  tried_at: null,
  failures: 0,
  reported: null,
  warned_at: null,
  warned_end: null,
}

/**
 * Returns the memory of a login after a reading. `others`: the memories of all logins. A login is a copy if another place has or had its
 * present stamp. It stays a copy until its stamp changes: after the renewal of one copy, the tokens of the other copies are spent. If two
 * machines of the spec are one computer, an attempt on one of them counts for both.
 */
export function afterReading(
  { agent, provider, store: place, stamp }: Login,
  memory: LoginMemory,
  others: readonly LoginMemory[],
): LoginMemory {
  const family = `${agent} ${provider}`
  const isNew = stamp !== null && stamp !== memory.stamps[0]
  const stamps = isNew ? [stamp, ...memory.stamps].slice(0, keptStamps) : memory.stamps
  const isCopy = stamp !== null && others.some((other) => other.family === family && other.place !== place && other.stamps.includes(stamp))
  const attempts = others.flatMap((other) => (other.family === family && other.place === place ? (other.tried_at ?? []) : []))
  const tried_at = attempts.length === 0 ? memory.tried_at : Math.max(memory.tried_at ?? 0, ...attempts)
  return { ...memory, family, place, stamps, copied: isCopy || (memory.copied && !isNew), tried_at }
}

/** A decision about a login. `wait`: it tries again at `until`. */
export type RefreshStep =
  | { readonly do: 'renew' }
  | { readonly do: 'wait'; readonly until: Time }
  | { readonly do: 'nothing'; readonly why: 'not_due' | 'needs_person' | 'unknown' | 'not_by_burn' | 'copied' }

/**
 * Returns what burn does about a login now. It never runs the command for a file that it could not read, because an agent may replace such
 * a file by an empty one. It never renews a copy, because the provider takes the second use of a token for theft and revokes the login.
 */
export function refreshStep(login: Login, { tried_at, failures, copied }: LoginMemory, now: Time): RefreshStep {
  if (needsPerson(login)) return { do: 'nothing', why: 'needs_person' }
  if (login.state === 'unknown') return { do: 'nothing', why: 'unknown' }
  if (login.renewed_by !== 'burn') return { do: 'nothing', why: 'not_by_burn' }
  if (login.state === 'valid') return { do: 'nothing', why: 'not_due' }
  if (copied) return { do: 'nothing', why: 'copied' }
  const pause = Math.max(minute, backoffMs(failures, pauses, 0))
  if (tried_at === null || hasElapsed(tried_at, pause, now)) return { do: 'renew' }
  return { do: 'wait', until: tried_at + pause }
}

/**
 * The result of an attempt. `kept`: the login is not renewed, and its tokens are still there. `refused`: the agent gave the login up.
 * `unknown`: burn could not read the file afterwards.
 */
export type RefreshOutcome = 'renewed' | 'kept' | 'refused' | 'unknown'

/** Judges an attempt by the login before and after it. */
export function refreshOutcome(before: Login, after: Login): RefreshOutcome {
  if (after.state === 'refused' || (after.state !== 'unknown' && !after.renewable)) return 'refused'
  if (after.ends_at === null) return 'unknown'
  return after.ends_at > (before.ends_at ?? 0) ? 'renewed' : 'kept'
}

/** Returns the memory after an attempt. */
export function afterAttempt(memory: LoginMemory, outcome: RefreshOutcome): LoginMemory {
  return { ...memory, failures: outcome === 'renewed' ? 0 : memory.failures + 1 }
}

/** Returns the trouble of a login; null if it has none. */
export function loginTrouble(login: Login, { failures, copied }: LoginMemory): LoginTrouble | null {
  if (needsPerson(login)) return 'login.ended'
  if (copied && login.renewed_by === 'burn') return 'login.copied'
  const isFailing = login.renewed_by === 'burn' && login.state !== 'valid' && failures >= reportedFailures
  return isFailing ? 'login.failing' : null
}

/** The hours of the night, in a time zone. */
interface Night {
  readonly night: QuietHours
  readonly zone: string
}

/** Returns true if it is night now, and the time is before the end of this night. */
function endsAtNight(time: Time | null, now: Time, { night, zone }: Night): boolean {
  if (time === null || time > now + day) return false
  const end = afterQuietHours(now, night, zone)
  return end > now && time < end
}

function warnedInNight({ warned_at }: LoginMemory, now: Time, { night, zone }: Night): boolean {
  return warned_at !== null && warned_at >= lastTimeOfDay(now, night.from, zone)
}

/** A report about a login: a trouble that begins, a warning before a night, or the end of one of them. */
export interface LoginReport {
  readonly login: Login
  readonly kind: LoginTrouble | 'login.ending' | 'login.restored'
}

/** Returns the new reports about logins, and the memories with these reports. `night`: the hours at whose beginning burn warns. */
export function loginReports(
  logins: readonly Login[],
  memories: ReadonlyMap<string, LoginMemory>,
  night: Night,
  now: Time,
): { readonly reports: readonly LoginReport[]; readonly memories: ReadonlyMap<string, LoginMemory> } {
  const reports: LoginReport[] = []
  // A file that burn could not read now keeps the memories of its logins.
  const after = new Map(memories)
  for (const login of logins) {
    const memory = memories.get(login.id) ?? noMemory
    const trouble = loginTrouble(login, memory)
    // If burn could not read the file, the trouble may continue.
    const reported = trouble ?? (login.state === 'unknown' ? memory.reported : null)
    if (trouble !== null && trouble !== memory.reported) reports.push({ login, kind: trouble })
    const end = finalEnd(login, now)
    const isKnown = login.state !== 'unknown' && !needsPerson(login)
    const isRenewed = isKnown && memory.warned_end !== null && (end === null || end > memory.warned_end)
    // After a renewal, the warning of this night no longer tells the true end.
    const isWarned = warnedInNight(memory, now, night) && !isRenewed
    const warns = login.workers.length > 0 && endsAtNight(end, now, night) && !isWarned
    if (reported === null && (memory.reported !== null || (isRenewed && !warns))) reports.push({ login, kind: 'login.restored' })
    if (warns) reports.push({ login, kind: 'login.ending' })
    const warned = warns ? { warned_at: now, warned_end: end } : isRenewed ? { warned_end: null } : {}
    after.set(login.id, { ...memory, reported, ...warned })
  }
  return { reports, memories: after }
}
