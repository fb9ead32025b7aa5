/** Requests one completion from a model, and assembles the streamed answer. */
import type { ChatCompletionMessageParam, ChatCompletionCreateParamsStreaming } from 'openai/resources/chat/completions'
import type { TokenUsage, BackendError, Tool } from '../core/sprint.ts'
import type { Clock } from '../core/ports.ts'
import { watchdog } from './budget.ts'
import type { BackendLimits } from './deps.ts'
import { openClient } from './client.ts'
import type { Fetch } from '../host/fetch.ts'
import { readAnswer, type Endpoint } from './endpoint.ts'
import { countOf, membersOf, itemsOf, stringOf, type JsonObject } from '../core/json.ts'
import { backendErrorOf } from './failure.ts'

export type ChatMessage = ChatCompletionMessageParam

export interface ToolCall {
  readonly id: string
  readonly name: string
  /** The arguments of the call, as the model wrote them: JSON, unchecked. */
  readonly arguments: string
}

export interface Completion {
  readonly text: string
  readonly calls: readonly ToolCall[]
  /** The model's name as the endpoint reports it; null if the endpoint does not report one. */
  readonly model: string | null
  /** Null if the endpoint reports no usage. */
  readonly usage: TokenUsage | null
  /** The reason why the answer is incomplete or invalid; null if the answer is complete and valid. */
  readonly error: BackendError | null
}

export interface CompletionRequest {
  readonly messages: readonly ChatMessage[]
  readonly tools: readonly Tool[]
  readonly signal: AbortSignal
  readonly limits: Pick<BackendLimits, 'idle_ms' | 'answer_chars'>
  readonly clock: Clock
  readonly fetch: Fetch
}

/** Requests one streamed completion. Never throws: on a failure, the result has `error` and the part of the answer that arrived. */
export async function requestCompletion(
  endpoint: Endpoint,
  { messages, tools, signal, limits, clock, fetch }: CompletionRequest,
): Promise<Completion> {
  const idle = watchdog(limits.idle_ms)
  const builder = new CompletionBuilder(endpoint, messages.length, limits.answer_chars)
  try {
    const client = await openClient({ ...endpoint, fetch }, idle.poke)
    const params: ChatCompletionCreateParamsStreaming = {
      model: endpoint.model,
      messages: [...messages],
      stream: true,
      stream_options: { include_usage: true },
      ...(tools.length === 0 ? {} : { tools: tools.map(asFunction) }),
    }
    const control = new AbortController()
    const ends = AbortSignal.any([signal, idle.signal])
    ends.addEventListener('abort', () => control.abort(), { once: true })
    if (ends.aborted) control.abort()
    const response = await client.chat.completions.create(params, { signal: control.signal }).asResponse()
    if (/\bjson\b/.test(response.headers.get('content-type') ?? '')) {
      // Some gateways report a failure as plain JSON with HTTP status 200.
      const { value, error } = await readAnswer(response, clock.now())
      return error === null ? builder.add(value).build() : { ...builder.build(), error }
    }
    const { Stream } = await import('openai/streaming')
    for await (const chunk of Stream.fromSSEResponse<unknown>(response, control, client)) if (builder.add(chunk).isTooLong()) break
    return idle.signal.aborted ? { ...builder.build(), error: idleError(limits.idle_ms) } : builder.build()
  } catch (thrown) {
    return { ...builder.build(), error: idle.signal.aborted ? idleError(limits.idle_ms) : backendErrorOf(thrown, clock.now()) }
  } finally {
    idle.end()
  }
}

/**
 * The number of characters that each call counts in addition to its text. Without this number, a model that repeats itself could send empty
 * calls for ever.
 */
const charsPerCall = 1_000

function idleError(ms: number): BackendError {
  return { status: null, code: 'idle', message: `no data for ${ms / 1000} s` }
}

function asFunction({ name, description, parameters }: Tool): {
  type: 'function'
  function: { name: string; description: string; parameters: Record<string, unknown> }
} {
  return { type: 'function', function: { name, description, parameters: { ...parameters } } }
}

/** Assembles an answer from its chunks. An answer that is not streamed is one chunk. */
class CompletionBuilder {
  readonly #endpoint: Endpoint
  /** This number is part of the call ids that burn generates, so that the ids are unique within the conversation. */
  readonly #turn: number
  readonly #maxChars: number
  readonly #texts: string[] = []
  readonly #calls: { key: unknown; id: string; name: string; arguments: string[] }[] = []
  #finish: string | null = null
  #model: string | null = null
  #usage: TokenUsage | null = null
  #error: JsonObject | null = null
  #size = 0

  constructor(endpoint: Endpoint, turn: number, maxChars: number) {
    this.#endpoint = endpoint
    this.#maxChars = maxChars
    this.#turn = turn
  }

  add(piece: unknown): this {
    const chunk = membersOf(piece)
    const choice = membersOf(itemsOf(chunk['choices'])[0])
    const delta = membersOf(choice['delta'] ?? choice['message'])
    const text = stringOf(delta['content'])
    if (text !== null) this.#texts.push(text)
    this.#size += text?.length ?? 0
    for (const call of itemsOf(delta['tool_calls'])) this.#addCall(membersOf(call))
    this.#finish = stringOf(choice['finish_reason']) ?? this.#finish
    this.#model = stringOf(chunk['model']) ?? this.#model
    this.#usage = this.#usageIn(membersOf(chunk['usage'])) ?? this.#usage
    // OpenRouter reports a provider's error inside `choices`. Hermes reports its own error beside `choices`.
    if (choice['error'] !== undefined && choice['error'] !== null) this.#error = membersOf(choice['error'])
    const hermes = membersOf(chunk['hermes'])
    if (hermes['failed'] === true)
      this.#error = { message: stringOf(hermes['error']) ?? stringOf(membersOf(hermes['error'])['message']) ?? '' }
    return this
  }

  /**
   * Adds a piece of a tool call. Gemini and some gateways send pieces without an index. In that case, a piece with a name begins a new
   * call, and any other piece continues the last call.
   */
  #addCall(piece: JsonObject): void {
    const called = membersOf(piece['function'])
    const [id, name] = [stringOf(piece['id']), stringOf(called['name'])]
    const key = piece['index'] ?? null
    const last = this.#calls.at(-1)
    let call = key === null ? (name === null ? last : undefined) : this.#calls.find((one) => one.key === key)
    if (call === undefined) {
      call = { key, id: '', name: '', arguments: [] }
      this.#calls.push(call)
      this.#size += charsPerCall
    }
    this.#size += (id?.length ?? 0) + (name?.length ?? 0)
    call.id = id ?? call.id
    call.name = name ?? call.name
    const args = called['arguments']
    const part = typeof args === 'string' ? args : args === undefined || args === null ? '' : JSON.stringify(args)
    call.arguments.push(part)
    this.#size += part.length
  }

  #usageIn(usage: JsonObject): TokenUsage | null {
    const [tokens_in, tokens_out] = [countOf(usage['prompt_tokens']), countOf(usage['completion_tokens'])]
    if (tokens_in === null && tokens_out === null) return null
    const spent = { tokens_in: tokens_in ?? 0, tokens_out: tokens_out ?? 0 }
    // OpenRouter and Nous report the cost of a request.
    return { ...spent, cost: countOf(usage['cost']) ?? costOf(this.#endpoint, spent) }
  }

  isTooLong(): boolean {
    return this.#size > this.#maxChars
  }

  build(): Completion {
    const text = this.#texts.join('')
    const calls = this.#calls.map((call, index) => ({
      id: call.id || `call_${this.#turn}_${index}`,
      name: call.name,
      arguments: call.arguments.join(''),
    }))
    return { text, calls, model: this.#model, usage: this.#usage, error: this.#errorIn(text, calls.length) }
  }

  #errorIn(text: string, calls: number): BackendError | null {
    const finish = this.#finish
    if (this.#error !== null || finish === 'error') {
      const error = this.#error ?? {}
      const message = stringOf(error['message']) ?? (text === '' ? 'the model ended its answer with an error' : text)
      return { status: countOf(error['code']), code: stringOf(error['code']), message }
    }
    if (finish === 'length' || this.isTooLong())
      return { status: null, code: 'length', message: 'the answer was cut off at the length limit' }
    if (finish === 'content_filter') return { status: null, code: 'content_filter', message: 'a content filter withheld the answer' }
    if (finish === null) return { status: null, code: 'broken_off', message: 'the answer broke off' }
    return text.trim() === '' && calls === 0 ? { status: null, code: 'empty', message: 'the answer was empty' } : null
  }
}

/** Returns the cost in US dollars at the price in the spec; null if the spec has no price. */
export function costOf(
  { price }: Pick<Endpoint, 'price'>,
  { tokens_in, tokens_out }: Pick<TokenUsage, 'tokens_in' | 'tokens_out'>,
): number | null {
  return price === null ? null : (tokens_in * price.in + tokens_out * price.out) / 1_000_000
}

/** Estimates the usage if the endpoint reports none. Counts one token per four characters of the request and the answer. */
export function estimate(endpoint: Endpoint, messages: readonly ChatMessage[], { text, calls }: Completion): TokenUsage {
  const tokens_in = Math.ceil(JSON.stringify(messages).length / 4)
  const tokens_out = Math.ceil(calls.reduce((size, call) => size + call.name.length + call.arguments.length, text.length) / 4)
  return { tokens_in, tokens_out, cost: costOf(endpoint, { tokens_in, tokens_out }) }
}
