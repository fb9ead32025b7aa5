/**
 * OpenCode. Facts come from running 1.18.33 against a stub model server, also without a network but loopback.
 */
import type { AgentConfig } from '../core/nouns.ts'
import type { AgentKind, AgentPlace, AgentStart, Heard, Look, Piece } from '../core/agent.ts'
import { lookAtOpencode } from './opencode-screen.ts'
import { plugin } from './opencode-plugin.ts'
import { chosenIn, expanded, takeBack } from './rows.ts'
import { troubleIn } from './trouble.ts'

const retries = 'npm_config_fetch_retries'

/** `status` carries what `session.status` says; permissions and questions are events of their own. */
function heard({ event, detail }: { readonly event: string; readonly detail: string | null }): Heard | null {
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
function place(line: string): readonly Piece[] {
  return (line.match(/.{1,100}/gs) ?? []).map((paste) => ({ paste }))
}

/** Its choices are numbered where it asks, and a digit takes one, but where several may be taken (`[ ]`), which is left to a person. An approval offers three, of which the first is chosen when it opens. */
function answer(choice: string, { question = '' }: Look): readonly Piece[] | null {
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

export const opencode: AgentKind = {
  kind: 'opencode',
  command: ['opencode'],
  start: (config, at) => ({
    argv: [
      ...(config.command.length > 0 ? config.command : opencode.command),
      ...(config.model === null ? [] : ['--model', config.provider === null ? config.model : `${config.provider}/${config.model}`]),
    ],
    ...(at === null ? { env: config.env } : withPlugin(config, at)),
  }),
  look: lookAtOpencode,
  heard,
  place,
  expands: [...expanded, /^[/!]/],
  take_back: takeBack,
  answer,
  limits: { ready: 120_000, placed: 10_000, seen: 20_000, settle: 0 },
}
