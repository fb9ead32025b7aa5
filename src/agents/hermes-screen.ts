/**
 * Reads Hermes' classic screen (`hermes chat`). Facts come from running 0.20.4 against a stub model server, and from reading the
 * prompt_toolkit screen of 0.21 (hermes_cli/cli_tui_*.py). From top to bottom Hermes draws an optional overlay, an optional hint, status
 * bar, rule, composer (at most 8 rows) and rule. Below 64 columns Hermes draws no closing rule, and no `❯` in prompts that show a state.
 */
import type { Reading, ReadingState } from '../core/nouns.ts'
import type { ParsedScreen, PaneFacts } from '../core/agent.ts'
import { whyFailed } from './hermes-turn.ts'
import { isShell, lastRow, unrecognised, withoutComposer } from './screen.ts'
import { troubleIn } from './trouble.ts'

const rule = /^─{20,}$/
/**
 * The status bar: ` ⚕ model │ …` on a wide screen, ` ⚕ model · …` on a narrow one. A long title may follow after `─`. Since 0.22 the sign
 * is `☤`.
 */
const statusBar = /^ [⚕☤] \S.*(?: [│·] |\.\.\.)/u
/**
 * The row above the status bar while Hermes waits for an answer. The clock in the status bar keeps running during this wait
 * (cli_tui_chrome.py, _tui_hint_text).
 */
const modalHint = /^ {2}(?:↑\/↓ to select|type your answer|type 1\/2\/3|password hidden|secret hidden|shown as you type)/u
/** Below this width (columns) Hermes draws no closing rule, and no `❯` in prompts that show a state. */
const compactBelow = 64
const maxComposerRows = 8

interface Mark {
  readonly pattern: RegExp
  readonly state: ReadingState
  readonly detail: string | null
}

/** The beginning of the composer's first row, by state (cli_tui_chrome.py, _get_tui_prompt_fragments). */
const marks: readonly Mark[] = [
  { pattern: /^[⚕☤](?: ❯)?(?: |$)/u, state: 'working', detail: null },
  { pattern: /^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏](?: ❯)?(?: |$)/u, state: 'working', detail: 'command' },
  { pattern: /^⚠(?: ❯)?(?: |$)/u, state: 'waiting', detail: 'approval' },
  { pattern: /^[?✎](?: ❯)?(?: |$)/u, state: 'waiting', detail: 'question' },
  { pattern: /^🔐(?: ❯)?(?: |$)/u, state: 'waiting', detail: 'sudo' },
  { pattern: /^🔑(?: ❯)?(?: |$)/u, state: 'waiting', detail: 'secret' },
  { pattern: /^[●◉🎤](?: \S)?(?: ❯)?(?: |$)/u, state: 'unknown', detail: 'voice' },
  // The patterns with and without a profile are separate, because a Unicode property class takes milliseconds to compile.
  { pattern: /^❯(?: |$)/u, state: 'idle', detail: null },
  // The name of a profile precedes the symbol: `coder ❯`.
  { pattern: /^[\p{L}\p{N}._-]+ ❯(?: |$)/u, state: 'idle', detail: null },
]

/**
 * The grey placeholders of an empty composer. Hermes 0.22.2 shows untranslated message keys instead of words. `msg=` does not depend on
 * `display.busy_input_mode`: 0.20.4 shows `msg=interrupt` in queue mode, too.
 */
const placeholders =
  /^(?:msg=\S+ · .*|cli\.tui\.placeholder_\w+|type your answer here and press Enter|type 1\/2\/3, or .*|type (?:password|secret|your email) .*)$/u

interface Frame {
  readonly status: number
  readonly first: number
  readonly end: number
}

/**
 * Returns the lowest status bar with its rule and composer, if only blank rows follow; null otherwise. A status bar higher up belongs to
 * the history.
 */
function frameOf(screen: readonly string[], width: number): Frame | null {
  let last = screen.length - 1
  while (last >= 0 && screen[last]!.trim() === '') last--
  for (let row = last - 2; row >= 0 && row >= last - maxComposerRows - 2; row--) {
    if (!statusBar.test(screen[row]!) || !rule.test(screen[row + 1]!.trimEnd())) continue
    const closed = rule.test(screen[last]!.trimEnd()) && last > row + 2
    if (!closed && width >= compactBelow) return null
    return { status: row, first: row + 2, end: closed ? last : last + 1 }
  }
  return null
}

/**
 * Returns the reading of a screen without a composer. After its start, Hermes always draws a composer. While a picker is open, Hermes draws
 * the picker above the composer, and no status bar. If the screen shows no conversation either, Hermes is still starting.
 */
function parseWithoutComposer(screen: readonly string[], pane: PaneFacts): ParsedScreen {
  const ran = screen.some(
    (row) => statusBar.test(row) || row.startsWith('● ') || /^(?:Resume this session with:|Goodbye!)/u.test(row.trim()),
  )
  const last = lastRow(screen)
  const top = screen.findLastIndex((row, index) => index < last && rule.test(row.trimEnd()))
  const hasRules = top > 0 && last - top <= maxComposerRows + 1 && rule.test((screen[last] ?? '').trimEnd())
  return unrecognised(hasRules ? screen.slice(0, top) : screen, pane, ran)
}

/**
 * Returns the entry of `marks` that matches the beginning of the composer's first row, and the column where the draft begins. A draft that
 * is longer than the composer scrolls the prompt away, and one of its lines may look like a prompt. In a full composer, a prompt in the
 * first row therefore counts only if a message from burn follows the prompt.
 */
function markOf(screen: readonly string[], frame: Frame): { readonly mark: Mark | null; readonly from: number } {
  const row = screen[frame.first] ?? ''
  const mark = marks.find((each) => each.pattern.test(row))
  const from = mark?.pattern.exec(row)?.[0].length ?? 0
  const scrolled = frame.end - frame.first >= maxComposerRows && !/^(?:\/queue )?\[burn /u.test(row.slice(from))
  return mark === undefined || scrolled ? { mark: null, from: 0 } : { mark, from }
}

/** Returns the reading, the composer and the open question of Hermes' screen. */
export function parseHermesScreen(screen: readonly string[], pane: PaneFacts): ParsedScreen {
  if (pane.dead) return withoutComposer('dead', null, 'the pane is dead')
  const frame = frameOf(screen, pane.width)
  if (frame === null || isShell(pane.command)) return parseWithoutComposer(screen, pane)
  const { mark, from } = markOf(screen, frame)
  const rows = screen.slice(frame.first, frame.end)
  const typed = rows
    .map((row, i) => (i === 0 ? row.slice(from) : row))
    .join('\n')
    .trimEnd()
  const draft = placeholders.test(typed.replaceAll('\n', '')) && mark !== null ? '' : typed
  const composer_rows: readonly [number, number] = [frame.first, frame.end]
  const composer = draft === '' ? 'empty' : 'draft'
  const reading = readingOf(screen, frame, mark)
  const queues = /^\/q(?:ueue)? /u.test(draft)
  const asked = reading.state === 'waiting' ? questionAbove(screen, frame.status) : ''
  return {
    reading,
    composer,
    composer_rows,
    draft,
    interrupts: reading.state === 'working' && !queues,
    ...(asked === '' ? {} : { question: asked }),
  }
}

/** Returns the question in the box above the status bar. A short pane shows only a part of it. */
function questionAbove(screen: readonly string[], status: number): string {
  const top = screen.slice(0, status).findLastIndex((row) => row.startsWith('╭─'))
  return screen
    .slice(top + 1, status)
    .filter((row) => row.startsWith('│'))
    .map((row) => row.replace(/^│ ?|\s*│?\s*$/gu, ''))
    .join('\n')
    .trim()
}

function readingOf(screen: readonly string[], frame: Frame, mark: Mark | null): Reading {
  const evidence = (screen[frame.first] ?? '').trim().slice(0, 80)
  if (mark?.state === 'idle') {
    const failure = whyFailed(screen, frame.status)
    return failure === null
      ? { state: 'idle', detail: null, evidence }
      : { state: 'error', detail: troubleIn(failure), evidence: failure.slice(0, 240) }
  }
  if (mark !== null) return { state: mark.state, detail: mark.detail, evidence }
  const bar = screen[frame.status]!
  const above = screen[frame.status - 1] ?? ''
  if (modalHint.test(above)) return { state: 'waiting', detail: 'long draft', evidence: above.trim() }
  const clock = bar.includes('⏱') ? 'working' : bar.includes('⏲') ? 'idle' : null
  return { state: clock ?? 'unknown', detail: 'long draft', evidence: bar.trim().slice(0, 80) }
}
