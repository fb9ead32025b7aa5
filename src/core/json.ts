/** What comes over a wire or from a file may be anything: these look, and never throw. */

export type JsonObject = Readonly<Record<string, unknown>>

export function isFields(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value's members; none where it is no object. */
export function membersOf(value: unknown): JsonObject {
  return isFields(value) ? value : {}
}

export function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** The keys of a record whose type names all of them. */
export function keysOf<K extends string>(record: Readonly<Record<K, unknown>>): K[] {
  // TypeScript gives plain texts here, since a value may have more keys than its type.
  return Object.keys(record) as K[]
}

/** Null where it is no text, or an empty one. */
export function stringOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

/** Null where it is no finite number of zero or more. */
export function countOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null
}

/** Null where the text is no JSON. */
export function parseJson(text: string): { readonly value: unknown } | null {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return null
  }
}

/** The head and the tail of a text that is longer than `limit` characters, and how much was left out between. */
export function truncateMiddle(text: string, limit: number): string {
  if (text.length <= limit) return text
  const head = text.slice(0, Math.ceil(limit / 2)).toWellFormed()
  const tail = text.slice(text.length - Math.floor(limit / 2)).toWellFormed()
  return `${head}\n[… ${text.length - limit} characters left out …]\n${tail}`
}
