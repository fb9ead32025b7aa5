/**
 * The one line that is typed to an agent for a delivery: its tag, then a person's short text, or the file that holds the text. It is printable ASCII
 * without quotes and backslashes, so that it reads the same in a terminal, in JSON and in a composer.
 */

/** Makes a delivery recognisable wherever an agent shows it. */
export function deliveryTag(id: string): string {
  return `[burn ${id}]`
}

/** Closes a line that names a file: whatever an agent adds behind it belongs to the agent. */
export const lineEnd = 'and do what it says.'

/** What a line says of its file. */
export interface FileFacts {
  /** The hash of the file in hexadecimal; its first 16 digits are enough for an agent to compare. */
  readonly sha256: string
  /** Tools for reading show a long file in parts: a model that knows the number sees that there is more. */
  readonly lines: number
  /** Characters of its longest line: some tools cut one of more than 2,000. */
  readonly longest: number
}

const longestShown = 2_000

/** The line that names a text's file. */
export function fileLine(id: string, path: string, { sha256, lines, longest }: FileFacts): string {
  const what = lines === 1 ? 'the 1 line' : `all ${lines} lines`
  const hint = longest > longestShown ? '; lines are long: use cat' : ''
  return `${deliveryTag(id)} Read ${what} of ${path} (sha256 ${sha256.slice(0, 16)}${hint}) ${lineEnd}`
}

/** Where a text's file lies below its worker's directory. */
export function fileOf(id: string): string {
  return `.burn/${id}.md`
}

/** What a composer, a shell and a terminal all take for a plain word. */
const plainPath = /^\/[A-Za-z0-9._/-]+$/

/** How long a line may be, and how many rows of its pane it may take, before its file is named shorter. */
const longestLine = 160
const mostRows = 3

/**
 * The line that names the file below an agent's directory: by its absolute path; by its place below the agent's directory if that path has unusual
 * characters, or would make the line too long for a pane of `columns`.
 */
export function lineFor(id: string, directory: string, facts: FileFacts, columns: number): string {
  const path = `${directory.replace(/\/$/, '')}/${fileOf(id)}`
  const line = fileLine(id, path, facts)
  return plainPath.test(path) && line.length <= Math.min(longestLine, mostRows * columns) ? line : fileLine(id, fileOf(id), facts)
}

/** A text of this form reads the same wherever it is recorded. */
const plainText = /^[ !#-[\]-~]+$/
const longestTyped = 200

/** Whether a person's text is typed itself: one short line in which the agent's composer expands nothing. */
export function isTyped(text: string, expands: readonly RegExp[]): boolean {
  return text.length <= longestTyped && plainText.test(text) && text.trim() === text && !expands.some((expansion) => expansion.test(text))
}

const prime = 2_147_483_647

/** A checksum of a line without its tag, as the hook's script computes it (agents/hook.ts): of printable ASCII, other characters count as nothing. */
export function lineChecksum(line: string): string {
  const text = line.slice(line.indexOf(']') + 1).trim()
  let sum = 0
  for (const char of text) {
    const code = char.charCodeAt(0)
    sum = (sum * 257 + (code >= 32 && code <= 126 ? code : 0)) % prime
  }
  return String(sum)
}

/** The same without blanks: rows are wrapped and indented as an agent likes. */
export function compact(text: string): string {
  return text.replace(/\s+/g, '')
}

/** Blanks and frames at the edges of a row. */
const edges = /^[\s\u2500-\u259f|]+|[\s\u2500-\u259f|]+$/g

/** Rows as one text without blanks and frames. A blank row stays a line end: nothing is wrapped over it. */
export function compactRows(rows: readonly string[]): string {
  return rows
    .map((row) => {
      const inner = row.replace(edges, '')
      return inner === '' ? '\n' : compact(inner)
    })
    .join('')
}

/** So much of a line's end says which line it is, where a composer is too low for all of it. */
const enoughOfEnd = 24
/** So much of its beginning: the tag's first letters. */
const enoughOfBeginning = 8

/** What a composer holds of a delivery's line. */
export type ComposerContent =
  /** The line and nothing else, as far as the composer shows it. */
  | 'line'
  /** Its beginning: the rest was taken back. */
  | 'beginning'
  /** Its tag, with something else than its line. */
  | 'other'
  | 'nothing'

/** `line`: null if it is not known what was typed for the delivery. */
export function composerContent(draft: string, id: string, line: string | null): ComposerContent {
  const held = compact(draft).replace(/^\/q(?:ueue)?(?=\[burn)/, '')
  const whole = compact(line ?? formOf(id, held) ?? deliveryTag(id))
  if (held === whole && (line !== null || whole !== compact(deliveryTag(id)))) return 'line'
  if (line !== null && held.length >= enoughOfEnd && whole.endsWith(held)) return 'line'
  if (held.includes(compact(deliveryTag(id)))) return whole.startsWith(held) ? 'beginning' : 'other'
  return held.length >= enoughOfBeginning && whole.startsWith(held) ? 'beginning' : 'nothing'
}

/** A line as `fileLine` writes it, with any file, hash and size; null if the draft is none. */
function formOf(id: string, held: string): string | null {
  const { length } = held
  const form = /^\[burn([0-9a-z]{13})\]Read(?:the1line|all\d+lines)of[!-~]+\(sha256[0-9a-f]{16}[^)]*\)anddowhatitsays\.$/.exec(held)
  return length < 2000 && form?.[1] === id ? held : null
}

/** The delivery whose line a draft may be; null if it looks like none of ours. */
export function idIn(draft: string): string | null {
  return /(?:\[burn|\.burn\/)([0-9a-hjkmnp-tv-z]{13})/.exec(compact(draft))?.[1] ?? null
}
