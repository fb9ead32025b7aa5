/** The backend `gateway`: a Hermes gateway on this machine, which works in the workspace with its own tools. */
import type { TurnResult, Backend, BackendConfig, BackendTask, Conversation, Failure, TokenUsage, BackendError } from '../core/sprint.ts'
import { inTurn, createBudgetTracker, type BudgetTracker, type Turn } from './budget.ts'
import { limitsOf, type BackendDeps } from './deps.ts'
import { requestJson, type Endpoint } from './endpoint.ts'
import { codeOf } from '../core/errors.ts'
import { backendName } from '../core/sprint.ts'
import { membersOf } from '../core/json.ts'
import { beginRun, followRun, stopRun, type Gateway } from './gateway-run.ts'
import { redactor } from '../host/redact.ts'
import { estimate, requestCompletion, type ChatMessage } from './completion.ts'
import { failureOf, backendErrorOf } from './failure.ts'

type GatewayConfig = Extract<BackendConfig, { kind: 'gateway' }>

/** Error codes of a client-side failure: the run still continues on the server, so burn must stop it. */
const stillRunning = ['idle', 'length', 'too_much']

/** HTTP statuses of a server that does not have the requested route. */
const noRoute = [404, 405, 501]

/** Returns a backend that runs turns on a Hermes gateway. Connects and reads the key only when a turn or a probe begins. */
export function openGateway(config: GatewayConfig, deps: BackendDeps): Backend {
  const url = config.url.replace(/\/+$/, '').replace(/\/v1$/, '')
  const gateway = async (): Promise<Gateway> => ({
    url,
    key: config.key === null ? null : await deps.secret(config.key),
    fetch: deps.fetch,
    clock: deps.clock,
    limits: limitsOf(deps),
  })
  return {
    name: redactor([])(backendName(config)),
    probe: () => probeGateway(gateway, url, deps),
    begin: (task) => new GatewayConversation(task, config.model, deps, gateway),
    stopRun: async (run) => {
      const opened = await gateway().catch(ifSecretUnreadable)
      return opened !== null && stopRun(opened, run)
    },
  }
}

/** Returns null for the error of a key that burn cannot read. Throws every other error. */
function ifSecretUnreadable(thrown: unknown): null {
  if (codeOf(thrown).startsWith('secret_')) return null
  throw thrown
}

/** `/health` shows that a gateway is running, and `/v1/models` shows that the key is valid. */
async function probeGateway(open: () => Promise<Gateway>, url: string, { clock }: BackendDeps): Promise<Failure | null> {
  try {
    const { key, fetch, limits } = await open()
    for (const path of ['/health', '/v1/models']) {
      const { value, error } = await requestJson(`${url}${path}`, {
        fetch,
        key,
        signal: AbortSignal.timeout(limits.probe_ms),
        now: clock.now(),
      })
      if (error === null && path === '/health' && membersOf(value)['status'] === undefined)
        return { class: 'backend_down', reason: `${url} is not the address of a Hermes gateway` }
      if (error === null || (path !== '/health' && error.status !== null && noRoute.includes(error.status))) continue
      const failure = failureOf(error, url, redactor(key === null ? [] : [key]))
      return error.status === null && failure.class === 'backend_failed' ? { ...failure, class: 'backend_down' } : failure
    }
    return null
  } catch (thrown) {
    return failureOf(backendErrorOf(thrown, clock.now()), url, redactor([]))
  }
}

/** The result of one turn, through the runs API or the chat API. */
interface Reply {
  readonly text: string
  readonly usage: TokenUsage | null
  readonly turns: number
  readonly error: BackendError | null
  /** The limit because of which burn ended the turn, if there is one. */
  readonly limitFailure?: Failure | null
}

class GatewayConversation implements Conversation {
  readonly #task: BackendTask
  readonly #model: string | null
  readonly #deps: BackendDeps
  readonly #open: () => Promise<Gateway>
  readonly #budget: BudgetTracker
  /** All messages of the conversation, because the runs API does not store them. */
  readonly #history: { role: 'user' | 'assistant'; content: string }[] = []
  #hasRuns = true
  #text = ''

  constructor(task: BackendTask, model: string | null, deps: BackendDeps, open: () => Promise<Gateway>) {
    this.#task = task
    this.#model = model
    this.#deps = deps
    this.#open = open
    this.#budget = createBudgetTracker(task.budget, deps.clock)
  }

  async say(text: string, stop: AbortSignal): Promise<TurnResult> {
    this.#task.note({ kind: 'said', by: 'burn', text, model: null, usage: null })
    const failed = (thrown: unknown) => failureOf(backendErrorOf(thrown, this.#deps.clock.now()), 'gateway', redactor([]))
    const failure = await inTurn(this.#budget, stop, (turn) => this.#work(text, turn), failed)
    return { failure, text: this.#text, model: this.#model, provider: 'hermes', usage: this.#budget.usage() }
  }

  async close(): Promise<void> {
    this.#history.length = 0
  }

  async #work(text: string, turn: Turn): Promise<Failure | null> {
    const gateway = await this.#open()
    const redact = redactor(gateway.key === null ? [] : [gateway.key])
    const prompt = `${this.#task.dir} is your workspace: change to this directory first, and modify no files outside of it.\n\n${text}`
    const reply = (this.#hasRuns ? await this.#run(gateway, prompt, turn) : null) ?? (await this.#chat(gateway, prompt, turn))
    this.#text = reply.text === '' ? this.#text : reply.text
    this.#budget.add(reply.usage ?? { tokens_in: 0, tokens_out: 0, cost: null }, reply.turns)
    const ended = turn.ended() ?? reply.limitFailure ?? null
    if (ended !== null) return ended
    if (reply.error !== null) return failureOf(reply.error, gateway.url, redact)
    this.#history.push({ role: 'user', content: prompt }, { role: 'assistant', content: reply.text })
    return null
  }

  /** Runs a turn through the runs API. Returns null if the gateway does not have this API. */
  async #run(gateway: Gateway, input: string, turn: Turn): Promise<Reply | null> {
    const body = {
      input,
      session_id: `burn-${this.#task.id}`,
      ...(this.#model === null ? {} : { model: this.#model }),
      ...(this.#history.length === 0 ? {} : { conversation_history: this.#history }),
    }
    const started = await beginRun(gateway, body)
    if ('error' in started) {
      if (started.error.status === null || !noRoute.includes(started.error.status))
        return { text: '', usage: null, turns: 0, error: started.error }
      this.#task.note({ kind: 'note', text: `${gateway.url} has no runs API, so burn uses its chat API` })
      this.#hasRuns = false
      return null
    }
    const turnsBefore = this.#budget.usage().turns
    const maxTurns = this.#task.budget.turns
    const turnsUsedUp = (calls: number): Failure | null =>
      turnsBefore + calls > maxTurns ? { class: 'budget', reason: `turn limit reached: ${maxTurns}` } : null
    await this.#task.recordRun(started.id)
    let mustStop = true
    try {
      const { text, usage, calls, error } = await followRun(gateway, { id: started.id, task: this.#task }, turn.signal, turnsUsedUp)
      mustStop = turn.signal.aborted || stillRunning.includes(error?.code ?? '') || turnsUsedUp(calls) !== null
      return { text, usage, turns: calls + 1, error, limitFailure: turnsUsedUp(calls) }
    } finally {
      if (!mustStop || (await stopRun(gateway, started.id))) await this.#task.recordRun(null)
    }
  }

  /**
   * Runs a turn through the chat API, which needs the whole conversation each time. The server stops working on the turn when the stream
   * closes.
   */
  async #chat(gateway: Gateway, input: string, { signal }: Turn): Promise<Reply> {
    const endpoint: Endpoint = {
      model: this.#model ?? 'hermes-agent',
      url: `${gateway.url}/v1`,
      key: gateway.key,
      provider: 'hermes',
      price: null,
      unusable: null,
    }
    const messages: ChatMessage[] = [...this.#history, { role: 'user', content: input }]
    const completion = await requestCompletion(endpoint, { ...gateway, messages, tools: [], signal })
    const { text, error } = completion
    if (text !== '')
      this.#task.note({
        kind: 'said',
        by: 'model',
        text,
        model: completion.model,
        usage: completion.usage === null ? null : { turns: 1, ...completion.usage },
      })
    return { text, usage: completion.usage ?? (error === null ? estimate(endpoint, messages, completion) : null), turns: 1, error }
  }
}
