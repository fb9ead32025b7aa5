/**
 * Reads a menu or a prompt that blocks an agent, for example at its set-up, and turns an answer into keystrokes. The functions look at the
 * structure of the rows and at the cursor, because programs translate and change their words.
 */
import type { Keystrokes, PaneFacts, ParsedScreen } from '../core/agent.ts'

/** A question that blocks an agent. */
export interface OpenMenu {
  /** The rows of the question, without frames. Each choice begins with a number; a `❯` or similar precedes the selected choice. */
  readonly question: string
  /** `menu`: arrow keys and Enter answer it. `prompt`: a row waits for typed words and Enter. */
  readonly detail: 'menu' | 'prompt'
}

/** Maximum number of rows between a menu and the last row of the screen. Key hints and links fill these rows. */
const maxRowsBelow = 12
/** Maximum number of rows between two choices. They contain descriptions. */
const maxGap = 4
/** Number of rows above a menu or a prompt that may belong to the question. */
const maxRowsAbove = 20

const edge = /^[\s─═━╭╮╰╯┌┐└┘├┤▄▀]*$/u
/** A numbered choice: `❯ 1. Yes`, `› 2) No`, `❯ [1] Approve Once`. Groups: the sign of the selected choice, the number and the text. */
const numbered = /^[\s│┃|]*([❯›>●•→▶»])?\s*(?:\[(\d{1,2})\]|(\d{1,2})[.)]) +(.+?)\s*[│┃|]?$/u
const radio = /^(\s*)(?:([→❯›>▶»]) ?| {0,2})\([●○◉◯ ]\) +(\S.*)$/u
const selected = /^(\s*)([❯›→▶»]) (\s*)(\S.*)$/u
/** The names of keys, or arrows. Programs show them beside a menu. */
const keyHint = /[↑↓]|\b(?:enter|return|space|esc|escape)\b/iu
/** The end of a row that waits for typed words: `Run setup now? [Y/n]`, `API key:`. */
const typedPrompt = /(?:[:?]|\[[^\]\s]{1,12}\]:?|\([^)\s]{1,12}\):?)$/u
const keyPrompt = /\bpress (?:enter|return|any key)\b/iu

/** Returns the menu or prompt at the bottom of a screen without a composer; null if there is none. */
export function openMenu(screen: readonly string[], pane: Pick<PaneFacts, 'cursor_x' | 'cursor_y'>): OpenMenu | null {
  const last = screen.findLastIndex((row) => row.trim() !== '')
  const rows = screen.slice(0, last + 1).map(withoutFrame)
  return radioMenu(rows) ?? numberedMenu(rows) ?? plainMenu(rows, screen) ?? promptAt(rows, pane)
}

function withoutFrame(row: string): string {
  if (edge.test(row)) return ''
  return row
    .replace(/^\s*[╭┌]─+ ?| ?─+[╮┐]\s*$/gu, '')
    .replace(/^\s*[│┃] ?/u, '')
    .replace(/\s*[│┃]\s*$/u, '')
    .trimEnd()
}

function menuWith(rows: readonly string[], first: number, choices: ReadonlyMap<number, string>): OpenMenu {
  const shown = rows.map((row, index) => choices.get(index) ?? row)
  return {
    detail: 'menu',
    question: shown
      .slice(topOf(rows, first))
      .join('\n')
      .replaceAll(/\n{3,}/g, '\n\n')
      .trim(),
  }
}

/** Returns the first row of the question: below two blank rows, and at most `maxRowsAbove` rows above `first`. */
function topOf(rows: readonly string[], first: number): number {
  const from = Math.max(0, first - maxRowsAbove)
  const gap = rows.slice(from, first).findLastIndex((row, index, all) => row === '' && (all[index - 1] ?? 'text') === '')
  return gap < 0 ? from : from + gap + 1
}

const choiceRow = (isSelected: boolean, number: number, text: string) => `${isSelected ? '❯' : ' '} ${number}. ${text}`

/** Returns a menu of radio buttons: ` → (●) No thanks`. */
function radioMenu(rows: readonly string[]): OpenMenu | null {
  const found = rows.flatMap((row, index) => {
    const [, , sign, text] = radio.exec(row) ?? []
    return text === undefined ? [] : [{ index, sign, text }]
  })
  const [first] = found
  if (first === undefined || found.length < 2 || found.every(({ sign }) => sign === undefined)) return null
  return menuWith(
    rows,
    first.index,
    new Map(found.map(({ index, sign, text }, at) => [index, choiceRow(sign !== undefined, at + 1, text)])),
  )
}

/** Returns a menu whose choices have consecutive numbers, one of which is selected. */
function numberedMenu(rows: readonly string[]): OpenMenu | null {
  const found = rows.flatMap((row, index) => {
    const [, sign, bracketed, number = bracketed] = numbered.exec(row) ?? []
    return number === undefined ? [] : [{ index, sign, number: Number(number) }]
  })
  const at = found.findLastIndex(({ sign }) => sign !== undefined)
  const follows = (one: number) => {
    const [above, below] = [found[one - 1], found[one]]
    return above !== undefined && below !== undefined && below.number === above.number + 1 && below.index - above.index <= maxGap
  }
  let [first, last] = [at, at]
  while (first > 0 && follows(first)) first--
  while (follows(last + 1)) last++
  const [top, bottom] = [found[first], found[last]]
  if (at < 0 || first === last || top === undefined || bottom === undefined || rows.length - bottom.index > maxRowsBelow) return null
  return menuWith(rows, top.index, new Map())
}

/**
 * Returns a menu without numbers: one row with a selection mark, such as `>`, and rows whose text begins in the same column. Returns null
 * unless a frame around the rows, or a hint such as "Enter to select", shows that they are a menu.
 */
function plainMenu(rows: readonly string[], screen: readonly string[]): OpenMenu | null {
  const at = rows.findLastIndex((row) => selected.test(row))
  const [, indent = '', sign = '', gap = '', label = ''] = selected.exec(rows[at] ?? '') ?? []
  if (at < 0 || rows.length - at > maxRowsBelow + maxGap) return null
  const column = indent.length + sign.length + 1 + gap.length
  const belongs = (row: string | undefined) =>
    row !== undefined && row.length > column && row.slice(0, column).trim() === '' && row[column] !== ' '
  const isOpen = (index: number, step: number) => belongs(rows[index]) || (rows[index] === '' && belongs(rows[index + step]))
  let [first, last] = [at, at]
  while (isOpen(first - 1, -1)) first--
  while (isOpen(last + 1, 1)) last++
  if (first === last) return null
  const framed = /^\s*[│┃]/u.test(screen[at] ?? '')
  const hinted = rows.slice(Math.max(0, first - maxGap), first).some(isHint) || rows.slice(last + 1).some(isHint)
  if (!framed && !hinted) return null
  // If blank rows separate the choices, the further rows of each block describe the choice.
  const blocks = rows.slice(first, last + 1).includes('')
  const choices = new Map<number, string>()
  for (let row = first; row <= last; row++) {
    const begins = !blocks || row === first || rows[row - 1] === ''
    if (rows[row] !== '' && begins) choices.set(row, choiceRow(row === at, choices.size + 1, row === at ? label : (rows[row] ?? '').trim()))
  }
  return choices.size < 2 ? null : menuWith(rows, first, choices)
}

const isHint = (row: string) => keyHint.test(row)

/** Returns a row that waits for typed words: the cursor is behind its last character. Programs that only print end their rows. */
function promptAt(rows: readonly string[], { cursor_x, cursor_y }: Pick<PaneFacts, 'cursor_x' | 'cursor_y'>): OpenMenu | null {
  const row = rows.at(-1) ?? ''
  const waits = keyPrompt.test(row) || (typedPrompt.test(row) && cursor_y === rows.length - 1 && cursor_x >= row.length)
  if (!waits) return null
  return {
    detail: 'prompt',
    question: rows
      .slice(topOf(rows, rows.length - 1))
      .join('\n')
      .trim(),
  }
}

/** Returns the numbered choices of a question. */
export function choicesIn(question: string): readonly { readonly number: string; readonly text: string; readonly selected: boolean }[] {
  return question.split('\n').flatMap((row) => {
    const [, sign, bracketed, number = bracketed, text] = numbered.exec(row) ?? []
    return number === undefined || text === undefined ? [] : [{ number, text, selected: sign !== undefined }]
  })
}

/**
 * Returns the number of the choice that a person means; null if no choice matches. `choice` is the number of a choice, or a unique
 * beginning of its text. `[1]` and `[1] Approve Once` also name a choice.
 */
export function matchChoice(question: string, choice: string): string | null {
  const all = choicesIn(question)
  const [, bracketed, rest = ''] = /^\[(\d{1,2})\]\s*(.*)$/u.exec(choice.trim()) ?? []
  const wanted = (bracketed === undefined ? choice.trim() : rest === '' ? bracketed : rest).toLowerCase()
  if (wanted === '') return null
  const named = all.filter(({ number, text }) => number === wanted || text.toLowerCase() === wanted)
  const matches = named.length > 0 ? named : all.filter(({ text }) => text.toLowerCase().startsWith(wanted))
  return matches.length === 1 ? (matches[0]?.number ?? null) : null
}

/** Returns the arrow keys from the selected choice to another one, and Enter; null if the menu has no such choice. */
export function arrowKeysTo(question: string, number: string): readonly Keystrokes[] | null {
  const choices = choicesIn(question)
  const from = choices.findIndex((choice) => choice.selected)
  const to = choices.findIndex((choice) => choice.number === number)
  if (from < 0 || to < 0) return null
  const key = to > from ? ('Down' as const) : ('Up' as const)
  return [...Array.from({ length: Math.abs(to - from) }, () => ({ key })), { key: 'Enter' }]
}

/**
 * Returns the keystrokes that answer a menu or a prompt; null if the menu does not offer the wanted choice. The keystrokes for a choice are
 * arrow keys and Enter, or those of `choose` in a menu of the agent's own kind. The answers "esc" and "cancel" become Escape. In a prompt,
 * "enter" becomes Enter, and burn types every other answer.
 */
export function answerMenu(
  wanted: string,
  { question = '', reading }: Pick<ParsedScreen, 'question' | 'reading'>,
  choose: ((number: string) => readonly Keystrokes[]) | null = null,
): readonly Keystrokes[] | null {
  const words = wanted.trim()
  if (reading.detail === 'prompt' && words !== '' && !/^(?:esc|cancel)$/i.test(words))
    return [...(/^enter$/i.test(words) ? [] : [{ type: words }]), { key: 'Enter' }]
  const number = matchChoice(question, words)
  if (number !== null) return choose === null || reading.detail === 'menu' ? arrowKeysTo(question, number) : choose(number)
  return /^(?:esc|cancel)$/i.test(words) ? [{ key: 'Escape' }] : null
}
