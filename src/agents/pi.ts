/**
 * pi in a pane. Facts about its screen come from running 0.73.1 and 1.6.0 against a stub model server, and from reading their sources
 * (pi-tui editor.js, loader.js; interactive-mode.js, custom-editor.js). From top to bottom pi draws the transcript, queued messages, the
 * loader, the composer between two rules, the working directory and the statistics. Since 1.0 the loader is in the upper rule. The composer
 * has no symbol of its own. If the composer scrolls, its rules show how many rows are hidden.
 */
import type { PaneAgent, HookState, ParsedScreen, PaneFacts } from '../core/agent.ts'
import {
  withoutComposer,
  evidenceOf,
  expandingPatterns,
  isShell,
  hasCursor,
  lastRow,
  paragraphAbove,
  pasteLine,
  withComposer,
  clearComposerKey,
  escapeKey,
  unrecognised,
} from './screen.ts'
import { answerMenu, openMenu } from './menu.ts'
import { piLogins } from './other-logins.ts'
import { piUsage } from './pi-usage.ts'
import { troubleIn } from './trouble.ts'
import { hookCallerSource } from './hook-caller.ts'

const rule = /^─{5,}$|^─+ [↑↓] \d+ more ─*$/u
/** The upper rule with the loader: `── ⠧ Working ─────`, `── ⠧ Working ── ↑ 3 more ──`; in a narrow pane `───⠧────`. */
const busyRule = /^─{1,3} ?([⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏](?: \S.*?)?) ?─+(?: ↑ \d+ more ─+)?$/u
/** The last row of the screen: tokens, cost and the use of the context. */
const statistics = /(?:\d\.\d%|\?)\/\d[\d.]*[kM]?\b/u
/** The row of a running turn: `⠋ Working...`, `⠙ Retrying (1/2) in 2s... (escape to cancel)`, `⠹ Auto-compacting...`. */
const loader = /^ {1,2}[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] \S/u
const queued = /^ (?:Steering|Follow-up): \S/u
/** The last row of a menu in the composer's place. */
const choosing = /\b(?:enter|return) (?:select|submit|confirm|save)|\besc(?:ape)? (?:cancel|close)/u
const ownWords = /^ pi v\d|^ Operation aborted$|^ [⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] /u

interface Frame {
  readonly top: number
  readonly bottom: number
}

/** Returns the lowest two rules with the statistics below them; null if anything else follows. */
function frameOf(screen: readonly string[], pane: PaneFacts): Frame | null {
  const last = lastRow(screen)
  // Below the rules are the directory, the statistics, statuses of extensions, or the list of commands that a `/` opens.
  const footer = screen.slice(0, last + 1).findLastIndex((row) => statistics.test(row))
  const bottom = screen.slice(0, footer).findLastIndex((row) => rule.test(row.trimEnd()))
  if (footer < 0 || last - footer > 3 || bottom < 0 || footer - bottom > 12) return null
  const most = Math.max(5, Math.floor(Math.max(pane.height, screen.length) * 0.3)) + 15
  const isTop = (row: string) => rule.test(row) || busyRule.test(row)
  for (let top = bottom - 1; top >= Math.max(0, bottom - most); top--) if (isTop((screen[top] ?? '').trimEnd())) return { top, bottom }
  return null
}

function parseScreen(screen: readonly string[], pane: PaneFacts): ParsedScreen {
  const frame = isShell(pane.command) || pane.dead ? null : frameOf(screen, pane)
  const ran = screen.some((row) => rule.test(row.trimEnd()) || statistics.test(row) || ownWords.test(row))
  if (frame === null) return unrecognised(screen, pane, ran)
  const rows = screen.slice(frame.top + 1, frame.bottom).map((row) => row.trimEnd())
  if (rows.slice(-2).some((row) => choosing.test(row))) {
    const { detail, question } = openMenu(rows, pane) ?? { detail: 'question', question: rows.join('\n').trim() }
    return withoutComposer('waiting', detail, evidenceOf(question.split('\n')[0]), question)
  }
  const draft = rows.join('\n').trimEnd()
  const focused = !hasCursor(pane) || (pane.cursor_y > frame.top && pane.cursor_y < frame.bottom)
  return withComposer(readingOf(screen, frame, draft, focused), { first: frame.top + 1, end: frame.bottom }, draft)
}

function readingOf(screen: readonly string[], frame: Frame, draft: string, focused: boolean): ParsedScreen['reading'] {
  const { first, end } = paragraphAbove(screen, frame.top - 1)
  const paragraph = screen
    .slice(first, end)
    .map((row) => row.trim())
    .join(' ')
  const evidence = evidenceOf(paragraph) || 'an empty composer between its two horizontal lines'
  const drafted = draft === '' ? null : 'draft'
  const inRule = busyRule.exec((screen[frame.top] ?? '').trimEnd())?.[1]
  const turn = inRule ?? (loader.test(screen[first] ?? '') ? paragraph : null)
  if (turn !== null) {
    const above = inRule === undefined ? paragraphAbove(screen, first - 1) : { first, end }
    const detail = screen.slice(above.first, above.end).some((row) => queued.test(row)) ? 'queued' : drafted
    return { state: 'working', detail: /^\S Retrying/u.test(turn) ? 'retrying' : detail, evidence: evidenceOf(turn) }
  }
  if (!focused) return { state: 'unknown', detail: null, evidence: 'the cursor is not in the composer' }
  if (/^ (?:Error: \S|Context overflow recovery failed\b)/u.test(screen[first] ?? ''))
    return { state: 'error', detail: troubleIn(paragraph), evidence }
  return { state: 'idle', detail: drafted, evidence }
}

/**
 * Returns the worker's state after an event; null if the event shows no state. The detail of `agent_end` is the reason why the last answer
 * ended. After some errors pi retries by itself, and then reports another `agent_start`.
 */
function hookState({ event, detail }: { readonly event: string; readonly detail: string | null }): HookState | null {
  if (event === 'agent_start' || event === 'tool_call' || event === 'tool_result') return { state: 'working', detail: null }
  if (event !== 'agent_end') return null
  return detail === 'error' ? { state: 'error', detail: 'turn failed' } : { state: 'idle', detail: null }
}

/** Returns the source of an extension that reports pi's events to the hook. Its handlers return at once. */
function extension(hook: string): string {
  return `${hookCallerSource(hook)}
export default function (pi) {
  pi.on('input', (event) => tell('input', { text: event.text }))
  pi.on('agent_start', () => tell('agent_start', {}))
  pi.on('tool_call', (event) => tell('tool_call', { tool_name: event.toolName }, 'tool_name'))
  pi.on('agent_end', (event) => {
    const last = event.messages.findLast((message) => message.role === 'assistant')
    tell('agent_end', { stop_reason: last?.stopReason ?? 'stop' }, 'stop_reason')
  })
}
`
}

/** pi as the agent of a worker, in a pane. */
export const pi: PaneAgent = {
  kind: 'pi',
  command: ['pi'],
  versions: ['0.73', '1.6'],
  start: (config, at) => {
    const file = `${at?.home}/burn-signals.js`
    return {
      argv: [
        ...(config.command.length > 0 ? config.command : pi.command),
        ...(config.provider === null ? [] : ['--provider', config.provider]),
        ...(config.model === null ? [] : ['--model', config.model]),
        ...(at === null ? [] : ['--extension', file]),
      ],
      env: config.env,
      ...(at === null ? {} : { files: { [file]: extension(at.hook) } }),
    }
  },
  parseScreen,
  hookState,
  /** If Enter is pressed during a turn, pi passes the line to the turn's next step, and does not interrupt the turn. */
  place: pasteLine,
  expands: [...expandingPatterns, /^[/!]/],
  take_back: clearComposerKey,
  interrupt: { keys: escapeKey, presses: 1 },
  answer: (wanted, parsed) => answerMenu(wanted, parsed),
  limits: { ready: 60_000, placed: 10_000, seen: 20_000, submit_delay: 0 },
  usage: piUsage,
  logins: piLogins,
}
