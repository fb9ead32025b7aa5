/**
 * Codex' screen. Facts come from running 0.169.0 against a stub model server: the composer is a `›` row near the bottom, a blank row and at most two
 * rows of model, directory and hints below it; an approval or a question takes its place. While an answer streams the screen equals the idle one:
 * only the pane's title tells, a braille spinner before the folder's name while a turn runs, `[ ! ] Action Required` while it asks.
 */
import type { AgentConfig } from '../core/nouns.ts'
import type { AgentKind, AgentPlace, AgentStart, Heard, Look, PaneFacts, Signal } from '../core/agent.ts'
import {
  absent,
  answerMenu,
  evidenceOf,
  expanded,
  isShell,
  knowsCursor,
  lastRow,
  pasteLine,
  present,
  takeBack,
  without,
  type Span,
} from './rows.ts'
import { failedTurn } from './trouble.ts'

const spinning = /^[\u2801-\u28ff] ?/u
const asking = /^\[ [!.] \] Action Required/u
/** `• Working (1s • esc to interrupt)`, also with other words than Working. */
const status = /^[•◦] .*\besc to interrupt\)/u
const finished = /^ {2}Worked for |^─ Worked for |^ {2}>_ OpenAI Codex/u
const failed = /^■ (?!Conversation interrupted)/u
const asks = /(?:enter|return) to (?:confirm|submit|select|continue)|esc to (?:cancel|go back)|\| esc to interrupt/iu
const choice = /^\s*› \d+\. /u
/** Shown grey in an empty composer, by version. */
const placeholders =
  /^(?:Ask Codex to do anything|Explain this codebase|Summarize recent commits|Implement \{feature\}|Find and fix a bug in @filename|Write tests for @filename|Improve documentation in @filename|Run \/review on my current changes|Use \/skills to list available skills)$/u

/** From the lowest `›` to the blank row above the lowest rows, which say model and directory. */
function composerOf(screen: readonly string[]): Span | null {
  const last = lastRow(screen)
  const end = screen.findLastIndex((row, index) => index < last && row.trim() === '')
  if (end < 1 || last - end > 3 || !/^ {2}/.test(screen[end + 1] ?? '')) return null
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

function look(screen: readonly string[], pane: PaneFacts): Look {
  const drawn = screen.some((row) => /OpenAI Codex|^› /u.test(row))
  if (pane.dead || isShell(pane.command)) return without(screen, pane, drawn)
  const question = questionOf(screen)
  if (question !== null || asking.test(pane.title)) {
    const text = question ?? ''
    const detail = /enter to submit/iu.test(screen.slice(-4).join('\n')) || /^Question \d/mu.test(text) ? 'question' : 'approval'
    return absent('waiting', detail, evidenceOf(text.split('\n')[0] ?? pane.title), text)
  }
  const composer = composerOf(screen)
  if (composer === null) return spinning.test(pane.title) ? absent('working', null, pane.title) : without(screen, pane, drawn)
  const typed = screen
    .slice(composer.first, composer.end)
    .map((row) => row.slice(2))
    .join('\n')
    .trimEnd()
  const atStart = !knowsCursor(pane) || (pane.cursor_x <= 2 && pane.cursor_y === composer.first)
  const draft = atStart && placeholders.test(typed) ? '' : typed
  const reading = readingOf(screen, composer, pane.title)
  // Enter while it works steers: the running answer is cut and the text joins the turn.
  return present(reading, composer, draft, reading.state === 'working')
}

function readingOf(screen: readonly string[], { first }: Span, title: string): Look['reading'] {
  const near = screen.slice(Math.max(0, first - 12), first)
  const queued = near.some((row) => /^• (?:Messages to be submitted|Queued )/u.test(row)) ? 'queued' : null
  const busy = near.find((row) => status.test(row))
  if (spinning.test(title)) return { state: 'working', detail: queued, evidence: title }
  if (busy !== undefined) return { state: 'working', detail: queued, evidence: evidenceOf(busy) }
  const last = screen.slice(0, first).findLastIndex((row) => /^[›•■] |^ {2}Worked for /u.test(row))
  const said = screen[last] ?? ''
  if (failed.test(said)) return failedTurn(screen, last)
  if (title !== '' || finished.test(said) || near.some((row) => finished.test(row)))
    return { state: 'idle', detail: null, evidence: `› and the title ${title}` }
  return { state: 'unknown', detail: null, evidence: 'without a title, an answer that streams looks like none' }
}

/** `notify` on the command line: the person's own configuration stays as it is, but for theirs, which this one takes the place of. */
function start(config: AgentConfig, at: AgentPlace | null): AgentStart {
  const argv = [...(config.command.length > 0 ? config.command : codex.command), ...(config.model === null ? [] : ['-m', config.model])]
  return at === null
    ? { argv, env: config.env }
    : { argv: [...argv, '-c', `notify=${JSON.stringify([at.hook, 'agent-turn-complete'])}`], env: config.env }
}

function heard({ event }: Pick<Signal, 'event' | 'detail'>): Heard | null {
  return event === 'agent-turn-complete' ? { state: 'idle', detail: null } : null
}

export const codex: AgentKind = {
  kind: 'codex',
  command: ['codex'],
  start,
  look,
  heard,
  place: pasteLine,
  expands: [...expanded, /\$[A-Za-z]/, /^[/!]/],
  take_back: takeBack,
  /** Letters are hotkeys, so the arrows choose. */
  answer: (wanted, { question = '' }) => answerMenu(wanted, question),
  limits: { ready: 90_000, placed: 15_000, seen: 20_000, settle: 0 },
}
