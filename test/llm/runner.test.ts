/** The backend `runner`, over HTTP with stand-in models: tool calls, the switch to the next model, and failures. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { FailureClass } from '../../src/core/sprint.ts'
import type { ModelConfig } from '../../src/core/model-settings.ts'
import type { Breaker, Breakers } from '../../src/core/model.ts'
import { breakerAfter, closedBreaker } from '../../src/decide/model-chain.ts'
import { openBackend } from '../../src/llm/open.ts'
import type { Reply } from '../stand-ins/model/replies.ts'
import { at, deps, echo, folder, model, never, secret, task, type TestDeps } from './rig.ts'

function runner(models: readonly ModelConfig[], testDeps: TestDeps) {
  return openBackend({ kind: 'runner', models, hermes_home: '/nowhere' }, testDeps)
}

/** Returns the URL of a port where nothing listens. */
async function closedPort(t: TestContext): Promise<string> {
  const gone = await model(t, { script: [] })
  await gone.close()
  return gone.url
}

test('runner: calls tools until the model is done', async (t) => {
  const server = await model(t, {
    script: [
      {
        text: 'I look.',
        calls: [
          { name: 'echo', args: { text: 'héllo' } },
          { name: 'echo', args: '' },
        ],
      },
      { text: 'It is done.' },
      { text: 'Mended.' },
    ],
    key: secret,
  })
  const testTask = task(folder(t), { tools: [echo()] })
  const conversation = runner([at(server.url, { key: { env: 'KEY' }, provider: 'nous', price: { in: 1, out: 10 } })], deps(t)).begin(
    testTask,
  )
  const answer = await conversation.say('Do it.', never)
  assert.deepEqual(answer, {
    failure: null,
    text: 'It is done.',
    model: 'stand-in',
    provider: 'nous',
    usage: { turns: 2, tokens_in: 200, tokens_out: 20, cost: 0.0004 },
  })
  const again = await conversation.say('The check is red.', never)
  assert.equal(again.text, 'Mended.')
  assert.equal(again.usage.turns, 3)
  await conversation.close()
  assert.deepEqual(
    server.requests[2]?.messages.map(({ role, content }) => `${role}: ${content}`),
    ['user: Do it.', 'assistant: I look.', 'tool: héllo', 'tool: (no output)', 'assistant: It is done.', 'user: The check is red.'],
  )
  assert.deepEqual(testTask.texts('call'), ['echo true héllo', 'echo true '])
  assert.deepEqual(testTask.texts('said'), ['Do it.', 'I look.', 'It is done.', 'The check is red.', 'Mended.'])
  const [request] = server.requests
  assert.ok(request)
  assert.deepEqual(
    Object.keys(request.headers).filter((name) => /^x-|openai/.test(name)),
    [],
    'the package must send no data about this machine',
  )
  assert.deepEqual([request.body['stream'], request.body['stream_options']], [true, { include_usage: true }])
})

test('runner: sends no value of OPENAI_* to an endpoint', async (t) => {
  const names = ['API_KEY', 'ADMIN_KEY', 'BASE_URL', 'ORG_ID', 'PROJECT_ID', 'CUSTOM_HEADERS', 'LOG', 'WEBHOOK_SECRET']
  for (const name of names) process.env[`OPENAI_${name}`] = name === 'CUSTOM_HEADERS' ? 'authorization: Bearer env\nx-env: env' : 'env'
  t.after(() => names.forEach((name) => delete process.env[`OPENAI_${name}`]))
  const server = await model(t, { script: [{ text: 'Done.', comments: true }] })
  assert.equal(
    (
      await runner([at(server.url)], deps(t))
        .begin(task(folder(t)))
        .say('Do it.', never)
    ).failure,
    null,
  )
  const { host: _, ...headers } = server.requests[0]?.headers ?? {}
  assert.ok(!JSON.stringify(headers).includes('env'), JSON.stringify(headers))
  assert.equal(headers.authorization, undefined, 'no key if the spec has none')
})

/** The reply of the first model, the class of the failure if it is the only model, and the reason. */
const failures: readonly (readonly [string, Reply, FailureClass, RegExp])[] = [
  ['401', { status: 401, error: { message: `bad key ${secret}`, code: 'invalid_api_key' } }, 'auth', /HTTP 401: bad key \[redacted\]/],
  ['402', { status: 402, error: { message: 'Insufficient credits' } }, 'auth', /credits/],
  [
    '404 of OpenAI',
    { status: 404, error: { message: 'The model `x` does not exist', code: 'model_not_found' } },
    'model_unknown',
    /does not exist/,
  ],
  ['404 of Ollama', { status: 404, error: { message: 'model "x" not found, try pulling it first' } }, 'model_unknown', /pulling/],
  ['404 of another server', { status: 404, error: '404 page not found' }, 'backend_down', /404/],
  ['429 without a time', { status: 429, error: { message: 'slow down' } }, 'rate_limited', /slow down/],
  ['429 for too long', { status: 429, headers: { 'retry-after': '3600' } }, 'rate_limited', /429/],
  ['500', { status: 500, error: '<html>oops</html>' }, 'backend_failed', /HTTP 500/],
  ['503', { status: 503, error: { message: 'loading' } }, 'backend_down', /loading/],
  ['too much context', { status: 400, error: { message: 'too long', code: 'context_length_exceeded' } }, 'context_overflow', /too long/],
  ['a redirect', { status: 302, headers: { location: 'http://198.51.100.7/' } }, 'backend_failed', /redirect/],
  ['an empty answer', { text: ' ' }, 'empty_answer', /answer was empty/],
  ['an answer cut off by its length', { text: 'and so', finish: 'length' }, 'context_overflow', /cut off/],
  ['an answer withheld by a filter', { text: '', finish: 'content_filter' }, 'backend_failed', /filter/],
  [
    'an error of status 200',
    { text: 'API call failed: HTTP 429', finish: 'error', extra: { hermes: { failed: true } } },
    'rate_limited',
    /API call/,
  ],
  [
    'a failure that Hermes reports beside an answer',
    { text: 'Sorry.', extra: { hermes: { failed: true, error: { message: 'HTTP 401: no key' } } } },
    'auth',
    /HTTP 401/,
  ],
  ['an endless answer', { text: 'x'.repeat(2_001) }, 'context_overflow', /cut off/],
  ['an error in a stream', { text: '', extra: { error: { message: 'provider overloaded', code: 529 } } }, 'rate_limited', /overloaded/],
  ['an error without a stream', { json: { error: { message: 'no such model: x' } } }, 'model_unknown', /no such model/],
  ['a page without a stream', { json: 'hello' }, 'backend_failed', /broke off/],
  ['a connection that breaks', { cut: 'break' }, 'backend_failed', /./],
  ['a stream that ends too early', { cut: 'end' }, 'backend_failed', /broke off/],
  ['a stream of no JSON', { raw: 'data: {"choices": [\n\ndata: [DONE]\n\n' }, 'backend_failed', /JSON/],
  ['a stream of nothing', { raw: 'data: [DONE]\n\n' }, 'backend_failed', /broke off/],
  ['a stream of nonsense', { raw: 'data: null\n\ndata: [1]\n\ndata: {"choices": 3}\n\n' }, 'backend_failed', /./],
  ['no answer', { hang: 'at once' }, 'backend_failed', /no data for 0.1 s/],
  ['half an answer', { hang: 'half' }, 'backend_failed', /no data for 0.1 s/],
]

for (const [name, trouble, expected, reason] of failures) {
  test(`runner: ${name} fails as ${expected} or switches the model`, async (t) => {
    const first = await model(t, { script: [trouble] })
    const second = await model(t, { script: [{ text: 'I can.' }] })
    const hangs = 'hang' in trouble
    const printed = (['error', 'warn', 'log'] as const).map((name) => t.mock.method(console, name, () => undefined))
    const testDeps = deps(t, { idle_ms: hangs ? 100 : 30_000, answer_chars: 2_000 })
    const alone = await runner([at(first.url, { key: { env: 'KEY' } })], testDeps)
      .begin(task(folder(t)))
      .say('Do it.', never)
    assert.equal(alone.failure?.class, expected, alone.failure?.reason)
    assert.match(alone.failure?.reason ?? '', reason)
    assert.ok(!JSON.stringify(alone).includes(secret))
    assert.ok([hangs ? 0 : 1, 1].includes(first.requests.length), 'the package must not retry')
    const testTask = task(folder(t))
    // The second model must answer within this time, on a busy machine, too. There the first one may not even get the request in 0.1 s.
    const nextDeps = hangs ? deps(t, { idle_ms: 1_000 }) : testDeps
    const chained = await runner([at(first.url), at(second.url, { model: 'other' })], nextDeps)
      .begin(testTask)
      .say('Do it.', never)
    assert.deepEqual([chained.failure, chained.text, chained.model], [null, 'I can.', 'other'])
    assert.match(testTask.texts('note').join('\n'), new RegExp(`\\(${expected}\\); burn switches to other`))
    assert.deepEqual(testDeps.slept, [])
    assert.deepEqual(
      printed.map(({ mock }) => mock.callCount()),
      [0, 0, 0],
      'the package must print nothing',
    )
  })
}

test('runner: if every model fails, the first gives the class', async (t) => {
  const testDeps = { ...deps(t), secret: async () => Promise.reject(new Error('no such file')) }
  const down = await closedPort(t)
  const conversation = runner([at(down), at(down, { key: { file: '/nowhere/key' } })], testDeps).begin(task(folder(t)))
  const { failure } = await conversation.say('Do it.', never)
  assert.equal(failure?.class, 'backend_down')
  assert.match(failure?.reason ?? '', /ECONNREFUSED.*; stand-in: no such file/)
})

test('runner: the next model continues the work and keeps it', async (t) => {
  const first = await model(t, { script: [{ text: 'First step.', calls: [{ name: 'echo', args: { text: 'one' } }] }, { cut: 'break' }] })
  const second = await model(t, { script: [{ text: 'Second step.' }, { text: 'Again.' }] })
  const conversation = runner([at(first.url), at(second.url, { model: 'other' })], deps(t)).begin(task(folder(t), { tools: [echo()] }))
  assert.equal((await conversation.say('Do it.', never)).text, 'Second step.')
  assert.deepEqual(
    second.requests[0]?.messages.map(({ content }) => content),
    ['Do it.', 'First step.', 'one'],
  )
  assert.equal((await conversation.say('More.', never)).text, 'Again.')
  assert.equal(first.requests.length, 2)
})

test('runner: skips a model whose circuit breaker is open', async (t) => {
  const down = await closedPort(t)
  const second = await model(t, { script: [{ text: 'I can.' }] })
  const stored = new Map<string, Breaker>()
  const settings = { failures: 2, pause: 60_000 }
  const breakers: Breakers = {
    of: async ({ url }) => stored.get(url) ?? closedBreaker,
    record: async ({ url }, failure) => void stored.set(url, breakerAfter(stored.get(url) ?? closedBreaker, failure, settings, Date.now())),
  }
  const testDeps = { ...deps(t), breakers }
  const notes = async () => {
    const testTask = task(folder(t))
    const { failure } = await runner([at(down), at(second.url)], testDeps)
      .begin(testTask)
      .say('Do it.', never)
    assert.equal(failure, null)
    return testTask.texts('note').join()
  }
  assert.match(await notes(), /ECONNREFUSED/)
  assert.match(await notes(), /ECONNREFUSED/)
  assert.match(await notes(), /^stand-in is paused until .*ECONNREFUSED.*burn switches to stand-in$/)
  assert.deepEqual([stored.get(down)?.failures, stored.get(second.url)?.failures], [2, 0], 'a skipped model does not fail again')
  assert.match((await runner([at(down)], testDeps).probe())?.reason ?? '', /is paused until/)
  assert.equal(
    (
      await runner([at(down)], testDeps)
        .begin(task(folder(t)))
        .say('Do it.', never)
    ).failure?.class,
    'backend_down',
  )
})

test('runner: waits for a short Retry-After at most twice', async (t) => {
  const busy: Reply = { status: 429, headers: { 'retry-after': '7' } }
  const testDeps = deps(t)
  const busyOnce = await model(t, { script: [busy, { text: 'Now.' }] })
  assert.equal(
    (
      await runner([at(busyOnce.url)], testDeps)
        .begin(task(folder(t)))
        .say('Do it.', never)
    ).text,
    'Now.',
  )
  assert.deepEqual(testDeps.slept, [7000])
  const call: Reply = { calls: [{ name: 'echo', args: {} }] }
  const busyOften = await model(t, { script: [busy, call, busy, call, busy, { text: 'At last.' }] })
  const conversation = runner([at(busyOften.url)], deps(t)).begin(task(folder(t), { tools: [echo()] }))
  assert.equal((await conversation.say('Do it.', never)).text, 'At last.')
  const alwaysBusy = await model(t, { script: [busy] })
  const { failure } = await runner([at(alwaysBusy.url)], testDeps)
    .begin(task(folder(t)))
    .say('Do it.', never)
  assert.equal(failure?.class, 'rate_limited')
  assert.equal(alwaysBusy.requests.length, 3)
})

test('runner: tells the model of invalid calls, then gives up', async (t) => {
  const server = await model(t, {
    script: [
      { calls: [{ name: 'echo', args: '{"text": "un' }] },
      { calls: [{ name: 'ehco', args: { text: 'x' } }] },
      { calls: [{ name: 'echo', args: '[1]', id: '' }] },
      { text: 'Then without.' },
    ],
  })
  const testTask = task(folder(t), { tools: [echo()] })
  assert.equal(
    (
      await runner([at(server.url)], deps(t))
        .begin(testTask)
        .say('Do it.', never)
    ).text,
    'Then without.',
  )
  const toolResults = server.requests.at(-1)?.messages.flatMap(({ role, content }) => (role === 'tool' ? [content] : [])) ?? []
  assert.match(toolResults[0] ?? '', /not a JSON object/)
  assert.match(toolResults[1] ?? '', /The tool "ehco" does not exist\. The tools are: echo\./)
  assert.match(toolResults[2] ?? '', /not a JSON object/)
  const hopelessModel = await model(t, { script: [{ calls: [{ name: 'ehco', args: {} }] }] })
  const { failure } = await runner([at(hopelessModel.url)], deps(t))
    .begin(testTask)
    .say('Do it.', never)
  assert.equal(failure?.class, 'backend_failed')
  assert.match(failure?.reason ?? '', /4 consecutive answers/)
  assert.equal(hopelessModel.requests.length, 4)
})

test('runner: reports a tool that throws, and shortens long results', async (t) => {
  const server = await model(t, {
    script: [
      {
        calls: [
          { name: 'bad', args: {} },
          { name: 'long', args: { text: 'ab' } },
        ],
      },
      { text: 'Well.' },
    ],
  })
  const bad = { ...echo('bad'), run: async () => Promise.reject(new Error('it broke')) }
  const testTask = task(folder(t), { tools: [bad, echo('long', 1000)] })
  assert.equal(
    (
      await runner([at(server.url)], deps(t, { result_chars: 100 }))
        .begin(testTask)
        .say('Do it.', never)
    ).failure,
    null,
  )
  assert.match(testTask.texts('call')[0] ?? '', /bad false bad failed: it broke/)
  assert.match(testTask.texts('call')[1] ?? '', /^long true (?:ab){25}\n\[… 1900 characters left out …\]\n(?:ab){25}$/)
})
