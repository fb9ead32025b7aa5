/** The tokens of workers since their present states began. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Span } from '../../src/core/span.ts'
import type { UsageRecord } from '../../src/core/usage.ts'
import { tokensSinceBegin, type TokenFacts } from '../../src/decide/worker-tokens.ts'
import { fleetOf } from '../simulate/storm.ts'

const minute = 60_000
const hour = 60 * minute
/** The start of the turn, in the middle of an hour. */
const began_at = Date.UTC(2026, 10, 27, 6, 20)
const workers = fleetOf(1, 2).machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers))
const ann = workers[0]!.id

function record(worker: string, last_at: number): UsageRecord {
  const about = {
    source: 'pane',
    incarnation: '',
    issue: '',
    agent: 'claude',
    provider: '',
    model_asked: 'm',
    model_answered: 'm',
  } as const
  const tokens = { calls: 1, input: 5, cache_read: 2, cache_write: null, output: 3, reasoning: 1, reported_cost: null, subscription: null }
  return { ...about, ...tokens, worker, hour: Math.floor(last_at / hour) * hour, last_at }
}
const facts: TokenFacts = {
  workers,
  spans: [{ kind: 'worker', subject: ann, state: 'working', machine: 'm1', began_at, ended_at: null } as Span],
  usage: [record(ann, began_at - minute)],
  samples: new Map([['m1', { read_at: began_at + 30 * minute, failure: null }]]),
  unread: new Set(),
  no_tokens: 30 * minute,
}
const tokens = (changes: Partial<TokenFacts> = {}) => tokensSinceBegin({ ...facts, ...changes }).get(ann)

test('worker tokens: a turn without tokens has 0', () => {
  assert.equal(tokens(), 0)
  assert.equal(tokensSinceBegin(facts).size, 1)
})

test('worker tokens: an hour counts if its last tokens are later', () => {
  assert.equal(tokens({ usage: [record(ann, began_at + minute)] }), 10)
  assert.equal(tokens({ usage: [record(ann, began_at - minute), record(ann, began_at + hour)] }), 10)
})

test('worker tokens: unknown without a complete reading', () => {
  const cases: readonly (readonly [string, Partial<TokenFacts>])[] = [
    ['the agent records no tokens', { workers: [] }],
    ['burn never counted tokens of the worker', { usage: [record(workers[1]!.id, began_at)] }],
    ['burn has not read the machine', { samples: new Map() }],
    ['the last reading is too old', { samples: new Map([['m1', { read_at: began_at + 29 * minute, failure: null }]]) }],
    ['a folder was not listed', { samples: new Map([['m1', { read_at: began_at + hour, failure: 'permission denied' }]]) }],
    ['a file was not read', { unread: new Set(['m1']) }],
    ['several workers share a record', { usage: [...facts.usage, record('', began_at + minute)] }],
  ]
  for (const [why, changes] of cases) assert.equal(tokens(changes) ?? null, null, why)
})
