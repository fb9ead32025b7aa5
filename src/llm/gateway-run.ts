/**
 * One run of a Hermes gateway: begun, followed by its events, and stopped there when it is to end.
 * Facts: `gateway/platforms/api_server.py` of NousResearch/hermes-agent: `POST /v1/runs` answers 202 with `run_id`; `/events` has `message.delta`, `tool.started`,
 * `tool.completed`, `approval.request`, `run.completed` (with `output` and `usage`), `run.failed`, `run.cancelled`, can be read once, and has a comment every 30 s.
 */
import type { BackendTask, Failure, TokenUsage, BackendError } from '../core/sprint.ts'
import type { Clock } from '../core/ports.ts'
import { BurnError } from '../core/errors.ts'
import { boundedBody } from './stream-limits.ts'
import { watchdog } from './budget.ts'
import type { BackendLimits } from './deps.ts'
import { requestJson, headersOf, readAnswer } from './endpoint.ts'
import { readServerSentEvents } from './server-sent-events.ts'
import { countOf, membersOf, parseJson, stringOf, type JsonObject } from '../core/json.ts'
import { symptomOf } from './failure.ts'

export interface Gateway {
  readonly url: string
  readonly key: string | null
  readonly clock: Clock
  readonly limits: BackendLimits
}

export interface RunEnd {
  readonly text: string
  readonly usage: TokenUsage | null
  /** Tools that it called. */
  readonly calls: number
  readonly symptom: BackendError | null
}

/** The run's id, or why there is none. It is answered at once, and not given up when work is stopped: a run whose id is not known could not be stopped. */
export async function beginRun(gateway: Gateway, body: JsonObject): Promise<{ readonly id: string } | { readonly symptom: BackendError }> {
  const signal = AbortSignal.timeout(2 * gateway.limits.probe_ms)
  const { value, symptom } = await requestJson(`${gateway.url}/v1/runs`, { key: gateway.key, body, signal, now: gateway.clock.now() })
  if (symptom !== null) return { symptom }
  const id = stringOf(membersOf(value)['run_id'])
  return id === null ? { symptom: { status: null, code: null, message: 'it began a run without an id' } } : { id }
}

/** Ends a run on the server. Whether it could is nothing that anything depends on: the gateway may have lost the run, or be gone. */
export async function stopRun(gateway: Gateway, id: string): Promise<void> {
  const signal = AbortSignal.timeout(gateway.limits.probe_ms)
  await requestJson(`${gateway.url}/v1/runs/${encodeURIComponent(id)}/stop`, {
    key: gateway.key,
    body: {},
    signal,
    now: gateway.clock.now(),
  })
}

/** Follows a run to its end; by looking now and then where its stream breaks. Never throws. `overdrawn` is asked after each call of a tool, and ends it. */
export async function followRun(
  gateway: Gateway,
  { id, task }: { readonly id: string; readonly task: BackendTask },
  signal: AbortSignal,
  overdrawn: (calls: number) => Failure | null,
): Promise<RunEnd> {
  const run = new Run(task)
  const idle = watchdog(gateway.limits.idle_ms)
  const ends = AbortSignal.any([signal, idle.signal])
  try {
    const response = await fetch(`${gateway.url}/v1/runs/${encodeURIComponent(id)}/events`, {
      headers: { ...headersOf(gateway.key, false), accept: 'text/event-stream' },
      redirect: 'error',
      signal: ends,
    })
    if (!response.ok || response.body === null) return run.ended((await readAnswer(response, gateway.clock.now())).symptom)
    for await (const data of readServerSentEvents(boundedBody(response.body, idle.poke))) {
      const event = membersOf(parseJson(data)?.value)
      if (run.hear(event)) return run.ended(null)
      if (run.said > gateway.limits.answer_chars) return run.ended(endless)
      if (event['event'] === 'approval.request') await deny(gateway, id, task)
      if (overdrawn(run.calls) !== null) return run.ended(null)
    }
  } catch (thrown) {
    if (signal.aborted) return run.ended(null)
    if (idle.signal.aborted)
      return run.ended({ status: null, code: 'idle', message: `nothing came for ${gateway.limits.idle_ms / 1000} s` })
    // What floods this process does so again.
    if (thrown instanceof BurnError) return run.ended(symptomOf(thrown, gateway.clock.now()))
    task.note({
      kind: 'note',
      text: `the events of run ${id} broke off (${symptomOf(thrown, gateway.clock.now()).message}); it is looked at now and then`,
    })
  } finally {
    idle.end()
  }
  return lookAt(gateway, id, run, signal)
}

const endless: BackendError = { status: null, code: 'length', message: 'its answer was cut off: it had no end' }

/** Nobody is there who could approve. */
async function deny(gateway: Gateway, id: string, task: BackendTask): Promise<void> {
  task.note({ kind: 'note', text: 'the gateway asked for an approval, which was denied: nobody is there to ask' })
  const signal = AbortSignal.timeout(gateway.limits.probe_ms)
  const body = { choice: 'deny', all: true }
  await requestJson(`${gateway.url}/v1/runs/${encodeURIComponent(id)}/approval`, {
    key: gateway.key,
    body,
    signal,
    now: gateway.clock.now(),
  })
}

/** Its events can't be read a second time, but what became of it can. */
async function lookAt(gateway: Gateway, id: string, run: Run, signal: AbortSignal): Promise<RunEnd> {
  const { clock, limits, key, url } = gateway
  while (!signal.aborted) {
    const ends = AbortSignal.any([signal, AbortSignal.timeout(limits.probe_ms)])
    const { value, symptom } = await requestJson(`${url}/v1/runs/${encodeURIComponent(id)}`, { key, signal: ends, now: clock.now() })
    if (symptom !== null) return run.ended({ ...symptom, status: null, message: `its run is lost: ${symptom.message}` })
    const status = membersOf(value)
    if (run.hear({ ...status, event: `run.${String(status['status'])}` })) break
    await clock.sleep(limits.poll_ms, signal)
  }
  return run.ended(null)
}

/** What was heard of a run. */
class Run {
  calls = 0
  /** Characters since the last call of a tool. */
  said = 0
  readonly #task: BackendTask
  #said: string[] = []
  #text = ''
  #usage: TokenUsage | null = null
  #symptom: BackendError | null = null

  constructor(task: BackendTask) {
    this.#task = task
  }

  /** True at its end. */
  hear(event: JsonObject): boolean {
    const kind = event['event']
    if (kind === 'message.delta') {
      const delta = stringOf(event['delta']) ?? ''
      this.#said.push(delta)
      this.said += delta.length
    }
    if (kind === 'tool.started') {
      this.calls++
      this.#tell()
    }
    if (kind === 'tool.completed') {
      const ms = Math.round((countOf(event['duration']) ?? 0) * 1000)
      this.#task.note({ kind: 'call', tool: stringOf(event['tool']) ?? 'tool', args: null, ok: event['error'] !== true, text: '', ms })
    }
    if (kind === 'run.completed') this.#complete(event)
    if (kind === 'run.failed') this.#symptom = { status: null, code: null, message: stringOf(event['error']) ?? 'the run failed' }
    if (kind === 'run.cancelled') this.#symptom = { status: null, code: null, message: 'the run was stopped on the server' }
    return kind === 'run.completed' || kind === 'run.failed' || kind === 'run.cancelled'
  }

  #complete(event: JsonObject): void {
    const usage = membersOf(event['usage'])
    const [tokens_in, tokens_out] = [countOf(usage['input_tokens']), countOf(usage['output_tokens'])]
    if (tokens_in !== null || tokens_out !== null) this.#usage = { tokens_in: tokens_in ?? 0, tokens_out: tokens_out ?? 0, cost: null }
    this.#tell()
    this.#text = typeof event['output'] === 'string' ? event['output'] : this.#text
    // Hermes 0.20 ends some failed runs as completed, with the failure beside the answer.
    if (event['failed'] === true)
      this.#symptom = { status: null, code: null, message: stringOf(event['error']) ?? (this.#text || 'the run failed') }
    else if (this.#text.trim() === '') this.#symptom = { status: null, code: 'empty', message: 'it answered nothing' }
  }

  #tell(): void {
    const text = this.#said.join('')
    this.#said = []
    this.said = 0
    if (text.trim() === '') return
    this.#text = text
    this.#task.note({ kind: 'said', by: 'model', text, model: null, usage: null })
  }

  ended(symptom: BackendError | null): RunEnd {
    return { text: this.#text, usage: this.#usage, calls: this.calls, symptom: symptom ?? this.#symptom }
  }
}
