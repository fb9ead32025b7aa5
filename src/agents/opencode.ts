/**
 * OpenCode. Facts come from running 1.18.33 against a stub model server, also without a network but loopback.
 */
import type { AgentConfig } from '../core/nouns.ts'
import type { AgentPlace, AgentStart, AnswerReader, HookState, ParsedScreen, PaneAgent, Keystrokes, SprintAgent } from '../core/agent.ts'
import { parseOpencodeScreen } from './opencode-screen.ts'
import { hookCallerSource } from './hook-caller.ts'
import { chosenIn, expandingPatterns, clearComposerKey } from './screen.ts'
import { troubleIn } from './trouble.ts'
import type { TokenUsage, BackendError } from '../core/sprint.ts'
import { truncateMiddle, countOf, membersOf, stringOf } from '../core/json.ts'
import { eventIn, failureIn, flagged, mostShown, noteAnswer, type Note } from './sprint-output.ts'

const retries = 'npm_config_fetch_retries'

/** `status` carries what `session.status` says; permissions and questions are events of their own. */
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
 * A paste of 150 characters collapses to `[Pasted ~1 lines]`, and one that is the path of a file attaches that file: the line goes in parts, none of which
 * is either. Enter while it works queues.
 */
function place(line: string): readonly Keystrokes[] {
  return (line.match(/.{1,100}/gs) ?? []).map((paste) => ({ paste }))
}

/** Its choices are numbered where it asks, and a digit takes one, but where several may be taken (`[ ]`), which is left to a person. An approval offers three, of which the first is chosen when it opens. */
function answer(choice: string, { question = '' }: ParsedScreen): readonly Keystrokes[] | null {
  const number = chosenIn(question, choice)
  if (number !== null && !/^ *\d{1,2}\. \[.\]/mu.test(question)) return [{ type: number }]
  if (!/\bAllow once\b/u.test(question)) return null
  const wanted = choice.trim().toLowerCase()
  if (/^(?:1|y|yes|once|allow|allow once)$/u.test(wanted)) return [{ key: 'Enter' }]
  return /^(?:3|n|no|reject|deny)$/u.test(wanted) ? [{ key: 'Escape' }] : null
}

/**
 * The plugin comes in by a variable that OpenCode merges with what its own files say, so none of the person's is touched. With any plugin it
 * waits at its start for a dependency of its own that it fetches: without a way to the registry that took 81 s, and 10 s when it does not try
 * again. The plugin takes that variable away from what the agent runs.
 */
function withPlugin({ env }: AgentConfig, { home, hook }: AgentPlace): Omit<AgentStart, 'argv'> {
  if (env['OPENCODE_CONFIG_CONTENT'] !== undefined)
    return { env, without_hooks: 'OPENCODE_CONFIG_CONTENT is set in the spec, which is how the hook would come in' }
  const file = `${home}/burn-signals.js`
  const config = JSON.stringify({ plugin: [`file://${encodeURI(file)}`] })
  const own = env[retries] === undefined ? { [retries]: '0' } : {}
  return { env: { ...env, ...own, OPENCODE_CONFIG_CONTENT: config }, files: { [file]: plugin(hook, Object.keys(own)) } }
}

/**
 * The source of a plugin that tells the hook of OpenCode's events. Each of its handlers answers at once. Events of sub-agents' sessions are not this worker's turn. `unset`: variables to
 * take away from what the agent runs.
 */
function plugin(hook: string, unset: readonly string[]): string {
  return `${hookCallerSource(hook)}
const told = /^(?:permission|question)\\.(?:asked|replied|rejected)$|^session\\.idle$/
for (const name of ${JSON.stringify(unset)}) delete process.env[name]
export const burn = async () => {
  const children = new Set()
  return {
    'chat.message': async (_, { parts }) => tell('chat.message', { text: parts.map((part) => part.text ?? '').join('') }),
    event: async ({ event: { type, properties } }) => {
      if (type === 'session.created' && properties.info?.parentID) children.add(properties.info.id)
      if (children.has(properties?.sessionID) && type.startsWith('session.')) return
      if (type === 'session.status') tell(type, { status: properties.status.type }, 'status')
      else if (type === 'session.error') tell(type, { name: properties.error?.name ?? 'unknown' }, 'name')
      else if (told.test(type)) tell(type, {})
    },
  }
}
`
}

export const opencode: PaneAgent = {
  kind: 'opencode',
  command: ['opencode'],
  start: (config, at) => ({
    argv: [
      ...(config.command.length > 0 ? config.command : opencode.command),
      ...(config.model === null ? [] : ['--model', config.provider === null ? config.model : `${config.provider}/${config.model}`]),
    ],
    ...(at === null ? { env: config.env } : withPlugin(config, at)),
  }),
  parseScreen: parseOpencodeScreen,
  hookState: hookState,
  place,
  expands: [...expandingPatterns, /^[/!]/],
  take_back: clearComposerKey,
  answer,
  limits: { ready: 120_000, placed: 10_000, seen: 20_000, submit_delay: 0 },
}

/** `opencode run --format json`: `text`, `tool_use`, `step_finish` with tokens and cost, and `error`, a line each. */
function readOpencode(note: Note): AnswerReader {
  let text = ''
  let session: string | null = null
  let turns = 0
  let usage: TokenUsage | null = null
  let failed: BackendError | null = null
  return {
    line(line) {
      const event = eventIn(line)
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
          text: truncateMiddle(output, mostShown),
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
    end: (end) => ({ text, session, model: null, turns: Math.max(1, turns), usage, symptom: failed ?? failureIn(end, text) }),
  }
}

/** `run` refuses by itself whatever would be asked. */
export const opencodeSprint: SprintAgent = {
  command: ['opencode'],
  counts: 'run',
  argv: ({ model, session }) => [...'run --format json'.split(' '), ...flagged('--model', model), ...flagged('--session', session)],
  read: readOpencode,
}
