/**
 * The agent kind `custom`: a program whose screen the spec describes with patterns. Each pattern is tested against single rows, cut at 300
 * columns. When burn loads the spec, it refuses patterns that could take very long to match.
 */
import type { CustomAgent } from '../core/custom-agent.ts'
import type { AgentConfig, ReadingState } from '../core/nouns.ts'
import type { AnswerReader, ParsedScreen, PaneAgent, PaneFacts, SprintAgent } from '../core/agent.ts'
import {
  withoutComposer,
  evidenceOf,
  expandingPatterns,
  isShell,
  lastRow,
  pasteLine,
  withComposer,
  unrecognised,
  type RowSpan,
} from './screen.ts'
import { troubleIn } from './trouble.ts'
import { bareAnswer, collectLines, failureIn, noteAnswer, withoutWarnings, type Note } from './sprint-output.ts'

const columns = 300

interface Composer extends RowSpan {
  readonly draft: string
  /** The first row of the composer, without the draft. Some agents show their state there. */
  readonly prompt: string
}

/** The patterns of a spec, compiled once. */
interface Patterns extends Record<'waiting' | 'working' | 'error', readonly RegExp[]> {
  readonly ready: RegExp | null
  readonly composer: RegExp
  readonly below: RegExp | null
  readonly placeholder: RegExp | null
  /** The number of rows above the composer that may show a state. */
  readonly rows: number
}

function compilePatterns({ ready, composer, below, placeholder, waiting, working, error, rows }: CustomAgent): Patterns {
  const one = (pattern: string) => new RegExp(pattern, 'u')
  const maybe = (pattern: string | null) => (pattern === null ? null : one(pattern))
  const states = { waiting: waiting.map(one), working: working.map(one), error: error.map(one) }
  return {
    ready: maybe(ready),
    composer: new RegExp(composer, 'du'),
    below: maybe(below),
    placeholder: maybe(placeholder),
    ...states,
    rows,
  }
}

function composerOf(rows: readonly string[], { composer: pattern, below, placeholder }: Patterns): Composer | null {
  const first = rows.findLastIndex((row) => pattern.test(row))
  const match = pattern.exec(rows[first] ?? '')
  if (match === null) return null
  const [from, to] = match.indices?.[1] ?? [match[0].length, match[0].length]
  const end = below === null ? lastRow(rows) + 1 : rows.findIndex((row, i) => i > first && below.test(row))
  if (end <= first) return null
  const row = rows[first] ?? ''
  const typed = [row.slice(from, to), ...rows.slice(first + 1, end)].join('\n').trim()
  const draft = placeholder?.test(typed) === true ? '' : typed
  return { first, end, draft, prompt: row.slice(0, from) + row.slice(to) }
}

/**
 * Returns the state that the rows show, with the last row that shows this state; null if no row shows a state. `waiting` takes precedence
 * over `working`, and `working` over `error`.
 */
function stateIn(rows: readonly string[], patterns: Patterns): { readonly state: ReadingState; readonly row: string } | null {
  for (const state of ['waiting', 'working', 'error'] as const) {
    const row = rows.findLast((each) => patterns[state].some((pattern) => pattern.test(each)))
    if (row !== undefined) return { state, row }
  }
  return null
}

function parseScreen(screen: readonly string[], pane: PaneFacts, patterns: Patterns): ParsedScreen {
  const rows = screen.map((row) => row.slice(0, columns).toWellFormed().trimEnd())
  const { ready } = patterns
  const ran = rows.some((row) => (ready === null ? row !== '' : ready.test(row)))
  if (pane.dead || isShell(pane.command)) return unrecognised(rows, pane, ran)
  const composer = composerOf(rows, patterns)
  const last = composer?.first ?? lastRow(rows) + 1
  const above = rows.slice(Math.max(0, last - patterns.rows), last)
  const around = composer === null ? above : [...above, composer.prompt, ...rows.slice(composer.end)]
  const shown = stateIn(around, patterns)
  const question = shown?.state === 'waiting' ? around.join('\n').trim() : undefined
  if (composer === null)
    return shown === null ? unrecognised(rows, pane, ran) : withoutComposer(shown.state, null, evidenceOf(shown.row), question)
  const state = shown?.state ?? 'idle'
  const drafted = composer.draft === '' ? null : 'draft'
  const detail = state === 'waiting' ? 'question' : state === 'error' ? troubleIn(shown?.row ?? '') : drafted
  const reading = { state, detail, evidence: evidenceOf(shown?.row ?? rows[composer.first]) || 'an empty composer' }
  return { ...withComposer(reading, composer, composer.draft, state === 'working'), ...(question === undefined ? {} : { question }) }
}

/** The description of a custom agent without patterns. It recognises no screen. */
const bare: CustomAgent = {
  ready: null,
  composer: '$^(.)',
  below: null,
  placeholder: null,
  working: [],
  waiting: [],
  error: [],
  rows: 0,
  submit: 'Enter',
  submit_delay: 0,
}

/** The bytes that a terminal sends for each key. */
const bytesOf = { Enter: '\r', 'M-Enter': '\u001b\r', 'C-j': '\n', 'C-d': '\u0004', 'C-s': '\u0013' } as const

/** Returns the agent that a spec declares. Without patterns in the spec, burn recognises nothing on the screen. */
export function customKind(custom: CustomAgent = bare): PaneAgent {
  const patterns = compilePatterns(custom)
  return {
    kind: 'custom',
    command: [],
    start: (config: AgentConfig) => ({ argv: config.command, env: config.env }),
    parseScreen: (screen, pane) => parseScreen(screen, pane, patterns),
    place: pasteLine,
    expands: [...expandingPatterns, /[@!#&$`~\\<>|;*?{}]/, /^\//],
    answer: (choice) => (/^[^\u0000-\u001f\u007f-\u009f]+$/u.test(choice) ? [{ type: choice }, { key: 'Enter' }] : null),
    limits: { ready: 60_000, placed: 10_000, seen: 20_000, submit_delay: custom.submit_delay },
    ...(custom.submit === 'Enter' ? {} : { submit: bytesOf[custom.submit] }),
  }
}

/** Reads the answer of a custom agent, which is its whole stdout. */
function readPlain(note: Note): AnswerReader {
  const out = collectLines()
  return {
    line: out.line,
    end(end) {
      const text = withoutWarnings(out.text())
      return { ...bareAnswer, text: noteAnswer(text, null, note), error: failureIn(end, text) }
    },
  }
}

/** Any program as the backend of a sprint: it gets the prompt on stdin, and prints the answer to stdout. */
export const customSprint: SprintAgent = { command: [], counts: 'run', argv: () => [], read: readPlain }
