/**
 * Imitates a Hermes gateway on loopback: runs with events, stop and approval, as in `gateway/platforms/api_server.py`, and chat. It works
 * in the directory at the beginning of its input, with tools of its own.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { workIn } from './hands.ts'
import { write, type Reply, type Script, type ChatMessage } from './replies.ts'

/** The script of a gateway, and how it fails. */
export interface GatewayOptions {
  readonly script: Script
  /** False for an older gateway, which has only chat. */
  readonly runs?: boolean
  readonly key?: string
  /**
   * The way in which runs go wrong. `completed but failed` reports a failure beside the status `completed`; `lost` forgets the run itself.
   */
  readonly trouble?: 'failed' | 'completed but failed' | 'hang' | 'approval' | 'events break' | 'lost' | 'full'
}

/** A running gateway. */
export interface StandInGateway {
  readonly url: string
  /** `METHOD path`, oldest first. */
  readonly log: readonly string[]
  readonly bodies: readonly Readonly<Record<string, unknown>>[]
  /** Resolves when a line of the log matches; at once if one does already. */
  seen(line: RegExp): Promise<void>
  close(): Promise<void>
}

interface StandInRun {
  status: string
  output: string
  error: string | null
  /** The events so far. `wake` sends further ones to the client. */
  readonly events: object[]
  wake: () => void
}

type Body = Readonly<Record<string, unknown>>
const usage = { input_tokens: 1000, output_tokens: 50, total_tokens: 1050 }

/** Starts a gateway. */
export async function startGateway(options: GatewayOptions): Promise<StandInGateway> {
  const log: string[] = []
  const bodies: Body[] = []
  const watchers: (() => void)[] = []
  const runs = new Map<string, StandInRun>()
  const server = createServer((request, response) => {
    void (async () => {
      const path = (request.url ?? '').split('?')[0] ?? ''
      const body = request.method === 'POST' ? ((await json(request)) as Body) : {}
      if (request.method === 'POST') bodies.push(body)
      log.push(`${request.method} ${path}`)
      for (const watch of watchers) watch()
      answer(path, request, body, response, runs, options)
    })().catch((thrown: unknown) => response.destroy(thrown as Error))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    log,
    bodies,
    seen: (line) =>
      new Promise((resolve) => {
        const look = () => void (log.some((each) => line.test(each)) && resolve())
        watchers.push(look)
        look()
      }),
    close: () =>
      new Promise((done) => {
        // A client in this process learns of the end one turn of the event loop later.
        server.close(() => setImmediate(done))
        server.closeAllConnections()
      }),
  }
}

function answer(
  path: string,
  request: IncomingMessage,
  body: Body,
  response: ServerResponse,
  runs: Map<string, StandInRun>,
  options: GatewayOptions,
): void {
  const send = (status: number, fields: object) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(fields))
  if (path === '/health') return send(200, { status: 'ok', platform: 'hermes-agent' })
  if (options.key !== undefined && request.headers.authorization !== `Bearer ${options.key}`)
    return send(401, { error: { message: 'Invalid API key', code: 'invalid_api_key' } })
  if (path === '/v1/models') return send(200, { object: 'list', data: [{ id: 'hermes-agent' }] })
  if (path === '/v1/chat/completions') return write(chat(body['messages'] as ChatMessage[], options), response, 'hermes-agent')
  if (options.runs === false) return void response.writeHead(path.endsWith('runs') ? 405 : 404).end('405: Method Not Allowed')
  if (path === '/v1/runs' && options.trouble === 'full')
    return send(429, { error: { message: 'Too many concurrent runs (max 10)', code: 'rate_limit_exceeded' } })
  if (path === '/v1/runs') {
    const id = `run_${runs.size}`
    runs.set(id, begin(id, body, options))
    return send(202, { run_id: id, status: 'started' })
  }
  const [, id = '', what = ''] = /^\/v1\/runs\/([^/]+)\/?(\w*)$/.exec(path) ?? []
  const run = runs.get(id)
  if (run === undefined || (options.trouble === 'lost' && what === ''))
    return send(404, { error: { message: `Run not found: ${id}`, code: 'run_not_found' } })
  if (what === 'events') return follow(run, response, options)
  if (what === 'stop') end(run, 'cancelled', { event: 'run.cancelled', run_id: id })
  if (what === 'approval') complete(id, run, body['choice'] === 'deny' ? 'I was not allowed to.' : 'Allowed.')
  return send(200, { object: 'hermes.run', run_id: id, status: run.status, output: run.output, error: run.error, usage })
}

/** Returns the directory at the beginning of a text. */
function dirIn(input: string): string {
  return /^\/\S+/.exec(input)?.[0] ?? '/nowhere'
}

function chat(messages: readonly ChatMessage[], { script, trouble }: GatewayOptions): Reply {
  if (trouble === 'failed')
    return { text: 'Error: HTTP 401: no key', finish: 'error', extra: { hermes: { failed: true, error: 'HTTP 401: no key' } } }
  if (trouble === 'hang') return { hang: 'half' }
  const prompt = messages.at(-1)?.content ?? ''
  return workIn(dirIn(messages[0]?.content ?? ''), script, messages.slice(0, -1), prompt, () => undefined)
}

function begin(id: string, body: Body, { script, trouble }: GatewayOptions): StandInRun {
  const run: StandInRun = { status: 'running', output: '', error: null, events: [], wake: () => undefined }
  const input = String(body['input'])
  const emit = (event: string, fields: object) => void run.events.push({ event, run_id: id, ...fields })
  emit('message.delta', { delta: 'I ' })
  emit('message.delta', { delta: 'begin.' })
  if (trouble === 'hang') return run
  if (trouble === 'approval') {
    emit('approval.request', { command: 'rm -rf /', choices: ['once', 'deny'] })
    return run
  }
  if (trouble === 'failed') {
    run.error = 'Error code: 401 - no key'
    end(run, 'failed', { event: 'run.failed', run_id: id, error: run.error })
    return run
  }
  const reply = workIn(dirIn(input), script, (body['conversation_history'] ?? []) as ChatMessage[], input, (step) => {
    emit('tool.started', { tool: step.tool, preview: JSON.stringify(step.args) })
    emit('tool.completed', { tool: step.tool, duration: 0.25, error: !step.ok })
  })
  complete(id, run, 'text' in reply ? (reply.text ?? '') : '', trouble === 'completed but failed')
  return run
}

function complete(id: string, run: StandInRun, output: string, failed = false): void {
  run.output = output
  end(run, 'completed', { event: 'run.completed', run_id: id, output, usage, ...(failed ? { failed, error: 'HTTP 429: slow down' } : {}) })
}

function end(run: StandInRun, status: string, event: object): void {
  run.status = status
  run.events.push(event)
  run.wake()
}

/** Streams the events of a run, and further ones until the run ends. */
function follow(run: StandInRun, response: ServerResponse, { trouble }: GatewayOptions): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(': keepalive\n\n')
  let sent = 0
  run.wake = () => {
    for (const event of run.events.slice(sent)) response.write(`data: ${JSON.stringify(event)}\r\n\r\n`)
    sent = run.events.length
    if (run.status !== 'running') response.end(': stream closed\n\n')
  }
  if (trouble === 'events break' || trouble === 'lost') response.write('data: {"event": "message.de', () => response.destroy())
  else run.wake()
}
