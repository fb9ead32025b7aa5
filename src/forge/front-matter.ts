/**
 * Reads and writes files with a few `key: value` lines between two `---` lines, then text. The folder forge stores issues, comments and
 * changes in this format.
 */
import { BurnError } from '../core/errors.ts'

interface Field {
  /** The text after the key, unchanged. */
  readonly value: string
  readonly items: readonly string[]
  /** The line number, from 1. */
  readonly line: number
}

/** A parsed file. */
export interface Document {
  /** The path of the file, for error messages. */
  readonly path: string
  readonly fields: ReadonlyMap<string, Field>
  readonly text: string
}

/**
 * Parses a file. A value is JSON (`["a", "b"]`, `"x: y"`), plain text, or a list of `- item` lines. Throws BurnError `forge_malformed` with
 * path and line.
 */
export function parseDocument(path: string, content: string): Document {
  const lines = content.split('\n').map((line) => line.replace(/\r$/, ''))
  if (lines[0]?.replace(/^\ufeff/, '') !== '---')
    throw malformedAt(path, 1, 'the file must begin with front matter between two "---" lines')
  const end = lines.indexOf('---', 1)
  if (end === -1) throw malformedAt(path, 1, 'the "---" line that ends the front matter is missing')
  const fields = new Map<string, Omit<Field, 'items'> & { readonly items: string[] }>()
  let last = ''
  lines.slice(1, end).forEach((line, index) => {
    // The pattern has `[^]`, because `.` does not match U+2028. This character does not end a line here.
    const [, item] = /^\s*-\s+([^]*)$/.exec(line) ?? []
    const [, key, value = ''] = /^([A-Za-z_]+)\s*:([^]*)$/.exec(line) ?? []
    const before = fields.get(last)
    if (key !== undefined) {
      last = key.toLowerCase()
      fields.set(last, { value: value.trim(), items: [], line: index + 2 })
    } else if (item !== undefined && before?.value === '') {
      before.items.push(unquoted(item.trim()))
    } else if (line.trim() !== '' && !line.startsWith('#')) {
      throw malformedAt(path, index + 2, `${JSON.stringify(line.slice(0, 40))} is not "key: value"`)
    }
  })
  return {
    path,
    fields,
    text: content
      .split('\n')
      .slice(end + 1)
      .join('\n'),
  }
}

/** Returns the error for a malformed file. */
export function malformedAt(path: string, line: number, why: string): BurnError {
  return new BurnError(
    'forge_malformed',
    `${path}:${line}: ${why}`,
    'correct the file: it begins with "key: value" lines between two "---" lines, and the text follows',
  )
}

/** Returns the line of a field; the first line of the file if the field is missing. */
export function lineOf({ fields }: Document, key: string): number {
  return fields.get(key)?.line ?? 1
}

/** Returns a file's text: the fields between `---` lines, then `text`. */
export function renderDocument(fields: Readonly<Record<string, string | readonly string[]>>, text: string): string {
  const lines = Object.entries(fields).map(
    ([key, value]) => `${key}: ${typeof value === 'string' && isPlain(value) ? value : JSON.stringify(value)}`,
  )
  return `---\n${lines.join('\n')}\n---\n${text}`
}

/** Returns the content of a file with another list in one field, and everything else unchanged. */
export function withList(document: Document, content: string, key: string, list: readonly string[]): string {
  return withField(document, content, key, JSON.stringify(list))
}

/** Returns the content of a file with another value in one field, and everything else unchanged. The value must be JSON or a plain word. */
export function withField({ fields }: Document, content: string, key: string, value: string): string {
  const lines = content.split('\n')
  const field = fields.get(key)
  const written = `${key}: ${value}`
  if (field === undefined) return lines.toSpliced(1, 0, written).join('\n')
  // The items of a list follow its line. Comments and blank lines between them go with them.
  const end = lines.findIndex((line, index) => index >= field.line && /^(?:[A-Za-z_]+\s*:|---)/.test(line))
  return lines.toSpliced(field.line - 1, end - field.line + 1, written).join('\n')
}

/** Returns the content of a file with another text, and the same fields. */
export function withText(document: Document, content: string, text: string): string {
  return `${content.slice(0, content.length - document.text.length)}${text}`
}

const isPlain = (value: string) => /^[^\s"'[{#-][^\p{Cc}\u2028\u2029]*$/u.test(value) && value === value.trim()

/** Returns a field's text; the empty text if the field is missing. */
export function textOf({ fields }: Document, key: string): string {
  return unquoted(fields.get(key)?.value ?? '')
}

function unquoted(written: string): string {
  if (/^'.*'$/.test(written)) return written.slice(1, -1).replaceAll("''", "'")
  if (!written.startsWith('"')) return written
  try {
    const value: unknown = JSON.parse(written)
    return typeof value === 'string' ? value : written
  } catch {
    // The value only begins like JSON: a title may begin with a quotation mark.
    return written
  }
}

/** Returns a field's list. The file may have `- item` lines, JSON, or words separated by commas, with or without `[…]`. */
export function listOf(document: Document, key: string): string[] {
  const { value: written = '', items = [] } = document.fields.get(key) ?? {}
  if (items.length > 0) return [...items]
  try {
    const value: unknown = JSON.parse(written)
    if (Array.isArray(value)) return value.filter((item) => typeof item === 'string')
  } catch {
    // A list may also be plain words, separated by commas, such as `labels: bug, docs`.
  }
  const words = written.replace(/^\[|\]$/g, '').split(',')
  return words.map((word) => unquoted(word.trim())).filter((word) => word !== '')
}
