/** Hermes (`hermes chat`, the classic screen) in a pane and as the backend of a sprint. hermes-screen.ts reads its screen. */
import type { AgentConfig } from '../core/nouns.ts'
import { isSameModel } from '../core/model-names.ts'
import type {
  AgentPlace,
  Conversations,
  AgentStart,
  AnswerReader,
  HookState,
  ModelCommand,
  ParsedScreen,
  PaneAgent,
  Keystrokes,
  HookEvent,
  SprintAgent,
} from '../core/agent.ts'
import { compact, compactRows } from '../core/typed-line.ts'
import { hermesConfig, hermesHome, screenVariables, unreadableSettings } from './hermes-home.ts'
import { parseHermesScreen } from './hermes-screen.ts'
import { answerMenu, choicesIn } from './menu.ts'
import { hermesLogins } from './hermes-login.ts'
import { hermesUsage } from './hermes-usage.ts'
import { expandingPatterns, pasteLine, clearComposerKey } from './screen.ts'
import { troubleIn } from './trouble.ts'
import { bareAnswer, collectLines, failureIn, flagArgs, noteAnswer, symptomWith, withoutWarnings, type Note } from './sprint-output.ts'

/**
 * Returns the keystrokes for a line. During a turn, Enter may interrupt the turn (`busy_input_mode: interrupt`, the default), and the
 * screen does not show the mode. The command `/queue ` queues the line in every mode; the screen does not show the queued line until the
 * turn ends. burn types the command, because Hermes does not recognise a pasted command.
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
  return { argv, env: { ...screenVariables, ...config.env, HERMES_HOME: own.home }, files: own.files, links: own.links, queues: true }
}

/** The exit reasons of turns that ended without an answer and that Hermes does not report as failed. */
const noAnswer = /^(?:empty_response|all_retries_exhausted|local_processing_error|fallback_prior_turn_content)/u

/**
 * Returns the values in an event's detail, without session and task. Null if the event belongs to a review by Hermes itself instead of a
 * turn of the worker.
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
 * Returns the worker's state after an event; null if the event shows no state. If an error of the provider ends a turn, only the event
 * `api_request_error` reports the end. The same event also precedes a retry. Its field `retryable` does not distinguish the two cases: an
 * exhausted context is retryable, but ends the turn. During a retry the screen shows a running turn, and burn prefers the screen.
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
      // On surfaces other than `cli`, a model decides about the approval.
      return detail === 'cli' ? { state: 'waiting', detail: 'approval' } : null
    default:
      return null
  }
}

/**
 * How Hermes continues a conversation. If Hermes 0.19 does not find it, Hermes says so after its banner and after each prompt, and does
 * nothing else.
 */
const conversations: Conversations = {
  resumeArgs: (conversation) => ['--resume', conversation],
  isMissing: (screen, conversation) => compactRows(screen).includes(compact(`Session not found: ${conversation}`)),
}

/**
 * The keys that interrupt a turn: Ctrl-C. If the composer is empty and no turn runs, Ctrl-C ends Hermes. So burn first types a blank, which
 * Ctrl-C clears if the turn has ended, and else Ctrl-U.
 */
const interruptKeys = ' \u0003\u0015'

/**
 * Returns the keystrokes that answer a prompt; null if they are not known. An approval accepts the digit of a choice at once. A question
 * needs arrow keys.
 */
function answer(wanted: string, parsed: ParsedScreen): readonly Keystrokes[] | null {
  const { reading, question = '' } = parsed
  const keys = answerMenu(wanted, parsed, reading.detail === 'approval' ? (number) => [{ type: number }] : null)
  if (keys !== null) return keys
  return reading.detail === 'question' && choicesIn(question).length === 0 ? [{ paste: wanted }, { key: 'Enter' }] : null
}

/** The status bar with the name of the model, as `hermes-screen.ts` reads it. */
const modelInBar = /^ [⚕☤] (.+?)(?: [│·] |$)/u

/** `--session` keeps Hermes from writing the model into its configuration, whatever that says. */
const modelCommand: ModelCommand = {
  line: (model, provider) => `/model ${model}${provider === null ? '' : ` --provider ${provider}`} --session`,
  isDone(line, screen) {
    const model = /^\/model (\S+)/.exec(line)?.[1] ?? ''
    const shown = screen.flatMap((row) => modelInBar.exec(row)?.[1] ?? []).at(-1)
    return shown !== undefined && isSameModel(shown, model)
  },
}

/** Hermes as the agent of a worker, in a pane. */
export const hermes: PaneAgent = {
  kind: 'hermes',
  command: ['hermes', 'chat', '--yolo'],
  reads: [hermesConfig],
  versions: ['0.19', '0.22'],
  unreadableSettings,
  has_busy_mode: true,
  start,
  conversations,
  parseScreen: parseHermesScreen,
  hookState,
  place,
  // The placeholder of a collapsed paste contains an arrow and the path of a file, and Hermes reads that file.
  expands: [...expandingPatterns, /^[/!]/],
  take_back: clearComposerKey,
  interrupt: { keys: interruptKeys, presses: 1 },
  answer,
  // `ready`: a cold start with 91 skills takes 10 s on a loaded machine. `seen`: with slow hooks, a request starts up to 8 s after Enter.
  limits: { ready: 60_000, placed: 30_000, seen: 20_000, submit_delay: 0 },
  usage: hermesUsage,
  model_command: modelCommand,
  logins: hermesLogins,
}

/** The beginning of a failed turn's message. Before 0.21, Hermes printed it as the answer, and exited with code 0. */
const failureMessage = /^(?:❌|⛔|⚠️?\s*API|Error:|API call failed)|Non-retryable client error|API call failed after \d+ retries/

/** Returns the reason of a failure with the provider's own words first. Hermes prints its advice above these words. */
function providerFirst(reason: string): string {
  const [line, words] = /^Provider said: (.+)$/m.exec(reason) ?? []
  return line === undefined ? reason : `${words} ${reason.replace(line, '').trim()}`
}

/**
 * Reads the output of `hermes chat -Q`. Hermes prints the answer to stdout, and `session_id: …` to stderr (before 0.19 to stdout). If a
 * request fails, Hermes prints the reason in place of the answer. stderr may have warnings that are not the reason.
 */
function readHermes(note: Note): AnswerReader {
  const out = collectLines()
  return {
    line: out.line,
    end(end) {
      const printed = out.text()
      const session = /^session_id:\s*(\S+)/m.exec(`${end.stderr}\n${printed}`)?.[1] ?? null
      const whole = printed.replace(/^session_id:.*$/m, '').trim()
      const text = withoutWarnings(whole)
      const stopped = end.code === null || end.code === 0
      const failed = failureMessage.test(whole) || (!stopped && text !== '')
      const reason = failureMessage.test(whole) ? whole : text
      return {
        ...bareAnswer,
        session,
        text: failed ? reason : noteAnswer(text, null, note),
        error: failed ? symptomWith(providerFirst(reason).slice(0, 500)) : failureIn(end, text),
      }
    },
  }
}

/**
 * Hermes as the backend of a sprint. burn passes `--yolo`, because without a terminal each approval would wait until it times out. Facts
 * come from `hermes_cli/_parser.py` of NousResearch/hermes-agent.
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
