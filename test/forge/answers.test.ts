/** Tests the differences that a forge other than Gitea may have: its page parameter, and its own meaning of an answer. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Api } from '../../src/forge/api.ts'
import type { HttpAnswer } from '../../src/forge/http.ts'
import { apiFailureOf, type ApiTraits } from '../../src/forge/answers.ts'
import { listAll } from '../../src/forge/paging.ts'

const traits: ApiTraits = {
  page_size: 'per_page',
  classify: ({ status, headers }) =>
    status === 403 && headers['x-ratelimit-remaining'] === '0' ? { code: 'forge_rate_limited', hint: 'wait', retryable: true } : null,
  hints: { refused: 'check its version', not_json: 'check that it is the API' },
}

const answer = (status: number, headers: HttpAnswer['headers'] = {}): HttpAnswer => ({ status, headers, body: '', dropped: 0 })

test('apiFailureOf: a forge decides which 403 is a rate limit', () => {
  const limited = apiFailureOf(answer(403, { 'x-ratelimit-remaining': '0', 'retry-after': '7' }), 'GET /', 0, traits)
  assert.deepEqual([limited?.error.code, limited?.retryable, limited?.retry_after_ms], ['forge_rate_limited', true, 7000])
  const refused = apiFailureOf(answer(403), 'GET /', 0, traits)
  assert.deepEqual([refused?.error.code, refused?.retryable], ['forge_forbidden', false])
  assert.equal(apiFailureOf(answer(418), 'GET /', 0, traits)?.error.hint, 'check its version')
})

test('listAll: uses the page parameter, and follows links without a count', async () => {
  const queries: unknown[] = []
  const api: Pick<Api, 'get' | 'page_size'> = {
    page_size: traits.page_size,
    async get(_path, query = {}) {
      queries.push(query)
      return { json: [query['page']], total: null, more: query['page'] === 1, date: null }
    },
  }
  const unused = {
    runExclusive: () => assert.fail(),
    patch: () => assert.fail(),
    post: () => assert.fail(),
    tail: () => assert.fail(),
    requests: () => 0,
  }
  const { values } = await listAll({ ...unused, ...api }, '/issues', {}, (item) => ({ key: item, value: item }))
  assert.deepEqual(values, [1, 2])
  assert.deepEqual(queries, [
    { per_page: 50, page: 1 },
    { per_page: 50, page: 2 },
  ])
})
