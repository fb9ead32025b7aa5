/**
 * The one line that burn types to an agent for a delivery: its tag, then a person's short text or the name of the file that has the text.
 * The line looks the same in a terminal, in JSON and in a composer: it has only printable ASCII, without quotes and backslashes.
 */

/** Returns the tag that identifies a delivery on a screen and in a hook's payload. */
export function deliveryTag(id: string): string {
  return `[burn ${id}]`
}

/** The end of a line that names a file. Text that follows it is the agent's own. */
export const lineEnd = 'and do what it says.'

/** The facts about a file that its line contains. */
export interface FileFacts {
  /** The hash of the file in hexadecimal. The line contains its first 16 digits. */
  readonly sha256: string
  /** The number of lines. File tools show a long file in parts; with this number the model sees that there is more. */
  readonly lines: number
  /** The length of the longest line, in characters. Some tools cut lines of more than 2,000. */
  readonly longest: number
}

const longLine = 2_000

/** Returns the line that tells an agent to read the file of a text. */
export function fileLine(id: string, path: string, { sha256, lines, longest }: FileFacts): string {
  const what = lines === 1 ? 'the 1 line' : `all ${lines} lines`
  const hint = longest > longLine ? '; lines are long: use cat' : ''
  return `${deliveryTag(id)} Read ${what} of ${path} (sha256 ${sha256.slice(0, 16)}${hint}) ${lineEnd}`
}

/** Returns the path of a text's file, below the worker's directory. */
export function fileOf(id: string): string {
  return `.burn/${id}.md`
}

/** A path that has no special meaning in a composer, a shell or a terminal. */
const plainPath = /^\/[A-Za-z0-9._/-]+$/

/** The maximum length of a line with an absolute path, in characters. */
const maxLineLength = 160
/** The maximum number of rows of the pane for such a line. */
const maxRows = 3

/**
 * Returns the line that names the file in an agent's directory, by its absolute path. If that path has unusual characters, or makes the
 * line too long for a pane of `columns`, it uses the relative path.
 */
export function lineFor(id: string, directory: string, facts: FileFacts, columns: number): string {
  const path = `${directory.replace(/\/$/, '')}/${fileOf(id)}`
  const line = fileLine(id, path, facts)
  return plainPath.test(path) && line.length <= Math.min(maxLineLength, maxRows * columns) ? line : fileLine(id, fileOf(id), facts)
}

/** Text that looks the same in a terminal, in JSON and in a composer. */
const plainText = /^[ !#-[\]-~]+$/
const maxTypedLength = 200

/** Returns true if burn types a person's text directly: one short line without syntax that the agent's composer expands. */
export function isTyped(text: string, expands: readonly RegExp[]): boolean {
  return text.length <= maxTypedLength && plainText.test(text) && text.trim() === text && !expands.some((expansion) => expansion.test(text))
}

const prime = 2_147_483_647

/**
 * Returns the checksum of a line without its tag, as the hook's script computes it (`agents/hook`). Characters other than printable ASCII
 * count as 0.
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

/** Returns the text without whitespace, because agents wrap and indent rows in different ways. */
export function compact(text: string): string {
  return text.replace(/\s+/g, '')
}

/** Whitespace and frames at the ends of a row. */
const edges = /^[\s\u2500-\u259f|]+|[\s\u2500-\u259f|]+$/g

/** Returns rows as one text without whitespace and frames. A blank row stays as a line end, because no line is wrapped across it. */
export function compactRows(rows: readonly string[]): string {
  return rows
    .map((row) => {
      const inner = row.replace(edges, '')
      return inner === '' ? '\n' : compact(inner)
    })
    .join('')
}

/** The number of characters at the end of a line that identify it, if the composer is too small for the whole line. */
const minEndLength = 24
/** The number of characters at the start of a line that identify it. They are the start of the tag. */
const minStartLength = 8

/** The part of a delivery's line that is in a composer. */
export type ComposerContent =
  /** The line and nothing else, as far as the composer shows its content. */
  | 'line'
  /** Only its start: the rest was deleted. */
  | 'beginning'
  /** The tag, with another text than the line. */
  | 'other'
  | 'nothing'

/** Returns the part of a delivery's line that a draft contains. `line` is null if burn does not know the line that it typed. */
export function composerContent(draft: string, id: string, line: string | null): ComposerContent {
  const held = compact(draft).replace(/^\/q(?:ueue)?(?=\[burn)/, '')
  const whole = compact(line ?? asFileLine(id, held) ?? deliveryTag(id))
  if (held === whole && (line !== null || whole !== compact(deliveryTag(id)))) return 'line'
  if (line !== null && held.length >= minEndLength && whole.endsWith(held)) return 'line'
  if (held.includes(compact(deliveryTag(id)))) return whole.startsWith(held) ? 'beginning' : 'other'
  return held.length >= minStartLength && whole.startsWith(held) ? 'beginning' : 'nothing'
}

/** Returns the draft if it is a line of `fileLine` for this id, with any file, hash and size; otherwise null. */
function asFileLine(id: string, held: string): string | null {
  const { length } = held
  const form = /^\[burn([0-9a-z]{13})\]Read(?:the1line|all\d+lines)of[!-~]+\(sha256[0-9a-f]{16}[^)]*\)anddowhatitsays\.$/.exec(held)
  return length < 2000 && form?.[1] === id ? held : null
}

/** Returns the id of the delivery whose line a draft may contain; null if it looks like no line of burn. */
export function idIn(draft: string): string | null {
  return /(?:\[burn|\.burn\/)([0-9a-hjkmnp-tv-z]{13})/.exec(compact(draft))?.[1] ?? null
}
