/**
 * OpenCode's screen (it draws on the alternate screen). Facts come from running 1.18.33 against a stub model server: blocks of the conversation
 * have a bar `┃` at their left; the composer is the lowest such block, closed by `╹▀▀▀`, its last row the agent and model; below it the footer,
 * which begins with a moving bar `⬝⬝■■` while a turn runs. Approvals and questions stand in the composer's place, without the `╹▀▀▀`.
 */
import type { Reading } from '../core/nouns.ts'
import type { ParsedScreen, PaneFacts } from '../core/agent.ts'
import {
  withoutComposer,
  columns,
  evidenceOf,
  isShell,
  knowsCursor,
  lastRow,
  paragraphAbove,
  withComposer,
  shellTells,
  unrecognised,
  type RowSpan,
} from './screen.ts'
import { troubleIn } from './trouble.ts'

/** A toast, which in a narrow pane begins at the fifth column, may cover all but its beginning. */
const closing = /^( *)╹(▀+)(?=\s|┃|$)/u
/** The footer while a turn runs; `[⋯]` where animations are off. After a first Escape: `esc again to interrupt`. */
const running = /^ {1,6}(?:[■⬝]|\[⋯\])|^ {1,6}esc (?:again to )?interrupt\b/u
/** Grey, where nothing is typed. */
const placeholder = /^Ask anything…(?: ".*"?)?$/u
const logo = /[█▀▄]{4} [█▀▄]/u
/** What closes an answer: `▣  Build · model · 13.9s`, without the time while it runs or where it failed, `· interrupted` where a person cut it. */
const answer = /^ +▣ {2}\S/u

interface Frame extends RowSpan {
  /** Columns of its text. */
  readonly from: number
  readonly to: number
  /** The row of `╹▀▀▀`. */
  readonly closing: number
}

/** The lowest composer, if no other block stands below it. */
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

/** Rows of the lowest block that stands where the composer was; null where none does. */
function panelOf(screen: readonly string[]): readonly string[] | null {
  const end = lastRow(screen)
  let first = end + 1
  while (first > 0 && /^ {1,3}┃/u.test(screen[first - 1]!)) first--
  if (first > end || screen.length - end > 3) return null
  return screen.slice(first, end + 1).map((row) => row.replace(/^ *┃ {0,2}/u, '').trimEnd())
}

/** Approval or question, with its choices as they are shown; null where the block is neither. */
function asking(rows: readonly string[]): ParsedScreen | null {
  const question = rows.join('\n').trim()
  const first = evidenceOf(question.split('\n').find((row) => row.trim() !== ''))
  if (/△ |^ *(?:Allow once|Allow always|Confirm|Reject)\b/mu.test(question)) return withoutComposer('waiting', 'approval', first, question)
  if (/^ *\d{1,2}\. \S|enter (?:submit|confirm|toggle)|esc dismiss|Type your own answer/mu.test(question))
    return withoutComposer('waiting', 'question', first, question)
  return null
}

/** What OpenCode's screen says. */
export function parseOpencodeScreen(screen: readonly string[], pane: PaneFacts): ParsedScreen {
  const gone = pane.dead || isShell(pane.command)
  const frame = gone ? null : frameOf(screen)
  if (frame === null) {
    const panel = gone ? null : panelOf(screen)
    const asked = panel === null ? null : asking(panel)
    const ran = screen.some((row) => closing.test(row) || logo.test(row) || answer.test(row) || /^ {1,3}┃/u.test(row))
    return asked ?? unrecognised(screen, pane, ran || (isShell(pane.command) && shellTells(screen)))
  }
  const rows = screen.slice(frame.first, frame.end).map((row) => columns(row, frame.from, frame.to).trimEnd())
  const typed = rows.join('\n').trim()
  // A `!` at the beginning of an empty composer makes it take a command for the shell, and says so where else the agent's name stands.
  const shellMode = /^Shell\b/u.test(columns(screen[frame.end] ?? '', frame.from, frame.to).trim())
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
  const focused = !knowsCursor(pane) || (pane.cursor_y >= frame.first && pane.cursor_y < frame.closing)
  if (!focused) return { state: 'unknown', detail: null, evidence: 'the cursor is not in the composer: something else is open' }
  const failure = failureAbove(screen, frame)
  if (failure !== null) return { state: 'error', detail: troubleIn(failure), evidence: evidenceOf(failure) }
  return { state: 'idle', detail: drafted, evidence: evidenceOf(footer.join(' ')) || 'a composer, and no turn runs' }
}

/**
 * The error that ended the last answer; null where it ended well. It stands in a block of its own above `▣  Build · model`, which then has no
 * time. A toast at the top right may cover the time: then it must say the same as the block.
 */
function failureAbove(screen: readonly string[], frame: Frame): string | null {
  const { first, end } = paragraphAbove(screen, frame.first - 1)
  const at = screen.findLastIndex((row, i) => i >= first - 1 && i < end && answer.test(row))
  if (at < 0) return null
  const row = screen[at]!
  const covered = /▣.*┃/u.test(row)
  // A compaction has its time also if it failed.
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
    columns(each, 5, frame.to)
      .replace(/ {3,}┃.*$/u, '')
      .trim(),
  )
  const text = block.join(' ').trim()
  // Tools have blocks too: `$ command`, `# Title`, `← Edit path`.
  if (text === '' || /^(?:[$#←→⚙%✱◇~] |⠋|⠙|⠹|⠸|⠼|⠴|⠦|⠧|⠇|⠏)/u.test(text)) return null
  const toast = screen
    .map((each) => /┃ {2}(.*?)\s*┃\s*$/u.exec(each)?.[1] ?? '')
    .join(' ')
    .trim()
  return covered && !toast.includes(text.slice(0, 20)) ? null : text
}
