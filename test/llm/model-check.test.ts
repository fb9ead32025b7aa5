/** Checks of models over HTTP: the states of a model, and servers that hang, stream for ever, or are no servers of models. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { ModelReading } from '../../src/core/model.ts'
import { openFetch } from '../../src/host/fetch.ts'
import { openServer, type OpenServer } from '../../src/llm/model-check.ts'
import { badServers, startBadServer } from '../stand-ins/model/bad-servers.ts'
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

/** The answers of servers by path, and the states of the models `a` and `b`. */
const kinds: readonly (readonly [string, Readonly<Record<string, object | string>>, readonly string[]])[] = [
  [
    'LM Studio',
    {
      '/v1/models': { data: ['a', 'b'].map((id) => ({ id, owned_by: 'organization_owner' })) },
      '/api/v0/models': {
        data: [
          { id: 'a', state: 'loaded' },
          { id: 'b', state: 'not-loaded' },
        ],
      },
    },
    ['answers', 'not_loaded'],
  ],
  [
    'llama.cpp with several models',
    {
      '/v1/models': {
        data: [
          { id: 'a', owned_by: 'llamacpp', status: { value: 'loading' } },
          { id: 'b', status: { value: 'unloaded' } },
        ],
      },
    },
    ['loading', 'not_loaded'],
  ],
  [
    'a busy llama.cpp',
    { '/v1/models': { data: [{ id: 'a', owned_by: 'llamacpp' }] }, '/slots': [{ is_processing: true }] },
    ['busy', 'no_such_model'],
  ],
  [
    'a busy vLLM',
    {
      '/v1/models': { data: [{ id: 'a', owned_by: 'vllm', max_model_len: 4096 }] },
      '/metrics': '# TYPE x gauge\nvllm:num_requests_running{engine="0"} 8.0\nvllm:num_requests_waiting{engine="0"} 2.0\n',
    },
    ['busy', 'no_such_model'],
  ],
  ['a server that swaps models', { '/v1/models': { data: [{ id: 'a', owned_by: 'llama-swap' }, { id: 'b' }] } }, ['unknown', 'unknown']],
]

for (const [name, answers, states] of kinds) {
  test(`check: reads which models ${name} has loaded`, async (t) => {
    const server = createServer(({ url = '' }, response) => {
      const answer = url === '/v1/chat/completions' ? { choices: [{ message: { content: '' } }] } : answers[url]
      if (answer === undefined) response.writeHead(404).end()
      else response.end(typeof answer === 'string' ? answer : JSON.stringify(answer))
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    t.after(() => void (server.closeAllConnections(), server.close()))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
    assert.deepEqual([(await check(url, 'a')).state, (await check(url, 'b')).state], states)
  })
}

for (const server of badServers) {
  test(`check: ${server.name} is ${server.state}`, async (t) => {
    const { url, close } = await startBadServer(server)
    t.after(close)
    const reading = await check(url, 'm', { timeout_ms: 300 })
    assert.equal(reading.state, server.state, reading.evidence)
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
