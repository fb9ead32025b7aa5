/** The key `delegation`: its defaults, and the contradictions that burn reports. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { complete, messagesOf, specOf } from './specs.ts'

const windows = [
  { name: 'A', names: ['ONE'], lane: 'ops', repos: ['app'] },
  { name: 'B', names: ['TWO'], lane: 'advice', role: 'council' },
]
const messages = (agents: object, more: object = {}) => messagesOf(specOf(windows, { delegation: { agents, ...more } }))

test('delegation: agents have defaults', () => {
  const ezra = { keywords: ['deploy'], labels: { ops: -2 } }
  const { fleet } = complete(specOf(windows, { delegation: { agents: { ezra }, deadline: '2h' } }))
  assert.deepEqual([fleet.delegation?.threshold, fleet.delegation?.deadline], [3, 7_200_000])
  const none = new Map()
  const [repo] = fleet.machines[0]?.windows[0]?.workers[0]?.repos ?? []
  assert.deepEqual(fleet.delegation?.agents, [
    {
      name: 'ezra',
      login: 'ezra',
      keywords: new Map([['deploy', 1]]),
      labels: new Map([['ops', -2]]),
      paths: none,
      repos: [repo],
      capacity: 3,
      lane: null,
    },
  ])
  assert.equal(complete(specOf(windows)).fleet.delegation, null)
})

test('delegation: the spec names its contradictions', () => {
  const words = { keywords: ['x'] }
  const cases: readonly (readonly [object, RegExp])[] = [
    [{ ezra: words, other: { ...words, login: 'EZRA' } }, /the agents ezra and other have the same login EZRA\. merge the two agents/],
    [{ ezra: {} }, /no issue suits the agent ezra\. write "keywords", "labels" or "paths"/],
    [{ ezra: { ...words, lane: 'op' } }, /the fleet has no lane op with workers\. did you mean "ops"\?/],
    [{ ezra: { ...words, lane: 'advice' } }, /the fleet has no lane advice with workers/],
    [{ ezra: { ...words, lane: 'ops', repos: ['docs'] } }, /no worker of the lane ops serves a repo of the agent/],
    [{ ezra: { ...words, login: '-->' } }, /login must be a user/],
    [{ ezra: { ...words, capacity: -1 } }, /capacity/],
    [{}, /must have at least one agent/],
  ]
  for (const [agents, expected] of cases) {
    assert.equal(messages(agents).length, 1, String(expected))
  }
  assert.deepEqual(messages({ ezra: words }, { threshold: 0 }).length, 1)
})
