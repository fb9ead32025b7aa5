/** Hermes (`hermes chat`, the classic screen): how it is started, typed to, heard and answered. What its screen says is in hermes-screen.ts. */
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
import { choicesIn, chosenIn, expandingPatterns, pasteLine, clearComposerKey, walkTo } from './screen.ts'
import { troubleIn } from './trouble.ts'
import { bareAnswer, collectLines, failureIn, flagged, noteAnswer, symptomWith, type Note } from './sprint-output.ts'

/**
 * While a turn runs, Enter may cut it (`busy_input_mode: interrupt`, the default), and the screen does not tell which mode is on. `/queue ` queues in every
 * mode, without a word on the screen until the turn ends. It has to be typed: pasted together with the line it is not taken for a command.
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

/** Reasons by which a turn ends without an answer although it does not count as failed. */
const noAnswer = /^(?:empty_response|all_retries_exhausted|local_processing_error|fallback_prior_turn_content)/u

/** The words of an event that names its session and task; null where it is of a review that Hermes makes by itself, beside the worker's own turns. */
function ownWords(detail: string | null): readonly string[] | null {
  const [session, task, ...words] = (detail ?? '').split(':')
  return session !== undefined && task !== undefined && task !== '' && session !== task ? null : words
}

/** `on_session_end` ends a turn; `failed` and `turn_exit_reason` say how since 0.22. */
function ended([failed, interrupted, reason = '']: readonly string[]): HookState {
  const fails = interrupted !== 'true' && (failed === 'true' || noAnswer.test(reason))
  return fails ? { state: 'error', detail: troubleIn(reason) } : { state: 'idle', detail: null }
}

/**
 * A turn that an error of the provider ended tells of no end, only of `api_request_error`. `retryable` is no help: an exhausted context is retryable, and
 * ends the turn. While an error is retried the screen shows a running turn, and that counts for more.
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
      // The other surface is a check by the model itself.
      return detail === 'cli' ? { state: 'waiting', detail: 'approval' } : null
    default:
      return null
  }
}

/** An approval takes a digit, or a letter of its choices, at once; a question takes the arrows. */
function answer(wanted: string, { reading, question = '' }: ParsedScreen): readonly Keystrokes[] | null {
  const number = chosenIn(question, wanted)
  if (number !== null) return reading.detail === 'approval' ? [{ type: number }] : walkTo(question, number)
  if (/^(?:esc|cancel)$/i.test(wanted.trim())) return [{ key: 'Escape' }]
  return reading.detail === 'question' && choicesIn(question).length === 0 ? [{ paste: wanted }, { key: 'Enter' }] : null
}

export const hermes: PaneAgent = {
  kind: 'hermes',
  command: ['hermes', 'chat', '--yolo'],
  reads: [hermesConfig],
  has_busy_mode: true,
  start,
  parseScreen: parseHermesScreen,
  hookState: hookState,
  place,
  // Of a collapsed paste the arrow names a file, which is read.
  expands: [...expandingPatterns, /^[/!]/],
  take_back: clearComposerKey,
  answer,
  // Ready: a cold start with 91 skills took 10 s on a loaded machine. Seen: Enter to request took up to 8 s under load with slow hooks.
  limits: { ready: 60_000, placed: 30_000, seen: 20_000, submit_delay: 0 },
}

/** `hermes chat -Q`: the answer on stdout, `session_id: …` on stderr (before 0.19 on stdout). A failed request may be the answer, with exit code 0. */
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
        symptom: failed ? symptomWith(text.slice(0, 500)) : failureIn(end, text),
      }
    },
  }
}

/** `--yolo`: without a terminal its approvals time out one after another. Facts: `hermes_cli/_parser.py` of NousResearch/hermes-agent. */
export const hermesSprint: SprintAgent = {
  command: ['hermes'],
  counts: 'run',
  argv: ({ model, session, turns }) => [
    ...`chat -Q --yolo --source tool --query-file - --max-turns ${turns}`.split(' '),
    ...flagged('-m', model),
    ...flagged('--resume', session),
  ],
  read: readHermes,
}
