/**
 * Claude Code's screen. Facts come from running 2.1.197 against a stub model server: the composer is a `❯` row between two rules near the bottom, with
 * at most a few rows of hints below; a question or an approval takes its place. The pane's title begins with a braille spinner while a turn runs,
 * and with `✳` while it is idle or asks; below 60 columns the hint `esc to interrupt` may be missing.
 */
import type { AgentConfig } from '../core/nouns.ts'
import type { AgentPlace, AgentStart, AnswerReader, ParsedScreen, PaneAgent, PaneFacts, SprintAgent } from '../core/agent.ts'
import { claudeHookState, hookSettings } from './claude-hooks.ts'
import {
  withoutComposer,
  answerMenu,
  evidenceOf,
  expandingPatterns,
  isShell,
  knowsCursor,
  lastRow,
  pasteLine,
  withComposer,
  clearComposerKey,
  unrecognised,
  type RowSpan,
} from './screen.ts'
import { failedTurn } from './trouble.ts'
import { countOf, itemsOf, membersOf, parseJson, stringOf } from '../core/json.ts'
import { bareAnswer, collectLines, failureIn, flagged, noteAnswer, symptomWith, type Note } from './sprint-output.ts'

/** What somebody typed is indented. */
const rule = /^─{10,}/u
const mostHints = 4
const working = /^[\u2801-\u28ff] /u
/** `✻ Brewing… (3s · …)`, `✻ 429 … · Retrying in 1s`; a turn that ended says `✻ Brewed for 3s`. */
const spinner = /^[·✢✳✶✻✽*∗] (?:.*…(?: \(.*)?$|.* · Retrying in )/u
const placeholders = /^(?:Press up to edit queued messages|Try ".*)$/u
const failed =
  /^● (?:API Error\b|Invalid API key|Please run \/login|Credit balance|OAuth |There's an issue with the selected model|.*\b(?:usage|session|weekly) limit (?:reached|exceeded))/u
const choice = /^\s*❯ \d+\. /u
const asks = /(?:^\s*|· )Esc to (?:cancel|exit)|^\s*Enter to (?:select|confirm)/iu

/** The lowest composer that nothing but hints follows. */
function composerOf(screen: readonly string[]): RowSpan | null {
  const last = lastRow(screen)
  const end = screen.findLastIndex((row, index) => index <= last && rule.test(row))
  if (end < 2 || last - end > mostHints) return null
  const above = screen.findLastIndex((row, index) => index < end && rule.test(row))
  const first = above + 1
  return above >= 0 && first < end && /^[❯>!#](?:\s|$)/u.test(screen[first] ?? '') ? { first, end } : null
}

/** The open menu's rows, from its own text to its hint; null where the lowest rows are none. */
function questionOf(screen: readonly string[]): string | null {
  const last = lastRow(screen)
  const chosen = screen.findLastIndex((row) => choice.test(row))
  if (chosen < 0 || last - chosen > 20 || !asks.test(screen[last] ?? '')) return null
  const top = screen.findLastIndex((row, index) => index < chosen && (rule.test(row) || /^[●❯] /u.test(row)))
  return screen
    .slice(top + 1, last)
    .map((row) => row.trimEnd())
    .join('\n')
    .trim()
}

/** Rows between the composer and what the person or the agent said last. */
function spinnerAbove(screen: readonly string[], first: number): string | undefined {
  return screen.slice(Math.max(0, first - 12), first - 1).findLast((row) => /^[·✢✳✶✻✽*∗●❯] /u.test(row))
}

function parseScreen(screen: readonly string[], pane: PaneFacts): ParsedScreen {
  const drawn = screen.some((row) => /Claude Code v\d|^❯ |^claude --resume /u.test(row))
  if (pane.dead || isShell(pane.command)) return unrecognised(screen, pane, drawn)
  const question = questionOf(screen)
  if (question !== null) {
    const detail = /^\s*Enter to select/u.test(screen[lastRow(screen)] ?? '') ? 'question' : 'approval'
    return withoutComposer('waiting', detail, evidenceOf(question.split('\n')[0]), question)
  }
  const composer = composerOf(screen)
  if (composer === null) return working.test(pane.title) ? withoutComposer('working', null, pane.title) : unrecognised(screen, pane, drawn)
  const typed = screen
    .slice(composer.first, composer.end)
    .map((row, index) => (index === 0 ? row.slice(2) : row.replace(/^ {2}/, '')))
    .join('\n')
    .trimEnd()
  // Grey words stand behind the cursor; the same words before it are a person's.
  const atStart = !knowsCursor(pane) || pane.cursor_x <= 2
  const draft = atStart && placeholders.test(typed) ? '' : typed
  return withComposer(readingOf(screen, composer, pane.title), composer, draft)
}

function readingOf(screen: readonly string[], { first, end }: RowSpan, title: string): ParsedScreen['reading'] {
  const above = spinnerAbove(screen, first)
  const hints = screen.slice(end + 1)
  const queued = screen.slice(Math.max(0, first - 4), first - 1).some((row) => /^ {2}❯ /u.test(row)) ? 'queued' : null
  if (working.test(title)) return { state: 'working', detail: queued, evidence: title }
  const busy = above !== undefined && spinner.test(above) ? above : hints.find((row) => row.includes('esc to interrupt'))
  if (busy !== undefined) return { state: 'working', detail: queued, evidence: evidenceOf(busy) }
  const said = screen.slice(0, first).findLastIndex((row) => row.startsWith('● '))
  const asked = screen.slice(0, first - 1).findLastIndex((row) => row.startsWith('❯ '))
  const reply = said > asked ? (screen[said] ?? '') : ''
  if (failed.test(reply)) return failedTurn(screen, said)
  return { state: 'idle', detail: null, evidence: evidenceOf(screen[first]) === '' ? '❯' : evidenceOf(screen[first]) }
}

/** Hooks travel in a settings file that the command line names: the person's own settings stay as they are, and both are heard. */
function start(config: AgentConfig, at: AgentPlace | null): AgentStart {
  const argv = [
    ...(config.command.length > 0 ? config.command : claude.command),
    ...(config.model === null ? [] : ['--model', config.model]),
  ]
  // A suggested prompt, shown grey in the composer, could not be told from a person's draft.
  const env = { CLAUDE_CODE_ENABLE_PROMPT_SUGGESTION: 'false', ...config.env }
  if (at === null) return { argv, env }
  const file = `${at.home}/claude-settings.json`
  return { argv: [...argv, '--settings', file], env, files: { [file]: hookSettings(at, 5) } }
}

export const claude: PaneAgent = {
  kind: 'claude',
  command: ['claude'],
  start,
  parseScreen: parseScreen,
  hookState: claudeHookState,
  place: pasteLine,
  expands: [...expandingPatterns, /^[/!#&]/],
  take_back: clearComposerKey,
  /** A digit chooses at once. */
  answer: (wanted, { question = '' }) => answerMenu(wanted, question, (number) => [{ type: number }]),
  limits: { ready: 60_000, placed: 15_000, seen: 20_000, submit_delay: 0 },
}

/** `claude -p --output-format json`: one object (or a list that ends with it) with `result`, `is_error`, `subtype`, `session_id`, `num_turns`, `usage`, `total_cost_usd`. */
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
          symptom: failureIn(end, printed) ?? symptomWith(`it printed no result: ${printed.slice(0, 300)}`),
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
        symptom: failed ? symptomWith(text || errors.join(' ') || subtype, subtype === 'success' ? null : subtype) : failureIn(end, text),
      }
    },
  }
}

/** `acceptEdits` with Bash allowed, and not `bypassPermissions`, which claude refuses to root. Edits outside the workspace stay refused. */
export const claudeSprint: SprintAgent = {
  command: ['claude'],
  counts: 'run',
  // Else it reads every file that the prompt names as `@path`, the person's own as well, and sends it along without asking.
  env: { CLAUDE_CODE_DISABLE_ATTACHMENTS: '1' },
  argv: ({ model, session, turns }) => [
    ...`-p --output-format json --permission-mode acceptEdits --allowedTools Bash --max-turns ${turns}`.split(' '),
    ...flagged('--model', model),
    ...flagged('--resume', session),
  ],
  read: readClaude,
}
