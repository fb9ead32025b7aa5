/** Tests how failed turns are recognised from hooks and words, and the kind of each. Screens are tested in screens.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TroubleKind } from '../../src/core/trouble.ts'
import { paneAgent } from '../../src/agents/index.ts'
import { hermesConfig, hermesHome } from '../../src/agents/hermes-home.ts'
import { troubleIn } from '../../src/agents/trouble.ts'

const stateOf = (kind: string, event: string, detail: string | null = null) => {
  const state = paneAgent({ kind }).hookState?.({ event, detail }) ?? null
  return state === null ? null : [state.state, state.detail]
}

test('trouble: finds the kind in words of hooks and screens', () => {
  const words: Readonly<Record<TroubleKind, readonly string[]>> = {
    auth: [
      'auth 401',
      'auth_permanent',
      'HTTP 403: Your account has no access to this.',
      'Invalid API key · Please run /login',
      'authentication_failed',
    ],
    billing: [
      'billing 402',
      'HTTP 402: Insufficient credits. Add more',
      'Credit balance is too low',
      'insufficient_quota: check your plan and billing details',
    ],
    model: ['model_not_found 404', 'model_entitlement', 'HTTP 404: The model `x` does not exist or you do not have access to it.'],
    'rate limit': [
      'rate_limit 429',
      'upstream_rate_limit',
      'overloaded 529',
      "You've hit your session limit · resets 3am",
      'RESOURCE_EXHAUSTED: quota',
    ],
    connection: [
      'server_error 500',
      'timeout',
      'Connection error.',
      'fetch failed sending request',
      'connect ECONNREFUSED 127.0.0.1:9',
      'ssl_cert_verification',
    ],
    context: [
      'context_overflow 400',
      'context_compression_exhausted',
      "This model's maximum context length is 8192 tokens",
      'prompt is too long',
    ],
    'empty answer': ['empty_response_exhausted', '⚠️ No reply: the model returned empty content'],
    'turn failed': ['', 'unknown', 'content_policy_blocked 400', 'loop_error'],
  }
  for (const [kind, texts] of Object.entries(words)) for (const text of texts) assert.equal(troubleIn(text), kind, text)
})

test('hooks: Hermes reports provider errors and turns without an answer', () => {
  const own = '20261126_181656_a8390d:20261126_181656_a8390d'
  for (const [reason, kind] of [
    ['auth:401', 'auth'],
    ['billing:402', 'billing'],
    ['model_not_found:404', 'model'],
    ['rate_limit:429', 'rate limit'],
    ['context_overflow:400', 'context'],
    ['server_error:500', 'connection'],
  ])
    assert.deepEqual(stateOf('hermes', 'api_request_error', `${own}:${reason}`), ['error', kind], reason)
  const end = (words: string) => stateOf('hermes', 'on_session_end', `${own}:${words}`)
  assert.deepEqual(end('false:false:text_response'), ['idle', null])
  assert.deepEqual(end('true:false:pending_tool_result'), ['error', 'turn failed'])
  assert.deepEqual(end('true:false:context_compression_exhausted'), ['error', 'context'])
  assert.deepEqual(end('false:false:empty_response_exhausted'), ['error', 'empty answer'], 'Hermes does not report it as failed')
  assert.deepEqual(end('true:true:interrupted_during_api_call'), ['idle', null], 'a person interrupted it')
  assert.deepEqual(end(':false:'), ['idle', null], '0.19 reports fewer fields')
  assert.deepEqual(stateOf('hermes', 'on_session_end'), ['idle', null], '0.20 reports no fields')
  assert.deepEqual(stateOf('hermes', 'on_session_reset'), ['idle', null])
})

test("hooks: Hermes' review of a turn is not the worker's turn", () => {
  const review = '20261126_181656_a8390d:6f9918d2-2c10-4a55-9d0c-0242ac120002'
  for (const event of ['pre_llm_call', 'post_llm_call', 'on_session_end', 'api_request_error'])
    assert.equal(stateOf('hermes', event, `${review}:false:false:text_response`), null, event)
})

test('hooks: Gemini, Claude Code and OpenCode report failed turns', () => {
  assert.deepEqual(stateOf('gemini', 'AfterAgent', 'true'), ['error', 'turn failed'], 'it ended without an answer')
  assert.deepEqual(stateOf('gemini', 'AfterAgent', 'false'), ['idle', null])
  assert.deepEqual(stateOf('claude', 'StopFailure', 'authentication_failed'), ['error', 'auth'])
  assert.deepEqual(stateOf('opencode', 'session.error', 'ProviderAuthError'), ['error', 'auth'])
})

test("hermes: a worker's profile never shares metrics", () => {
  const at = { hook: '/s/hook', home: '/s/a', person: '/home/ann', name: 'burn-f-w-ann', entries: new Map() }
  const config = { kind: 'hermes', command: [], model: null, provider: null, busy_input_mode: 'interrupt', hooks: true, env: {} } as const
  const own = { telemetry: { other: 1, shared_metrics: { enabled: true, send: true, offer_version: 2 } } }
  const home = hermesHome(config, { ...at, configs: new Map([[hermesConfig, own]]) })
  const [file = ''] = 'files' in home ? Object.values(home.files) : []
  const { telemetry } = JSON.parse(file) as { telemetry: unknown }
  assert.deepEqual(telemetry, { other: 1, shared_metrics: { enabled: false, send: false, offer_version: 2 } })
})

test("hermes: an answer without streaming is not Hermes' own message", () => {
  const looks = (...answer: readonly string[]) => {
    const rule = '─'.repeat(60)
    const panel = [` ─  ⚕ Hermes  ${'─'.repeat(45)}`, '', ...answer.map((row) => ` ${row}`), '', ` ${'─'.repeat(58)}`]
    const screen = ['● do it', ...panel, ' ⚕ stub · 0% · 22s', rule, '❯']
    const facts = { width: 60, height: 12, title: '', command: 'python3', dead: false, cursor_x: 2, cursor_y: 11 }
    return paneAgent({ kind: 'hermes' }).parseScreen(screen, facts).reading
  }
  for (const answer of ['All is well.', 'It now answers with HTTP 401.', 'The route /model is new.'])
    assert.equal(looks(answer).state, 'idle', answer)
  assert.equal(looks('HTTP 401: Incorrect API key provided.').detail, 'auth')
  assert.equal(looks('This conversation has grown too long. Start a new session', 'with /new.').state, 'error')
  assert.equal(looks('Operation interrupted: waiting for model response.').state, 'idle')
})

test('hermes: recognises the question before the first chat', () => {
  const look = paneAgent({ kind: 'hermes' }).parseScreen(
    [
      'Help improve Hermes?',
      '  ↑↓ navigate  ENTER/SPACE select  ESC cancel',
      '',
      '   (○) Collect and send to Nous',
      '   (○) Collect locally only',
      ' → (●) No thanks',
      '',
    ],
    { width: 57, height: 12, title: '', command: 'python3', dead: false, cursor_x: 0, cursor_y: 0 },
  )
  assert.equal(look.reading.state, 'waiting')
  assert.match(
    look.question ?? '',
    /^Help improve Hermes\?\n[^]*\n {2}1\. Collect and send to Nous\n {2}2\. Collect locally only\n❯ 3\. No thanks$/,
  )
  const keys = (choice: string) => paneAgent({ kind: 'hermes' }).answer?.(choice, look)
  assert.deepEqual(keys('No thanks'), [{ key: 'Enter' }])
  assert.deepEqual(keys('2'), [{ key: 'Up' }, { key: 'Enter' }])
})
