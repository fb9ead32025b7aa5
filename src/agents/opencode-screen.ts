/**
 * Reads the screen of OpenCode, which uses the terminal's alternate screen. Facts come from running 1.18.33 against a stub model server:
 *
 * - Blocks of the conversation have a bar `┃` at their left.
 * - The composer is the lowest such block. `╹▀▀▀` closes it, and its last row names agent and model.
 * - The footer is below the composer. While a turn runs, it begins with a moving bar `⬝⬝■■`.
 * - Approvals and questions are in the composer's place, without the `╹▀▀▀`.
 */
import type { Reading } from '../core/nouns.ts'
import type { ParsedScreen, PaneFacts } from '../core/agent.ts'
import {
  withoutComposer,
  sliceColumns,
  evidenceOf,
  isShell,
  hasCursor,
  lastRow,
  paragraphAbove,
  withComposer,
  unrecognised,
  type RowSpan,
} from './screen.ts'
import { troubleIn } from './trouble.ts'

/** The row that closes the composer. In a narrow pane, a toast begins at the fifth column and may cover the rest of the row. */
const closing = /^( *)╹(▀+)(?=\s|┃|$)/u
/** The footer while a turn runs; `[⋯]` if animations are off. After a first Escape it shows `esc again to interrupt`. */
const running = /^ {1,6}(?:[■⬝]|\[⋯\])|^ {1,6}esc (?:again to )?interrupt\b/u
/** The grey placeholder of an empty composer. */
const placeholder = /^Ask anything…(?: ".*"?)?$/u
const logo = /[█▀▄]{4} [█▀▄]/u
/**
 * The row that closes an answer: `▣ Build · model · 13.9s`. The row has no time while the answer is incomplete or if the answer failed. It
 * ends with `· interrupted` if a person interrupted the answer.
 */
const answer = /^ +▣ {2}\S/u

interface Frame extends RowSpan {
  /** The columns of the composer's text: the first, and one past the last. */
  readonly from: number
  readonly to: number
  /** The row of `╹▀▀▀`, which closes the composer. */
  readonly closing: number
}

/** Returns the lowest composer; null if another block is below it. */
function frameOf(screen: readonly string[]): Frame | null {
  const at = screen.findLastIndex((row) => closing.test(row))
  const [, indent = '', edge = ''] = closing.exec(screen[at] ?? '') ?? []
  const bar = `${indent}┃`
  if (at < 3 || screen.slice(at + 1).some((row) => /^ {1,3}┃/u.test(row))) return null
  let first = at
  while (first > 0 && screen[first - 1]!.startsWith(bar)) first--
  if (at - first < 3 || screen[at - 1]!.slice(bar.length).trim() === '') return null
  return { first, end: at - 1, from: bar.length + 2, to: edge.length < 10 ? Infinity : bar.length + edge.length, closing: at }
}

/** Returns the rows of the lowest block in the composer's place; null if there is none. */
function panelOf(screen: readonly string[]): readonly string[] | null {
  const end = lastRow(screen)
  let first = end + 1
  while (first > 0 && /^ {1,3}┃/u.test(screen[first - 1]!)) first--
  if (first > end || screen.length - end > 3) return null
  return screen.slice(first, end + 1).map((row) => row.replace(/^ *┃ {0,2}/u, '').trimEnd())
}

/** Returns the approval or question with its choices; null if the block is neither. */
function asking(rows: readonly string[]): ParsedScreen | null {
  const question = rows.join('\n').trim()
  const first = evidenceOf(question.split('\n').find((row) => row.trim() !== ''))
  if (/△ |^ *(?:Allow once|Allow always|Confirm|Reject)\b/mu.test(question)) return withoutComposer('waiting', 'approval', first, question)
  if (/^ *\d{1,2}\. \S|enter (?:submit|confirm|toggle)|esc dismiss|Type your own answer/mu.test(question))
    return withoutComposer('waiting', 'question', first, question)
  return null
}

/** Returns the reading, the composer and the open question of OpenCode's screen. */
export function parseOpencodeScreen(screen: readonly string[], pane: PaneFacts): ParsedScreen {
  const gone = pane.dead || isShell(pane.command)
  const frame = gone ? null : frameOf(screen)
  if (frame === null) {
    const panel = gone ? null : panelOf(screen)
    const asked = panel === null ? null : asking(panel)
    const ran = screen.some((row) => closing.test(row) || logo.test(row) || answer.test(row) || /^ {1,3}┃/u.test(row))
    return asked ?? unrecognised(screen, pane, ran)
  }
  const rows = screen.slice(frame.first, frame.end).map((row) => sliceColumns(row, frame.from, frame.to).trimEnd())
  const typed = rows.join('\n').trim()
  // A `!` in an empty composer switches the composer to shell commands. The composer then shows `Shell` in place of the agent's name.
  const shellMode = /^Shell\b/u.test(sliceColumns(screen[frame.end] ?? '', frame.from, frame.to).trim())
  const draft = shellMode ? `!${typed}` : placeholder.test(typed) ? '' : typed
  return withComposer(readingOf(screen, frame, pane, draft), frame, draft)
}

function readingOf(screen: readonly string[], frame: Frame, pane: PaneFacts, draft: string): Reading {
  const footer = screen.slice(frame.closing + 1, frame.closing + 5)
  const drafted = draft === '' ? null : 'draft'
  if (running.test(footer[0] ?? '')) {
    const retrying = /\[?retrying\b/u.test(footer.join(' '))
    const block = paragraphAbove(screen, frame.first - 1)
    const queued = screen.slice(block.first, block.end).some((row) => /^ {1,3}┃ {3}QUEUED\b/u.test(row))
    return { state: 'working', detail: retrying ? 'retrying' : queued ? 'queued' : drafted, evidence: evidenceOf(footer[0]) }
  }
  if (/^ *┃/u.test(footer[0] ?? '')) return { state: 'unknown', detail: null, evidence: 'a toast covers the footer' }
  const focused = !hasCursor(pane) || (pane.cursor_y >= frame.first && pane.cursor_y < frame.closing)
  if (!focused) return { state: 'unknown', detail: null, evidence: 'the cursor is outside the composer: a dialog is open' }
  const failure = failureAbove(screen, frame)
  if (failure !== null) return { state: 'error', detail: troubleIn(failure), evidence: evidenceOf(failure) }
  return { state: 'idle', detail: drafted, evidence: evidenceOf(footer.join(' ')) || 'a composer, and no running turn' }
}

/**
 * Returns the error that ended the last answer; null if there is none. The error is in a separate block above the row `▣ Build · model`,
 * which then has no time. A toast at the top right may cover the time. In this case the block counts as an error only if the toast contains
 * the same text.
 */
function failureAbove(screen: readonly string[], frame: Frame): string | null {
  const { first, end } = paragraphAbove(screen, frame.first - 1)
  const at = screen.findLastIndex((row, i) => i >= first - 1 && i < end && answer.test(row))
  if (at < 0) return null
  const row = screen[at]!
  const covered = /▣.*┃/u.test(row)
  // The row of a compaction shows a time even if the compaction failed.
  const timed = !covered && !/▣ {2}Compaction ·/u.test(row)
  if (timed && /· (?:interrupted|[\d.]+m?s|\d+[mh] ?.*)\s*(?: {3}.*)?$/u.test(row)) return null
  let low = at - 1
  while (low >= 0 && !/^ {1,3}┃/u.test(screen[low]!)) {
    if (/^ {1,6}\S/u.test(screen[low]!)) return null
    low--
  }
  let high = low
  while (high > 0 && /^ {1,3}┃/u.test(screen[high - 1]!)) high--
  if (low < 0 || at - low > 5) return null
  const block = screen.slice(high, low + 1).map((each) =>
    sliceColumns(each, 5, frame.to)
      .replace(/ {3,}┃.*$/u, '')
      .trim(),
  )
  const text = block.join(' ').trim()
  // Blocks of tool calls look similar, but are no errors: `$ command`, `# Title`, `← Edit path`.
  if (text === '' || /^(?:[$#←→⚙%✱◇~] |⠋|⠙|⠹|⠸|⠼|⠴|⠦|⠧|⠇|⠏)/u.test(text)) return null
  const toast = screen
    .map((each) => /┃ {2}(.*?)\s*┃\s*$/u.exec(each)?.[1] ?? '')
    .join(' ')
    .trim()
  return covered && !toast.includes(text.slice(0, 20)) ? null : text
}
