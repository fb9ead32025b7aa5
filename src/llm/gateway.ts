/** A Hermes gateway on this machine: it works in the workspace with tools of its own. */
import type { TurnResult, Backend, BackendConfig, BackendTask, Conversation, Failure, TokenUsage, BackendError } from '../core/sprint.ts'
import { inTurn, createBudgetTracker, type BudgetTracker, type Turn } from './budget.ts'
import { limitsOf, type BackendDeps } from './deps.ts'
import { requestJson, type Endpoint } from './endpoint.ts'
import { membersOf } from '../core/json.ts'
import { beginRun, followRun, stopRun, type Gateway } from './gateway-run.ts'
import { redactor } from '../host/redact.ts'
import { estimate, requestCompletion, type ChatMessage } from './completion.ts'
import { failureOf, symptomOf } from './failure.ts'

type GatewayConfig = Extract<BackendConfig, { kind: 'gateway' }>

/** Symptoms after which a run still goes on at the server. */
const goesOn = ['idle', 'length', 'too_much']

/** What a server says that has no such route. */
const noRoute = [404, 405, 501]

export function openGateway(config: GatewayConfig, deps: BackendDeps): Backend {
  const url = config.url.replace(/\/+$/, '').replace(/\/v1$/, '')
  const gateway = async (): Promise<Gateway> => ({
    url,
    key: config.key === null ? null : await deps.secret(config.key),
    clock: deps.clock,
    limits: limitsOf(deps),
  })
  return {
    name: `gateway ${redactor([])(url)}`,
    probe: () => probeGateway(gateway, url, deps),
    begin: (task) => new GatewayTalk(task, config.model, deps, gateway),
  }
}

/** `/health` says that it is there, `/v1/models` whether the key is good. */
async function probeGateway(open: () => Promise<Gateway>, url: string, { clock }: BackendDeps): Promise<Failure | null> {
  try {
    const { key, limits } = await open()
    for (const path of ['/health', '/v1/models']) {
      const { value, symptom } = await requestJson(`${url}${path}`, { key, signal: AbortSignal.timeout(limits.probe_ms), now: clock.now() })
      if (symptom === null && path === '/health' && membersOf(value)['status'] === undefined)
        return { class: 'backend_down', reason: `${url}: something else answers there, and not a gateway of Hermes` }
      if (symptom === null || (path !== '/health' && symptom.status !== null && noRoute.includes(symptom.status))) continue
      const failure = failureOf(symptom, url, redactor(key === null ? [] : [key]))
      return symptom.status === null && failure.class === 'backend_failed' ? { ...failure, class: 'backend_down' } : failure
    }
    return null
  } catch (thrown) {
    return failureOf(symptomOf(thrown, clock.now()), url, redactor([]))
  }
}

/** What one `say` came to, whichever way it was asked. */
interface Said {
  readonly text: string
  readonly usage: TokenUsage | null
  readonly turns: number
  readonly symptom: BackendError | null
  /** It was ended because its turns were used up. */
  readonly over?: Failure | null
}

class GatewayTalk implements Conversation {
  readonly #task: BackendTask
  readonly #model: string | null
  readonly #deps: BackendDeps
  readonly #open: () => Promise<Gateway>
  readonly #account: BudgetTracker
  /** What was said so far: the runs API keeps no conversation by itself. */
  readonly #history: { role: 'user' | 'assistant'; content: string }[] = []
  #hasRuns = true
  #text = ''

  constructor(task: BackendTask, model: string | null, deps: BackendDeps, open: () => Promise<Gateway>) {
    this.#task = task
    this.#model = model
    this.#deps = deps
    this.#open = open
    this.#account = createBudgetTracker(task.budget, deps.clock)
  }

  async say(text: string, stop: AbortSignal): Promise<TurnResult> {
    this.#task.note({ kind: 'said', by: 'burn', text, model: null, usage: null })
    const failed = (thrown: unknown) => failureOf(symptomOf(thrown, this.#deps.clock.now()), 'gateway', redactor([]))
    const failure = await inTurn(this.#account, stop, (turn) => this.#work(text, turn), failed)
    return { failure, text: this.#text, model: this.#model, provider: 'hermes', usage: this.#account.usage() }
  }

  async close(): Promise<void> {
    this.#history.length = 0
  }

  async #work(text: string, turn: Turn): Promise<Failure | null> {
    const gateway = await this.#open()
    const redact = redactor(gateway.key === null ? [] : [gateway.key])
    const asked = `${this.#task.dir} is your workspace: change into it first, and change nothing outside of it.\n\n${text}`
    const said = (this.#hasRuns ? await this.#run(gateway, asked, turn) : null) ?? (await this.#chat(gateway, asked, turn))
    this.#text = said.text === '' ? this.#text : said.text
    this.#account.add(said.usage ?? { tokens_in: 0, tokens_out: 0, cost: null }, said.turns)
    const ended = turn.ended() ?? said.over ?? null
    if (ended !== null) return ended
    if (said.symptom !== null) return failureOf(said.symptom, gateway.url, redact)
    this.#history.push({ role: 'user', content: asked }, { role: 'assistant', content: said.text })
    return null
  }

  /** Null where the gateway has no runs. */
  async #run(gateway: Gateway, input: string, turn: Turn): Promise<Said | null> {
    const body = {
      input,
      session_id: `burn-${this.#task.id}`,
      ...(this.#model === null ? {} : { model: this.#model }),
      ...(this.#history.length === 0 ? {} : { conversation_history: this.#history }),
    }
    const begun = await beginRun(gateway, body)
    if ('symptom' in begun) {
      if (begun.symptom.status === null || !noRoute.includes(begun.symptom.status))
        return { text: '', usage: null, turns: 0, symptom: begun.symptom }
      this.#task.note({ kind: 'note', text: `${gateway.url} has no runs; it is asked by chat` })
      this.#hasRuns = false
      return null
    }
    const used = this.#account.usage().turns
    const most = this.#task.budget.turns
    const overdrawn = (calls: number): Failure | null =>
      used + calls > most ? { class: 'budget', reason: `${most} turns are used up` } : null
    let open = true
    try {
      const { text, usage, calls, symptom } = await followRun(gateway, { id: begun.id, task: this.#task }, turn.signal, overdrawn)
      open = turn.signal.aborted || goesOn.includes(symptom?.code ?? '') || overdrawn(calls) !== null
      return { text, usage, turns: calls + 1, symptom, over: overdrawn(calls) }
    } finally {
      if (open) await stopRun(gateway, begun.id)
    }
  }

  /** The whole conversation goes along each time; closing the stream ends the work on the server. */
  async #chat(gateway: Gateway, input: string, { signal }: Turn): Promise<Said> {
    const endpoint: Endpoint = {
      model: this.#model ?? 'hermes-agent',
      url: `${gateway.url}/v1`,
      key: gateway.key,
      provider: 'hermes',
      price: null,
      unusable: null,
    }
    const messages: ChatMessage[] = [...this.#history, { role: 'user', content: input }]
    const spoken = await requestCompletion(endpoint, { messages, tools: [], signal, limits: gateway.limits, clock: gateway.clock })
    const { text, symptom } = spoken
    if (text !== '')
      this.#task.note({
        kind: 'said',
        by: 'model',
        text,
        model: spoken.model,
        usage: spoken.usage === null ? null : { turns: 1, ...spoken.usage },
      })
    return { text, usage: spoken.usage ?? (symptom === null ? estimate(endpoint, messages, spoken) : null), turns: 1, symptom }
  }
}
