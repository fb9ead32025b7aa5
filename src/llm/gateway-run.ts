/**
 * Starts a run on a Hermes gateway, follows its events, and stops it on the server. The facts come from `gateway/platforms/api_server.py`
 * of NousResearch/hermes-agent. `POST /v1/runs` returns 202 with `run_id`. A client can read `/events` only once. The events are
 * `message.delta`, `tool.started`, `tool.completed`, `approval.request`, `run.completed` (with `output` and `usage`), `run.failed` and
 * `run.cancelled`. The server also sends a comment every 30 s.
 */
import type { BackendTask, Failure, TokenUsage, BackendError } from '../core/sprint.ts'
import type { Clock } from '../core/ports.ts'
import { BurnError } from '../core/errors.ts'
import { boundedBody } from './stream-limits.ts'
import { watchdog } from './budget.ts'
import type { BackendLimits } from './deps.ts'
import type { Fetch } from '../host/fetch.ts'
import { requestJson, headersOf, readAnswer } from './endpoint.ts'
import { readServerSentEvents } from './server-sent-events.ts'
import { countOf, membersOf, parseJson, stringOf, type JsonObject } from '../core/json.ts'
import { backendErrorOf } from './failure.ts'

export interface Gateway {
  readonly url: string
  readonly key: string | null
  readonly fetch: Fetch
  readonly clock: Clock
  readonly limits: BackendLimits
}

export interface RunEnd {
  readonly text: string
  readonly usage: TokenUsage | null
  /** The number of tool calls in this run. */
  readonly calls: number
  readonly error: BackendError | null
}

/** Starts a run and returns its id, or an error. Does not abort when the turn is stopped: without the id, burn could not stop the run. */
export async function beginRun(gateway: Gateway, body: JsonObject): Promise<{ readonly id: string } | { readonly error: BackendError }> {
  const signal = AbortSignal.timeout(2 * gateway.limits.probe_ms)
  const { value, error } = await requestJson(`${gateway.url}/v1/runs`, {
    fetch: gateway.fetch,
    key: gateway.key,
    body,
    signal,
    now: gateway.clock.now(),
  })
  if (error !== null) return { error }
  const id = stringOf(membersOf(value)['run_id'])
  return id === null ? { error: { status: null, code: null, message: 'the gateway started a run but returned no run id' } } : { id }
}

/** Stops a run on the server. Returns false if the server does not answer. A server that no longer knows the run has ended it. */
export async function stopRun(gateway: Gateway, id: string): Promise<boolean> {
  const signal = AbortSignal.timeout(gateway.limits.probe_ms)
  const { error } = await requestJson(`${gateway.url}/v1/runs/${encodeURIComponent(id)}/stop`, {
    key: gateway.key,
    body: {},
    signal,
    now: gateway.clock.now(),
    fetch: gateway.fetch,
  })
  return error === null || error.status === 404
}

/**
 * Follows a run until it ends. If the event stream breaks off, polls the run instead. Never throws. After each event, calls `limitFailure`
 * with the number of tool calls so far; if `limitFailure` returns a failure, burn ends the run.
 */
export async function followRun(
  gateway: Gateway,
  { id, task }: { readonly id: string; readonly task: BackendTask },
  signal: AbortSignal,
  limitFailure: (calls: number) => Failure | null,
): Promise<RunEnd> {
  const run = new RunState(task)
  const idle = watchdog(gateway.limits.idle_ms)
  const endSignal = AbortSignal.any([signal, idle.signal])
  try {
    const response = await gateway.fetch(`${gateway.url}/v1/runs/${encodeURIComponent(id)}/events`, {
      headers: { ...headersOf(gateway.key, false), accept: 'text/event-stream' },
      redirect: 'error',
      signal: endSignal,
    })
    if (!response.ok || response.body === null) return run.finish((await readAnswer(response, gateway.clock.now())).error)
    for await (const data of readServerSentEvents(boundedBody(response.body, idle.poke))) {
      const event = membersOf(parseJson(data)?.value)
      if (run.apply(event)) return run.finish(null)
      if (run.saidChars > gateway.limits.answer_chars) return run.finish(endlessError)
      if (event['event'] === 'approval.request') await denyApproval(gateway, id, task)
      if (limitFailure(run.calls) !== null) return run.finish(null)
    }
  } catch (thrown) {
    if (signal.aborted) return run.finish(null)
    if (idle.signal.aborted) return run.finish({ status: null, code: 'idle', message: `no data for ${gateway.limits.idle_ms / 1000} s` })
    // The response is too large, so polling the run would fail, too.
    if (thrown instanceof BurnError) return run.finish(backendErrorOf(thrown, gateway.clock.now()))
    task.note({
      kind: 'note',
      text: `the event stream of run ${id} broke off (${backendErrorOf(thrown, gateway.clock.now()).message}); burn polls the run instead`,
    })
  } finally {
    idle.end()
  }
  return pollRun(gateway, id, run, signal)
}

const endlessError: BackendError = { status: null, code: 'length', message: 'the answer was cut off at the length limit' }

/** Denies an approval that the gateway asks for, because no person is there to approve. */
async function denyApproval(gateway: Gateway, id: string, task: BackendTask): Promise<void> {
  task.note({ kind: 'note', text: 'the gateway asked for an approval; burn denied the request, because no person is there to approve' })
  const signal = AbortSignal.timeout(gateway.limits.probe_ms)
  const body = { choice: 'deny', all: true }
  await requestJson(`${gateway.url}/v1/runs/${encodeURIComponent(id)}/approval`, {
    fetch: gateway.fetch,
    key: gateway.key,
    body,
    signal,
    now: gateway.clock.now(),
  })
}

/** Polls the status of a run until it ends. The event stream cannot be opened a second time. */
async function pollRun(gateway: Gateway, id: string, run: RunState, signal: AbortSignal): Promise<RunEnd> {
  const { clock, limits, key, url } = gateway
  while (!signal.aborted) {
    const endSignal = AbortSignal.any([signal, AbortSignal.timeout(limits.probe_ms)])
    const { value, error } = await requestJson(`${url}/v1/runs/${encodeURIComponent(id)}`, {
      fetch: gateway.fetch,
      key,
      signal: endSignal,
      now: clock.now(),
    })
    if (error !== null) return run.finish({ ...error, status: null, message: `burn can no longer follow the run: ${error.message}` })
    const status = membersOf(value)
    if (run.apply({ ...status, event: `run.${String(status['status'])}` })) break
    await clock.sleep(limits.poll_ms, signal)
  }
  return run.finish(null)
}

/** The state of a run, which is built from its events. */
class RunState {
  calls = 0
  /** The number of characters that the model wrote since its last tool call. */
  saidChars = 0
  readonly #task: BackendTask
  #pending: string[] = []
  #text = ''
  #usage: TokenUsage | null = null
  #error: BackendError | null = null

  constructor(task: BackendTask) {
    this.#task = task
  }

  /** Applies an event to the state. Returns true if the event ends the run. */
  apply(event: JsonObject): boolean {
    const kind = event['event']
    if (kind === 'message.delta') {
      const delta = stringOf(event['delta']) ?? ''
      this.#pending.push(delta)
      this.saidChars += delta.length
    }
    if (kind === 'tool.started') {
      this.calls++
      this.#flush()
    }
    if (kind === 'tool.completed') {
      const ms = Math.round((countOf(event['duration']) ?? 0) * 1000)
      this.#task.note({ kind: 'call', tool: stringOf(event['tool']) ?? 'tool', args: null, ok: event['error'] !== true, text: '', ms })
    }
    if (kind === 'run.completed') this.#complete(event)
    if (kind === 'run.failed') this.#error = { status: null, code: null, message: stringOf(event['error']) ?? 'the run failed' }
    if (kind === 'run.cancelled') this.#error = { status: null, code: null, message: 'somebody stopped the run on the server' }
    return kind === 'run.completed' || kind === 'run.failed' || kind === 'run.cancelled'
  }

  #complete(event: JsonObject): void {
    const usage = membersOf(event['usage'])
    const [tokens_in, tokens_out] = [countOf(usage['input_tokens']), countOf(usage['output_tokens'])]
    if (tokens_in !== null || tokens_out !== null) this.#usage = { tokens_in: tokens_in ?? 0, tokens_out: tokens_out ?? 0, cost: null }
    this.#flush()
    this.#text = typeof event['output'] === 'string' ? event['output'] : this.#text
    // Hermes 0.20 reports some failed runs as completed, and adds an error to the answer.
    if (event['failed'] === true)
      this.#error = { status: null, code: null, message: stringOf(event['error']) ?? (this.#text || 'the run failed') }
    else if (this.#text.trim() === '') this.#error = { status: null, code: 'empty', message: 'the answer was empty' }
  }

  #flush(): void {
    const text = this.#pending.join('')
    this.#pending = []
    this.saidChars = 0
    if (text.trim() === '') return
    this.#text = text
    this.#task.note({ kind: 'said', by: 'model', text, model: null, usage: null })
  }

  finish(error: BackendError | null): RunEnd {
    return { text: this.#text, usage: this.#usage, calls: this.calls, error: error ?? this.#error }
  }
}
