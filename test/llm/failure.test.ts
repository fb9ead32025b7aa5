/** The classes of failures, with messages as the real servers and agents send them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FailureClass } from '../../src/core/sprint.ts'
import { classOf, backendErrorOf, retryAfterMs } from '../../src/llm/failure.ts'

/** Class, status, code, message. */
const errors: readonly (readonly [FailureClass, number | null, string | null, string])[] = [
  ['auth', 401, null, ''],
  ['auth', 403, null, 'forbidden'],
  ['auth', 400, 'invalid_api_key', ''],
  ['auth', 400, null, 'API key not valid. Please pass a valid API key: expired api key'],
  ['auth', null, null, 'Invalid API key · Please run /login'],
  ['auth', null, null, 'API Error: 401 {"type":"error"}'],
  ['auth', null, 'ProviderAuthError', 'OAuth'],
  ['auth', null, null, 'Not logged in. Please log in.'],
  ['auth', 429, 'insufficient_quota', 'You exceeded your current quota, please check your plan and billing details.'],
  ['auth', 402, null, 'Payment Required'],
  ['auth', 400, null, 'Your credit balance is too low to access the API'],
  ['rate_limited', 429, null, ''],
  ['rate_limited', 429, 'RESOURCE_EXHAUSTED', 'You exceeded your current quota'],
  ['rate_limited', 529, 'overloaded_error', 'Overloaded'],
  ['rate_limited', 403, null, 'API rate limit exceeded'],
  ['rate_limited', 413, 'rate_limit_exceeded', 'Request too large for model `x` on tokens per minute (TPM)'],
  ['rate_limited', 429, 'rate_limit_exceeded', 'Too many concurrent runs (max 10)'],
  ['rate_limited', null, null, 'API call failed after 3 retries: HTTP 429: slow down'],
  ['rate_limited', null, null, "You've hit your usage limit. Try again later."],
  ['rate_limited', null, null, "You've hit your limit · resets 3am (Europe/Berlin)"],
  ['rate_limited', null, null, '5-hour limit reached ∙ resets 3pm'],
  ['rate_limited', 503, null, 'This model is currently experiencing high demand.'],
  ['model_unknown', 404, 'model_not_found', 'The model `gpt-9` does not exist or you do not have access to it.'],
  ['model_unknown', 404, null, 'model "qwen9:latest" not found, try pulling it first'],
  ['model_unknown', 400, null, 'qwen/qwen9 is not a valid model ID'],
  ['model_unknown', 404, 'NotFoundError', 'The model `hermes-9` does not exist.'],
  ['model_unknown', 403, null, 'Project does not have access to model gpt-5'],
  ['model_unknown', null, 'ProviderModelNotFoundError', 'ProviderModelNotFoundError'],
  ['context_overflow', 400, 'context_length_exceeded', ''],
  ['context_overflow', 400, null, "This model's maximum context length is 8192 tokens. However, you requested 9000."],
  ['context_overflow', 400, 'invalid_request_error', 'prompt is too long: 214000 tokens > 200000 maximum'],
  ['context_overflow', 500, null, 'input length exceeds the context length'],
  ['context_overflow', 400, 'exceed_context_size_error', 'the request exceeds the available context size'],
  ['context_overflow', null, 'length', ''],
  ['backend_down', null, 'ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:11434'],
  ['backend_down', null, 'ENOTFOUND', 'getaddrinfo ENOTFOUND nowhere.invalid'],
  ['backend_down', null, 'ENOENT', 'claude: command not found'],
  ['backend_down', 502, null, '<html>Bad Gateway</html>'],
  ['backend_down', 404, null, '404 page not found'],
  ['empty_answer', null, 'empty', 'the answer was empty'],
  ['budget', null, 'error_max_turns', 'error_max_turns'],
  ['backend_failed', 500, null, 'CUDA error: an illegal memory access was encountered'],
  ['backend_failed', 400, 'invalid_request_error', "tools is not supported in this model's template"],
  ['backend_failed', null, 'idle', 'no data for 240 s'],
  ['backend_failed', null, 'ECONNRESET', 'terminated'],
  ['backend_failed', null, null, ''],
]

for (const [expected, status, code, message] of errors) {
  test(`classOf: ${expected} for ${[status, code, message].filter((part) => part !== null && part !== '').join(' ')}`, () => {
    assert.equal(classOf({ status, code, message }), expected)
  })
}

test('classOf: takes little time for a long message', () => {
  const from = process.cpuUsage().user
  for (const piece of ['model ', 'api key ', 'no ', 'a']) classOf({ status: null, code: null, message: piece.repeat(200_000) })
  assert.ok(process.cpuUsage().user - from < 2_000_000)
})

test('backendErrorOf: takes the innermost cause of a failed fetch', () => {
  const cause = Object.assign(new Error('connect ECONNREFUSED ::1:1'), { code: 'ECONNREFUSED' })
  assert.deepEqual(backendErrorOf(new TypeError('fetch failed', { cause }), 0), {
    status: null,
    code: 'ECONNREFUSED',
    message: 'connect ECONNREFUSED ::1:1',
    wait_ms: null,
  })
  const both = new AggregateError([cause, cause])
  assert.equal(backendErrorOf(new TypeError('fetch failed', { cause: both }), 0).code, 'ECONNREFUSED')
  for (const thrown of [undefined, null, 'words', {}, new Error('')]) assert.equal(typeof backendErrorOf(thrown, 0).message, 'string')
})

test('retryAfterMs: reads each form of the header', () => {
  const now = Date.parse('2026-01-01T00:00:00Z')
  const wait = (headers: Record<string, string>) => retryAfterMs(new Headers(headers), now)
  assert.equal(wait({ 'retry-after': '3' }), 3000)
  assert.equal(wait({ 'retry-after': 'Thu, 01 Jan 2026 00:00:05 GMT' }), 5000)
  assert.equal(wait({ 'retry-after': 'Thu, 01 Jan 1970 00:00:05 GMT' }), 0)
  assert.equal(wait({ 'retry-after-ms': '250', 'retry-after': '9' }), 250)
  assert.equal(wait({ 'retry-after': 'soon' }), null)
  assert.equal(wait({}), null)
})
