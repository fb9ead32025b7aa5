/**
 * Gemini CLI in a pane. Facts about its screen come from running 0.61.0 against a stub model server:
 *
 * - The composer is a ` >` (or ` *`) row between a row of `▄` and one of `▀`. A few rows with folder and model are below it.
 * - An approval or a question is a box in the composer's place.
 * - The pane's title is `◇ Ready`, `✦ Working…` or `✋ Action Required`. The title shows the right state in almost all frames.
 */
import type { AgentConfig } from '../core/nouns.ts'
import type { PaneAgent, AgentPlace, AgentStart, HookState, ParsedScreen, PaneFacts, HookEvent } from '../core/agent.ts'
import { shellWords } from '../host/quote.ts'
import {
  withoutComposer,
  evidenceOf,
  expandingPatterns,
  isShell,
  lastRow,
  pasteLine,
  withComposer,
  clearComposerKey,
  escapeKey,
  unrecognised,
  type RowSpan,
} from './screen.ts'
import { answerMenu } from './menu.ts'
import { geminiLogins } from './other-logins.ts'
import { geminiUsage } from './gemini-usage.ts'
import { failedTurn } from './trouble.ts'

const topEdge = /^\s*▄{10,}\s*$/u
const bottomEdge = /^\s*▀{10,}\s*$/u
const mark = /^ [>*!](?: |$)/u
const placeholder = /^ {2}\S.*$/u
/** The row of a running turn, above the rule: ` ⠇ Thinking... (esc to cancel, 3s)`. A narrow pane cuts off the end of this row. */
const spinner = /^ [\u2801-\u28ff] \S/u
const queued = /^ {2}Queued \(/u
const failed = /^(?:✕ |ℹ This request failed)/u
/**
 * Gemini shows this message if a request ended and nobody pressed Esc. After Esc, Gemini shows `Request cancelled.` instead. The message
 * may also appear late, below an answer.
 */
const cut = /^ℹ User cancelled the request/u
/** The end of the message `ℹ This request failed. …`, for a short pane that no longer shows the beginning of the message. */
const failedRest = /"Error Verbosity" to full\b/u
const maxRowsBelow = 5

function composerOf(screen: readonly string[]): RowSpan | null {
  const last = lastRow(screen)
  const end = screen.findLastIndex((row) => bottomEdge.test(row))
  const first = screen.findLastIndex((row, index) => index < end && topEdge.test(row)) + 1
  if (first > 0 && first < end && last - end <= maxRowsBelow && mark.test(screen[first] ?? '')) return { first, end }
  return plainComposer(screen, last)
}

/**
 * Returns the rows of the composer in a terminal with few colours; null if there is none. Such a terminal shows blank rows instead of the
 * `▄` and `▀` rows. Above the composer are a rule, a hint and a blank row.
 */
function plainComposer(screen: readonly string[], last: number): RowSpan | null {
  const first = screen.findLastIndex((row) => mark.test(row))
  const end = screen.findIndex((row, index) => index > first && row.trim() === '')
  const framed =
    (screen[first - 1] ?? '?').trim() === '' && screen.slice(Math.max(0, first - 4), first - 1).some((row) => /^─{10,}\s*$/u.test(row))
  return first > 1 && end > first && framed && last - end <= maxRowsBelow ? { first, end } : null
}

/** Returns the text of the lowest box; null if other rows are below the box, or if the box offers no choice. */
function questionOf(screen: readonly string[]): string | null {
  const last = lastRow(screen)
  const rows = screen.slice(0, last + 1)
  if (!/^\s*╰─+╯\s*$/u.test(rows.at(-1) ?? '')) return null
  const top = rows.findLastIndex((row) => /^\s*╭─+╮\s*$/u.test(row))
  const text = rows
    .slice(top + 1, -1)
    .map((row) => row.replace(/^\s*│ ?|\s*│\s*$/gu, '').trimEnd())
    .filter((row) => !/^[╭╰]─+[╮╯]$/u.test(row.trim()))
    .join('\n')
    .trim()
  return /^[\s│]*● \d+\. /mu.test(text) || /Enter to (?:select|submit)/u.test(text) ? text : null
}

function parseScreen(screen: readonly string[], pane: PaneFacts): ParsedScreen {
  const drawn = screen.some((row) => bottomEdge.test(row) || /Gemini CLI v\d|gemini --resume|Agent powering down/u.test(row))
  if (pane.dead || isShell(pane.command)) return unrecognised(screen, pane, drawn)
  const composer = composerOf(screen)
  const question = composer === null ? questionOf(screen) : null
  if (question !== null || (pane.title.startsWith('✋') && composer === null)) {
    const text = question ?? ''
    const detail = /Enter to (?:select|submit)|^Answer Questions/mu.test(text) ? 'question' : 'approval'
    return withoutComposer('waiting', detail, evidenceOf(text === '' ? pane.title : text.split('\n')[0]), text)
  }
  if (composer === null)
    return pane.title.startsWith('✦') ? withoutComposer('working', null, evidenceOf(pane.title)) : unrecognised(screen, pane, drawn)
  const rows = screen.slice(composer.first, composer.end).map((row) => row.slice(3).trimEnd())
  const typed = rows.join('\n').trimEnd()
  const draft = rows.length === 1 && placeholder.test(typed) ? '' : typed
  return withComposer(readingOf(screen, composer, pane.title), composer, draft)
}

function readingOf(screen: readonly string[], { first }: RowSpan, title: string): ParsedScreen['reading'] {
  const near = screen.slice(Math.max(0, first - 7), first)
  const turning = near.find((row) => spinner.test(row))
  if (title.startsWith('✋')) return { state: 'waiting', detail: 'approval', evidence: evidenceOf(title) }
  if (title.startsWith('✦') || turning !== undefined) {
    const detail = screen.slice(Math.max(0, first - 30), first).some((row) => queued.test(row)) ? 'queued' : null
    return { state: 'working', detail, evidence: evidenceOf(turning ?? title) }
  }
  const asked = screen.slice(0, first - 1).findLastIndex((row) => bottomEdge.test(row))
  const firstRow = (test: (row: string) => boolean) => screen.findIndex((row, index) => index > asked && index < first && test(row))
  const failure = firstRow((row) => failed.test(row) || failedRest.test(row))
  if (failure >= 0) return failedTurn(screen, failure)
  const cutAt = firstRow((row) => cut.test(row))
  if (cutAt >= 0 && firstRow((row) => row.startsWith('✦ ')) < 0) return failedTurn(screen, cutAt)
  return { state: 'idle', detail: null, evidence: evidenceOf(title.startsWith('◇') ? title : screen[first]) }
}

const events = ['BeforeAgent', 'AfterAgent', 'BeforeTool', 'AfterTool', 'Notification'] as const
/**
 * The events whose meaning depends on a value in the payload, each with the keys of these values. Only these values show that `AfterAgent`
 * reports a failed turn.
 */
const keys: Readonly<Partial<Record<(typeof events)[number], readonly string[]>>> = {
  Notification: ['notification_type'],
  AfterAgent: ['prompt_response=[no response text]'],
}

/**
 * Returns the command, environment and files that start Gemini CLI. burn's hooks are in a system settings file that only this agent's
 * environment names. Gemini merges the file over the person's own settings.
 */
function start(config: AgentConfig, at: AgentPlace | null): AgentStart {
  const argv = [...(config.command.length > 0 ? config.command : gemini.command), ...(config.model === null ? [] : ['-m', config.model])]
  // With fewer colours, Gemini draws its composer without the `▄` and `▀` rows, by which burn recognises the composer.
  const own = { COLORTERM: 'truecolor', ...config.env }
  if (at === null) return { argv, env: own }
  const file = `${at.home}/gemini-settings.json`
  const command = (event: (typeof events)[number]) => shellWords([at.hook, event, ...(keys[event] ?? [])])
  const hooks = Object.fromEntries(
    events.map((event) => [event, [{ matcher: '*', hooks: [{ name: 'burn', type: 'command', command: command(event), timeout: 5000 }] }]]),
  )
  return {
    argv,
    env: { GEMINI_CLI_SYSTEM_SETTINGS_PATH: file, ...own },
    files: { [file]: `${JSON.stringify({ hooks }, null, 2)}\n` },
  }
}

function hookState({ event, detail }: Pick<HookEvent, 'event' | 'detail'>): HookState | null {
  switch (event) {
    case 'BeforeAgent':
    case 'BeforeTool':
    case 'AfterTool':
      return { state: 'working', detail: null }
    case 'Notification':
      return detail === 'ToolPermission' ? { state: 'waiting', detail: 'approval' } : null
    case 'AfterAgent':
      return detail === 'true' ? { state: 'error', detail: 'turn failed' } : { state: 'idle', detail: null }
    default:
      return null
  }
}

/** Gemini CLI as the agent of a worker, in a pane. */
export const gemini: PaneAgent = {
  kind: 'gemini',
  command: ['gemini'],
  versions: ['0.61', '0.61'],
  start,
  parseScreen,
  hookState,
  place: pasteLine,
  expands: [...expandingPatterns, /^[/!?]/],
  take_back: clearComposerKey,
  interrupt: { keys: escapeKey, presses: 1 },
  answer: (wanted, parsed) => answerMenu(wanted, parsed),
  // Gemini ignores Enter right after a paste. In tests, Gemini accepted every Enter that came 0.5 s after the paste.
  limits: { ready: 90_000, placed: 15_000, seen: 20_000, submit_delay: 700 },
  usage: geminiUsage,
  logins: geminiLogins,
}
