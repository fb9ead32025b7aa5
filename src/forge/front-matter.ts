/** Files with a few `key: value` lines between `---` lines, then text: the folder forge's issues, comments and reviews. */

export interface Document {
  readonly fields: ReadonlyMap<string, string>
  readonly text: string
}

/** Parses a file; null where it has no front matter. A value may be JSON (`["a","b"]`, `"x: y"`), or stands as it is. */
export function parseDocument(content: string): Document | null {
  const match = /^\ufeff?---\r?\n([\s\S]*?)\r?\n---(?:\r?\n|$)/.exec(content)
  if (match === null) return null
  const fields = new Map<string, string>()
  for (const line of (match[1] ?? '').split(/\r?\n/)) {
    const colon = line.indexOf(':')
    if (colon > 0) fields.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim())
  }
  return { fields, text: content.slice(match[0].length) }
}

export function renderDocument(fields: Readonly<Record<string, string | readonly string[]>>, text: string): string {
  const lines = Object.entries(fields).map(([key, value]) => `${key}: ${typeof value === 'string' && isPlain(value) ? value : JSON.stringify(value)}`)
  return `---\n${lines.join('\n')}\n---\n${text}`
}

const isPlain = (value: string) => value !== '' && /^[^\s"[{][^\n\r]*$/.test(value) && value === value.trim()

/** A field's text; the empty text where it is missing. */
export function textOf({ fields }: Document, key: string): string {
  const written = fields.get(key) ?? ''
  if (!written.startsWith('"')) return written
  try {
    const value: unknown = JSON.parse(written)
    return typeof value === 'string' ? value : written
  } catch {
    // Not JSON after all: a title may begin with a quotation mark.
    return written
  }
}

/** A field's list: JSON, or words between commas, with or without `[…]`. */
export function listOf(document: Document, key: string): string[] {
  const written = document.fields.get(key) ?? ''
  try {
    const value: unknown = JSON.parse(written)
    if (Array.isArray(value)) return value.filter((item) => typeof item === 'string')
  } catch {
    // People write `labels: bug, docs`.
  }
  return written.replace(/^\[|\]$/g, '').split(',').map((item) => item.trim().replace(/^["']|["']$/g, '')).filter((item) => item !== '')
}
