/** Hermes (`hermes chat`, the classic screen) in a pane and as the backend of a sprint. hermes-screen.ts reads its screen. */
import type { AgentConfig } from '../core/nouns.ts'
import type {
  AgentPlace,
  AgentStart,
  AnswerReader,
  HookState,
  ParsedScreen,
  PaneAgent,
  Keystrokes,
  HookEvent,
  SprintAgent,
} from '../core/agent.ts'
import { hermesConfig, hermesHome } from './hermes-home.ts'
import { parseHermesScreen } from './hermes-screen.ts'
import { choicesIn, matchChoice, expandingPatterns, pasteLine, clearComposerKey, arrowKeysTo } from './screen.ts'
import { troubleIn } from './trouble.ts'
import { bareAnswer, collectLines, failureIn, flagArgs, noteAnswer, symptomWith, type Note } from './sprint-output.ts'

/**
 * Returns the keystrokes for a line. Enter during a turn may interrupt it (`busy_input_mode: interrupt`, the default), and the screen does
 * not show the mode. `/queue ` queues in every mode, without a sign on the screen until the turn ends. It must be typed, because Hermes
 * does not take it for a command if it is pasted with the line.
 */
function place(line: string, { reading, interrupts }: ParsedScreen): readonly Keystrokes[] {
  return [...(reading.state === 'working' && interrupts !== false ? [{ type: '/queue ' }] : []), ...pasteLine(line)]
}

function start(config: AgentConfig, at: AgentPlace | null): AgentStart {
  const argv = [
    ...(config.command.length > 0 ? config.command : hermes.command),
    ...(config.model === null ? [] : ['-m', config.model]),
    ...(config.provider === null ? [] : ['--provider', config.provider]),
  ]
  if (at === null) return { argv, env: config.env }
  const own = hermesHome(config, at)
  if ('why_not' in own) return { argv, env: config.env, without_hooks: own.why_not }
  return { argv, env: { ...config.env, HERMES_HOME: own.home }, files: own.files, links: own.links, queues: true }
}

/** Exit reasons of turns that ended without an answer, although Hermes does not report them as failed. */
const noAnswer = /^(?:empty_response|all_retries_exhausted|local_processing_error|fallback_prior_turn_content)/u

/**
 * Returns the words of an event, without session and task. Null if the event belongs to a review by Hermes itself instead of a turn of the
 * worker.
 */
function ownWords(detail: string | null): readonly string[] | null {
  const [session, task, ...words] = (detail ?? '').split(':')
  return session !== undefined && task !== undefined && task !== '' && session !== task ? null : words
}

/** Returns the state after `on_session_end`, which ends a turn. Since 0.22, `failed` and `turn_exit_reason` say how it ended. */
function ended([failed, interrupted, reason = '']: readonly string[]): HookState {
  const fails = interrupted !== 'true' && (failed === 'true' || noAnswer.test(reason))
  return fails ? { state: 'error', detail: troubleIn(reason) } : { state: 'idle', detail: null }
}

/**
 * Returns the state that an event means; null if it means none. If an error of the provider ends a turn, only `api_request_error` reports
 * it. Its `retryable` does not help: an exhausted context is retryable, but ends the turn. During a retry the screen shows a running turn,
 * which takes precedence.
 */
function hookState({ event, detail }: Pick<HookEvent, 'event' | 'detail'>): HookState | null {
  switch (event) {
    case 'pre_llm_call':
      return ownWords(detail) && { state: 'working', detail: null }
    case 'post_llm_call':
      return ownWords(detail) && { state: 'idle', detail: null }
    case 'on_session_end': {
      const words = ownWords(detail)
      return words && ended(words)
    }
    case 'api_request_error': {
      const words = ownWords(detail)
      return words && { state: 'error', detail: troubleIn(words.join(' ')) }
    }
    case 'on_session_reset':
      return { state: 'idle', detail: null }
    case 'post_approval_response':
      return { state: 'working', detail: null }
    case 'pre_tool_call':
      return detail === 'clarify' ? { state: 'waiting', detail: 'question' } : { state: 'working', detail: null }
    case 'post_tool_call':
      return { state: 'working', detail: null }
    case 'pre_approval_request':
      // On other surfaces the model itself checks the approval.
      return detail === 'cli' ? { state: 'waiting', detail: 'approval' } : null
    default:
      return null
  }
}

/** An approval accepts a digit, or a letter of its choices, at once. A question needs arrow keys. */
function answer(wanted: string, { reading, question = '' }: ParsedScreen): readonly Keystrokes[] | null {
  const number = matchChoice(question, wanted)
  if (number !== null) return reading.detail === 'approval' ? [{ type: number }] : arrowKeysTo(question, number)
  if (/^(?:esc|cancel)$/i.test(wanted.trim())) return [{ key: 'Escape' }]
  return reading.detail === 'question' && choicesIn(question).length === 0 ? [{ paste: wanted }, { key: 'Enter' }] : null
}

/** Hermes as the agent of a worker, in a pane. */
export const hermes: PaneAgent = {
  kind: 'hermes',
  command: ['hermes', 'chat', '--yolo'],
  reads: [hermesConfig],
  has_busy_mode: true,
  start,
  parseScreen: parseHermesScreen,
  hookState,
  place,
  // The arrow in the placeholder of a collapsed paste names a file, which Hermes reads.
  expands: [...expandingPatterns, /^[/!]/],
  take_back: clearComposerKey,
  answer,
  // `ready`: a cold start with 91 skills takes 10 s on a loaded machine. `seen`: with slow hooks, a request starts up to 8 s after Enter.
  limits: { ready: 60_000, placed: 30_000, seen: 20_000, submit_delay: 0 },
}

/**
 * Reads `hermes chat -Q`. It prints the answer to stdout, and `session_id: …` to stderr (before 0.19 to stdout). The answer of a failed
 * request may be its error, with exit code 0.
 */
function readHermes(note: Note): AnswerReader {
  const out = collectLines()
  return {
    line: out.line,
    end(end) {
      const printed = out.text()
      const session = /^session_id:\s*(\S+)/m.exec(`${end.stderr}\n${printed}`)?.[1] ?? null
      const text = printed.replace(/^session_id:.*$/m, '').trim()
      const failed = /^(?:❌|⛔|⚠️?\s*API|Error:|API call failed)|Non-retryable client error|API call failed after \d+ retries/.test(text)
      return {
        ...bareAnswer,
        session,
        text: failed ? text : noteAnswer(text, null, note),
        error: failed ? symptomWith(text.slice(0, 500)) : failureIn(end, text),
      }
    },
  }
}

/**
 * Hermes as the backend of a sprint. Without `--yolo` and without a terminal, its approvals time out one after another. Facts come from
 * `hermes_cli/_parser.py` of NousResearch/hermes-agent.
 */
export const hermesSprint: SprintAgent = {
  command: ['hermes'],
  counts: 'run',
  argv: ({ model, session, turns }) => [
    ...`chat -Q --yolo --source tool --query-file - --max-turns ${turns}`.split(' '),
    ...flagArgs('-m', model),
    ...flagArgs('--resume', session),
  ],
  read: readHermes,
}
