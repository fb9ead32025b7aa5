/** Turns the times of a value into ISO 8601 text, for JSON output. In burn's code a time is a number of milliseconds. */

/** The names of fields with a time, besides those that end with `_at`, `_before`, `_end`, `_since` or `_until`. */
const timeFields: ReadonlySet<string> = new Set([
  'after',
  'again',
  'at',
  'before',
  'began',
  'clock',
  'deadline',
  'from',
  'hour',
  'last',
  'last_change',
  'last_commit',
  'last_run',
  'machine_now',
  'next',
  'next_run',
  'now',
  'once',
  'reset',
  'since',
  'started',
  'time',
  'to',
  'until',
])

/** The earliest time (ms) that counts as one. A smaller number in such a field is a count. */
const earliest = 1e11

/** Returns true if a field with this name has a time when its value is at least the earliest time. */
export function isTimeField(name: string): boolean {
  return timeFields.has(name) || /_(?:at|before|end|since|until)$/.test(name)
}

/** Returns a copy of a value in which each time is a text such as `2026-01-31T12:00:00.000Z`. */
export function withIsoTimes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withIsoTimes)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, each]): [string, unknown] => {
    const isTime = typeof each === 'number' && each >= earliest && isTimeField(name)
    return [name, isTime ? new Date(each).toISOString() : withIsoTimes(each)]
  })
  return Object.fromEntries(entries)
}
