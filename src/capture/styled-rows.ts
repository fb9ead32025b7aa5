/**
 * Parses the rows of `tmux capture-pane -e` into texts with styles. It keeps colours and styles, and drops every other escape sequence,
 * such as links: the programs in a pane choose these sequences.
 */
import { sanitize } from '../core/text.ts'
import { textWidth } from '../core/width.ts'

/** A colour of the palette, from 0 to 255, or an RGB colour such as `#ff8000`. */
export type Colour = number | `#${string}`

/** The style of a text. */
export interface Style {
  /** Null: the default colour of the terminal. */
  readonly foreground: Colour | null
  readonly background: Colour | null
  /** The SGR codes of the attributes, such as 1 (bold) or 7 (reverse), in ascending order. */
  readonly attributes: readonly number[]
}

/** A text in one style. */
export interface StyledText {
  readonly text: string
  readonly style: Style
}

/** The texts of a row, from left to right. */
export type StyledRow = readonly StyledText[]

const plainStyle: Style = { foreground: null, background: null, attributes: [] }

/** A style sequence, a shift between character sets, any other sequence, or a control character. Only tab is left to `withoutTabs`. */
const control =
  /\x1b\[([\d;:]*)m|([\x0e\x0f])|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b\[[0-?]*[ -/]*[@-~]?|\x1b[ -/]*.?|[\x00-\x08\x0a-\x1f\x7f-\x9f]/g

/**
 * Returns the styled rows. The style and the character set at the end of a row apply to the next row, as in tmux's output. Spaces without a
 * visible style at the end of a row are dropped.
 */
export function parseRows(rows: readonly string[]): StyledRow[] {
  let style = plainStyle
  let graphic = false
  return rows.map((row) => {
    const texts: StyledText[] = []
    const add = (text: string) => {
      const clean = sanitize(withoutTabs(graphic ? text.replace(/[`-~]/g, lineDrawing) : text, texts)).replaceAll('\n', ' ')
      if (clean !== '') texts.push({ text: clean, style })
    }
    let from = 0
    for (const { 0: whole, 1: codes, 2: shift, index } of row.matchAll(control)) {
      if (index > from) add(row.slice(from, index))
      from = index + whole.length
      if (codes !== undefined) style = styleAfter(style, codes)
      if (shift !== undefined) graphic = shift === '\x0e'
    }
    if (from < row.length) add(row.slice(from))
    return withoutTrailingSpaces(texts)
  })
}

/** Returns the text of a row without its styles. */
export function rowText(row: StyledRow): string {
  return row.map(({ text }) => text).join('')
}

/** Returns the row with its styles as escape sequences. The style is reset at the end of the row. */
export function ansiOf(row: StyledRow): string {
  return row.map(({ text, style }) => (style === plainStyle || isPlain(style) ? text : `\x1b[${codesOf(style)}m${text}\x1b[0m`)).join('')
}

/** Returns whether a style has no colour and no attribute. */
export function isPlain({ foreground, background, attributes }: Style): boolean {
  return foreground === null && background === null && attributes.length === 0
}

function codesOf({ foreground, background, attributes }: Style): string {
  const colour = (code: number, value: Colour) => {
    if (typeof value === 'number') return [code, 5, value]
    return [code, 2, ...[1, 3, 5].map((at) => Number.parseInt(value.slice(at, at + 2), 16))]
  }
  const colours = [...(foreground === null ? [] : colour(38, foreground)), ...(background === null ? [] : colour(48, background))]
  return [...attributes, ...colours].join(';')
}

/** The attributes that each code ends. */
const ends: Readonly<Record<number, readonly number[]>> = { 22: [1, 2], 23: [3], 24: [4], 25: [5], 27: [7], 28: [8], 29: [9], 55: [53] }
const attributes: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 7, 8, 9, 53])

/** Returns the style after a sequence of SGR codes, such as `1;38;5;196`. Unknown codes change nothing. */
function styleAfter(before: Style, codes: string): Style {
  let { foreground, background } = before
  // Most sequences change only colours. Screens have up to one sequence for each cell, so the set is created only if it is needed.
  let changed: Set<number> | null = null
  const on = () => (changed ??= new Set(before.attributes))
  const words = codes.split(';')
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const [first = '', ...more] = word.split(':')
    const code = Number(first)
    if (code === 0) [foreground, background] = (on().clear(), [null, null])
    else if (code === 38 || code === 48 || code === 58) {
      const value = colourOf(more.length > 0 ? more : extendedWords(words))
      if (code === 38) foreground = value ?? foreground
      if (code === 48) background = value ?? background
    } else if (code === 39) foreground = null
    else if (code === 49) background = null
    else if (code >= 30 && code <= 37) foreground = code - 30
    else if (code >= 40 && code <= 47) background = code - 40
    else if (code >= 90 && code <= 97) foreground = code - 82
    else if (code >= 100 && code <= 107) background = code - 92
    else if (code === 4 && more[0] === '0') on().delete(4)
    else if (attributes.has(code)) on().add(code)
    else for (const each of ends[code] ?? []) on().delete(each)
  }
  return { foreground, background, attributes: changed === null ? before.attributes : [...on()].sort((a, b) => a - b) }
}

/** Removes the words of an extended colour from the front of `words`, and returns them: `5;196` or `2;255;128;0`. */
function extendedWords(words: string[]): string[] {
  return words.splice(0, words[0] === '5' ? 2 : words[0] === '2' ? 4 : 0)
}

function colourOf([kind, ...values]: readonly string[]): Colour | null {
  const numbers = (kind === '5' ? values.slice(0, 1) : values.slice(-3)).map(Number)
  if (numbers.some((number) => !Number.isInteger(number) || number < 0 || number > 255)) return null
  if (kind === '5') return numbers[0] ?? null
  if (kind !== '2' || numbers.length !== 3) return null
  return `#${numbers.map((number) => number.toString(16).padStart(2, '0')).join('')}`
}

/** The DEC special graphics from the grave accent to `~`, which programs draw lines with. Source: VT100 User Guide, table 3-9. */
const graphics = '◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·'

function lineDrawing(sign: string): string {
  return graphics[sign.charCodeAt(0) - 0x60] ?? sign
}

/** Replaces tabs by spaces, up to the next multiple of 8 columns. */
function withoutTabs(text: string, before: StyledRow): string {
  if (!text.includes('\t')) return text
  const start = textWidth(rowText(before))
  return text.split('\t').reduce((all, part) => all + ' '.repeat(8 - ((start + textWidth(all)) % 8)) + part)
}

function withoutTrailingSpaces(row: StyledText[]): StyledRow {
  for (let last = row.at(-1); last !== undefined; last = row.at(-1)) {
    const { text, style } = last
    const visible = style.background !== null || style.attributes.some((code) => code === 4 || code === 7 || code === 9 || code === 53)
    const kept = visible ? text : text.trimEnd()
    if (kept === text) break
    row.pop()
    if (kept !== '') row.push({ text: kept, style })
  }
  return row
}
