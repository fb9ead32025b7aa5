/**
 * Claude Code in a pane and as the backend of a sprint. Facts about its screen come from running 2.1.197 against a stub model server:
 *
 * - The composer is a `❯` row between two rules near the bottom. At most a few rows of hints are below it.
 * - A question or an approval takes the composer's place.
 * - The pane's title begins with a braille spinner while a turn runs, and with `✳` while Claude Code is idle or waits for an
 *   answer.
 * - Below 60 columns the hint `esc to interrupt` may be missing.
 */
import type { AgentConfig } from '../core/nouns.ts'
import type { AgentPlace, AgentStart, AnswerReader, ParsedScreen, PaneAgent, PaneFacts, SprintAgent } from '../core/agent.ts'
import { claudeConversations, claudeHookState, claudeSettingsFile, hookSettings } from './claude-hooks.ts'
import {
  withoutComposer,
  evidenceOf,
  expandingPatterns,
  isShell,
  hasCursor,
  lastRow,
  pasteLine,
  withComposer,
  clearComposerKey,
  enterKey,
  escapeKey,
  unrecognised,
  type RowSpan,
} from './screen.ts'
import { answerMenu } from './menu.ts'
import { claudeLogins } from './claude-login.ts'
import { claudeUsage } from './claude-usage.ts'
import { failedTurn } from './trouble.ts'
import { countOf, itemsOf, membersOf, parseJson, stringOf } from '../core/json.ts'
import { bareAnswer, collectLines, failureIn, flagArgs, noteAnswer, symptomWith, type Note } from './sprint-output.ts'

/**
 * A rule (a horizontal line) begins in the first column. Text in the composer is indented, so a line that a person typed does not match.
 */
const rule = /^─{10,}/u
const maxHints = 4
const working = /^[\u2801-\u28ff] /u
/** The row of a running turn: `✻ Brewing… (3s · …)`, or `✻ 429 … · Retrying in 1s`. A turn that ended shows `✻ Brewed for 3s`. */
const spinner = /^[·✢✳✶✻✽*∗] (?:.*…(?: \(.*)?$|.* · Retrying in )/u
const placeholders = /^(?:Press up to edit queued messages|Try ".*)$/u
const failed =
  /^● (?:API Error\b|Invalid API key|Please run \/login|Credit balance|OAuth |There's an issue with the selected model|.*\b(?:usage|session|weekly) limit (?:reached|exceeded))/u
/**
 * The row after a turn that failed and has no message of the model: `  ⎿  You've hit your session limit · resets 3am (UTC)`, `  ⎿  Context
 * limit reached · /compact or /clear to continue`. The output of tools has the same mark.
 */
const limited = new RegExp(
  `^\\s+⎿\\s+(?:${[
    'You.ve (?:hit|reached) your .*\\blimit\\b',
    'Prompt is too long\\b',
    'Context limit reached\\b',
    '(?:Credit balance too low|Not logged in|Invalid API key|Authentication error|OAuth token revoked) · ',
    'Usage is paused for your organization\\b',
    'Your organization has disabled API key\\b',
    'Request timed out$',
  ].join('|')})`,
  'u',
)
/** The first choice of the menu that 2.1.197 opens at the first such turn. */
const limitMenu = /^\s*❯ 1\. Stop and wait for limit to reset/mu
const choice = /^\s*❯ \d+\. /u
const asks = /(?:^\s*|· )Esc to (?:cancel|exit)|^\s*Enter to (?:select|confirm)/iu

/** Returns the rows of the lowest composer, if only hints are below it; null otherwise. */
function composerOf(screen: readonly string[]): RowSpan | null {
  const last = lastRow(screen)
  const end = screen.findLastIndex((row, index) => index <= last && rule.test(row))
  if (end < 2 || last - end > maxHints) return null
  const above = screen.findLastIndex((row, index) => index < end && rule.test(row))
  const first = above + 1
  return above >= 0 && first < end && /^[❯>!#](?:\s|$)/u.test(screen[first] ?? '') ? { first, end } : null
}

/** Returns the text of the open menu, up to its hint; null if the lowest rows are not a menu. */
function questionOf(screen: readonly string[]): string | null {
  const last = lastRow(screen)
  const chosen = screen.findLastIndex((row) => choice.test(row))
  if (chosen < 0 || last - chosen > 20 || !asks.test(screen[last] ?? '')) return null
  const top = screen.findLastIndex((row, index) => index < chosen && (/^[─▔]{10,}/u.test(row) || /^[●❯] /u.test(row)))
  return screen
    .slice(top + 1, last)
    .map((row) => row.trimEnd())
    .join('\n')
    .trim()
}

/**
 * Returns the text of a dialog without choices, which single keys answer: its last row is `Enter to stay in auto mode · … · Esc to cancel`.
 * Null if the lowest rows are no such dialog.
 */
function dialogOf(screen: readonly string[]): string | null {
  const last = lastRow(screen)
  const top = screen.findLastIndex((row) => rule.test(row))
  const keys = screen.slice(Math.max(top + 1, last - 2), last + 1)
  if (top < 0 || !asks.test(screen[last] ?? '') || !keys.some((row) => /^\s*Enter to /u.test(row))) return null
  return screen
    .slice(top + 1, last + 1)
    .map((row) => row.trim())
    .join('\n')
    .trim()
}

/**
 * Returns the row with the spinner, if this row is between the composer and the last message of the person or the agent; undefined
 * otherwise.
 */
function spinnerAbove(screen: readonly string[], first: number): string | undefined {
  return screen.slice(Math.max(0, first - 12), first - 1).findLast((row) => /^[·✢✳✶✻✽*∗●❯] /u.test(row))
}

function parseScreen(screen: readonly string[], pane: PaneFacts): ParsedScreen {
  const drawn = screen.some((row) => /Claude Code v\d|^❯ |^claude --resume /u.test(row))
  if (pane.dead || isShell(pane.command)) return unrecognised(screen, pane, drawn)
  const question = questionOf(screen)
  if (question !== null && limitMenu.test(question)) {
    // The row about the refused turn may be hidden until the menu closes.
    const refused = screen.findLastIndex((row) => limited.test(row))
    const evidence = refused < 0 ? evidenceOf(question.replaceAll(/\s+/g, ' ')) : failedTurn(screen, refused).evidence
    // Enter confirms the first choice. Escape twice would open another menu.
    return { ...withoutComposer('error', 'rate limit', evidence), closes_menu: enterKey }
  }
  if (question !== null) {
    const detail = /^\s*Enter to select/u.test(screen[lastRow(screen)] ?? '') ? 'question' : 'approval'
    return withoutComposer('waiting', detail, evidenceOf(question.split('\n')[0]), question)
  }
  const composer = composerOf(screen)
  if (composer === null) {
    const other = unrecognised(screen, pane, drawn)
    const dialog = other.reading.state === 'waiting' ? null : dialogOf(screen)
    if (dialog !== null) return withoutComposer('waiting', 'prompt', evidenceOf(dialog.split('\n')[0]), dialog)
    return working.test(pane.title) ? withoutComposer('working', null, pane.title) : other
  }
  const typed = screen
    .slice(composer.first, composer.end)
    .map((row, index) => (index === 0 ? row.slice(2) : row.replace(/^ {2}/, '')))
    .join('\n')
    .trimEnd()
  // The grey placeholder is always to the right of the cursor. If the same words are to the left of the cursor, a person typed them.
  const atStart = !hasCursor(pane) || pane.cursor_x <= 2
  const reading = readingOf(screen, composer, pane.title)
  // After a failed turn, Claude Code from 2.1.332 shows a hint in the place of a placeholder, such as to send the message again.
  const isHint = reading.state === 'error' && pane.cursor_x === 2 && pane.cursor_y === composer.first
  const draft = isHint || (atStart && placeholders.test(typed)) ? '' : typed
  return withComposer(reading, composer, draft)
}

function readingOf(screen: readonly string[], { first, end }: RowSpan, title: string): ParsedScreen['reading'] {
  const above = spinnerAbove(screen, first)
  const hints = screen.slice(end + 1)
  const queued = screen.slice(Math.max(0, first - 4), first - 1).some((row) => /^ {2}❯ /u.test(row)) ? 'queued' : null
  if (working.test(title)) return { state: 'working', detail: queued, evidence: title }
  const busy = above !== undefined && spinner.test(above) ? above : hints.find((row) => row.includes('esc to interrupt'))
  if (busy !== undefined) return { state: 'working', detail: queued, evidence: evidenceOf(busy) }
  const replied = screen.slice(0, first).findLastIndex((row) => row.startsWith('● '))
  const asked = screen.slice(0, first - 1).findLastIndex((row) => row.startsWith('❯ '))
  const reply = replied > asked ? (screen[replied] ?? '') : ''
  if (failed.test(reply)) return failedTurn(screen, replied)
  const refused = screen.slice(0, first).findLastIndex((row) => limited.test(row))
  // 2.1.332 adds a message of its own about the time at which it continues.
  if (refused > asked && (replied < refused || reply.startsWith('● Usage limit reached'))) return failedTurn(screen, refused)
  return { state: 'idle', detail: null, evidence: evidenceOf(screen[first]) === '' ? '❯' : evidenceOf(screen[first]) }
}

/**
 * Returns the command, environment and files that start Claude Code. burn's hooks are in a settings file that an option names. Claude Code
 * also reads the person's own settings; burn does not change them. The status line of burn's file replaces that of the person, so burn's
 * file has both.
 */
function start(config: AgentConfig, at: AgentPlace | null): AgentStart {
  const argv = [
    ...(config.command.length > 0 ? config.command : claude.command),
    ...(config.model === null ? [] : ['--model', config.model]),
  ]
  // Claude Code shows suggested prompts in grey in the composer, and burn could not distinguish them from a person's draft.
  const env = { CLAUDE_CODE_ENABLE_PROMPT_SUGGESTION: 'false', ...config.env }
  if (at === null) return { argv, env }
  const file = `${at.home}/claude-settings.json`
  return { argv: [...argv, '--settings', file], env, files: { [file]: hookSettings(at, 5, true) } }
}

/** Claude Code as the agent of a worker, in a pane. */
export const claude: PaneAgent = {
  kind: 'claude',
  command: ['claude'],
  versions: ['2.1', '2.1'],
  reads: [claudeSettingsFile],
  start,
  conversations: claudeConversations,
  parseScreen,
  hookState: claudeHookState,
  place: pasteLine,
  expands: [...expandingPatterns, /^[/!#&]/],
  take_back: clearComposerKey,
  interrupt: { keys: escapeKey, presses: 1 },
  /** In Claude Code's menus, a digit selects a choice at once, without Enter. */
  answer: (wanted, parsed) => answerMenu(wanted, parsed, (number) => [{ type: number }]),
  limits: { ready: 60_000, placed: 15_000, seen: 20_000, submit_delay: 0 },
  usage: claudeUsage,
  logins: claudeLogins,
}

/**
 * Reads the output of `claude -p --output-format json`: one result object, or a list that ends with the result object. The object has
 * `result`, `is_error`, `subtype`, `session_id`, `num_turns`, `usage` and `total_cost_usd`.
 */
function readClaude(note: Note): AnswerReader {
  const out = collectLines()
  return {
    line: out.line,
    end(end) {
      const printed = out.text().trim()
      const value = parseJson(printed)?.value ?? parseJson(printed.split('\n').at(-1) ?? '')?.value
      const result = membersOf(Array.isArray(value) ? value.at(-1) : value)
      if (result['type'] !== 'result')
        return {
          ...bareAnswer,
          text: '',
          error: failureIn(end, printed) ?? symptomWith(`the agent printed no result: ${printed.slice(0, 300)}`),
        }
      const usage = membersOf(result['usage'])
      const tokens_in = ['input_tokens', 'cache_creation_input_tokens', 'cache_read_input_tokens'].reduce(
        (sum, name) => sum + (countOf(usage[name]) ?? 0),
        0,
      )
      const text = stringOf(result['result']) ?? ''
      const subtype = stringOf(result['subtype']) ?? 'success'
      const failed = result['is_error'] === true || subtype !== 'success'
      const errors = itemsOf(result['errors']).flatMap((each) => stringOf(each) ?? [])
      const model = Object.keys(membersOf(result['modelUsage']))[0] ?? null
      return {
        text: failed ? text : noteAnswer(text, model, note),
        session: stringOf(result['session_id']),
        model,
        turns: countOf(result['num_turns']) ?? 1,
        usage: { tokens_in, tokens_out: countOf(usage['output_tokens']) ?? 0, cost: countOf(result['total_cost_usd']) },
        error: failed ? symptomWith(text || errors.join(' ') || subtype, subtype === 'success' ? null : subtype) : failureIn(end, text),
      }
    },
  }
}

/**
 * Claude Code as the backend of a sprint. burn allows Bash and sets `acceptEdits`, because Claude Code refuses `bypassPermissions` if it
 * runs as root. Claude Code refuses edits outside the workspace.
 */
export const claudeSprint: SprintAgent = {
  command: ['claude'],
  counts: 'run',
  // Without this variable, Claude Code sends every file that the prompt names as `@path` to the model without asking for approval. Such a
  // file may be private.
  env: { CLAUDE_CODE_DISABLE_ATTACHMENTS: '1' },
  argv: ({ model, session, turns }) => [
    ...`-p --output-format json --permission-mode acceptEdits --allowedTools Bash --max-turns ${turns}`.split(' '),
    ...flagArgs('--model', model),
    ...flagArgs('--resume', session),
  ],
  read: readClaude,
}
