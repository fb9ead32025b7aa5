/**
 * Reads Hermes' classic screen (`hermes chat`). Facts come from running 0.20.4 against a stub model server, and from reading the
 * prompt_toolkit screen of 0.21 (hermes_cli/cli_tui_*.py). From top to bottom Hermes draws an optional overlay, an optional hint, status
 * bar, rule, composer (at most 8 rows) and rule. Below 64 columns Hermes draws no closing rule, and no `❯` in prompts that show a state.
 */
import type { Reading } from '../core/nouns.ts'
import type { ParsedScreen, PaneFacts } from '../core/agent.ts'
import { promptOf, type HermesPrompt } from './hermes-prompt.ts'
import { whyFailed } from './hermes-turn.ts'
import { columnsOf, hasCursor, isShell, lastRow, unrecognised, withoutComposer } from './screen.ts'
import { troubleIn } from './trouble.ts'

const rule = /^─{20,}$/
/**
 * The status bar: ` ⚕ model │ …` on a wide screen, ` ⚕ model · …` on a narrow one. A long title may follow after `─`. Since 0.22 the sign
 * is `☤`.
 */
const statusBar = /^ [⚕☤] \S.*(?: [│·] |\.\.\.)/u
/** A status bar with another sign, or with a battery before the sign. Only its place above the rule of the composer shows that it is one. */
const placedBar = /^ \S.* [│·] /u
/**
 * The row above the status bar while Hermes waits for an answer. The clock in the status bar keeps running during this wait
 * (cli_tui_chrome.py, _tui_hint_text).
 */
const modalHint = /^ {2}(?:↑\/↓ to select|type your answer|type 1\/2\/3|password hidden|secret hidden|shown as you type)/u
/** Below this width (columns) Hermes draws no closing rule, and no `❯` in prompts that show a state. */
const compactBelow = 64
const maxComposerRows = 8

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
    if (!(statusBar.test(screen[row]!) || placedBar.test(screen[row]!)) || !rule.test(screen[row + 1]!.trimEnd())) continue
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
 * Returns the prompt of the composer; null if the first row shows none. A draft that is longer than the composer scrolls the prompt away, and
 * one of its lines may look like a prompt. In a full composer, a prompt in the first row therefore counts only if a message from burn follows
 * the prompt.
 */
function promptIn(screen: readonly string[], frame: Frame, width: number): HermesPrompt | null {
  const row = screen[frame.first] ?? ''
  const prompt = promptOf(row, width >= compactBelow)
  const scrolled = frame.end - frame.first >= maxComposerRows && !/^(?:\/queue )?\[burn /u.test(row.slice(prompt?.from))
  if (prompt === null || scrolled) return null
  if (prompt.state !== null) return prompt
  const clock = clockOf(screen[frame.status])
  return clock === null ? null : { ...prompt, state: clock, detail: null }
}

/** Returns the state that the clock of the status bar shows. Below 76 columns the bar has no clock. */
function clockOf(bar = ''): 'working' | 'idle' | null {
  return bar.includes('⏱') ? 'working' : bar.includes('⏲') ? 'idle' : null
}

/** Returns the reading, the composer and the open question of Hermes' screen. */
export function parseHermesScreen(screen: readonly string[], pane: PaneFacts): ParsedScreen {
  if (pane.dead) return withoutComposer('dead', null, 'the pane is dead')
  const frame = frameOf(screen, pane.width)
  if (frame === null || isShell(pane.command)) return parseWithoutComposer(screen, pane)
  const prompt = promptIn(screen, frame, pane.width)
  const draft = draftIn(screen, frame, prompt, pane)
  const composer_rows: readonly [number, number] = [frame.first, frame.end]
  const composer = draft === '' ? 'empty' : 'draft'
  const reading = readingOf(screen, frame, prompt)
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

/**
 * Returns the text that somebody typed into the composer. Hermes shows a grey placeholder, in the person's language, while it works or waits.
 * The placeholder is to the right of the cursor.
 */
function draftIn(screen: readonly string[], { first, end }: Frame, prompt: HermesPrompt | null, pane: PaneFacts): string {
  const row = screen[first] ?? ''
  const typed = [row.slice(prompt?.from), ...screen.slice(first + 1, end)].join('\n').trimEnd()
  if (prompt === null) return typed
  const atStart = hasCursor(pane) && pane.cursor_y === first && pane.cursor_x <= columnsOf(row.slice(0, prompt.from))
  return placeholders.test(typed.replaceAll('\n', '')) || (atStart && prompt.state !== 'idle') ? '' : typed
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

function readingOf(screen: readonly string[], frame: Frame, prompt: HermesPrompt | null): Reading {
  const evidence = (screen[frame.first] ?? '').trim().slice(0, 80)
  if (prompt?.state === 'idle') {
    const failure = whyFailed(screen, frame.status)
    return failure === null
      ? { state: 'idle', detail: null, evidence }
      : { state: 'error', detail: troubleIn(failure), evidence: failure.slice(0, 240) }
  }
  if (prompt?.state != null) return { state: prompt.state, detail: prompt.detail, evidence }
  const bar = screen[frame.status]!
  const above = screen[frame.status - 1] ?? ''
  if (modalHint.test(above)) return { state: 'waiting', detail: 'long draft', evidence: above.trim() }
  return { state: clockOf(bar) ?? 'unknown', detail: 'long draft', evidence: bar.trim().slice(0, 80) }
}
