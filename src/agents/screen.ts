/** What the screens of several agents have in common. */
import type { ParsedScreen, PaneFacts, Keystrokes } from '../core/agent.ts'
import type { Reading, ReadingState } from '../core/nouns.ts'

/** Rows that something covers: the first, and one past the last. */
export interface RowSpan {
  readonly first: number
  readonly end: number
}

const shells = /^-?(?:ba|z|da|fi|k)?sh$/

/** A shell is the pane's command where its agent has not begun, or is gone. */
export function isShell(command: string): boolean {
  return shells.test(command)
}

/** Index of the last row that holds something; -1 where none does. */
export function lastRow(screen: readonly string[]): number {
  return screen.findLastIndex((row) => row.trim() !== '')
}

export function evidenceOf(row: string | undefined): string {
  return (row ?? '').trim().slice(0, 120)
}

/** A paragraph from its first row on, as one line: how a turn failed, with the time at which it may be tried again. */
export function paragraphFrom(screen: readonly string[], first: number): string {
  const rows = screen.slice(first, first + 8)
  const end = rows.findIndex((row) => row.trim() === '')
  return (end < 0 ? rows : rows.slice(0, end))
    .map((row) => row.trim())
    .join(' ')
    .slice(0, 240)
}

/** A look without a place to type. */
export function withoutComposer(state: ReadingState, detail: string | null, evidence: string, question?: string): ParsedScreen {
  const reading: Reading = { state, detail, evidence }
  return { reading, composer: 'absent', composer_rows: [0, 0], draft: '', ...(question === undefined ? {} : { question }) }
}

/** A look with one. */
export function withComposer(reading: Reading, { first, end }: RowSpan, draft: string, interrupts = false): ParsedScreen {
  return { reading, composer: draft === '' ? 'empty' : 'draft', composer_rows: [first, end], draft, interrupts }
}

/**
 * A screen on which the agent drew neither its composer nor a question: it is starting while nothing of it was ever drawn, gone where it was and a
 * shell is there now, and otherwise not known.
 */
export function unrecognised(screen: readonly string[], { command, dead }: PaneFacts, ran: boolean): ParsedScreen {
  const last = evidenceOf(screen[lastRow(screen)])
  if (dead) return withoutComposer('dead', null, 'the pane is dead')
  if (!ran) return withoutComposer('starting', null, last === '' ? 'blank screen' : `no composer yet: ${last}`)
  return isShell(command)
    ? withoutComposer('dead', 'shell', `a shell where the agent was: ${last}`)
    : withoutComposer('unknown', null, `no composer: ${last}`)
}

/** A numbered choice of a menu, as agents draw them: `❯ 1. Yes`. */
const numbered = /^[\s│┃|]*[❯›>●•]?\s*(\d{1,2})[.)] +(.+?)\s*[│┃|]?$/u

export function choicesIn(question: string): readonly { readonly number: string; readonly text: string }[] {
  return question.split('\n').flatMap((row) => {
    const [, number, text] = numbered.exec(row) ?? []
    return number === undefined || text === undefined ? [] : [{ number, text }]
  })
}

/** The number of the choice that a person means: its number, or the beginning of its text where only one begins so. */
export function chosenIn(question: string, choice: string): string | null {
  const all = choicesIn(question)
  const wanted = choice.trim().toLowerCase()
  if (wanted === '') return null
  const named = all.filter(({ number, text }) => number === wanted || text.toLowerCase() === wanted)
  const begun = named.length > 0 ? named : all.filter(({ text }) => text.toLowerCase().startsWith(wanted))
  return begun.length === 1 ? (begun[0]?.number ?? null) : null
}

/** Rows of the paragraph that ends at or above `row`: rows that are not blank, and above any that are. */
export function paragraphAbove(screen: readonly string[], row: number): RowSpan {
  const end = screen.slice(0, Math.max(0, row + 1)).findLastIndex((each) => each.trim() !== '') + 1
  let first = end
  while (first > 0 && (screen[first - 1] ?? '').trim() !== '') first--
  return { first, end }
}

const wide = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u

/** Latin text, the frames of boxes and ornaments such as the prompt sign. Asked first: classes of properties take milliseconds to compile. */
const narrow = /^[\x00-\u02ff\u2500-\u259f\u2758-\u2794]$/

const widthOfSign = (sign: string) => (narrow.test(sign) ? 1 : /^\p{M}$/u.test(sign) ? 0 : wide.test(sign) ? 2 : 1)

/** What a row shows in the terminal's columns from `from` to before `to`: signs of two columns count as two. */
export function columns(row: string, from: number, to: number): string {
  let at = 0
  let text = ''
  for (const sign of row) {
    if (at >= from && at < to) text += sign
    at += widthOfSign(sign)
  }
  return text
}

/** Is it known where the cursor is? A recorded screen without one has 0,0. */
export function knowsCursor({ cursor_x, cursor_y }: PaneFacts): boolean {
  return cursor_x !== 0 || cursor_y !== 0
}

/** What a shell says of a program that it could not start, or that was ended. */
export function shellTells(screen: readonly string[]): boolean {
  return screen.some((row) =>
    /^(?:Killed|Terminated|Aborted|Hangup)\b|: (?:command )?not found$|: No such file or directory$/u.test(row.trimEnd()),
  )
}

/** Keys that walk from the choice that is marked to the one wanted, and take it; null where the menu has no such choice. */
export function walkTo(question: string, number: string): readonly Keystrokes[] | null {
  const marked = question.split('\n').find((row) => /^[\s│┃|]*[❯›>●•] ?\d{1,2}[.)] /u.test(row))
  const numbers = choicesIn(question).map((choice) => choice.number)
  const from = numbers.indexOf(/\d+/.exec(marked ?? '')?.[0] ?? '')
  const to = numbers.indexOf(number)
  if (from < 0 || to < 0) return null
  const key = to > from ? ('Down' as const) : ('Up' as const)
  return [...Array.from({ length: Math.abs(to - from) }, () => ({ key })), { key: 'Enter' }]
}

/** Pastes the line as one. */
export function pasteLine(line: string): readonly Keystrokes[] {
  return [{ paste: line }]
}

/** What most composers expand: files by `@path`, the placeholder of a collapsed paste or a picture, and a picture by its path. */
export const expandingPatterns: readonly RegExp[] = [/@/, /\[(?:pasted|paste|image)\b/i, /\.(?:png|jpe?g|gif|webp|bmp|svg|heic|pdf)\b/i]

/** The bytes of Ctrl-U: takes back what stands in a composer, in some agents one row of it. Ctrl-C would end some of them. */
export const clearComposerKey = '\u0015'

/** A menu's answer: the keys that take the choice a person means, by default the arrows; Escape where they cancel. Null where it offers no such choice. */
export function answerMenu(
  wanted: string,
  question: string,
  take: (number: string) => readonly Keystrokes[] | null = (number) => walkTo(question, number),
) {
  const number = chosenIn(question, wanted)
  if (number !== null) return take(number)
  return /^(?:esc|cancel)$/i.test(wanted.trim()) ? [{ key: 'Escape' as const }] : null
}
