/**
 * The runner: a loop of its own over a chain of models. The openai package has such a loop (`runTools`), which was tried and does not fit: it runs the calls of one
 * answer at the same time, so that two edits of one file race; it ends with an error where a tool throws; and it takes an answer of status 200 that says it failed for good.
 */
import type { TurnResult, Backend, BackendConfig, BackendTask, Conversation, Failure, BackendError } from '../core/sprint.ts'
import { messageOf } from '../core/errors.ts'
import { createBudgetTracker, type BudgetTracker, type Turn } from './budget.ts'
import { runToolCalls } from './tool-calls.ts'
import { limitsOf, type BackendDeps, type BackendLimits } from './deps.ts'
import { endpointsOf, probeEndpoint, type Endpoint } from './endpoint.ts'
import { hermesEndpoints } from './hermes-models.ts'
import { redactor } from '../host/redact.ts'
import { estimate, requestCompletion, type ChatMessage, type Completion } from './completion.ts'
import { failureOf } from './failure.ts'

type RunnerConfig = Extract<BackendConfig, { kind: 'runner' }>

/** How often in a row one model is waited for before the next is asked. */
const mostWaits = 2

export function openRunner(config: RunnerConfig, deps: BackendDeps): Backend {
  const limits = limitsOf(deps)
  const chain = () => (config.models.length > 0 ? endpointsOf(config.models, deps) : hermesEndpoints(config.hermes_home, deps))
  return {
    name: `runner ${config.models[0]?.model ?? 'of Hermes'}`,
    async probe() {
      const found: Failure[] = []
      for (const endpoint of await chain()) {
        const failure = await probeEndpoint(endpoint, deps, limits.probe_ms)
        if (failure === null) return null
        found.push(failure)
      }
      return found[0] ?? nobody
    },
    begin: (task) => new Talk(task, deps, limits, chain),
  }
}

const nobody: Failure = { class: 'backend_down', reason: 'no model is named, neither in the spec nor in the configuration of Hermes' }

/** One conversation, whoever of the chain speaks in it. */
class Talk implements Conversation {
  readonly #task: BackendTask
  readonly #deps: BackendDeps
  readonly #limits: BackendLimits
  readonly #resolve: () => Promise<readonly Endpoint[]>
  readonly #account: BudgetTracker
  readonly #messages: ChatMessage[] = []
  #chain: readonly Endpoint[] = []
  /** Who speaks: it stays with what worked. */
  #at = 0
  #estimated = false
  #last = { text: '', model: null as string | null, provider: null as string | null }

  constructor(task: BackendTask, deps: BackendDeps, limits: BackendLimits, resolve: () => Promise<readonly Endpoint[]>) {
    this.#task = task
    this.#deps = deps
    this.#limits = limits
    this.#resolve = resolve
    this.#account = createBudgetTracker(task.budget, deps.clock)
  }

  async say(text: string, stop: AbortSignal): Promise<TurnResult> {
    const turn = this.#account.begin(stop)
    try {
      if (this.#chain.length === 0) this.#chain = await this.#resolve()
      this.#messages.push({ role: 'user', content: text })
      this.#task.note({ kind: 'said', by: 'burn', text, model: null, usage: null })
      return this.#answer(await this.#work(turn))
    } catch (thrown) {
      return this.#answer({ class: 'internal', reason: this.#redact(messageOf(thrown)) })
    } finally {
      turn.end()
    }
  }

  async close(): Promise<void> {
    this.#messages.length = 0
  }

  #answer(failure: Failure | null): TurnResult {
    return { failure, ...this.#last, usage: this.#account.usage() }
  }

  #redact(text: string): string {
    return redactor(this.#chain.flatMap(({ key }) => key ?? []))(text)
  }

  /** Turns until the model has nothing more to do, or nobody is left to ask. */
  async #work(turn: Turn): Promise<Failure | null> {
    const failures: Failure[] = []
    let waits = 0
    let bad = 0
    for (;;) {
      const over = turn.ended() ?? this.#account.over()
      if (over !== null) return over
      const endpoint = this.#chain[this.#at]
      if (endpoint === undefined) return this.#allFailed(failures)
      const spoken = endpoint.unusable === null ? await this.#speak(endpoint, turn) : null
      const ended = turn.ended()
      if (ended !== null) return ended
      let failure = spoken === null ? endpoint.unusable : this.#failureIn(endpoint, spoken)
      if (spoken !== null && failure === null) {
        if (spoken.calls.length === 0) return null
        waits = 0
        bad = (await this.#runCalls(spoken, turn)) ? 0 : bad + 1
        if (bad >= this.#limits.bad_calls)
          failure = {
            class: 'backend_failed',
            reason: `${endpoint.model}: ${bad} answers in a row held nothing but calls that can't be run`,
          }
      }
      if (failure === null) continue
      if (waits < mostWaits && (await this.#waited(endpoint, spoken?.symptom ?? null, failure, turn))) waits++
      else {
        this.#switch(failure, failures)
        waits = 0
        bad = 0
      }
    }
  }

  async #speak(endpoint: Endpoint, { signal }: Turn): Promise<Completion> {
    const { clock } = this.#deps
    const spoken = await requestCompletion(endpoint, {
      messages: this.#messages,
      tools: this.#task.tools,
      signal,
      limits: this.#limits,
      clock,
    })
    const answered = spoken.symptom === null || spoken.text !== '' || spoken.calls.length > 0 || spoken.usage !== null
    if (answered && !signal.aborted) {
      if (spoken.usage === null && !this.#estimated) {
        this.#estimated = true
        this.#task.note({
          kind: 'note',
          text: `${endpoint.model} does not say what it uses: tokens are estimated from the length of texts`,
        })
      }
      this.#account.add(spoken.usage ?? estimate(endpoint, this.#messages, spoken))
    }
    return spoken
  }

  #failureIn(endpoint: Endpoint, spoken: Completion): Failure | null {
    if (spoken.symptom !== null) return failureOf(spoken.symptom, endpoint.model, (text) => this.#redact(text))
    const { text, calls } = spoken
    const asked = calls.map((call) => ({
      id: call.id,
      type: 'function' as const,
      function: { name: call.name, arguments: call.arguments },
    }))
    this.#messages.push({ role: 'assistant', content: text === '' ? null : text, ...(asked.length === 0 ? {} : { tool_calls: asked }) })
    this.#last = { text, model: spoken.model ?? endpoint.model, provider: endpoint.provider }
    this.#task.note({ kind: 'said', by: 'model', text, model: this.#last.model, usage: this.#account.usage() })
    return null
  }

  /** False where none of the calls could be run. */
  async #runCalls({ calls }: Completion, { signal }: Turn): Promise<boolean> {
    const { messages, bad } = await runToolCalls(calls, {
      task: this.#task,
      clock: this.#deps.clock,
      signal,
      most: this.#limits.result_chars,
    })
    this.#messages.push(...messages)
    return bad < calls.length
  }

  /** Waits as long as the endpoint asked for, where that is not too long. A little more than that, so that not all come back at the same instant. */
  async #waited(endpoint: Endpoint, symptom: BackendError | null, failure: Failure, turn: Turn): Promise<boolean> {
    const asked = symptom?.wait_ms ?? null
    if (failure.class !== 'rate_limited' || asked === null || asked > this.#limits.wait_ms) return false
    const ms = Math.ceil(asked * (1 + this.#deps.random() / 10))
    this.#task.note({ kind: 'note', text: `${endpoint.model} is asked again after ${ms} ms, as it wishes: ${failure.reason}` })
    await this.#deps.clock.sleep(ms, turn.signal)
    return true
  }

  #switch(failure: Failure, failures: Failure[]): void {
    failures.push(failure)
    this.#at++
    const next = this.#chain[this.#at]
    const then = next === undefined ? 'no other model is left' : `${next.model} goes on`
    this.#task.note({ kind: 'note', text: `${failure.reason} (${failure.class}); ${then}` })
  }

  /** The class is that of the first: the model that was meant. The next time all are asked again. */
  #allFailed(failures: readonly Failure[]): Failure {
    this.#at = 0
    const [first] = failures
    if (first === undefined) return nobody
    return { class: first.class, reason: failures.map(({ reason }) => reason).join('; ') }
  }
}
