/**
 * Imitates Ollama 0.17 on loopback: installed and loaded models, one runner at a time for each model, and the rules by which Ollama loads,
 * reloads and evicts models (server/sched.go). It records each load, so that a test can prove that a check caused none.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

/** The settings of the server. */
export interface OllamaOptions {
  readonly models: readonly string[]
  /** The maximum number of loaded models (`OLLAMA_MAX_LOADED_MODELS`). */
  readonly max_loaded?: number
  readonly load_ms?: number
  /** The time (ms) per token. */
  readonly token_ms?: number
  /** The models that Ollama passes on to its cloud. */
  readonly cloud?: readonly string[]
}

interface Runner {
  readonly name: string
  num_ctx: number
  /** The keep_alive (s) of the last request that named one. */
  keep_alive: number
  /** Requests wait for one another, as with `OLLAMA_NUM_PARALLEL=1`. */
  busy: Promise<unknown>
  alive: boolean
  used_at: number
}

/** Something that changed what is loaded: a load, a reload with other options, an eviction, or a pull. */
export interface OllamaChange {
  readonly what: 'load' | 'reload' | 'evict' | 'pull'
  readonly model: string
}

/** A running server. */
export interface StandInOllama {
  /** The address, with `/v1` at its end. */
  readonly url: string
  readonly changes: OllamaChange[]
  /** The number of generated tokens. */
  readonly tokens: () => number
  readonly loaded: () => string[]
  /** Removes a model, as `ollama rm` does. */
  remove(model: string): void
  /** Ends the process of a model's runner. `/api/ps` still lists the model. */
  killRunner(model: string): void
  close(): Promise<void>
}

/** The default context length, and the longest that the models have. */
const defaultContext = 4_096
const longestContext = 8_192
const defaultKeepAlive = 300

const full = (name: string) => (name.includes(':') ? name : `${name}:latest`)

/** Starts a server. */
export async function startOllama({
  models,
  max_loaded = 1,
  load_ms = 20,
  token_ms = 2,
  cloud = [],
}: OllamaOptions): Promise<StandInOllama> {
  const installed = new Set([...models, ...cloud].map(full))
  const clouds = new Set(cloud.map(full))
  const runners = new Map<string, Runner>()
  const changes: OllamaChange[] = []
  let tokens = 0
  let clock = 0

  /** Returns the runner of a model, as `needsReload` and `GetRunner` of Ollama decide. */
  async function runnerOf(name: string, options: Readonly<Record<string, unknown>>): Promise<{ runner: Runner; load_ns: number }> {
    const asked = Number(options['num_ctx'] ?? defaultContext)
    const num_ctx = Math.min(asked, longestContext)
    const known = runners.get(name)
    if (known?.alive === true && known.num_ctx === num_ctx) return { runner: known, load_ns: 1e6 }
    if (known !== undefined) {
      await known.busy
      changes.push({ what: 'reload', model: name })
    } else {
      const oldest = [...runners.values()].toSorted((a, b) => a.used_at - b.used_at)
      for (const { name: evicted, busy } of oldest.slice(0, Math.max(0, runners.size - max_loaded + 1))) {
        await busy
        runners.delete(evicted)
        changes.push({ what: 'evict', model: evicted })
      }
      changes.push({ what: 'load', model: name })
    }
    const runner: Runner = {
      name,
      num_ctx,
      keep_alive: known?.keep_alive ?? defaultKeepAlive,
      busy: Promise.resolve(),
      alive: true,
      used_at: 0,
    }
    runners.set(name, runner)
    runner.busy = sleep(load_ms)
    await runner.busy
    return { runner, load_ns: load_ms * 1e6 }
  }

  async function generate(body: Readonly<Record<string, unknown>>, limit: number): Promise<Readonly<Record<string, unknown>> | null> {
    const name = full(String(body['model']))
    if (!installed.has(name)) return null
    const options = (body['options'] ?? {}) as Readonly<Record<string, unknown>>
    const started = performance.now()
    const answer = { model: String(body['model']), created_at: new Date().toISOString(), done: true }
    if (clouds.has(name)) {
      tokens += 1
      return { ...answer, done_reason: 'stop', eval_count: 1, eval_duration: 1e6 }
    }
    const { runner, load_ns } = await runnerOf(name, options)
    if (body['keep_alive'] !== undefined) runner.keep_alive = Number(body['keep_alive'])
    runner.used_at = ++clock
    const before = runner.busy
    runner.busy = before.then(() => sleep(limit * token_ms))
    await runner.busy
    tokens += limit
    const total_duration = Math.round((performance.now() - started) * 1e6)
    const eval_duration = limit * token_ms * 1e6
    return {
      ...answer,
      done_reason: 'length',
      total_duration,
      load_duration: load_ns,
      prompt_eval_count: 26,
      eval_count: limit,
      eval_duration,
    }
  }

  const listed = (name: string) => ({
    name,
    model: name,
    modified_at: '2026-11-01T00:00:00Z',
    size: 1,
    digest: name,
    details: { family: 'llama', parameter_size: '1B', quantization_level: 'Q4_0' },
    ...(clouds.has(name) ? { remote_model: name, remote_host: 'https://ollama.com' } : {}),
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? ''
    const send = (value: unknown, status = 200) =>
      void response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(value))
    if (path === '/') return void response.end('Ollama is running')
    if (path === '/api/version') return send({ version: '0.17.4' })
    if (path === '/api/tags') return send({ models: [...installed].map(listed) })
    if (path === '/api/ps') {
      const running = [...runners.values()].map(({ name, num_ctx, keep_alive }) => {
        const expires_at = new Date(Date.now() + (keep_alive < 0 ? 1e12 : keep_alive * 1000)).toISOString()
        return { ...listed(name), size_vram: 0, expires_at, context_length: num_ctx }
      })
      return send({ models: running })
    }
    if (path === '/v1/models') {
      const data = [...installed].map((id) => ({ id, object: 'model', created: 1, owned_by: 'library' }))
      return send({ object: 'list', data: data.length === 0 ? null : data })
    }
    if (request.method !== 'POST') return void response.writeHead(404).end('404 page not found')
    const body = (await json(request)) as Record<string, unknown>
    const model = String(body['model'])
    if (path === '/api/pull') {
      installed.add(full(model))
      changes.push({ what: 'pull', model })
      return send({ status: 'success' })
    }
    if (path === '/v1/chat/completions') {
      const limit = Number(body['max_tokens'] ?? 16)
      const done = await generate(body, limit)
      if (done === null) return send({ error: { message: `model '${model}' not found`, type: 'api_error', param: null, code: null } }, 404)
      const message = { role: 'assistant', content: 'Hi' }
      const usage = { prompt_tokens: 26, completion_tokens: limit, total_tokens: 26 + limit }
      return send({
        id: 'chatcmpl-1',
        object: 'chat.completion',
        model,
        system_fingerprint: 'fp_ollama',
        choices: [{ index: 0, message, finish_reason: 'length' }],
        usage,
      })
    }
    if (path !== '/api/chat' && path !== '/api/generate') return void response.writeHead(404).end('404 page not found')
    const { num_predict = 16 } = (body['options'] ?? {}) as { num_predict?: number }
    const done = await generate(body, num_predict)
    if (done === null) return send({ error: `model '${model}' not found` }, 404)
    return send(path === '/api/chat' ? { ...done, message: { role: 'assistant', content: 'Hi' } } : { ...done, response: 'Hi' })
  }

  const server = createServer(
    (request, response) => void answer(request, response).catch((thrown: unknown) => response.destroy(thrown as Error)),
  )
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    changes,
    tokens: () => tokens,
    loaded: () => [...runners.keys()],
    remove: (model) => void (installed.delete(full(model)), runners.delete(full(model))),
    killRunner(model) {
      const runner = runners.get(full(model))
      if (runner !== undefined) runner.alive = false
    },
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}
