/**
 * An agent that this program does not know: its spec says by patterns over single rows how its screen is read. Rows are cut off at 300 columns
 * first, and patterns that could take for ever were refused when the spec was loaded.
 */
import type { AgentConfig, CustomAgent, ReadingState } from '../core/nouns.ts'
import type { AnswerReader, ParsedScreen, PaneAgent, PaneFacts, SprintAgent } from '../core/agent.ts'
import {
  withoutComposer,
  evidenceOf,
  expandingPatterns,
  isShell,
  lastRow,
  pasteLine,
  withComposer,
  shellTells,
  unrecognised,
  type RowSpan,
} from './screen.ts'
import { troubleIn } from './trouble.ts'
import { bareAnswer, collectLines, failureIn, noteAnswer, type Note } from './sprint-output.ts'

const columns = 300

interface Composer extends RowSpan {
  readonly draft: string
  /** Its first row without the draft: a prompt may say a state. */
  readonly prompt: string
}

/** A spec's patterns, compiled once for all screens that are looked at with them. */
interface Patterns extends Record<'waiting' | 'working' | 'error', readonly RegExp[]> {
  readonly ready: RegExp | null
  readonly composer: RegExp
  readonly below: RegExp | null
  readonly placeholder: RegExp | null
  /** How many rows above the composer say a state. */
  readonly rows: number
}

function compiled({ ready, composer, below, placeholder, waiting, working, error, rows }: CustomAgent): Patterns {
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

/** The first row that says one of these states; of several states, the first that is named here. */
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
  if (pane.dead || isShell(pane.command)) return unrecognised(rows, pane, ran || shellTells(rows))
  const composer = composerOf(rows, patterns)
  const last = composer?.first ?? lastRow(rows) + 1
  const above = rows.slice(Math.max(0, last - patterns.rows), last)
  const around = composer === null ? above : [...above, composer.prompt, ...rows.slice(composer.end)]
  const said = stateIn(around, patterns)
  const question = said?.state === 'waiting' ? around.join('\n').trim() : undefined
  if (composer === null)
    return said === null ? unrecognised(rows, pane, ran) : withoutComposer(said.state, null, evidenceOf(said.row), question)
  const state = said?.state ?? 'idle'
  const drafted = composer.draft === '' ? null : 'draft'
  const detail = state === 'waiting' ? 'question' : state === 'error' ? troubleIn(said?.row ?? '') : drafted
  const reading = { state, detail, evidence: evidenceOf(said?.row ?? rows[composer.first]) || 'an empty composer' }
  return { ...withComposer(reading, composer, composer.draft, state === 'working'), ...(question === undefined ? {} : { question }) }
}

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

/** What a terminal sends for a key. */
const bytesOf = { Enter: '\r', 'M-Enter': '\u001b\r', 'C-j': '\n', 'C-d': '\u0004', 'C-s': '\u0013' } as const

/** The kind that a spec declares; without its patterns nothing is recognised. */
export function customKind(custom: CustomAgent = bare): PaneAgent {
  const patterns = compiled(custom)
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

/** Any program: its stdout is the answer. */
function readPlain(note: Note): AnswerReader {
  const out = collectLines()
  return {
    line: out.line,
    end(end) {
      const text = out.text().trim()
      return { ...bareAnswer, text: noteAnswer(text, null, note), symptom: failureIn(end, text) }
    },
  }
}

/** Any program: the prompt on stdin, the answer on stdout. */
export const customSprint: SprintAgent = { command: [], counts: 'run', argv: () => [], read: readPlain }
