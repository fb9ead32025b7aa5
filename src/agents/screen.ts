/** Functions that the screen readers of several agents share. */
import type { ParsedScreen, PaneFacts, Keystrokes } from '../core/agent.ts'
import type { Reading, ReadingState } from '../core/nouns.ts'
import { openMenu } from './menu.ts'

/** A range of rows, from `first` to before `end`. */
export interface RowSpan {
  readonly first: number
  readonly end: number
}

const shells = /^-?(?:(?:ba|z|da|a|fi|k|mk|c|tc|xon)?sh|nu|elvish)$/

/** Returns true if the pane's command is a shell: the agent has not started yet, or has ended. */
export function isShell(command: string): boolean {
  return shells.test(command)
}

/** Returns the index of the last row that is not blank; -1 if all are blank. */
export function lastRow(screen: readonly string[]): number {
  return screen.findLastIndex((row) => row.trim() !== '')
}

/** Returns a row as the evidence of a reading, at most 120 characters. */
export function evidenceOf(row: string | undefined): string {
  return (row ?? '').trim().slice(0, 120)
}

/**
 * Returns the paragraph that begins at the row `first`, as one line. Agents report a failed turn in such a paragraph, often with the time
 * at which a retry is possible.
 */
export function paragraphFrom(screen: readonly string[], first: number): string {
  const rows = screen.slice(first, first + 8)
  const end = rows.findIndex((row) => row.trim() === '')
  return (end < 0 ? rows : rows.slice(0, end))
    .map((row) => row.trim())
    .join(' ')
    .slice(0, 240)
}

/** Returns a parsed screen without a composer. */
export function withoutComposer(state: ReadingState, detail: string | null, evidence: string, question?: string): ParsedScreen {
  const reading: Reading = { state, detail, evidence }
  return { reading, composer: 'absent', composer_rows: [0, 0], draft: '', ...(question === undefined ? {} : { question }) }
}

/** Returns a parsed screen with a composer. */
export function withComposer(reading: Reading, { first, end }: RowSpan, draft: string, interrupts = false): ParsedScreen {
  return { reading, composer: draft === '' ? 'empty' : 'draft', composer_rows: [first, end], draft, interrupts }
}

/**
 * Returns the reading of a screen without a composer. If a menu or a prompt is open, the agent waits for an answer. `ran` says whether the
 * agent has drawn anything else. If `ran` is false, the agent is starting. If a shell waits for input in the pane, the agent has ended: the
 * shell that starts an agent shows no prompt. Otherwise the state is unknown.
 */
export function unrecognised(screen: readonly string[], pane: PaneFacts, ran: boolean): ParsedScreen {
  const last = evidenceOf(screen[lastRow(screen)])
  if (pane.dead) return withoutComposer('dead', null, 'the pane is dead')
  if (isShell(pane.command))
    return ran || hasShellError(screen) || isAtPrompt(screen, pane)
      ? withoutComposer('dead', 'shell', `the pane shows a shell, not the agent: ${last}`)
      : withoutComposer('starting', null, last === '' ? 'blank screen' : `no composer yet: ${last}`)
  const menu = openMenu(screen, pane)
  if (menu !== null) return withoutComposer('waiting', menu.detail, evidenceOf(menu.question.split('\n')[0]), menu.question)
  if (!ran) return withoutComposer('starting', null, last === '' ? 'blank screen' : `no composer yet: ${last}`)
  return withoutComposer('unknown', null, `no composer: ${last}`)
}

/** Returns true if the cursor is behind the text of the last row, as in a shell that waits for a command. */
function isAtPrompt(screen: readonly string[], pane: PaneFacts): boolean {
  const last = lastRow(screen)
  const row = screen[last] ?? ''
  return pane.cursor_y === last && pane.cursor_x > 0 && pane.cursor_x >= row.trimEnd().length && /[$#%>❯➜»λ]$/u.test(row.trimEnd())
}

/** Returns the rows of the paragraph that ends at or above `row`. Blank rows separate paragraphs. */
export function paragraphAbove(screen: readonly string[], row: number): RowSpan {
  const end = screen.slice(0, Math.max(0, row + 1)).findLastIndex((each) => each.trim() !== '') + 1
  let first = end
  while (first > 0 && (screen[first - 1] ?? '').trim() !== '') first--
  return { first, end }
}

const wide = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u

/**
 * Latin text, box frames and ornaments such as the prompt sign. burn tests this pattern first, because Unicode property classes take
 * milliseconds to compile.
 */
const narrow = /^[\x00-\u02ff\u2500-\u259f\u2758-\u2794]$/

const widthOf = (sign: string) => (narrow.test(sign) ? 1 : /^\p{M}$/u.test(sign) ? 0 : wide.test(sign) ? 2 : 1)

/** Returns the number of the terminal's columns that a text takes. */
export function columnsOf(text: string): number {
  return Array.from(text).reduce((sum, sign) => sum + widthOf(sign), 0)
}

/** Returns the text of a row in the terminal's columns from `from` to before `to`. Wide characters take two columns. */
export function sliceColumns(row: string, from: number, to: number): string {
  let at = 0
  let text = ''
  for (const sign of row) {
    if (at >= from && at < to) text += sign
    at += widthOf(sign)
  }
  return text
}

/** Returns true if the position of the cursor is known. A recorded screen without a cursor has the position 0,0. */
export function hasCursor({ cursor_x, cursor_y }: PaneFacts): boolean {
  return cursor_x !== 0 || cursor_y !== 0
}

/** Returns true if a shell reports that it could not start a program, or that a program was killed. */
function hasShellError(screen: readonly string[]): boolean {
  return screen.some((row) =>
    /^(?:Killed|Terminated|Aborted|Hangup)\b|: (?:command )?not found$|: No such file or directory$/u.test(row.trimEnd()),
  )
}

/** Returns the keystrokes that paste the whole line. */
export function pasteLine(line: string): readonly Keystrokes[] {
  return [{ paste: line }]
}

/** Texts that most composers expand: `@path` for a file, the placeholder of a collapsed paste or a picture, and the path of a picture. */
export const expandingPatterns: readonly RegExp[] = [/@/, /\[(?:pasted|paste|image)\b/i, /\.(?:png|jpe?g|gif|webp|bmp|svg|heic|pdf)\b/i]

/** The bytes of Ctrl-U. Ctrl-U clears the composer, or in some agents one row of it. Ctrl-C would end some agents. */
export const clearComposerKey = '\u0015'
/** The bytes of Enter. */
export const enterKey = '\r'
/** The bytes of Escape, which interrupts the running turn in most agents, and changes nothing if no turn runs. */
export const escapeKey = '\u001b'
