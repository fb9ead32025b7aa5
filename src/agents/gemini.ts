/**
 * Gemini CLI's screen. Facts come from running 0.61.0 against a stub model server: the composer is a ` >` (or ` *`) row between a row of `▄` and one of
 * `▀`, with a few rows of folder and model below; an approval or a question is a box in its place. The pane's title says `◇  Ready`,
 * `✦  Working…` or `✋  Action Required`, exact in almost all frames.
 */
import type { AgentConfig } from '../core/nouns.ts'
import type { PaneAgent, AgentPlace, AgentStart, HookState, ParsedScreen, PaneFacts, HookEvent } from '../core/agent.ts'
import { shellWords } from '../host/quote.ts'
import {
  withoutComposer,
  answerMenu,
  evidenceOf,
  expandingPatterns,
  isShell,
  lastRow,
  pasteLine,
  withComposer,
  clearComposerKey,
  unrecognised,
  type RowSpan,
} from './screen.ts'
import { failedTurn } from './trouble.ts'

const above = /^\s*▄{10,}\s*$/u
const below = /^\s*▀{10,}\s*$/u
const mark = /^ [>*!](?: |$)/u
const placeholder = /^ {2}\S.*$/u
/** ` ⠇ Thinking... (esc to cancel, 3s)`: the row above the rule, cut where the pane is narrow. */
const spinner = /^ [\u2801-\u28ff] \S/u
const queued = /^ {2}Queued \(/u
const failed = /^(?:✕ |ℹ This request failed)/u
/** What it says of a request that ended by itself; where a person pressed Esc it says `Request cancelled.`. It may also come late, below an answer. */
const cut = /^ℹ User cancelled the request/u
/** The rest of `ℹ This request failed. …`, where a short pane no longer shows how it begins. */
const failedAbove = /"Error Verbosity" to full\b/u
const mostBelow = 5

function composerOf(screen: readonly string[]): RowSpan | null {
  const last = lastRow(screen)
  const end = screen.findLastIndex((row) => below.test(row))
  const first = screen.findLastIndex((row, index) => index < end && above.test(row)) + 1
  if (first > 0 && first < end && last - end <= mostBelow && mark.test(screen[first] ?? '')) return { first, end }
  return plainComposer(screen, last)
}

/** Where the terminal has few colours, blank rows stand in for the blocks: the composer follows a rule, its hint and a blank row. */
function plainComposer(screen: readonly string[], last: number): RowSpan | null {
  const first = screen.findLastIndex((row) => mark.test(row))
  const end = screen.findIndex((row, index) => index > first && row.trim() === '')
  const framed =
    (screen[first - 1] ?? '?').trim() === '' && screen.slice(Math.max(0, first - 4), first - 1).some((row) => /^─{10,}\s*$/u.test(row))
  return first > 1 && end > first && framed && last - end <= mostBelow ? { first, end } : null
}

/** The lowest box, where nothing follows it. */
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
  const drawn = screen.some((row) => below.test(row) || /Gemini CLI v\d|gemini --resume|Agent powering down/u.test(row))
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
  const asked = screen.slice(0, first - 1).findLastIndex((row) => below.test(row))
  const saidAt = (test: (row: string) => boolean) => screen.findIndex((row, index) => index > asked && index < first && test(row))
  const failure = saidAt((row) => failed.test(row) || failedAbove.test(row))
  if (failure >= 0) return failedTurn(screen, failure)
  const cutAt = saidAt((row) => cut.test(row))
  if (cutAt >= 0 && saidAt((row) => row.startsWith('✦ ')) < 0) return failedTurn(screen, cutAt)
  return { state: 'idle', detail: null, evidence: evidenceOf(title.startsWith('◇') ? title : screen[first]) }
}

const events = ['BeforeAgent', 'AfterAgent', 'BeforeTool', 'AfterTool', 'Notification'] as const
/** The payload's key that an event's meaning depends on; `AfterAgent` says nothing else of a turn that failed. */
const keys: Readonly<Partial<Record<(typeof events)[number], readonly string[]>>> = {
  Notification: ['notification_type'],
  AfterAgent: ['prompt_response=[no response text]'],
}

/** Hooks travel in a system settings file that only this agent's environment names; it is merged over the person's own. */
function start(config: AgentConfig, at: AgentPlace | null): AgentStart {
  const argv = [...(config.command.length > 0 ? config.command : gemini.command), ...(config.model === null ? [] : ['-m', config.model])]
  // With fewer colours it draws its composer without the blocks that mark it.
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

export const gemini: PaneAgent = {
  kind: 'gemini',
  command: ['gemini'],
  start,
  parseScreen: parseScreen,
  hookState: hookState,
  place: pasteLine,
  expands: [...expandingPatterns, /^[/!?]/],
  take_back: clearComposerKey,
  answer: (wanted, { question = '' }) => answerMenu(wanted, question),
  // Enter right after a paste was swallowed in 3 of 3 sends, after 0.5 s in none of 3.
  limits: { ready: 90_000, placed: 15_000, seen: 20_000, submit_delay: 700 },
}
