/** The readers of usage in databases, on records that real agent programs wrote. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DatabaseSync } from 'node:sqlite'
import type { UsageDatabase } from '../../src/core/usage.ts'
import { hermesUsage } from '../../src/agents/hermes-usage.ts'
import { opencodeUsage } from '../../src/agents/opencode-usage.ts'
import { usedTokens } from '../../src/agents/usage.ts'
import { addTokens } from '../../src/decide/usage.ts'
import { recordings, served } from '../support/usage-records.ts'

const dir = '/srv/agents/ANN'
const at = Date.parse('2026-05-01T10:00:00Z')
const databases: Readonly<Record<string, UsageDatabase>> = { hermes: hermesUsage, opencode: opencodeUsage }

/** Runs the first query that the database can run. */
function rowsOf(db: DatabaseSync, { queries }: UsageDatabase, since: number) {
  const query = queries.find((each) => {
    try {
      return db.prepare(each) !== undefined
    } catch {
      return false
    }
  })
  return db.prepare(query!).all(since)
}

for (const kind of ['hermes', 'opencode'])
  test(`usage: reads the tokens of ${kind} from its database`, () => {
    const log = databases[kind]!
    const db = new DatabaseSync(':memory:')
    db.exec(recordings(kind, dir, at)[0]!)
    const rows = (since: number) => rowsOf(db, log, since)
    const first = log.readRows(null, rows(at), at)
    const { calls, input, cache_read, output } = first.uses.map(usedTokens).reduce(addTokens)
    assert.deepEqual({ calls, input, cache_read, output }, served[kind])
    assert.deepEqual([...new Set(first.uses.map(({ key }) => key))], [dir])
    const newest = Math.max(...first.uses.map((use) => use.at))
    assert.deepEqual(log.readRows(first.state, rows(newest), newest).uses, [])
  })

/** The requests of each prompt in the two recordings. Their first sessions have no prompts of burn. Two prompts of Hermes also have a title. */
const told: Readonly<Record<string, object>> = {
  hermes: { none: 4, '0000000000001': 2, '0000000000002': 3, '0000000000006': 3 },
  opencode: { none: 3, '0000000000002': 2, '0000000000003': 2, '0000000000004': 2 },
}

for (const [kind, counts] of Object.entries(told))
  test(`usage: the database of ${kind} shows the prompt of each request`, () => {
    const log = databases[kind]!
    const db = new DatabaseSync(':memory:')
    db.exec(recordings(kind, dir, at)[0]!)
    const { uses } = log.readRows(null, rowsOf(db, log, at), at)
    const calls = new Map<string, number>()
    for (const { prompt = 'none', calls: more } of uses) calls.set(prompt, (calls.get(prompt) ?? 0) + more)
    assert.deepEqual(Object.fromEntries(calls), counts)
  })

test('usage: counts no request of OpenCode that ended without tokens', () => {
  const message = (more: object) =>
    JSON.stringify({
      modelID: 'm',
      time: { completed: 9 },
      tokens: { input: 0, output: 0, reasoning: 0, cache: { read: 0, write: 0 }, ...more },
    })
  const rows = [
    { id: 'a', data: message({}) },
    { id: 'b', data: message({ input: 5 }) },
  ]
  const { uses } = opencodeUsage.readRows(null, rows, 0)
  assert.deepEqual(
    uses.map(({ ids }) => ids),
    [['b']],
  )
})

test('usage: splits totals of Hermes by the answers to each prompt', () => {
  const log = hermesUsage
  const [a, b, c] = ['1m8d9sxr7j190', '1m8d9sxr7j191', '1m8d9sxr7j192']
  let state: unknown = null
  const read = (calls: number, tokens: number, prompts: readonly (readonly [string | undefined, number])[]) => {
    const told = prompts.map(([id, answers], index) => [101 + index, `[burn ${id}] Read x`, answers])
    const total = { api_call_count: calls, input_tokens: tokens, output_tokens: calls, first_seen: 100, last_seen: 110 }
    const found = log.readRows(state, [{ session_id: 's', model: 'm', ...total, prompts: JSON.stringify(told) }], 0)
    state = JSON.parse(JSON.stringify(found.state))
    return Object.fromEntries(found.uses.map(({ prompt = '', calls: own, input }) => [prompt, [own, input]]))
  }
  // Hermes has not saved the second answer.
  assert.deepEqual(read(2, 100, [[a, 1]]), { [a!]: [2, 100] })
  // The second answer to the first prompt was saved later, and is no new request.
  const second = read(4, 200, [
    [a, 2],
    [b, 2],
  ])
  assert.deepEqual(second, { [b!]: [2, 100] })
  const third = read(10, 301, [
    [a, 2],
    [b, 6],
    [c, 2],
  ])
  assert.deepEqual(third, { [b!]: [4, 67], [c!]: [2, 34] })
  // A prompt after the last request of the row has no part of it.
  assert.deepEqual(read(11, 311, [...Array.from({ length: 9 }, () => [a, 0] as const), [c, 9], [b, 9]]), { [c!]: [1, 10] })
})

test('usage: finds the directory of conversations in each Hermes version', () => {
  const db = new DatabaseSync(':memory:')
  db.exec(recordings('hermes', dir, at)[0]!)
  // Hermes 0.22 has system prompts in a table of their own.
  const newer = `create table system_prompts (hash text, prompt text);
    insert into system_prompts select 'h', system_prompt from sessions where system_prompt is not null;
    alter table sessions add column system_prompt_hash text;
    update sessions set system_prompt_hash = 'h', system_prompt = null where cwd is null`
  const older = 'drop table messages; alter table sessions drop column system_prompt'
  for (const [change, calls] of [['', 12] as const, [newer, 12] as const, [older, 9] as const]) {
    db.exec(change)
    const { uses } = hermesUsage.readRows(null, rowsOf(db, hermesUsage, at), at)
    const own = uses.filter(({ key }) => key === dir)
    assert.equal(own.map(usedTokens).reduce(addTokens).calls, calls)
  }
})

test('usage: counts what a running total of Hermes adds', () => {
  const log = hermesUsage
  const row = (calls: number, input: number, seconds: number, more = {}) => ({
    session_id: 's',
    model: 'm',
    api_call_count: calls,
    input_tokens: input,
    output_tokens: calls,
    first_seen: 100,
    last_seen: seconds,
    ...more,
  })
  const first = log.readRows(null, [row(2, 50, 110)], 0)
  const second = log.readRows(first.state, [row(3, 80, 120)], 110_000)
  assert.deepEqual(
    second.uses.map(({ calls, input, cache_read, reported_cost }) => [calls, input, cache_read, reported_cost]),
    [[1, 30, null, null]],
  )
  // A lower total is a new count.
  assert.equal(log.readRows(second.state, [row(1, 7, 130)], 120_000).uses[0]?.input, 7)
  // The total of an old session says nothing without the last total that burn counted.
  assert.deepEqual(log.readRows(null, [row(9, 900, 130)], 120_000).uses, [])
  const paid = { estimated_cost_usd: 0, cost_status: 'unknown' }
  assert.equal(log.readRows(null, [row(1, 7, 110, paid)], 0).uses[0]?.reported_cost, null)
  const included = log.readRows(null, [row(1, 7, 110, { cost_status: 'included' })], 0).uses[0]
  assert.equal(included?.subscription, true)
})
