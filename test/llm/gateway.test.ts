/** The backend `gateway`, over HTTP with a stand-in of the Hermes gateway. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { FailureClass } from '../../src/core/sprint.ts'
import { openBackend } from '../../src/llm/open.ts'
import { startGateway, type GatewayOptions } from '../stand-ins/model/gateway.ts'
import { handyman } from '../stand-ins/model/handyman.ts'
import { deps, folder, never, secret, task } from './rig.ts'

async function gateway(t: TestContext, options: Partial<GatewayOptions> = {}) {
  const server = await startGateway({ script: handyman, ...options })
  t.after(() => server.close())
  return server
}

function backend(t: TestContext, url: string, limits = {}) {
  return openBackend({ kind: 'gateway', url, key: { env: 'KEY' }, model: null }, deps(t, { idle_ms: 10_000, ...limits }))
}

const issue = 'Please add a file `docs/limits.md` that says:\n\n```\n# Limits\n```\n'

for (const runs of [true, false]) {
  test(`gateway: does an issue by ${runs ? 'a run' : 'chat'} and continues the conversation`, async (t) => {
    const server = await gateway(t, { runs, key: secret })
    const dir = folder(t)
    const work = task(dir)
    const gatewayBackend = backend(t, `${server.url}/v1/`)
    assert.equal(await gatewayBackend.probe(), null)
    const conversation = gatewayBackend.begin(work)
    const answer = await conversation.say(issue, never)
    assert.equal(answer.failure, null)
    assert.match(answer.text, /Add docs\/limits\.md: done/)
    assert.equal(readFileSync(join(dir, 'docs/limits.md'), 'utf8'), '# Limits\n')
    assert.equal(answer.provider, 'hermes')
    assert.ok(answer.usage.tokens_in >= 100)
    const second = await conversation.say('The check is red.', never)
    assert.equal(second.failure, null)
    const last = server.bodies.at(-1) ?? {}
    const history = (last[runs ? 'conversation_history' : 'messages'] ?? []) as { role: string; content: string }[]
    assert.deepEqual(history.map(({ role }) => role).slice(0, 2), ['user', 'assistant'])
    assert.ok(history[0]?.content.startsWith(`${dir} is your workspace`), 'the prompt names the workspace first')
    assert.equal(server.log.filter((line) => line === 'POST /v1/runs').length, runs ? 2 : 1)
    if (runs) assert.deepEqual(work.texts('call'), ['write_file true '])
    await conversation.close()
  })
}

const failures: readonly (readonly [NonNullable<GatewayOptions['trouble']>, boolean, FailureClass, RegExp])[] = [
  ['failed', true, 'auth', /Error code: 401/],
  ['failed', false, 'auth', /HTTP 401/],
  ['completed but failed', true, 'rate_limited', /HTTP 429/],
  ['full', true, 'rate_limited', /Too many concurrent runs/],
  ['hang', true, 'backend_failed', /no data for 0\.2 s/],
  ['hang', false, 'backend_failed', /no data for 0\.2 s/],
  ['lost', true, 'backend_failed', /burn can no longer follow the run: Run not found/],
]
for (const [trouble, runs, expected, reason] of failures) {
  test(`gateway: ${trouble}${runs ? '' : ' in chat'} fails as ${expected}`, async (t) => {
    const server = await gateway(t, { trouble, runs })
    const { failure } = await backend(t, server.url, trouble === 'hang' ? { idle_ms: 200 } : {})
      .begin(task(folder(t)))
      .say(issue, never)
    assert.equal(failure?.class, expected, failure?.reason)
    assert.match(failure?.reason ?? '', reason)
    assert.equal(server.log.includes('POST /v1/runs/run_0/stop'), trouble === 'hang' && runs, 'burn stops a run that hangs')
  })
}

test('gateway: an empty answer is a failure', async (t) => {
  const server = await gateway(t, { script: () => ({ text: '' }) })
  const { failure } = await backend(t, server.url)
    .begin(task(folder(t)))
    .say(issue, never)
  assert.equal(failure?.class, 'empty_answer')
})

test('gateway: reports a refused key and a dead server', async (t) => {
  const server = await gateway(t, { key: 'another' })
  const gatewayBackend = backend(t, server.url)
  assert.equal((await gatewayBackend.probe())?.class, 'auth')
  const { failure } = await gatewayBackend.begin(task(folder(t))).say(issue, never)
  assert.equal(failure?.class, 'auth')
  await server.close()
  assert.equal((await gatewayBackend.probe())?.class, 'backend_down')
  assert.equal((await gatewayBackend.begin(task(folder(t))).say(issue, never)).failure?.class, 'backend_down')
})

test('gateway: stops the run when stopped or out of time', async (t) => {
  for (const why of ['stopped', 'budget'] as const) {
    const server = await gateway(t, { trouble: 'hang' })
    const stop = new AbortController()
    const conversation = backend(t, server.url).begin(task(folder(t), { budget: why === 'budget' ? { time: 300 } : {} }))
    const answer = conversation.say(issue, stop.signal)
    await Promise.race([server.seen(/events/), answer])
    if (why === 'stopped') stop.abort()
    assert.equal((await answer).failure?.class, why)
    assert.equal(server.log.at(-1), 'POST /v1/runs/run_0/stop')
  }
})

test('gateway: records a run until the run has ended', async (t) => {
  for (const trouble of ['hang', undefined] as const) {
    const server = await gateway(t, trouble === undefined ? {} : { trouble })
    const recorded: (string | null)[] = []
    const work = { ...task(folder(t)), recordRun: async (run: string | null) => void recorded.push(run) }
    const opened = backend(t, server.url, { idle_ms: 200 })
    await opened.begin(work).say(issue, never)
    assert.deepEqual(recorded, ['run_0', null], trouble)
    assert.equal(await opened.stopRun?.('run_0'), true)
    assert.equal(await opened.stopRun?.('run_7'), true, 'the server no longer knows this run')
    await server.close()
    assert.equal(await opened.stopRun?.('run_0'), false)
  }
})

test('gateway: stops a run with more calls than turns', async (t) => {
  const server = await gateway(t)
  const dir = folder(t)
  writeFileSync(join(dir, 'one.js'), 'a\n')
  const work = task(dir, { budget: { turns: 1 } })
  const rename = 'Please rename `a` to `b` in one.js and two.js.'
  const { failure, usage } = await backend(t, server.url).begin(work).say(rename, never)
  assert.deepEqual([failure?.class, usage.turns > 1], ['budget', true])
  assert.equal(server.log.at(-1), 'POST /v1/runs/run_0/stop')
})

test('gateway: denies an approval and follows the run', async (t) => {
  const server = await gateway(t, { trouble: 'approval' })
  const work = task(folder(t))
  const answer = await backend(t, server.url).begin(work).say(issue, never)
  assert.equal(answer.text, 'I was not allowed to.')
  assert.deepEqual(server.bodies.at(-1), { choice: 'deny', all: true })
  assert.match(work.texts('note').join(), /denied/)
})

test('gateway: polls a run whose events break off', async (t) => {
  const server = await gateway(t, { trouble: 'events break' })
  const dir = folder(t)
  const answer = await backend(t, server.url).begin(task(dir)).say(issue, never)
  assert.deepEqual([answer.failure, existsSync(join(dir, 'docs/limits.md'))], [null, true])
  assert.equal(server.log.at(-1), 'GET /v1/runs/run_0')
})
