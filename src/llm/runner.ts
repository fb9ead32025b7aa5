/**
 * The backend `runner`: burn's own tool loop over a list of models. It does not use `runTools` of the openai package, for three reasons.
 * `runTools` runs the calls of one answer concurrently, so two edits of one file race. `runTools` stops if a tool throws. It also accepts
 * an error with HTTP status 200 as an answer.
 */
import type { TurnResult, Backend, BackendConfig, BackendTask, Conversation, Failure, BackendError } from '../core/sprint.ts'
import { messageOf } from '../core/errors.ts'
import { backendName } from '../core/sprint.ts'
import { createBudgetTracker, type BudgetTracker, type Turn } from './budget.ts'
import { runToolCalls } from './tool-calls.ts'
import { limitsOf, type BackendDeps, type BackendLimits } from './deps.ts'
import { endpointsOf, probeEndpoint, type Endpoint } from './endpoint.ts'
import { hermesEndpoints } from './hermes-models.ts'
import { redactor } from '../host/redact.ts'
import { estimate, requestCompletion, type ChatMessage, type Completion } from './completion.ts'
import { failureOf } from './failure.ts'
import { openUntil } from '../decide/model-chain.ts'
import { toSecond } from '../decide/wording.ts'

type RunnerConfig = Extract<BackendConfig, { kind: 'runner' }>

/** The number of consecutive waits for one model after which burn switches to the next model. */
const maxWaitsPerModel = 2

/** Returns a backend that runs a tool loop over the spec's models. If the spec names no models, the backend uses Hermes' models. */
export function openRunner(config: RunnerConfig, deps: BackendDeps): Backend {
  const limits = limitsOf(deps)
  const chain = () => (config.models.length > 0 ? endpointsOf(config.models, deps) : hermesEndpoints(config.hermes_home, deps))
  return {
    name: backendName(config),
    async probe() {
      const failures: Failure[] = []
      for (const endpoint of await chain()) {
        const failure = (await pausedFailure(endpoint, deps)) ?? (await probeEndpoint(endpoint, deps, limits.probe_ms))
        if (failure === null) return null
        failures.push(failure)
      }
      return failures[0] ?? noModel
    },
    begin: (task) => new RunnerConversation(task, deps, limits, chain),
  }
}

/** Returns the failure because of which the circuit breaker of a model is open; null if burn may use the model. */
async function pausedFailure(endpoint: Endpoint, { breakers, clock }: BackendDeps): Promise<Failure | null> {
  const breaker = await breakers?.of(endpoint)
  const until = breaker === undefined ? null : openUntil(breaker, clock.now())
  if (breaker?.last == null || until === null) return null
  return {
    ...breaker.last,
    reason: `${endpoint.model} is paused until ${toSecond(until)}, or until burn model check gets an answer: ${breaker.last.reason}`,
  }
}

const noModel: Failure = {
  class: 'backend_down',
  reason: 'no model is configured: neither the spec nor the configuration of Hermes names one',
}

/** One conversation. If a model fails, the next model continues the conversation. */
class RunnerConversation implements Conversation {
  readonly #task: BackendTask
  readonly #deps: BackendDeps
  readonly #limits: BackendLimits
  readonly #loadModels: () => Promise<readonly Endpoint[]>
  readonly #budget: BudgetTracker
  readonly #messages: ChatMessage[] = []
  #chain: readonly Endpoint[] = []
  /** The index of the current model. The conversation keeps using a model until it fails. */
  #current = 0
  /** The model that answered last. Its circuit breaker does not interrupt the conversation. */
  #answered: Endpoint | null = null
  #estimated = false
  #last = { text: '', model: null as string | null, provider: null as string | null }

  constructor(task: BackendTask, deps: BackendDeps, limits: BackendLimits, loadModels: () => Promise<readonly Endpoint[]>) {
    this.#task = task
    this.#deps = deps
    this.#limits = limits
    this.#loadModels = loadModels
    this.#budget = createBudgetTracker(task.budget, deps.clock)
  }

  async say(text: string, stop: AbortSignal): Promise<TurnResult> {
    const turn = this.#budget.begin(stop)
    try {
      if (this.#chain.length === 0) this.#chain = await this.#loadModels()
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
    return { failure, ...this.#last, usage: this.#budget.usage() }
  }

  #redact(text: string): string {
    return redactor(this.#chain.flatMap(({ key }) => key ?? []))(text)
  }

  /**
   * Requests completions until the model makes no more tool calls. Returns null on success, or a failure if no model is left or a limit is
   * reached.
   */
  async #work(turn: Turn): Promise<Failure | null> {
    const failures: Failure[] = []
    let waits = 0
    let badAnswers = 0
    for (;;) {
      const limitFailure = turn.ended() ?? this.#budget.limitFailure()
      if (limitFailure !== null) return limitFailure
      const endpoint = this.#chain[this.#current]
      if (endpoint === undefined) return this.#allFailed(failures)
      const unusable = endpoint.unusable ?? (this.#answered === endpoint ? null : await pausedFailure(endpoint, this.#deps))
      const completion = unusable === null ? await this.#complete(endpoint, turn) : null
      const stopped = turn.ended()
      if (stopped !== null) return stopped
      let failure = completion === null ? unusable : this.#failureIn(endpoint, completion)
      if (completion !== null && failure === null) {
        if (this.#answered !== endpoint) await this.#deps.breakers?.record(endpoint, null)
        this.#answered = endpoint
        if (completion.calls.length === 0) return null
        waits = 0
        badAnswers = (await this.#runCalls(completion, turn)) ? 0 : badAnswers + 1
        if (badAnswers >= this.#limits.bad_calls)
          failure = {
            class: 'backend_failed',
            reason: `${endpoint.model}: ${badAnswers} consecutive answers had only invalid tool calls`,
          }
      }
      if (failure === null) continue
      if (waits < maxWaitsPerModel && (await this.#waitAsAsked(endpoint, completion?.error ?? null, failure, turn))) waits++
      else {
        this.#switchModel(failure, failures)
        if (completion !== null) await this.#deps.breakers?.record(endpoint, failure)
        waits = 0
        badAnswers = 0
      }
    }
  }

  async #complete(endpoint: Endpoint, { signal }: Turn): Promise<Completion> {
    const { clock, fetch } = this.#deps
    const completion = await requestCompletion(endpoint, {
      messages: this.#messages,
      tools: this.#task.tools,
      signal,
      limits: this.#limits,
      clock,
      fetch,
    })
    const hasAnswered = completion.error === null || completion.text !== '' || completion.calls.length > 0 || completion.usage !== null
    if (hasAnswered && !signal.aborted) {
      if (completion.usage === null && !this.#estimated) {
        this.#estimated = true
        this.#task.note({
          kind: 'note',
          text: `${endpoint.model} reports no usage, so burn estimates the tokens from the number of characters`,
        })
      }
      this.#budget.add(completion.usage ?? estimate(endpoint, this.#messages, completion))
    }
    return completion
  }

  #failureIn(endpoint: Endpoint, completion: Completion): Failure | null {
    if (completion.error !== null) return failureOf(completion.error, endpoint.model, (text) => this.#redact(text))
    const { text, calls } = completion
    const toolCalls = calls.map((call) => ({
      id: call.id,
      type: 'function' as const,
      function: { name: call.name, arguments: call.arguments },
    }))
    this.#messages.push({
      role: 'assistant',
      content: text === '' ? null : text,
      ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls }),
    })
    this.#last = { text, model: completion.model ?? endpoint.model, provider: endpoint.provider }
    this.#task.note({ kind: 'said', by: 'model', text, model: this.#last.model, usage: this.#budget.usage() })
    return null
  }

  /** Runs the tool calls of an answer. Returns false if all of them were invalid. */
  async #runCalls({ calls }: Completion, { signal }: Turn): Promise<boolean> {
    const { messages, invalid } = await runToolCalls(calls, {
      task: this.#task,
      clock: this.#deps.clock,
      signal,
      maxChars: this.#limits.result_chars,
    })
    this.#messages.push(...messages)
    return invalid < calls.length
  }

  /**
   * If the endpoint asked for a wait that is not too long, waits and returns true; otherwise returns false. Adds up to 10 % to the wait, so
   * that sprints do not all retry at the same time.
   */
  async #waitAsAsked(endpoint: Endpoint, error: BackendError | null, failure: Failure, turn: Turn): Promise<boolean> {
    const wait = error?.wait_ms ?? null
    if (failure.class !== 'rate_limited' || wait === null || wait > this.#limits.max_retry_after_ms) return false
    const ms = Math.ceil(wait * (1 + this.#deps.random() / 10))
    this.#task.note({ kind: 'note', text: `burn retries ${endpoint.model} after ${ms} ms, as the endpoint asked: ${failure.reason}` })
    await this.#deps.clock.sleep(ms, turn.signal)
    return true
  }

  #switchModel(failure: Failure, failures: Failure[]): void {
    failures.push(failure)
    this.#current++
    const next = this.#chain[this.#current]
    const nextStep = next === undefined ? 'no other model is left' : `burn switches to ${next.model}`
    this.#task.note({ kind: 'note', text: `${failure.reason} (${failure.class}); ${nextStep}` })
  }

  /**
   * Returns the failure of a turn in which all models failed. The class and the wait of this failure are those of the first model, because the
   * first model is preferred. The next turn begins with the first model again.
   */
  #allFailed(failures: readonly Failure[]): Failure {
    this.#current = 0
    const [first] = failures
    if (first === undefined) return noModel
    return { ...first, reason: failures.map(({ reason }) => reason).join('; ') }
  }
}
