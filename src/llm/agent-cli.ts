/** The backend `cli`: runs an agent's command line in the workspace, one process per turn. */
import type { SprintAgent } from '../core/agent.ts'
import type { TurnResult, Backend, BackendConfig, BackendTask, Conversation, Failure, TokenUsage } from '../core/sprint.ts'
import { messageOf } from '../core/errors.ts'
import { backendName } from '../core/sprint.ts'
import { runAgent } from './agent-process.ts'
import { inTurn, createBudgetTracker, type BudgetTracker, type Turn } from './budget.ts'
import type { BackendDeps } from './deps.ts'
import { findProgram } from '../host/find-program.ts'
import { redactor } from '../host/redact.ts'
import { failureOf } from './failure.ts'

type CliConfig = Extract<BackendConfig, { kind: 'cli' }>

/**
 * The variables of burn's environment that an agent inherits. They include no keys: an agent's keys come from the spec or from its own
 * files. With the variables of proxies and certificates the agent reaches its model.
 */
const inheritedVariables =
  /^(?:HOME|PATH|LANG|LC_\w+|TERM|TZ|USER|LOGNAME|SHELL|TMPDIR|XDG_\w+|(?:https?|no|all)_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_(?:FILE|DIR))$/i
const noUsage: TokenUsage = { tokens_in: 0, tokens_out: 0, cost: null }
const secretVariable = /key|token|secret|password/i

/** Returns a backend that runs an agent's command line. Starts no process yet. */
export function openCli(config: CliConfig, deps: BackendDeps): Backend {
  const agent = deps.sprintAgent(config.agent)
  const command = config.command.length > 0 ? config.command : agent.command
  const env = { ...environmentOf(config, deps), ...agent.env }
  return {
    name: backendName(config),
    probe: () => probeProgram(command[0] ?? '', env['PATH'] ?? ''),
    begin: (task) => new CliConversation(task, config, deps, { agent, command, env }),
  }
}

function environmentOf(config: CliConfig, { env, home }: BackendDeps): Record<string, string> {
  const base = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && inheritedVariables.test(name) ? [[name, value] as const] : [],
  )
  return { HOME: home, ...Object.fromEntries(base), ...config.env }
}

/** Returns a failure if no folder of the PATH has the program, otherwise null. Does not start the program. */
async function probeProgram(program: string, path: string): Promise<Failure | null> {
  if (program === '') return { class: 'backend_down', reason: 'the spec does not name a command for this agent' }
  if ((await findProgram(program, path)) !== null) return null
  return { class: 'backend_down', reason: `${program}: command not found` }
}

function usageSince(previous: TokenUsage, now: TokenUsage): TokenUsage {
  return { tokens_in: now.tokens_in - previous.tokens_in, tokens_out: now.tokens_out - previous.tokens_out, cost: now.cost }
}

class CliConversation implements Conversation {
  readonly #task: BackendTask
  readonly #agent: SprintAgent
  readonly #command: readonly string[]
  readonly #config: CliConfig
  readonly #env: Readonly<Record<string, string>>
  readonly #deps: BackendDeps
  readonly #budget: BudgetTracker
  readonly #redact: (text: string) => string
  #session: string | null = null
  #last = { text: '', model: null as string | null }
  /** The agent's last report of the total token usage in its session. */
  #counted = noUsage

  constructor(
    task: BackendTask,
    config: CliConfig,
    deps: BackendDeps,
    program: { readonly agent: SprintAgent; readonly command: readonly string[]; readonly env: Readonly<Record<string, string>> },
  ) {
    this.#task = task
    this.#agent = program.agent
    this.#command = program.command
    this.#config = config
    this.#env = program.env
    this.#deps = deps
    this.#budget = createBudgetTracker(task.budget, deps.clock)
    this.#redact = redactor(Object.entries(config.env).flatMap(([name, value]) => (secretVariable.test(name) ? [value] : [])))
  }

  async say(text: string, stop: AbortSignal): Promise<TurnResult> {
    this.#task.note({ kind: 'said', by: 'burn', text, model: null, usage: null })
    const failed = (thrown: unknown) => ({ class: 'internal' as const, reason: this.#redact(messageOf(thrown)) })
    const failure = await inTurn(this.#budget, stop, (turn) => this.#work(text, turn), failed)
    return { failure, ...this.#last, provider: this.#config.agent, usage: this.#budget.usage() }
  }

  async close(): Promise<void> {
    this.#session = null
  }

  async #work(text: string, turn: Turn): Promise<Failure | null> {
    const { dir, budget, note } = this.#task
    const turnsLeft = budget.turns - this.#budget.usage().turns
    const argv = [...this.#command, ...this.#agent.argv({ model: this.#config.model, session: this.#session, turns: turnsLeft })]
    const reader = this.#agent.read(note)
    const end = await runAgent({
      argv: this.#deps.wrap?.(argv, dir) ?? argv,
      cwd: dir,
      env: this.#env,
      input: text,
      signal: turn.signal,
      onLine: (line) => reader.line(line),
    })
    const result = reader.end(end)
    const previous = this.#agent.counts === 'session' && result.session === this.#session ? this.#counted : noUsage
    this.#counted = result.usage ?? this.#counted
    this.#session = result.session ?? this.#session
    this.#last = { text: result.text === '' ? this.#last.text : result.text, model: result.model ?? this.#config.model }
    if (result.usage === null && turn.ended() === null)
      note({ kind: 'note', text: `${this.#command[0] ?? ''} reports no token usage, so burn counts only its turns and its time` })
    this.#budget.add(usageSince(previous, result.usage ?? previous), result.turns)
    const error = end.flood === null ? result.error : { status: null, code: 'too_much', message: end.flood }
    return turn.ended() ?? (error === null ? null : failureOf(error, this.#config.agent, this.#redact))
  }
}
