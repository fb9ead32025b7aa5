/**
 * Makes and recognises the line that burn types to an agent for a delivery: a tag, then a person's short text, or an instruction to read a
 * file. The line has only printable ASCII, without quotes and backslashes, so that it looks the same in a terminal, in JSON and in a
 * composer.
 */
import { idLength, idPattern } from './ids.ts'

/** The begin of each tag. */
export const tagBegin = '[burn '

/** The number of characters of a tag, with the space after it. */
export const tagLength = `${tagBegin}${'0'.repeat(idLength)}] `.length

/** Returns the tag that identifies a delivery on a screen and in a hook's payload. */
export function deliveryTag(id: string): string {
  return `${tagBegin}${id}]`
}

/** Returns the id of the delivery at the begin of a text; null if the text does not begin with the tag of a delivery. */
export function taggedDelivery(text: string): string | null {
  const id = /^\s*\[burn (\w+)\] /.exec(text)?.[1] ?? ''
  return idPattern.test(id) ? id : null
}

/** The end of a line that names a file. Any text after this end was added by the agent. */
export const lineEnd = 'and do what it says.'

/** The facts about a file that burn writes into the line that names the file. */
export interface FileFacts {
  /** The hash of the file in hexadecimal. The typed line contains the first 16 digits of the hash. */
  readonly sha256: string
  /** The number of lines. Some tools show only a part of a long file; this number tells the model that the file has more lines. */
  readonly lines: number
  /** The length of the longest line, in characters. Some tools cut lines of more than 2,000 characters. */
  readonly longest: number
}

const longLine = 2_000

/** Returns the line that tells an agent to read a file and to do what it says. */
export function fileLine(id: string, path: string, { sha256, lines, longest }: FileFacts): string {
  const what = lines === 1 ? 'the 1 line' : `all ${lines} lines`
  const hint = longest > longLine ? '; lines are long: use cat' : ''
  return `${deliveryTag(id)} Read ${what} of ${path} (sha256 ${sha256.slice(0, 16)}${hint}) ${lineEnd}`
}

/** Returns the path of the file for a delivery, relative to the worker's directory. */
export function fileOf(id: string): string {
  return `.burn/${id}.md`
}

/** Matches an absolute path without characters that have a special meaning in a composer, a shell or a terminal. */
const plainPath = /^\/[A-Za-z0-9._/-]+$/

/** The maximum length of a line with an absolute path, in characters. */
const maxLineLength = 160
/** The maximum number of rows that a line with an absolute path may fill in the pane. */
const maxRows = 3

/**
 * Returns the line that names a file in an agent's directory by its absolute path. The line has the relative path if the absolute path has
 * unusual characters, or makes the line too long for a pane with this number of columns.
 */
export function lineFor(id: string, directory: string, facts: FileFacts, columns: number): string {
  const path = `${directory.replace(/\/$/, '')}/${fileOf(id)}`
  const line = fileLine(id, path, facts)
  return plainPath.test(path) && line.length <= Math.min(maxLineLength, maxRows * columns) ? line : fileLine(id, fileOf(id), facts)
}

/** Matches text that looks the same in a terminal, in JSON and in a composer. */
const plainText = /^[ !#-[\]-~]+$/
const maxTypedLength = 200

/**
 * Returns true if burn types a person's text directly, in place of writing it to a file: the text must be one short line without syntax
 * that the agent's composer expands.
 */
export function isTyped(text: string, expands: readonly RegExp[]): boolean {
  return text.length <= maxTypedLength && plainText.test(text) && text.trim() === text && !expands.some((expansion) => expansion.test(text))
}

const prime = 2_147_483_647

/**
 * Returns the checksum of a typed line, without its tag. The hook script (`agents/hook`) computes the same checksum. Characters other than
 * printable ASCII count as 0.
 */
export function lineChecksum(line: string): string {
  const text = line.slice(line.indexOf(']') + 1).trim()
  let sum = 0
  for (const char of text) {
    const code = char.charCodeAt(0)
    sum = (sum * 257 + (code >= 32 && code <= 126 ? code : 0)) % prime
  }
  return String(sum)
}

/** Returns the text without whitespace. burn compares texts in this form, because agents wrap and indent rows in different ways. */
export function compact(text: string): string {
  return text.replace(/\s+/g, '')
}

/** Matches whitespace and frame characters at the start and at the end of a row. */
const edges = /^[\s\u2500-\u259f|]+|[\s\u2500-\u259f|]+$/g

/**
 * Joins the rows of a screen to one text without whitespace and frames. A blank row becomes a newline, because agents do not wrap a line
 * across a blank row.
 */
export function compactRows(rows: readonly string[]): string {
  return rows
    .map((row) => {
      const inner = row.replace(edges, '')
      return inner === '' ? '\n' : compact(inner)
    })
    .join('')
}

/** The number of characters at the end of a line that suffice to recognise the line, if the composer is too small for the whole line. */
const minEndLength = 24
/** The number of characters at the start of a line that suffice to recognise the line. These characters are the start of the tag. */
const minStartLength = 8

/** The result of the comparison of a composer's content with the line that burn typed for a delivery. */
export type ComposerContent =
  /** The line and nothing else, as far as the composer shows its content. */
  | 'line'
  /** Only the start of the line: somebody deleted the rest. */
  | 'beginning'
  /** The tag of the delivery with a different text. */
  | 'other'
  | 'nothing'

/**
 * Compares a draft with the line of a delivery, and returns which part of the line the draft contains. `line` is null if burn no longer
 * knows the line that it typed.
 */
export function composerContent(draft: string, id: string, line: string | null): ComposerContent {
  const held = compact(draft).replace(/^\/q(?:ueue)?(?=\[burn)/, '')
  const whole = compact(line ?? asFileLine(id, held) ?? deliveryTag(id))
  if (held === whole && (line !== null || whole !== compact(deliveryTag(id)))) return 'line'
  if (line !== null && held.length >= minEndLength && whole.endsWith(held)) return 'line'
  if (held.includes(compact(deliveryTag(id)))) return whole.startsWith(held) ? 'beginning' : 'other'
  return held.length >= minStartLength && whole.startsWith(held) ? 'beginning' : 'nothing'
}

/** Returns the draft if it has the form of a line that `fileLine` makes for this id, with any file, hash and size; otherwise null. */
function asFileLine(id: string, held: string): string | null {
  const { length } = held
  const form = /^\[burn([0-9a-z]{13})\]Read(?:the1line|all\d+lines)of[!-~]+\(sha256[0-9a-f]{16}[^)]*\)anddowhatitsays\.$/.exec(held)
  return length < 2000 && form?.[1] === id ? held : null
}

/** Returns the delivery id that a draft contains; null if the draft does not look like a line that burn typed. */
export function idIn(draft: string): string | null {
  return /(?:\[burn|\.burn\/)([0-9a-hjkmnp-tv-z]{13})/.exec(compact(draft))?.[1] ?? null
}
