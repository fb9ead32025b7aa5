/**
 * Qwen Code in a pane. Facts about its screen come from running 0.15.10 and 0.24.4 against a stub model server:
 *
 * - The composer is a `>` row (`*` in YOLO mode) between two rules, with a row of hints below it.
 * - An approval is a box in the composer's place. `Waiting for user confirmation...` closes it.
 * - The pane's title never changes. A running turn is `... some words (3s · esc to cancel)` above the composer, on two rows if the pane is
 *   narrow.
 */
import type { AgentConfig } from '../core/nouns.ts'
import type { PaneAgent, AgentPlace, AgentStart, ParsedScreen, PaneFacts } from '../core/agent.ts'
import { claudeHookState, hookSettings } from './claude-hooks.ts'
import {
  withoutComposer,
  evidenceOf,
  expandingPatterns,
  hasCursor,
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
import { qwenLogins } from './other-logins.ts'
import { qwenUsage } from './qwen-usage.ts'
import { failedTurn } from './trouble.ts'

const rule = /^─{10,}\s*$/u
const mark = /^[>*!](?:\s|$)/u
/** A placeholder has three blanks after the `>`; a draft has one blank. */
const placeholder = /^ {3}\S/u
const confirming = /^ {2}[\u2801-\u28ff] Waiting for user confirmation/u
const turning = /^ {2}(?:\.{1,3}|[\u2801-\u28ff]) .*|^ {2}\(\d+[smh].*esc to cancel\)/u
const failed = /^ {2}✕\ufe0e? /u
const maxHints = 3
/** The list of keys that `?` opens below the composer, in one to three columns. */
const keys = /^ {2}(?:! for shell mode|@ for file paths|shift\+tab to cycle approvals|ctrl\+o to toggle compact mode)/u
const maxKeys = 12

function composerOf(screen: readonly string[]): RowSpan | null {
  const last = lastRow(screen)
  const end = screen.findLastIndex((row) => rule.test(row))
  const first = screen.findLastIndex((row, index) => index < end && rule.test(row)) + 1
  const most = screen.slice(end + 1, end + 3).some((row) => keys.test(row)) ? maxKeys : maxHints
  return first > 0 && first < end && last - end <= most && mark.test(screen[first] ?? '') ? { first, end } : null
}

/** Returns the text of an open approval, from the box above the lowest row; null if there is none. */
function questionOf(screen: readonly string[]): string | null {
  const last = lastRow(screen)
  const rows = screen.slice(0, last + 1)
  const box = rows.findLastIndex((row) => /^\s*╰─+╯\s*$/u.test(row))
  if (box < 0 || last - box > 3 || !(confirming.test(rows[last] ?? '') || /^[\s│]*› \d+\. /mu.test(rows.slice(-14).join('\n')))) return null
  const top = rows.findLastIndex((row, index) => index < box && /^\s*╭─+╮\s*$/u.test(row))
  return rows
    .slice(top + 1, box)
    .map((row) => row.replace(/^\s*│ ?|\s*│\s*$/gu, '').trimEnd())
    .join('\n')
    .trim()
}

function parseScreen(screen: readonly string[], pane: PaneFacts): ParsedScreen {
  const drawn = screen.some((row) => rule.test(row) || keys.test(row) || /Qwen Code \(v|qwen --resume/u.test(row))
  if (pane.dead || isShell(pane.command)) return unrecognised(screen, pane, drawn)
  const composer = composerOf(screen)
  const question = composer === null ? questionOf(screen) : null
  if (question !== null) return withoutComposer('waiting', 'approval', evidenceOf(question.split('\n')[0]), question)
  if (composer === null) return unrecognised(screen, pane, drawn)
  const rows = screen.slice(composer.first, composer.end).map((row) => row.slice(2).trimEnd())
  const typed = rows.join('\n').trimEnd()
  const hint = rows.length === 1 && placeholder.test(screen[composer.first]?.slice(1) ?? '')
  const draft = hint || isSuggestion(composer, pane) ? '' : typed
  return withComposer(readingOf(screen, composer), composer, draft)
}

/**
 * Returns true if the text of the composer is a suggestion: the cursor stands before its first character. From 0.24, Qwen Code suggests the
 * next prompt. Older versions keep the cursor outside the composer.
 */
function isSuggestion({ first }: RowSpan, pane: PaneFacts): boolean {
  return hasCursor(pane) && pane.cursor_x === 2 && pane.cursor_y === first
}

function readingOf(screen: readonly string[], { first }: RowSpan): ParsedScreen['reading'] {
  const above = screen.slice(Math.max(0, first - 14), first - 1)
  // Only queued messages and the row of a running turn are directly above the rule.
  const nearest = above.at(-1) ?? ''
  const queued = /^ {2}[^\s╰│╭✦◆>●✕ℹ⚠()]/u.test(nearest) && !turning.test(nearest)
  const loading = above.findLast((row) => turning.test(row) && /esc to cancel\)|^ {2}(?:\.{1,3}|[\u2801-\u28ff]) /u.test(row))
  if (loading !== undefined || queued)
    return { state: 'working', detail: queued ? 'queued' : null, evidence: evidenceOf(loading ?? nearest) }
  const asked = screen.slice(0, first - 1).findLastIndex((row) => /^ {2}> /u.test(row))
  const last = screen.findLastIndex((row, index) => index > asked && index < first && /^ {2}[✕✦◆●ℹ]\ufe0e? /u.test(row))
  if (failed.test(screen[last] ?? '')) return failedTurn(screen, last)
  return { state: 'idle', detail: null, evidence: evidenceOf(screen[first]) }
}

/**
 * Returns the command, environment and files that start Qwen Code. burn's hooks are in a system settings file that only this agent's
 * environment names. Qwen Code merges the file over the person's own settings.
 */
function start(config: AgentConfig, at: AgentPlace | null): AgentStart {
  const argv = [...(config.command.length > 0 ? config.command : qwen.command), ...(config.model === null ? [] : ['--model', config.model])]
  if (at === null) return { argv, env: config.env }
  const file = `${at.home}/qwen-settings.json`
  return {
    argv,
    env: { QWEN_CODE_SYSTEM_SETTINGS_PATH: file, ...config.env },
    files: { [file]: hookSettings(at, 5000) },
  }
}

/** Qwen Code as the agent of a worker, in a pane. */
export const qwen: PaneAgent = {
  kind: 'qwen',
  command: ['qwen'],
  versions: ['0.15', '0.24'],
  start,
  parseScreen,
  hookState: claudeHookState,
  place: pasteLine,
  expands: [...expandingPatterns, /^[/!?]/],
  take_back: clearComposerKey,
  interrupt: { keys: escapeKey, presses: 1 },
  answer: (wanted, parsed) => answerMenu(wanted, parsed),
  limits: { ready: 90_000, placed: 15_000, seen: 20_000, submit_delay: 0 },
  usage: qwenUsage,
  logins: qwenLogins,
}
