/** Checks of models over HTTP: the states of a model, and servers that hang, stream for ever, or are no servers of models. */
import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { ModelReading } from '../../src/core/model.ts'
import { openFetch } from '../../src/host/fetch.ts'
import { openServer, type OpenServer } from '../../src/llm/model-check.ts'
import { startOllama, type OllamaOptions } from '../stand-ins/model/ollama.ts'
import { model, secret } from './rig.ts'

const open = (url: string, key: string | null = null): Promise<OpenServer> =>
  openServer({ url, key, fetch: openFetch({}), clock: { now: () => performance.now(), sleep: async () => {} } })

async function check(url: string, name: string, more: { load?: boolean; timeout_ms?: number; key?: string } = {}): Promise<ModelReading> {
  const server = await open(url, more.key)
  return server.check(name, { load: more.load ?? false, timeout_ms: more.timeout_ms ?? 5_000 })
}

async function ollama(t: TestContext, options: OllamaOptions) {
  const server = await startOllama(options)
  t.after(() => server.close())
  return server
}

const ask = async (url: string, body: object) => {
  const response = await fetch(`${url.replace('/v1', '')}/api/chat`, { method: 'POST', body: JSON.stringify(body) })
  await response.json()
}

test('check: never loads, reloads, evicts or pulls a model of Ollama', async (t) => {
  const server = await ollama(t, { models: ['hermes4:14b', 'phi3'], cloud: ['big:cloud'] })
  assert.equal((await check(server.url, 'hermes4:14b')).state, 'not_loaded')
  assert.deepEqual([server.changes, server.tokens()], [[], 0])
  // A client that sets a context length of its own loads the model with it.
  await ask(server.url, { model: 'hermes4:14b', keep_alive: -1, options: { num_ctx: 2_048, num_predict: 3 } })
  const loaded = [{ what: 'load', model: 'hermes4:14b' }]
  const reading = await check(server.url, 'hermes4:14b')
  assert.equal(reading.state, 'answers', reading.evidence)
  assert.ok((reading.first_token_ms ?? 0) > 0)
  assert.deepEqual([server.changes, server.tokens()], [loaded, 4], 'one token, and the same context length')
  assert.equal((await check(server.url, 'phi3')).state, 'not_loaded')
  assert.equal((await check(server.url, 'gemma3:1b', { load: true })).state, 'no_such_model')
  assert.equal((await check(server.url, 'big:cloud')).state, 'answers')
  assert.deepEqual([server.changes, server.loaded()], [loaded, ['hermes4:14b']])
})

test('check --load: loads the model, and measures its speed', async (t) => {
  const server = await ollama(t, { models: ['a', 'b'], load_ms: 400 })
  const first = await check(server.url, 'a', { load: true })
  assert.deepEqual([first.state, first.evidence], ['answers', 'the model answered a check, after loading for 0.4 s'])
  assert.ok((first.tokens_per_s ?? 0) > 1)
  await check(server.url, 'b', { load: true })
  assert.deepEqual(server.loaded(), ['b:latest'])
})

test('check: tells a busy Ollama from one that lost its model', async (t) => {
  const server = await ollama(t, { models: ['a'], token_ms: 1 })
  await ask(server.url, { model: 'a', options: { num_predict: 1 } })
  const long = ask(server.url, { model: 'a', options: { num_predict: 700 } })
  assert.equal((await check(server.url, 'a', { timeout_ms: 100 })).state, 'busy')
  await long
  const opened = await open(server.url)
  server.remove('a')
  assert.equal(
    (await opened.check('a', { load: false, timeout_ms: 5_000 })).state,
    'no_such_model',
    'it vanished between list and question',
  )
  const empty = await ollama(t, { models: [] })
  assert.equal((await check(empty.url, 'a')).evidence, 'the server lists no model')
})

async function serve(t: TestContext, answer: (path: string, response: ServerResponse) => void): Promise<string> {
  const server = createServer((request, response) => answer(request.url ?? '', response))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.after(() => void (server.closeAllConnections(), server.close()))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
}

const list = JSON.stringify({ object: 'list', data: [{ id: 'm', object: 'model', owned_by: 'me' }] })

/** The answers to the list and to the question, and the state that follows. */
const bad: readonly (readonly [
  string,
  ((response: ServerResponse) => void) | null,
  ((response: ServerResponse) => void) | null,
  string,
])[] = [
  ['a web page', (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>It works!</html>'), null, 'error'],
  ['a redirect', (response) => response.writeHead(302, { location: 'http://198.51.100.7/' }).end(), null, 'error'],
  ['another JSON', (response) => response.end('{"models": 3}'), null, 'error'],
  ['a server that loads', (response) => response.writeHead(503).end('{"error":{"message":"Loading model","code":503}}'), null, 'loading'],
  ['an endless list', (response) => flood(response), null, 'error'],
  ['a page as the answer', null, (response) => response.end('<html></html>'), 'error'],
  ['a redirected question', null, (response) => response.writeHead(307, { location: '/' }).end(), 'error'],
  ['an answer that never ends', null, (response) => response.write('data: {"choices":[]}\n\n'), 'error'],
  ['an endless answer', null, (response) => flood(response), 'error'],
  ['a hang', null, () => {}, 'busy'],
  [
    'a full queue',
    null,
    (response) => response.writeHead(503).end('{"error":"server busy, please try again.  maximum pending requests exceeded"}'),
    'busy',
  ],
  ['no memory', null, (response) => response.writeHead(500).end('{"error":"model requires more system memory"}'), 'error'],
  [
    'a failed Hermes',
    null,
    (response) => response.end('{"choices":[{"message":{"content":"x"},"finish_reason":"error"}],"hermes":{"failed":true}}'),
    'error',
  ],
  ['a broken connection', null, (response) => response.destroy(), 'error'],
]

function flood(response: ServerResponse): void {
  const piece = 'x'.repeat(64 * 1024)
  const more = () => {
    while (!response.destroyed && response.write(piece));
    response.once('drain', more)
  }
  more()
}

for (const [name, listing, question, state] of bad) {
  test(`check: ${name} is ${state}`, async (t) => {
    const url = await serve(t, (path, response) => {
      if (path === '/v1/models') return listing === null ? void response.end(list) : listing(response)
      if (path === '/v1/chat/completions') return question?.(response)
      response.writeHead(404).end()
    })
    const reading = await check(url, 'm', { timeout_ms: 300 })
    assert.equal(reading.state, state, reading.evidence)
    assert.ok(reading.evidence.length < 400)
  })
}

test('check: tells a wrong key from a silent server', async (t) => {
  const keyed = await model(t, { script: [], key: 'another' })
  const refused = await check(keyed.url, 'stand-in', { key: secret })
  assert.equal(refused.state, 'error')
  assert.match(refused.evidence, /HTTP 401: .*\[redacted\]/)
  const gone = await model(t, { script: [] })
  await gone.close()
  assert.equal((await check(gone.url, 'stand-in')).state, 'unreachable')
})
