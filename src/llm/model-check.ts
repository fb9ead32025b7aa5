/**
 * Checks whether a model answers. A check costs one token. It never makes the server pull, load, reload or evict a model, unless a person
 * allows it to load the model.
 */
import type { ListedModel, ModelReading, RequestFailure, ServerFacts } from '../core/model.ts'
import type { ModelAnswer } from '../decide/model-state.ts'
import { countOf, itemsOf, membersOf, stringOf, type JsonObject } from '../core/json.ts'
import { beforeAsking, stateAfterAnswer, stateAfterFailure, stateWithoutList } from '../decide/model-state.ts'
import { askServer, isLocalServer, readServer, type ServerAddress } from './model-server.ts'

/** The limits of a check. */
export interface CheckLimits {
  /** True if a person allows the check to load the model. */
  readonly load: boolean
  /** The timeout (ms) of the question to the model. */
  readonly timeout_ms: number
}

/** The timeout (ms) of a request that involves no model. */
const listTimeout = 5_000

/** The number of tokens of a check that may load a model. It is enough to measure the speed. */
const loadTokens = 16

/** A server whose facts burn has read. */
export interface OpenServer {
  /** Null if the server did not list its models. */
  readonly facts: ServerFacts | null
  /** Checks one model of the server. */
  readonly check: (model: string, limits: CheckLimits) => Promise<ModelReading>
}

/** Reads the facts of a server. Returns them with a function that checks its models. */
export async function openServer(address: ServerAddress): Promise<OpenServer> {
  const facts = await readServer(address, listTimeout)
  if ('failure' in facts) return { facts: null, check: async () => stateWithoutList(facts.failure) }
  return { facts, check: (model, limits) => checkModel(address, facts, model, limits) }
}

async function checkModel(
  address: ServerAddress,
  facts: ServerFacts,
  model: string,
  { load, timeout_ms }: CheckLimits,
): Promise<ModelReading> {
  const before = beforeAsking(facts, model, { load, local: isLocalServer(address.url) })
  if ('state' in before) return before.state
  const answer = await askModel(address, facts, { model, listed: before.ask, load }, timeout_ms)
  return 'failure' in answer ? stateAfterFailure(answer.failure, facts, timeout_ms) : stateAfterAnswer(answer, model, facts)
}

interface Question {
  readonly model: string
  readonly listed: ListedModel | null
  readonly load: boolean
}

async function askModel(
  address: ServerAddress,
  { kind }: Pick<ServerFacts, 'kind'>,
  { model, listed, load }: Question,
  timeout_ms: number,
): Promise<ModelAnswer | { readonly failure: RequestFailure }> {
  const tokens = load ? loadTokens : 1
  const messages = [{ role: 'user', content: 'Hi' }]
  const startedAt = address.clock.now()
  // Only Ollama's own API reports times, and accepts the context length that keeps it from loading the model again.
  const [path, body] =
    kind === 'ollama'
      ? [{ root: '/api/chat' }, { model, messages, stream: false, options: ollamaOptions(tokens, listed) }]
      : [{ api: '/chat/completions' }, { model, messages, stream: false, max_tokens: tokens }]
  let answer = await askServer(address, path, timeout_ms, body)
  // Newer models of OpenAI refuse `max_tokens`.
  if ('failure' in answer && answer.failure.status === 400 && answer.failure.reason.includes('max_completion_tokens'))
    answer = await askServer(address, path, timeout_ms, { model, messages, stream: false, max_completion_tokens: tokens })
  if ('failure' in answer) return answer
  const ms = address.clock.now() - startedAt
  const value = membersOf(answer.value)
  return (kind === 'ollama' ? ollamaAnswer(value, ms) : openAiAnswer(value, ms, tokens)) ?? { failure: malformed(address.url) }
}

/**
 * Ollama loads a model again if the context length of a request differs from that of the loaded model. A request without a context length
 * asks for the default one. So burn repeats the context length of the loaded model.
 */
function ollamaOptions(tokens: number, listed: ListedModel | null): JsonObject {
  const context = listed?.context ?? null
  return { num_predict: tokens, temperature: 0, ...(context === null ? {} : { num_ctx: context }) }
}

const second_ns = 1e9

function ollamaAnswer(value: JsonObject, ms: number): ModelAnswer | null {
  if (value['done'] !== true) return null
  const [count, duration, load] = ['eval_count', 'eval_duration', 'load_duration'].map((key) => countOf(value[key]))
  const [generated, seconds] = [count ?? 0, (duration ?? 0) / second_ns]
  // The first token comes with the end of the prompt, so a single token shows no speed.
  const tokens_per_s = generated > 1 && seconds > 0 ? generated / seconds : null
  const rest_ms = generated > 1 ? seconds * 1_000 : 0
  return { model: stringOf(value['model']), ms: Math.max(0, ms - rest_ms), tokens_per_s, load_ms: load == null ? null : load / 1e6 }
}

function openAiAnswer(value: JsonObject, ms: number, asked: number): ModelAnswer | null {
  const choice = membersOf(itemsOf(value['choices'])[0])
  // A gateway of Hermes reports a failure of its provider with status 200.
  if (choice['message'] === undefined || choice['finish_reason'] === 'error' || membersOf(value['hermes'])['failed'] === true) return null
  const timings = membersOf(value['timings'])
  const [count, generated_ms] = [countOf(timings['predicted_n']), countOf(timings['predicted_ms'])]
  const tokens_per_s = asked > 1 && (count ?? 0) > 1 ? countOf(timings['predicted_per_second']) : null
  const rest_ms = asked > 1 ? (generated_ms ?? 0) : 0
  return { model: stringOf(value['model']), ms: Math.max(0, ms - rest_ms), tokens_per_s, load_ms: null }
}

function malformed(url: string): RequestFailure {
  const reason = `${url}: the answer is not a completion`
  return { class: 'backend_failed', reason, status: 200, code: null, timed_out: false, began: true }
}
