/**
 * Codex in a pane and as the backend of a sprint. Facts about its screen come from running 0.169.0 against a stub model server:
 *
 * - The composer is a `›` row near the bottom. Below it are a blank row and at most two rows with model, directory and hints.
 * - An approval or a question takes the composer's place.
 * - While an answer streams, the screen looks the same as an idle screen. Only the pane's title shows the state: a braille spinner before
 *   the folder's name while a turn runs, `[ ! ] Action Required` while Codex waits for an answer.
 */
import type { AgentConfig } from '../core/nouns.ts'
import type {
  AgentPlace,
  Conversations,
  AgentStart,
  AnswerReader,
  HookState,
  ParsedScreen,
  PaneAgent,
  PaneFacts,
  HookEvent,
  SprintAgent,
} from '../core/agent.ts'
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
  escapeKey,
  unrecognised,
  type RowSpan,
} from './screen.ts'
import { answerMenu } from './menu.ts'
import { codexLogins } from './codex-login.ts'
import { codexUsage } from './codex-usage.ts'
import { failedTurn } from './trouble.ts'
import type { TokenUsage } from '../core/sprint.ts'
import { truncateMiddle, countOf, membersOf, stringOf } from '../core/json.ts'
import { parseEvent, failureIn, flagArgs, maxNotedOutput, noteAnswer, symptomWith, type Note } from './sprint-output.ts'

const spinning = /^[\u2801-\u28ff] ?/u
const asking = /^\[ [!.] \] Action Required/u
/** The row of a running turn: `• Working (1s • esc to interrupt)`. Codex may show another word instead of "Working". */
const status = /^[•◦] .*\besc to interrupt\)/u
const finished = /^ {2}Worked for |^─ Worked for |^ {2}>_ OpenAI Codex/u
const failed = /^■ (?!Conversation interrupted)/u
const asks = /(?:enter|return) (?:to )?(?:confirm|submit|select|continue)|esc (?:to )?(?:cancel|(?:go )?back)|\| esc to interrupt/iu
const choice = /^\s*› \d+\. /u
/** The grey placeholders of an empty composer, from several versions of Codex. */
const placeholders =
  /^(?:Ask Codex to do anything|Explain this codebase|Summarize recent commits|Implement \{feature\}|Find and fix a bug in @filename|Write tests for @filename|Improve documentation in @filename|Run \/review on my current changes|Use \/skills to list available skills)$/u

/**
 * Returns the rows from the lowest `›` to the blank row above model and directory; null if there is no composer. Codex 0.171 may leave parts
 * of an earlier message in one of the rows below.
 */
function composerOf(screen: readonly string[]): RowSpan | null {
  const last = lastRow(screen)
  const end = screen.findLastIndex((row, index) => index < last && row.trim() === '')
  if (end < 1 || last - end > 3 || !screen.slice(end + 1, last + 1).some((row) => /^ {2}/.test(row))) return null
  const first = screen.findLastIndex((row, index) => index < end && /^[›!](?: |$)/u.test(row))
  const rows = screen.slice(first + 1, end)
  return first >= 0 && rows.every((row) => row.trim() === '' || /^ {2}/.test(row)) ? { first, end } : null
}

function questionOf(screen: readonly string[]): string | null {
  const last = lastRow(screen)
  const chosen = screen.findLastIndex((row) => choice.test(row))
  if (chosen < 0 || last - chosen > 16 || !screen.slice(chosen + 1, last + 1).some((row) => asks.test(row))) return null
  const top = screen.findLastIndex((row, index) => index < chosen && /^[›•■◦] /u.test(row))
  return screen
    .slice(top + 1, last)
    .map((row) => row.trimEnd())
    .join('\n')
    .trim()
}

function parseScreen(screen: readonly string[], pane: PaneFacts): ParsedScreen {
  const drawn = screen.some((row) => /OpenAI Codex|^› /u.test(row))
  if (pane.dead || isShell(pane.command)) return unrecognised(screen, pane, drawn)
  const question = questionOf(screen)
  if (question !== null || asking.test(pane.title)) {
    const text = question ?? ''
    const detail = /enter to submit/iu.test(screen.slice(-4).join('\n')) || /^Question \d/mu.test(text) ? 'question' : 'approval'
    return withoutComposer('waiting', detail, evidenceOf(text.split('\n')[0] ?? pane.title), text)
  }
  const composer = composerOf(screen)
  if (composer === null) return spinning.test(pane.title) ? withoutComposer('working', null, pane.title) : unrecognised(screen, pane, drawn)
  const typed = screen
    .slice(composer.first, composer.end)
    .map((row) => row.slice(2))
    .join('\n')
    .trimEnd()
  const atStart = !hasCursor(pane) || (pane.cursor_x <= 2 && pane.cursor_y === composer.first)
  const draft = atStart && placeholders.test(typed) ? '' : typed
  const reading = readingOf(screen, composer, pane.title)
  // If Enter is pressed during a turn, Codex stops its answer and adds the submitted text to the running turn.
  return withComposer(reading, composer, draft, reading.state === 'working')
}

function readingOf(screen: readonly string[], { first }: RowSpan, title: string): ParsedScreen['reading'] {
  const near = screen.slice(Math.max(0, first - 12), first)
  const queued = near.some((row) => /^• (?:Messages to be submitted|Queued )/u.test(row)) ? 'queued' : null
  const busy = near.find((row) => status.test(row))
  if (spinning.test(title)) return { state: 'working', detail: queued, evidence: title }
  if (busy !== undefined) return { state: 'working', detail: queued, evidence: evidenceOf(busy) }
  const last = screen.slice(0, first).findLastIndex((row) => /^[›•■] |^ {2}Worked for /u.test(row))
  const lastMessage = screen[last] ?? ''
  if (failed.test(lastMessage)) return failedTurn(screen, last)
  if (title !== '' || finished.test(lastMessage) || near.some((row) => finished.test(row)))
    return { state: 'idle', detail: null, evidence: `› and the title ${title}` }
  return { state: 'unknown', detail: null, evidence: 'the pane has no title, so burn cannot see whether an answer streams' }
}

/**
 * Returns the command and environment that start Codex, with the setting `notify` on the command line. This setting replaces the person's
 * `notify`; the rest of the person's configuration applies. A menu about models stays away, because nobody may be there to answer it.
 */
function start(config: AgentConfig, at: AgentPlace | null): AgentStart {
  const argv = [...(config.command.length > 0 ? config.command : codex.command), ...(config.model === null ? [] : ['-m', config.model])]
  return at === null
    ? { argv, env: config.env }
    : { argv: [...argv, '-c', `notify=${JSON.stringify([at.hook, 'agent-turn-complete', threadKey])}`, '-c', noNudge], env: config.env }
}

/** Without this setting, Codex asks near a usage limit whether to use another model, and waits for an answer. */
const noNudge = 'notice.hide_rate_limit_model_nudge=true'

/**
 * The key of the conversation. Codex also asks a model for a title, in a thread that it does not record. So only a thread whose first
 * prompt came from burn counts. The prompt for a title begins with other words, and quotes the prompt of the turn.
 */
const threadKey = '@thread-id?input-messages^[burn'

/** How Codex continues a conversation. It exits if it does not find the conversation. Facts come from running 0.169.0. */
const conversations: Conversations = {
  resumeArgs: (conversation) => ['resume', conversation],
}

function hookState({ event }: Pick<HookEvent, 'event' | 'detail'>): HookState | null {
  return event === 'agent-turn-complete' ? { state: 'idle', detail: null } : null
}

/** Codex as the agent of a worker, in a pane. */
export const codex: PaneAgent = {
  kind: 'codex',
  command: ['codex'],
  versions: ['0.169', '0.171'],
  start,
  conversations,
  parseScreen,
  hookState,
  place: pasteLine,
  expands: [...expandingPatterns, /\$[A-Za-z]/, /^[/!]/],
  take_back: clearComposerKey,
  interrupt: { keys: escapeKey, presses: 1 },
  /** Letters are hotkeys in Codex's menus, so burn answers with arrow keys. */
  answer: (wanted, parsed) => answerMenu(wanted, parsed),
  limits: { ready: 90_000, placed: 15_000, seen: 20_000, submit_delay: 0 },
  usage: codexUsage,
  logins: codexLogins,
}

/**
 * Reads the output of `codex exec --json`: one event per line. The events are `thread.started`, `item.completed`, `turn.completed` with the
 * `usage` of the whole session, `turn.failed` and `error`.
 */
function readCodex(note: Note): AnswerReader {
  let text = ''
  let session: string | null = null
  let turns = 0
  let usage: TokenUsage | null = null
  let failed: string | null = null
  let lastError: string | null = null
  return {
    line(line) {
      const event = parseEvent(line)
      const item = membersOf(event['item'])
      if (event['type'] === 'thread.started') session = stringOf(event['thread_id'])
      if (event['type'] === 'error') lastError = stringOf(event['message'])
      if (event['type'] === 'turn.failed') failed = stringOf(membersOf(event['error'])['message']) ?? lastError ?? 'its turn failed'
      if (event['type'] === 'turn.completed') {
        const used = membersOf(event['usage'])
        usage = { tokens_in: countOf(used['input_tokens']) ?? 0, tokens_out: countOf(used['output_tokens']) ?? 0, cost: null }
        // Codex reconnects by itself, so a completed turn has recovered from earlier errors.
        lastError = null
      }
      if (event['type'] !== 'item.completed') return
      if (item['type'] === 'agent_message') {
        turns++
        text = noteAnswer(stringOf(item['text']) ?? '', null, note)
      }
      if (item['type'] === 'command_execution') {
        turns++
        const ok = item['exit_code'] === 0
        note({
          kind: 'call',
          tool: 'command',
          args: { command: item['command'] ?? null },
          ok,
          text: truncateMiddle(stringOf(item['aggregated_output']) ?? '', maxNotedOutput),
          ms: 0,
        })
      }
      if (item['type'] === 'file_change')
        note({ kind: 'call', tool: 'edit', args: { changes: item['changes'] ?? null }, ok: item['status'] !== 'failed', text: '', ms: 0 })
    },
    end(end) {
      const symptom = failed ?? (text === '' ? lastError : null)
      return {
        text,
        session,
        model: null,
        turns: Math.max(1, turns),
        usage,
        error: symptom === null ? failureIn(end, text) : symptomWith(symptom),
      }
    },
  }
}

/** Codex as the backend of a sprint. Codex's own sandbox allows writes only in the workspace. `codex exec` never asks for approval. */
export const codexSprint: SprintAgent = {
  command: ['codex'],
  counts: 'session',
  argv: ({ model, session }) => [
    ...'exec --json --skip-git-repo-check --sandbox workspace-write'.split(' '),
    ...flagArgs('--model', model),
    ...flagArgs('resume', session),
    '-',
  ],
  read: readCodex,
}
