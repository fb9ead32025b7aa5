/**
 * pi's screen. Facts come from running 0.73.1 against a stub model server and from reading its sources (pi-tui editor.js, loader.js;
 * interactive-mode.js): what it draws, top to bottom, is transcript, queued messages, loader, composer between two rules, working directory,
 * statistics. The composer has no mark of its own; where it scrolls, its rules say how many rows are out of sight.
 */
import type { PaneAgent, HookState, ParsedScreen, PaneFacts } from '../core/agent.ts'
import {
  withoutComposer,
  evidenceOf,
  expandingPatterns,
  isShell,
  knowsCursor,
  lastRow,
  paragraphAbove,
  pasteLine,
  withComposer,
  shellTells,
  clearComposerKey,
  unrecognised,
} from './screen.ts'
import { troubleIn } from './trouble.ts'
import { hookCallerSource } from './hook-caller.ts'

const rule = /^─{5,}$|^─── [↑↓] \d+ more ─*$/u
/** The last row of all: tokens, cost and how full the context is. */
const statistics = /(?:\d\.\d%|\?)\/\d[\d.]*[kM]?\b/u
/** `⠋ Working...`, `⠙ Retrying (1/2) in 2s... (escape to cancel)`, `⠹ Auto-compacting...`. */
const loader = /^ {1,2}[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] \S/u
const queued = /^ (?:Steering|Follow-up): \S/u
/** The last row of what stands in the composer's place while something is to be chosen. */
const choosing = /\b(?:enter|return) (?:select|submit|confirm|save)|\besc(?:ape)? (?:cancel|close)/u
const ownWords = /^ pi v\d|^ Operation aborted$|^ [⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] /u

interface Frame {
  readonly top: number
  readonly bottom: number
}

/** The lowest two rules with the statistics below them, and nothing of anything else below those. */
function frameOf(screen: readonly string[], pane: PaneFacts): Frame | null {
  const last = lastRow(screen)
  // Below: directory, statistics, statuses of extensions, or the list of commands that a `/` opens.
  const footer = screen.slice(0, last + 1).findLastIndex((row) => statistics.test(row))
  const bottom = screen.slice(0, footer).findLastIndex((row) => rule.test(row.trimEnd()))
  if (footer < 0 || last - footer > 3 || bottom < 0 || footer - bottom > 12) return null
  const most = Math.max(5, Math.floor(Math.max(pane.height, screen.length) * 0.3)) + 15
  for (let top = bottom - 1; top >= Math.max(0, bottom - most); top--) if (rule.test((screen[top] ?? '').trimEnd())) return { top, bottom }
  return null
}

function parseScreen(screen: readonly string[], pane: PaneFacts): ParsedScreen {
  const frame = isShell(pane.command) || pane.dead ? null : frameOf(screen, pane)
  const ran = screen.some((row) => rule.test(row.trimEnd()) || statistics.test(row) || ownWords.test(row))
  if (frame === null) return unrecognised(screen, pane, ran || (isShell(pane.command) && shellTells(screen)))
  const rows = screen.slice(frame.top + 1, frame.bottom).map((row) => row.trimEnd())
  if (rows.slice(-2).some((row) => choosing.test(row))) {
    const question = rows.join('\n').trim()
    return withoutComposer('waiting', 'question', evidenceOf(question.split('\n')[0]), question)
  }
  const draft = rows.join('\n').trimEnd()
  const focused = !knowsCursor(pane) || (pane.cursor_y > frame.top && pane.cursor_y < frame.bottom)
  return withComposer(readingOf(screen, frame, draft, focused), { first: frame.top + 1, end: frame.bottom }, draft)
}

function readingOf(screen: readonly string[], frame: Frame, draft: string, focused: boolean): ParsedScreen['reading'] {
  const { first, end } = paragraphAbove(screen, frame.top - 1)
  const said = screen
    .slice(first, end)
    .map((row) => row.trim())
    .join(' ')
  const evidence = evidenceOf(said) || 'an empty composer between its rules'
  const drafted = draft === '' ? null : 'draft'
  if (loader.test(screen[first] ?? '')) {
    const above = paragraphAbove(screen, first - 1)
    const detail = screen.slice(above.first, above.end).some((row) => queued.test(row)) ? 'queued' : drafted
    return { state: 'working', detail: /^\S Retrying/u.test(said) ? 'retrying' : detail, evidence }
  }
  if (!focused) return { state: 'unknown', detail: null, evidence: 'the cursor is not in the composer' }
  if (/^ (?:Error: \S|Context overflow recovery failed\b)/u.test(screen[first] ?? ''))
    return { state: 'error', detail: troubleIn(said), evidence }
  return { state: 'idle', detail: drafted, evidence }
}

/** `agent_end` carries why the last answer ended: pi tries again by itself after some errors, and then tells of a start anew. */
function hookState({ event, detail }: { readonly event: string; readonly detail: string | null }): HookState | null {
  if (event === 'agent_start' || event === 'tool_call' || event === 'tool_result') return { state: 'working', detail: null }
  if (event !== 'agent_end') return null
  return detail === 'error' ? { state: 'error', detail: 'turn failed' } : { state: 'idle', detail: null }
}

/** The source of an extension that tells the hook of pi's events. Each of its handlers answers at once. */
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

export const pi: PaneAgent = {
  kind: 'pi',
  command: ['pi'],
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
  parseScreen: parseScreen,
  hookState: hookState,
  /** Enter while it works hands the line to the running turn at its next step; it cuts nothing. */
  place: pasteLine,
  expands: [...expandingPatterns, /^[/!]/],
  take_back: clearComposerKey,
  limits: { ready: 60_000, placed: 10_000, seen: 20_000, submit_delay: 0 },
}
