/** Functions that read JSON of unknown shape, from a network or a file. They never throw. */

export type JsonObject = Readonly<Record<string, unknown>>

/** Returns true if the value is an object and not an array. */
export function isFields(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Returns the value if it is an object; otherwise an empty object. */
export function membersOf(value: unknown): JsonObject {
  return isFields(value) ? value : {}
}

/** Returns the value if it is an array; otherwise an empty array. */
export function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** Returns the keys of a record with their exact type. The type of the record must name all its keys. */
export function keysOf<K extends string>(record: Readonly<Record<K, unknown>>): K[] {
  // The cast is needed because the type of `Object.keys` is string[].
  return Object.keys(record) as K[]
}

/** Returns the value if it is a string that is not empty; otherwise null. */
export function stringOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

/** Returns the value if it is a finite number of at least 0; otherwise null. */
export function countOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null
}

/** Parses JSON, and returns it as `value`; null if the text is not valid JSON. */
export function parseJson(text: string): { readonly value: unknown } | null {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return null
  }
}

/**
 * Shortens a text to `limit` characters: keeps its start and its end, and inserts a line with the number of omitted characters. Returns a
 * shorter text unchanged.
 */
export function truncateMiddle(text: string, limit: number): string {
  if (text.length <= limit) return text
  const head = text.slice(0, Math.ceil(limit / 2)).toWellFormed()
  const tail = text.slice(text.length - Math.floor(limit / 2)).toWellFormed()
  return `${head}\n[… ${text.length - limit} characters left out …]\n${tail}`
}
