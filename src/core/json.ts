/** Readers for JSON of unknown shape, from a network or a file. They never throw. */

export type JsonObject = Readonly<Record<string, unknown>>

/** Returns true if the value is an object and not an array. */
export function isFields(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Returns the members of an object; an empty object for any other value. */
export function membersOf(value: unknown): JsonObject {
  return isFields(value) ? value : {}
}

/** Returns the items of an array; none for any other value. */
export function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** Returns the keys of a record whose type names all of them. */
export function keysOf<K extends string>(record: Readonly<Record<K, unknown>>): K[] {
  // TypeScript returns string[], because a value may have more keys than its type.
  return Object.keys(record) as K[]
}

/** Returns a string that is not empty; null for any other value. */
export function stringOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

/** Returns a finite number that is not negative; null for any other value. */
export function countOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null
}

/** Returns the parsed value; null if the text is not valid JSON. */
export function parseJson(text: string): { readonly value: unknown } | null {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return null
  }
}

/** Returns the text; if it is longer than `limit` characters, its start and its end with a line that counts the omitted characters. */
export function truncateMiddle(text: string, limit: number): string {
  if (text.length <= limit) return text
  const head = text.slice(0, Math.ceil(limit / 2)).toWellFormed()
  const tail = text.slice(text.length - Math.floor(limit / 2)).toWellFormed()
  return `${head}\n[… ${text.length - limit} characters left out …]\n${tail}`
}
