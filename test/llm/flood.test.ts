/** Endless responses and output: burn closes the connection or kills the agent at a limit. */
import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { TurnResult, Backend, BackendConfig } from '../../src/core/sprint.ts'
import { maxEventBytes } from '../../src/llm/stream-limits.ts'
import { openBackend } from '../../src/llm/open.ts'
import { at, deps, folder, never, task } from './rig.ts'

const sse = 'text/event-stream'
const json = 'application/json'
/** Bytes that the server sends if nobody closes the connection. */
const maxSent = 64 * 1024 * 1024
/** Bytes that the buffers of the kernel and of Node may hold at both ends. */
const bufferedBytes = 12 * 1024 * 1024

interface Flood {
  /** The path of the request that gets the endless response. */
  readonly path: RegExp
  readonly status?: number
  readonly type: string
  readonly begin?: string
  readonly piece: string
}

interface Flooding {
  readonly url: string
  /** Resolves to the number of bytes that the server sent before the connection closed. */
  readonly taken: Promise<number>
  /** `METHOD path` of each request. */
  readonly log: readonly string[]
}

/** Starts a server that imitates a gateway and an endpoint. Only the flood's path gets an endless response. */
async function flooding(t: TestContext, flood: Flood): Promise<Flooding> {
  const log: string[] = []
  const { promise: taken, resolve } = Promise.withResolvers<number>()
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    log.push(`${request.method} ${path}`)
    request.resume()
    if (flood.path.test(path)) return sendFlood(flood, response, resolve)
    if (path.endsWith('/runs')) return response.writeHead(202, { 'content-type': json }).end('{"run_id": "r1"}')
    return response.writeHead(200, { 'content-type': json }).end('{"status": "ok"}')
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.after(
    () =>
      new Promise<void>((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  )
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, taken, log }
}

function sendFlood({ status = 200, type, begin = '', piece }: Flood, response: ServerResponse, closed: (bytes: number) => void): void {
  const chunk = piece.repeat(Math.ceil(65_536 / piece.length))
  let sent = 0
  response.on('close', () => closed(sent))
  response.writeHead(status, { 'content-type': type }).write(begin)
  const more = (): void => {
    while (sent < maxSent && !response.destroyed) {
      sent += chunk.length
      if (!response.write(chunk)) return void response.once('drain', more)
    }
    if (!response.destroyed) response.end()
  }
  more()
}

async function sayOnce(t: TestContext, config: BackendConfig): Promise<TurnResult> {
  const conversation = openBackend(config, deps(t)).begin(task(folder(t)))
  try {
    return await conversation.say('Do it.', never)
  } finally {
    await conversation.close()
  }
}

const runner = (url: string): BackendConfig => ({ kind: 'runner', models: [at(`${url}/v1`)], hermes_home: '' })
const gateway = (url: string): BackendConfig => ({ kind: 'gateway', url, key: null, model: null })
const call = 'data: {"choices": [{"delta": {"tool_calls": [{"id": "c", "function": {"name": "run"}}]}}]}\n\n'
const delta = `data: {"event": "message.delta", "delta": "${'x'.repeat(1000)}"}\n\n`

const floods: readonly (readonly [string, (url: string) => BackendConfig, Flood, RegExp])[] = [
  ['a stream without a line end', runner, { path: /chat/, type: sse, begin: 'data: ', piece: 'x' }, /one event .* larger than 4 MiB/],
  ['an event without an end', runner, { path: /chat/, type: sse, piece: 'data: x\n' }, /one event .* larger than 4 MiB/],
  ['an answer that is no stream', runner, { path: /chat/, type: json, begin: '{"a": "', piece: 'x' }, /larger than 4 MiB/],
  ['an error', runner, { path: /chat/, status: 500, type: json, begin: '{"a": "', piece: 'x' }, /HTTP 500/],
  ['calls of tools', runner, { path: /chat/, type: sse, piece: call }, /cut off/],
  ["a gateway's events without a line end", gateway, { path: /events/, type: sse, begin: 'data: ', piece: 'x' }, /larger than 4 MiB/],
  ["a gateway's words", gateway, { path: /events/, type: sse, piece: delta }, /cut off/],
  ["a gateway's first answer", gateway, { path: /runs$/, type: json, begin: '{"a": "', piece: 'x' }, /larger than 4 MiB/],
]
for (const [what, config, flood, reason] of floods)
  test(`flood: ${what} ends at its limit`, async (t) => {
    const { url, taken, log } = await flooding(t, flood)
    const { failure } = await sayOnce(t, config(url))
    assert.match(failure?.reason ?? '', reason)
    assert.equal(failure?.class, /cut off/.test(failure?.reason ?? '') ? 'context_overflow' : 'backend_failed')
    const bytes = await taken
    assert.ok(bytes < maxEventBytes + bufferedBytes, `the server sent ${bytes} bytes`)
    if (/events/.test(flood.path.source)) assert.ok(log.includes('POST /v1/runs/r1/stop'), log.join())
  })

test('flood: a probe ends at its limit', async (t) => {
  const { url, taken } = await flooding(t, { path: /models/, type: json, begin: '{"a": "', piece: 'x' })
  const probe = (backend: Backend) => backend.probe()
  assert.equal((await probe(openBackend(runner(url), deps(t))))?.class, 'backend_down')
  assert.ok((await taken) < maxEventBytes + bufferedBytes)
})

test('flood: kills an agent that prints no line end', async (t) => {
  const command = ['sh', '-c', "cat >/dev/null; exec tr '\\0' x </dev/zero"]
  const { failure } = await sayOnce(t, { kind: 'cli', agent: 'custom', command, model: null, env: {} })
  assert.deepEqual([failure?.class, failure?.reason], ['backend_failed', 'custom: a line of the output is longer than 16 MiB'])
})
