/** Agents that work from a command line: one process a turn, in the workspace. */
import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { SprintAgent } from '../core/agent.ts'
import type { TurnResult, Backend, BackendConfig, BackendTask, Conversation, Failure, TokenUsage } from '../core/sprint.ts'
import { ifCode, messageOf, noSuchPath } from '../core/errors.ts'
import { runAgent } from './agent-process.ts'
import { inTurn, createBudgetTracker, type BudgetTracker, type Turn } from './budget.ts'
import type { BackendDeps } from './deps.ts'
import { redactor } from '../host/redact.ts'
import { failureOf } from './failure.ts'

type CliConfig = Extract<BackendConfig, { kind: 'cli' }>

/** All of this process's environment that an agent gets; its keys and whatever else it needs are in the spec, or in its own files. */
const inherited = /^(?:HOME|PATH|LANG|LC_\w+|TERM|TZ|USER|LOGNAME|SHELL|TMPDIR|XDG_\w+)$/
const nothingSpent: TokenUsage = { tokens_in: 0, tokens_out: 0, cost: null }
const secretName = /key|token|secret|password/i

export function openCli(config: CliConfig, deps: BackendDeps): Backend {
  const agent = deps.sprintAgent(config.agent)
  const command = config.command.length > 0 ? config.command : agent.command
  const env = { ...environmentOf(config, deps), ...agent.env }
  return {
    name: `cli ${config.agent === 'custom' ? (command[0] ?? 'custom') : config.agent}`,
    probe: () => probeProgram(command[0] ?? '', env['PATH'] ?? ''),
    begin: (task) => new CliTalk(task, config, deps, { agent, command, env }),
  }
}

function environmentOf(config: CliConfig, { env, home }: BackendDeps): Record<string, string> {
  const base = Object.entries(env).flatMap(([name, value]) => (value !== undefined && inherited.test(name) ? [[name, value] as const] : []))
  return { HOME: home, ...Object.fromEntries(base), ...config.env }
}

/** Whether there is such a program; it is not started. */
async function probeProgram(program: string, path: string): Promise<Failure | null> {
  if (program === '') return { class: 'backend_down', reason: 'no command is written' }
  const places = program.includes('/') ? [program] : path.split(delimiter).map((dir) => join(dir, program))
  for (const place of places) if (await isProgram(place)) return null
  return { class: 'backend_down', reason: `${program}: command not found` }
}

async function isProgram(path: string): Promise<boolean> {
  const refused = [...noSuchPath, 'EACCES', 'EPERM', 'ELOOP', 'ENAMETOOLONG']
  return access(path, constants.X_OK)
    .then(async () => (await stat(path)).isFile())
    .catch(ifCode(refused, false))
}

function since(now: TokenUsage, before: TokenUsage): TokenUsage {
  return { tokens_in: now.tokens_in - before.tokens_in, tokens_out: now.tokens_out - before.tokens_out, cost: now.cost }
}

class CliTalk implements Conversation {
  readonly #task: BackendTask
  readonly #agent: SprintAgent
  readonly #command: readonly string[]
  readonly #config: CliConfig
  readonly #env: Readonly<Record<string, string>>
  readonly #deps: BackendDeps
  readonly #account: BudgetTracker
  readonly #redact: (text: string) => string
  #session: string | null = null
  #last = { text: '', model: null as string | null }
  /** What its session was said to have used before. */
  #counted = nothingSpent

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
    this.#account = createBudgetTracker(task.budget, deps.clock)
    this.#redact = redactor(Object.entries(config.env).flatMap(([name, value]) => (secretName.test(name) ? [value] : [])))
  }

  async say(text: string, stop: AbortSignal): Promise<TurnResult> {
    this.#task.note({ kind: 'said', by: 'burn', text, model: null, usage: null })
    const failed = (thrown: unknown) => ({ class: 'internal' as const, reason: this.#redact(messageOf(thrown)) })
    const failure = await inTurn(this.#account, stop, (turn) => this.#work(text, turn), failed)
    return { failure, ...this.#last, provider: this.#config.agent, usage: this.#account.usage() }
  }

  async close(): Promise<void> {
    this.#session = null
  }

  async #work(text: string, turn: Turn): Promise<Failure | null> {
    const { dir, budget, note } = this.#task
    const left = budget.turns - this.#account.usage().turns
    const argv = [...this.#command, ...this.#agent.argv({ model: this.#config.model, session: this.#session, turns: left })]
    const reader = this.#agent.read(note)
    const end = await runAgent({
      argv: this.#deps.wrap?.(argv, dir) ?? argv,
      cwd: dir,
      env: this.#env,
      input: text,
      signal: turn.signal,
      line: (line) => reader.line(line),
    })
    const said = reader.end(end)
    const before = this.#agent.counts === 'session' && said.session === this.#session ? this.#counted : nothingSpent
    this.#counted = said.usage ?? this.#counted
    this.#session = said.session ?? this.#session
    this.#last = { text: said.text === '' ? this.#last.text : said.text, model: said.model ?? this.#config.model }
    if (said.usage === null && turn.ended() === null)
      note({ kind: 'note', text: `${this.#command[0] ?? ''} does not say what it uses: only turns and time are counted` })
    this.#account.add(since(said.usage ?? before, before), said.turns)
    const symptom = end.flood === null ? said.symptom : { status: null, code: 'too_much', message: end.flood }
    return turn.ended() ?? (symptom === null ? null : failureOf(symptom, this.#config.agent, this.#redact))
  }
}
