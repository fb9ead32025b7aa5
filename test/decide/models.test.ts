/** Decisions about models: the state of a model, and the steps of a chain. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RequestFailure, ServerFacts } from '../../src/core/model.ts'
import type { FailureClass } from '../../src/core/sprint.ts'
import { breakerAfter, closedBreaker, openUntil } from '../../src/decide/model-chain.ts'
import { beforeAsking, isLocalHost, stateAfterAnswer, stateAfterFailure, stateWithoutList, workAt } from '../../src/decide/model-state.ts'

const settings = { failures: 2, pause: 60_000 }
const failure = (of: FailureClass) => ({ class: of, reason: 'down' })

test('breaker: opens after consecutive failures, and the pause doubles', () => {
  const once = breakerAfter(closedBreaker, failure('backend_down'), settings, 0)
  assert.equal(openUntil(once, 0), null)
  const twice = breakerAfter(once, failure('backend_failed'), settings, 0)
  assert.equal(openUntil(twice, 0), 60_000)
  assert.equal(openUntil(twice, 60_000), null, 'the next sprint may try the step')
  const again = breakerAfter(twice, failure('auth'), settings, 60_000)
  assert.equal(openUntil(again, 60_000), 180_000)
  let last = again
  for (let count = 0; count < 20; count++) last = breakerAfter(last, failure('auth'), settings, 0)
  assert.equal(openUntil(last, 0), 3_600_000)
  assert.equal(openUntil(last, -1), null, 'a clock that was set back does not prolong the pause')
  assert.deepEqual(breakerAfter(last, null, settings, 0), closedBreaker)
})

test('breaker: a failure that depends on the issue changes nothing', () => {
  const once = breakerAfter(closedBreaker, failure('backend_down'), settings, 0)
  for (const each of ['context_overflow', 'empty_answer', 'budget', 'stopped', 'internal'] as const)
    assert.equal(breakerAfter(once, failure(each), settings, 0), once)
})

const listed = (name: string, loaded: boolean | null) => ({ name, aliases: [], loaded, context: null })
const facts = (more: Partial<ServerFacts>): ServerFacts => ({
  kind: 'other',
  models: [],
  full: null,
  working: null,
  tokens_per_s: null,
  ...more,
})
const before = (server: ServerFacts, model: string, load = false, local = true) => {
  const next = beforeAsking(server, model, { load, local })
  return 'ask' in next ? 'ask' : next.state.state
}

test('check: asks no model that the question would load', () => {
  const ollama = facts({ kind: 'ollama', models: [listed('qwen3:8b', true), listed('phi3:latest', false)] })
  assert.equal(before(ollama, 'qwen3:8b'), 'ask')
  assert.equal(before(ollama, 'phi3'), 'not_loaded')
  assert.equal(before(ollama, 'phi3', true), 'ask')
  assert.equal(before(ollama, 'qwen3'), 'no_such_model')
  assert.equal(before(ollama, 'qwen3', true), 'no_such_model', 'burn never pulls a model')
  const swapping = facts({ models: [listed('a', null), listed('b', null)] })
  assert.equal(before(swapping, 'a'), 'unknown')
  assert.equal(before(swapping, 'a', false, false), 'ask', 'a provider loads nothing')
  assert.equal(before(facts({ models: [listed('a', null)] }), 'a'), 'ask')
  assert.equal(before(facts({ models: null }), 'a'), 'unknown')
  assert.equal(before(facts({ models: null }), 'a', false, false), 'ask')
})

test('check: compares names as the server does', () => {
  const cpp = facts({ kind: 'llama.cpp', models: [{ ...listed('weights/SmolLM2.Q4_1.gguf', true), aliases: ['small'] }] })
  assert.deepEqual(
    ['SmolLM2.Q4_1', 'small', 'weights/SmolLM2.Q4_1.gguf', 'other'].map((name) => before(cpp, name)),
    ['ask', 'ask', 'ask', 'no_such_model'],
  )
  assert.equal(before(facts({ models: [listed('qwen/qwen3', null)] }), 'qwen/qwen3:free', false, false), 'ask')
})

const refused = (more: Partial<RequestFailure>): RequestFailure => ({
  class: 'backend_failed',
  reason: 'trouble',
  status: null,
  code: null,
  timed_out: false,
  began: false,
  ...more,
})

test('check: tells down, busy, loading and broken apart', () => {
  assert.equal(stateWithoutList(refused({ class: 'backend_down', code: 'ECONNREFUSED' })).state, 'unreachable')
  assert.equal(stateWithoutList(refused({ timed_out: true })).state, 'unreachable')
  assert.equal(stateWithoutList(refused({ timed_out: true, began: true })).state, 'error', 'an endless list')
  assert.equal(stateWithoutList(refused({ status: 503, reason: 'HTTP 503: Loading model' })).state, 'loading')
  assert.equal(stateWithoutList(refused({ class: 'auth', status: 401 })).state, 'error')
  assert.equal(stateWithoutList(refused({ class: 'backend_down', code: 'CERT_HAS_EXPIRED' })).state, 'error')
  assert.equal(stateWithoutList(refused({ code: 'no_route' })).state, 'unknown')
  const after = (more: Partial<RequestFailure>, server: Partial<ServerFacts> = {}) =>
    stateAfterFailure(refused(more), facts(server), 10_000).state
  assert.equal(after({ timed_out: true }, { kind: 'ollama' }), 'busy')
  assert.equal(after({ timed_out: true }, { kind: 'llama.cpp', working: false }), 'error', 'idle, but silent')
  assert.equal(after({ timed_out: true, began: true }, { kind: 'ollama' }), 'error', 'an endless answer')
  assert.equal(after({ class: 'rate_limited', status: 429 }), 'busy')
  assert.equal(after({ class: 'backend_down', status: 503, reason: 'server busy, please try again' }), 'busy')
  assert.equal(after({ class: 'model_unknown', status: 404 }), 'no_such_model', 'the model vanished after the list')
  assert.equal(after({ class: 'backend_down', code: 'ECONNREFUSED' }), 'unreachable')
  assert.equal(after({ status: 500 }), 'error')
})

test('check: names the model that answered instead', () => {
  const answer = (model: string | null) =>
    stateAfterAnswer({ model, ms: 5, tokens_per_s: null, load_ms: null }, 'gpt-4o', facts({})).answered_as
  assert.deepEqual([answer('gpt-4o'), answer('gpt-4o-2024-08-06'), answer(null), answer('phi3')], [null, null, null, 'phi3'])
})

test('check: real work replaces a question', () => {
  const model = { machine: 'mac', model: 'qwen3:8b', url: '', provider: 'ollama', uses: [] }
  const at = (worker: string, provider: string, asked = 'qwen3:8b') => {
    const record = { worker, provider, model_asked: asked, model_answered: '', last_at: 900 }
    return workAt(model, [record], { since: 500, here: { machine: 'mac', host: 'box' } })
  }
  assert.deepEqual([at('mac/W/A', 'ollama'), at('mac/W/A', ''), at('sprint/box/1', '')], [900, 900, 900])
  assert.deepEqual(
    [at('vps/W/A', ''), at('sprint/other/1', ''), at('mac/W/A', 'nous'), at('mac/W/A', '', 'phi3')],
    [null, null, null, null],
  )
})

test('check: knows addresses that somebody owns', () => {
  const local = [
    '127.0.0.1',
    'localhost',
    '[::1]',
    '10.1.2.3',
    '192.168.0.4',
    '172.20.0.1',
    '100.64.1.1',
    'gpu',
    'gpu.local',
    'mac.tail1.ts.net',
  ]
  for (const host of local) assert.ok(isLocalHost(host), host)
  for (const host of ['openrouter.ai', '8.8.8.8', '172.32.0.1', '100.128.0.1', '[2606::1]']) assert.ok(!isLocalHost(host), host)
})
