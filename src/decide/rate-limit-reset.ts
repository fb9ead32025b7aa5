/**
 * Finds the time at which a provider accepts requests again, in the text of an agent's screen. Pure. Examples: `resets 3am`, `try again at
 * 14:05`, `in 2h 15m`, `Retry-After: 30`, `limit reached|1780318800`, and the fields `resets_at` and
 * `resets_in_seconds` in answers of providers.
 */
import type { Time } from '../core/nouns.ts'

const minute = 60_000
const unit = { d: 86_400_000, h: 3_600_000, m: minute, s: 1_000 } as const
/** Maximum wait (ms). The longest known limit lasts a week. */
export const longestWait = 8 * unit.d

const span = /\b(?:in|after)\W{0,2}((?:about )?(?:\d+(?:\.\d+)? ?(?:d|h|m|s)[a-z]*(?:,? (?:and )?)?)+)/i
const parts = /(\d+(?:\.\d+)?) ?([dhms])/gi
const seconds = /\b(?:retry.?after|resets_in_seconds)\W{1,4}(\d{1,9})\b/i
const epoch = /\b(?:resets_at\W{1,4}|limit reached\|)(\d{10})\b/i
const dated = /\b(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d))/
const clock = /\b(?:resets?|again|until|available)(?: at)? (\d{1,2})(?::(\d\d))? ?([ap]m)?\b(?: \(([A-Za-z_]+(?:\/[A-Za-z_+-]+)*)\))?/i

/**
 * Returns the time at which the limit resets; null if the text names no time. `since`: the time at which burn first saw the text. burn
 * interprets a time of day without a zone in the time zone of this machine.
 */
export function rateLimitReset(text: string, since: Time): Time | null {
  const reset = spanIn(text, since) ?? dateIn(text) ?? clockIn(text, since)
  return reset !== null && reset > since && reset <= since + longestWait ? reset : null
}

function spanIn(text: string, since: Time): Time | null {
  const plain = seconds.exec(text)?.[1]
  if (plain !== undefined) return since + Number(plain) * unit.s
  const duration = span.exec(text)?.[1]
  if (duration === undefined) return null
  const sum = [...duration.matchAll(parts)].reduce(
    // The cast is safe: `parts` matches only the keys of `unit`.
    (total, [, count, name]) => total + Number(count) * unit[name?.toLowerCase() as keyof typeof unit],
    0,
  )
  return since + sum
}

function dateIn(text: string): Time | null {
  const second = epoch.exec(text)?.[1]
  if (second !== undefined) return Number(second) * unit.s
  const at = Date.parse(dated.exec(text)?.[1] ?? '')
  return Number.isNaN(at) ? null : at
}

/**
 * Returns the end of the next minute, or of the present one, in which a clock in the named zone shows the time of day. Agents leave out the
 * seconds, so the limit may reset at any time of this minute.
 */
function clockIn(text: string, since: Time): Time | null {
  const [, hour, minutes, half, zone] = clock.exec(text) ?? []
  if (hour === undefined || (minutes === undefined && half === undefined)) return null
  const hours = half === undefined ? Number(hour) : (Number(hour) % 12) + (half.toLowerCase() === 'pm' ? 12 : 0)
  const wanted = hours * 60 + Number(minutes ?? 0)
  const now = minuteOfDay(since, zone)
  if (now === null || hours > 23) return null
  const start = since - (since % minute)
  return start + ((wanted >= now ? wanted - now : wanted - now + 24 * 60) + 1) * minute
}

function minuteOfDay(at: Time, timeZone: string | undefined): number | null {
  try {
    const shown = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone }).format(at)
    const [hour, minutes] = shown.split(':').map(Number)
    return (hour ?? 0) * 60 + (minutes ?? 0)
  } catch {
    // The text in brackets is not a time zone.
    return null
  }
}
