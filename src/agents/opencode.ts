/**
 * OpenCode in a pane and as the backend of a sprint. Facts come from running 1.18.33 against a stub model server, with and without a
 * network.
 */
import type { AgentConfig } from '../core/nouns.ts'
import type {
  AgentPlace,
  AgentStart,
  AnswerReader,
  Conversations,
  HookState,
  ParsedScreen,
  PaneAgent,
  Keystrokes,
  SprintAgent,
} from '../core/agent.ts'
import { parseOpencodeScreen } from './opencode-screen.ts'
import { hookCallerSource } from './hook-caller.ts'
import { answerMenu, matchChoice } from './menu.ts'
import { opencodeLogins } from './other-logins.ts'
import { opencodeUsage } from './opencode-usage.ts'
import { expandingPatterns, clearComposerKey, escapeKey } from './screen.ts'
import { troubleIn } from './trouble.ts'
import type { TokenUsage, BackendError } from '../core/sprint.ts'
import { truncateMiddle, countOf, membersOf, stringOf } from '../core/json.ts'
import { parseEvent, failureIn, flagArgs, maxNotedOutput, noteAnswer, type Note } from './sprint-output.ts'

/** How OpenCode continues a conversation. It exits if it does not find the conversation. Facts come from running 1.18.33. */
const conversations: Conversations = {
  resumeArgs: (conversation) => ['--session', conversation],
}

const registryRetries = 'npm_config_fetch_retries'

/**
 * Returns the worker's state after an event; null if the event shows no state. The detail of `session.status` is the state of the session;
 * approvals and questions have their own events.
 */
function hookState({ event, detail }: { readonly event: string; readonly detail: string | null }): HookState | null {
  if (event === 'permission.asked') return { state: 'waiting', detail: 'approval' }
  if (event === 'question.asked') return { state: 'waiting', detail: 'question' }
  if (/^(?:permission|question)\.(?:replied|rejected)$/u.test(event)) return { state: 'working', detail: null }
  if (event === 'session.error' && detail !== 'MessageAbortedError') return { state: 'error', detail: troubleIn(detail ?? '') }
  if (event === 'session.idle') return { state: 'idle', detail: null }
  if (event !== 'session.status') return null
  return detail === 'idle' ? { state: 'idle', detail: null } : { state: 'working', detail: detail === 'retry' ? 'retrying' : null }
}

/**
 * Returns the keystrokes for a line, in parts of 100 characters. OpenCode collapses a paste of 150 characters to `[Pasted ~1 lines]`. If a
 * paste is the path of a file, OpenCode attaches the file. Enter during a turn queues the line.
 */
function place(line: string): readonly Keystrokes[] {
  return (line.match(/.{1,100}/gs) ?? []).map((paste) => ({ paste }))
}

/**
 * Returns the keystrokes for an answer; null if the question does not offer this answer. The choices of a question have numbers, and a
 * digit selects one. burn does not answer questions that accept several choices (`[ ]`). An approval offers three choices, of which the
 * first is selected at the start.
 */
function answer(choice: string, parsed: ParsedScreen): readonly Keystrokes[] | null {
  const { question = '', reading } = parsed
  if (reading.detail === 'menu' || reading.detail === 'prompt') return answerMenu(choice, parsed)
  const number = matchChoice(question, choice)
  if (number !== null && !/^ *\d{1,2}\. \[.\]/mu.test(question)) return [{ type: number }]
  if (!/\bAllow once\b/u.test(question)) return null
  const wanted = choice.trim().toLowerCase()
  if (/^(?:1|y|yes|once|allow|allow once)$/u.test(wanted)) return [{ key: 'Enter' }]
  return /^(?:3|n|no|reject|deny)$/u.test(wanted) ? [{ key: 'Escape' }] : null
}

/**
 * Adds the plugin that calls the hook. burn passes the plugin's configuration in an environment variable. OpenCode merges the variable with
 * its configuration files, so none of the person's files change. With any plugin, OpenCode downloads a dependency before it starts. Without
 * a network, this delays the start by 81 s, or by 10 s without retries, so a second variable switches the retries off. The plugin removes
 * the second variable again, so that commands of the agent do not inherit it.
 */
function withPlugin({ env }: AgentConfig, { home, hook }: AgentPlace): Omit<AgentStart, 'argv'> {
  if (env['OPENCODE_CONFIG_CONTENT'] !== undefined)
    return { env, without_hooks: 'the spec sets OPENCODE_CONFIG_CONTENT, which burn needs to add its hook' }
  const file = `${home}/burn-signals.js`
  const config = JSON.stringify({ plugin: [`file://${encodeURI(file)}`] })
  const own = env[registryRetries] === undefined ? { [registryRetries]: '0' } : {}
  return { env: { ...env, ...own, OPENCODE_CONFIG_CONTENT: config }, files: { [file]: plugin(hook, Object.keys(own)) } }
}

/**
 * Returns the source of a plugin that reports OpenCode's events to the hook. Its handlers return at once. Session events of sub-agents do
 * not concern turns of the worker, so the plugin does not report them. `unset` names the variables to remove from the environment of
 * commands.
 */
function plugin(hook: string, unset: readonly string[]): string {
  return `${hookCallerSource(hook)}
const reported = /^(?:permission|question)\\.(?:asked|replied|rejected)$/
for (const name of ${JSON.stringify(unset)}) delete process.env[name]
export const burn = async () => {
  const children = new Set()
  return {
    'chat.message': async (_, { parts }) => tell('chat.message', { text: parts.map((part) => part.text ?? '').join('') }),
    event: async ({ event: { type, properties } }) => {
      if (type === 'session.created' && properties.info?.parentID) children.add(properties.info.id)
      if (children.has(properties?.sessionID) && type.startsWith('session.')) return
      const session_id = properties?.sessionID
      if (type === 'session.status') tell(type, { status: properties.status.type, session_id }, 'status,@session_id')
      else if (type === 'session.error') tell(type, { name: properties.error?.name ?? 'unknown', session_id }, 'name,@session_id')
      else if (type === 'session.idle') tell(type, { session_id }, '@session_id')
      else if (reported.test(type)) tell(type, {})
    },
  }
}
`
}

/** OpenCode as the agent of a worker, in a pane. */
export const opencode: PaneAgent = {
  kind: 'opencode',
  command: ['opencode'],
  versions: ['1.18', '1.18'],
  start: (config, at) => ({
    argv: [
      ...(config.command.length > 0 ? config.command : opencode.command),
      ...(config.model === null ? [] : ['--model', config.provider === null ? config.model : `${config.provider}/${config.model}`]),
    ],
    ...(at === null ? { env: config.env } : withPlugin(config, at)),
  }),
  conversations,
  parseScreen: parseOpencodeScreen,
  hookState,
  place,
  expands: [...expandingPatterns, /^[/!]/],
  take_back: clearComposerKey,
  /** OpenCode asks for a second Escape within five seconds. */
  interrupt: { keys: escapeKey, presses: 2 },
  answer,
  limits: { ready: 120_000, placed: 10_000, seen: 20_000, submit_delay: 0 },
  usage: opencodeUsage,
  logins: opencodeLogins,
}

/**
 * Reads the output of `opencode run --format json`: one event per line. The events are `text`, `tool_use`, `step_finish` with tokens and
 * cost, and `error`.
 */
function readOpencode(note: Note): AnswerReader {
  let text = ''
  let session: string | null = null
  let turns = 0
  let usage: TokenUsage | null = null
  let failed: BackendError | null = null
  return {
    line(line) {
      const event = parseEvent(line)
      const part = membersOf(event['part'])
      session = stringOf(event['sessionID']) ?? session
      if (event['type'] === 'text') text = noteAnswer(stringOf(part['text']) ?? '', null, note) || text
      if (event['type'] === 'error') {
        const error = membersOf(event['error'])
        const data = membersOf(error['data'])
        const message = stringOf(data['message']) ?? stringOf(error['message']) ?? stringOf(error['name']) ?? 'it failed'
        failed = { status: countOf(data['statusCode']), code: stringOf(error['name']), message }
      }
      if (event['type'] === 'tool_use') {
        const state = membersOf(part['state'])
        const output = stringOf(state['output']) ?? stringOf(state['error']) ?? ''
        const ok = state['status'] !== 'error'
        note({
          kind: 'call',
          tool: stringOf(part['tool']) ?? 'tool',
          args: state['input'] ?? null,
          ok,
          text: truncateMiddle(output, maxNotedOutput),
          ms: 0,
        })
      }
      if (event['type'] !== 'step_finish') return
      turns++
      const tokens = membersOf(part['tokens'])
      const cache = membersOf(tokens['cache'])
      const cost = countOf(part['cost'])
      usage = {
        tokens_in:
          (usage?.tokens_in ?? 0) + (countOf(tokens['input']) ?? 0) + (countOf(cache['read']) ?? 0) + (countOf(cache['write']) ?? 0),
        tokens_out: (usage?.tokens_out ?? 0) + (countOf(tokens['output']) ?? 0) + (countOf(tokens['reasoning']) ?? 0),
        cost: cost === null ? (usage?.cost ?? null) : (usage?.cost ?? 0) + cost,
      }
    },
    end: (end) => ({ text, session, model: null, turns: Math.max(1, turns), usage, error: failed ?? failureIn(end, text) }),
  }
}

/** OpenCode as the backend of a sprint. `opencode run` refuses everything that needs an approval. */
export const opencodeSprint: SprintAgent = {
  command: ['opencode'],
  counts: 'run',
  argv: ({ model, session }) => [...'run --format json'.split(' '), ...flagArgs('--model', model), ...flagArgs('--session', session)],
  read: readOpencode,
}
