/** One answer of a model: the request, its stream put together, and what is wrong with it. */
import type { ChatCompletionMessageParam, ChatCompletionCreateParamsStreaming } from 'openai/resources/chat/completions'
import type { TokenUsage, BackendError, Tool } from '../core/sprint.ts'
import type { Clock } from '../core/ports.ts'
import { watchdog } from './budget.ts'
import type { BackendLimits } from './deps.ts'
import { openClient } from './client.ts'
import { readAnswer, type Endpoint } from './endpoint.ts'
import { countOf, membersOf, itemsOf, stringOf, type JsonObject } from '../core/json.ts'
import { symptomOf } from './failure.ts'

export type ChatMessage = ChatCompletionMessageParam

export interface ToolCall {
  readonly id: string
  readonly name: string
  /** JSON, as the model wrote it. */
  readonly arguments: string
}

export interface Completion {
  readonly text: string
  readonly calls: readonly ToolCall[]
  /** As the endpoint names it; null where it does not. */
  readonly model: string | null
  /** Null where the endpoint did not say. */
  readonly usage: TokenUsage | null
  /** Null where the answer is whole and good. */
  readonly symptom: BackendError | null
}

export interface CompletionRequest {
  readonly messages: readonly ChatMessage[]
  readonly tools: readonly Tool[]
  readonly signal: AbortSignal
  readonly limits: Pick<BackendLimits, 'idle_ms' | 'answer_chars'>
  readonly clock: Clock
}

/** Asks a model once, streaming. Never throws: what went wrong is the symptom, also where half an answer had come. */
export async function requestCompletion(
  endpoint: Endpoint,
  { messages, tools, signal, limits, clock }: CompletionRequest,
): Promise<Completion> {
  const idle = watchdog(limits.idle_ms)
  const sum = new Sum(endpoint, messages.length, limits.answer_chars)
  try {
    const client = await openClient(endpoint, idle.poke)
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
      // Some gateways answer a failure at once and whole, with status 200.
      const { value, symptom } = await readAnswer(response, clock.now())
      return symptom === null ? sum.add(value).spoken() : { ...sum.spoken(), symptom }
    }
    const { Stream } = await import('openai/streaming')
    for await (const chunk of Stream.fromSSEResponse<unknown>(response, control, client)) if (sum.add(chunk).tooLong()) break
    return idle.signal.aborted ? { ...sum.spoken(), symptom: hung(limits.idle_ms) } : sum.spoken()
  } catch (thrown) {
    return { ...sum.spoken(), symptom: idle.signal.aborted ? hung(limits.idle_ms) : symptomOf(thrown, clock.now()) }
  } finally {
    idle.end()
  }
}

/** What a call counts for beside its own characters: a model that repeats itself may make empty ones for ever. */
const callSize = 1_000

function hung(ms: number): BackendError {
  return { status: null, code: 'idle', message: `nothing came for ${ms / 1000} s` }
}

function asFunction({ name, description, parameters }: Tool): {
  type: 'function'
  function: { name: string; description: string; parameters: Record<string, unknown> }
} {
  return { type: 'function', function: { name, description, parameters: { ...parameters } } }
}

/** The pieces of an answer, put together. A whole answer is taken as one piece. */
class Sum {
  readonly #endpoint: Endpoint
  /** Makes ids of calls that have none differ from those of other answers. */
  readonly #place: number
  readonly #most: number
  readonly #texts: string[] = []
  readonly #calls: { key: unknown; id: string; name: string; arguments: string[] }[] = []
  #finish: string | null = null
  #model: string | null = null
  #usage: TokenUsage | null = null
  #error: JsonObject | null = null
  #size = 0

  constructor(endpoint: Endpoint, place: number, most: number) {
    this.#endpoint = endpoint
    this.#most = most
    this.#place = place
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
    this.#usage = this.#spentIn(membersOf(chunk['usage'])) ?? this.#usage
    // OpenRouter puts an error of the provider into the choice, Hermes its own beside it.
    if (choice['error'] !== undefined && choice['error'] !== null) this.#error = membersOf(choice['error'])
    const hermes = membersOf(chunk['hermes'])
    if (hermes['failed'] === true)
      this.#error = { message: stringOf(hermes['error']) ?? stringOf(membersOf(hermes['error'])['message']) ?? '' }
    return this
  }

  /** A piece without an index (Gemini, some gateways) begins a call where it names one, and goes on with the last otherwise. */
  #addCall(piece: JsonObject): void {
    const told = membersOf(piece['function'])
    const [id, name] = [stringOf(piece['id']), stringOf(told['name'])]
    const key = piece['index'] ?? null
    const last = this.#calls.at(-1)
    let call = key === null ? (name === null ? last : undefined) : this.#calls.find((one) => one.key === key)
    if (call === undefined) {
      call = { key, id: '', name: '', arguments: [] }
      this.#calls.push(call)
      this.#size += callSize
    }
    this.#size += (id?.length ?? 0) + (name?.length ?? 0)
    call.id = id ?? call.id
    call.name = name ?? call.name
    const args = told['arguments']
    const part = typeof args === 'string' ? args : args === undefined || args === null ? '' : JSON.stringify(args)
    call.arguments.push(part)
    this.#size += part.length
  }

  #spentIn(usage: JsonObject): TokenUsage | null {
    const [tokens_in, tokens_out] = [countOf(usage['prompt_tokens']), countOf(usage['completion_tokens'])]
    if (tokens_in === null && tokens_out === null) return null
    const spent = { tokens_in: tokens_in ?? 0, tokens_out: tokens_out ?? 0 }
    // OpenRouter and Nous say what it cost.
    return { ...spent, cost: countOf(usage['cost']) ?? costOf(this.#endpoint, spent) }
  }

  tooLong(): boolean {
    return this.#size > this.#most
  }

  spoken(): Completion {
    const text = this.#texts.join('')
    const calls = this.#calls.map((call, index) => ({
      id: call.id || `call_${this.#place}_${index}`,
      name: call.name,
      arguments: call.arguments.join(''),
    }))
    return { text, calls, model: this.#model, usage: this.#usage, symptom: this.#wrong(text, calls.length) }
  }

  #wrong(text: string, calls: number): BackendError | null {
    const finish = this.#finish
    if (this.#error !== null || finish === 'error') {
      const error = this.#error ?? {}
      const message = stringOf(error['message']) ?? (text === '' ? 'it ended with an error' : text)
      return { status: countOf(error['code']), code: stringOf(error['code']), message }
    }
    if (finish === 'length' || this.tooLong())
      return { status: null, code: 'length', message: 'its answer was cut off at the longest it can say' }
    if (finish === 'content_filter') return { status: null, code: 'content_filter', message: 'its answer was held back by a filter' }
    if (finish === null) return { status: null, code: 'broken_off', message: 'its answer broke off' }
    return text.trim() === '' && calls === 0 ? { status: null, code: 'empty', message: 'it answered nothing' } : null
  }
}

/** Dollars by the price of the spec; null where there is none. */
export function costOf(
  { price }: Pick<Endpoint, 'price'>,
  { tokens_in, tokens_out }: Pick<TokenUsage, 'tokens_in' | 'tokens_out'>,
): number | null {
  return price === null ? null : (tokens_in * price.in + tokens_out * price.out) / 1_000_000
}

/** Where an endpoint gives no usage: four characters a token, of all that was sent and said. */
export function estimate(endpoint: Endpoint, messages: readonly ChatMessage[], { text, calls }: Completion): TokenUsage {
  const tokens_in = Math.ceil(JSON.stringify(messages).length / 4)
  const tokens_out = Math.ceil(calls.reduce((size, call) => size + call.name.length + call.arguments.length, text.length) / 4)
  return { tokens_in, tokens_out, cost: costOf(endpoint, { tokens_in, tokens_out }) }
}
