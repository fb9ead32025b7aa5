/** Costs of usage, its sums, and the issue and agent process to which tokens belong. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Span } from '../../src/core/span.ts'
import type { UsageRecord } from '../../src/core/usage.ts'
import { recordCost, groupCosts, periodCosts, sumCosts, type Cost } from '../../src/decide/costs.ts'
import { newSprintUsage, sumUsage, type WorkerUse } from '../../src/decide/usage.ts'
import { listPrice } from '../../src/llm/prices.ts'

const hour = 3_600_000
const million = 1_000_000

function recordOf(changes: Partial<UsageRecord> = {}): UsageRecord {
  const model = { provider: '', model_asked: 'm', model_answered: 'm', subscription: null }
  const tokens = { calls: 1, input: million, cache_read: 0, cache_write: 0, output: 0, reasoning: null, reported_cost: null }
  return {
    source: 'pane',
    worker: 'box/W/ANN',
    incarnation: 'i',
    issue: 'o/r#1',
    agent: 'claude',
    hour: 0,
    last_at: 0,
    ...model,
    ...tokens,
    ...changes,
  }
}

test('costs: the price of the spec comes before other prices', () => {
  const price = { in: 2, out: 10, cache_read: 0.5, cache_write: 4 }
  const record = recordOf({ cache_read: million, cache_write: million, output: million, reported_cost: 3 })
  const list = () => 7
  assert.deepEqual(recordCost(record, [{ model: 'M*', price }], list), { cost: 16.5, source: 'spec', subscription: false })
  assert.deepEqual(recordCost(record, [{ model: 'n', price }], list), { cost: 3, source: 'reported', subscription: false })
  assert.deepEqual(recordCost(recordOf(), [], list), { cost: 7, source: 'list', subscription: false })
  assert.deepEqual(
    recordCost(recordOf(), [], () => null),
    { cost: null, source: 'unknown', subscription: false },
  )
  const plan = { cost: 7, source: 'list', subscription: true }
  assert.deepEqual(recordCost(record, [{ model: '*', price: 'subscription' }], list), plan)
  assert.deepEqual(recordCost(recordOf({ subscription: true }), [], list), plan)
})

test('costs: list prices depend on model, provider and request size', () => {
  const usd = (changes: Partial<UsageRecord>) => listPrice(recordOf({ hour: Date.parse('2026-11-01'), ...changes }))
  const opus = { model_answered: 'claude-opus-4-6', provider: 'anthropic' }
  assert.equal(usd(opus), 5)
  assert.equal(usd({ ...opus, input: 0, cache_read: million, output: million }), 25.5)
  assert.equal(usd({ model_answered: 'nobody-knows' }), null)
  assert.equal(usd({ ...opus, provider: 'nobody-knows' }), null)
  // Gemini has a higher price for requests of more than 200,000 tokens.
  const gemini = { model_answered: 'gemini-2.5-pro', provider: 'google' }
  assert.equal(usd({ ...gemini, calls: 10 }), 1.25)
  assert.equal(usd({ ...gemini, calls: 1 }), 2.5)
})

test('costs: unknown parts stay visible in sums', () => {
  const costs: Readonly<Record<string, Cost>> = {
    known: { cost: 2, source: 'list', subscription: false },
    none: { cost: null, source: 'unknown', subscription: false },
    plan: { cost: 5, source: 'list', subscription: true },
  }
  const sum = (...agents: string[]) =>
    sumCosts(
      agents.map((agent) => recordOf({ agent, output: 1 })),
      ({ agent }) => costs[agent]!,
    )
  assert.deepEqual(sum('known', 'none', 'plan', 'plan'), {
    calls: 4,
    input: 4 * million,
    cache_read: 0,
    cache_write: 0,
    output: 4,
    reasoning: null,
    cost: 2,
    subscription_cost: 10,
    unpriced_tokens: million + 1,
  })
  assert.equal(sum('none').cost, null)
  assert.equal(sum('plan').cost, null)
})

test('costs: groups usage by each property', () => {
  const records = [
    recordOf({ worker: 'box/W/ANN' }),
    recordOf({ worker: 'sprint/host/1', source: 'sprint', issue: 'o/s#2', hour: 25 * hour, input: 3 }),
    recordOf({ worker: '', issue: '', model_answered: '', model_asked: '', input: 2 }),
  ]
  const keys = (by: Parameters<typeof groupCosts>[1]) =>
    groupCosts(records, by, new Map([['box/W/ANN', 'bugs']]), () => ({ cost: null, source: 'unknown', subscription: false })).map(
      ({ key }) => key,
    )
  assert.deepEqual(keys('worker'), ['box/W/ANN', 'sprint/host/1', null])
  assert.deepEqual(keys('lane'), ['bugs', 'sprint', null])
  assert.deepEqual(keys('issue'), ['o/r#1', 'o/s#2', null])
  assert.deepEqual(keys('repo'), ['o/r', 'o/s', null])
  assert.deepEqual(keys('model'), ['m', null])
  assert.deepEqual(keys('day'), ['1970-01-01', '1970-01-02'])
})

test('costs: an issue cost in a report needs all prices', () => {
  const records = [
    recordOf({ issue: 'o/r#1' }),
    recordOf({ issue: 'o/r#2' }),
    recordOf({ issue: 'o/r#2', model_answered: 'new' }),
    recordOf({ issue: 'o/r#3', model_answered: 'plan' }),
  ]
  const costFor = ({ model_answered: model }: UsageRecord): Cost => {
    return { cost: model === 'new' ? null : 2, source: 'list', subscription: model === 'plan' }
  }
  const costs = periodCosts(records, new Map(), costFor)
  assert.deepEqual([...(costs?.issue_costs ?? [])], [['o/r#1', 2]])
  assert.deepEqual([costs?.total.cost, costs?.total.subscription_cost, costs?.total.unpriced_tokens], [4, 2, million])
  assert.deepEqual(
    costs?.by_model.map(({ key, cost }) => [key, cost]),
    [
      ['m', 4],
      ['plan', null],
      ['new', null],
    ],
  )
  assert.equal(periodCosts([], new Map(), costFor), null)
})

test('usage: tokens belong to the issue and process of their time', () => {
  const span = (began_at: number, ended_at: number | null, issue: string | null, incarnation: string) =>
    ({ subject: 'w', began_at, ended_at, issue, incarnation }) as Span
  const spans = [span(0, 100, 'o/r#1', 'a'), span(100, 200, null, 'a'), span(200, null, 'o/r#2', 'b')]
  const dispatch = { id: '1', worker: 'w', issue: 'o/r#9', state: 'review', handed_at: 110, changed_at: 150 } as const
  const { hour: _hour, last_at: _last, source: _source, issue: _issue, incarnation: _incarnation, ...tokens } = recordOf({ input: 1 })
  const use = (at: number, changes: Partial<WorkerUse> = {}): WorkerUse => ({ ...tokens, at, ids: [], worker: 'w', record: '', ...changes })
  const sums = sumUsage([use(10), use(99), use(120), use(160), use(300), use(hour), use(10, { worker: '' })], {
    spans,
    dispatches: [dispatch, { ...dispatch, id: '2', issue: 'o/r#10' }],
  })
  assert.deepEqual(
    sums.map(({ worker, issue, incarnation, hour: at, input }) => [worker, issue, incarnation, at, input]),
    [
      ['w', 'o/r#1', 'a', 0, 2],
      ['w', 'o/r#9', 'a', 0, 1],
      ['w', '', 'a', 0, 1],
      ['w', 'o/r#2', 'b', 0, 1],
      ['w', 'o/r#2', 'b', hour, 1],
      ['', '', '', 0, 1],
    ],
  )
  const [sum] = sumUsage([use(1), use(2, { cache_read: null, reported_cost: 1 })], { spans, dispatches: [] })
  assert.deepEqual([sum?.cache_read, sum?.reported_cost], [null, null])
})

test('usage: a later prompt decides before the sample that shows it', () => {
  const spanOf = (state: string, issue: string | null) =>
    ({ subject: 'w', state, began_at: 100, ended_at: null, issue, incarnation: 'a' }) as Span
  const dispatchOf = (id: string, state: 'handed' | 'released' | 'done', handed_at: number, changed_at: number) =>
    ({ id, worker: 'w', issue: `o/r#${id}`, state, handed_at, changed_at }) as const
  const { hour: _hour, last_at: _last, source: _source, issue: _issue, incarnation: _incarnation, ...tokens } = recordOf({ input: 1 })
  const at = 2 * hour
  const issueOf = (span: Span, dispatches: Parameters<typeof sumUsage>[1]['dispatches'], prompt?: string) => {
    const use: WorkerUse = { ...tokens, at, ids: [], worker: 'w', record: '', ...(prompt === undefined ? {} : { prompt }) }
    return sumUsage([use], {
      spans: [span],
      dispatches,
      deliveries: new Map([
        ['resume', '1'],
        ['identity', null],
      ]),
    })[0]?.issue
  }
  const queued = [dispatchOf('1', 'handed', 50, 50), dispatchOf('2', 'handed', 60, 60)]
  assert.equal(issueOf(spanOf('working', 'o/r#1'), queued), 'o/r#1')
  assert.equal(issueOf(spanOf('working', 'o/r#1'), queued, '2'), 'o/r#2', 'the record shows the prompt')
  assert.equal(issueOf(spanOf('working', 'o/r#2'), queued, 'resume'), 'o/r#1', 'a later text about the first issue')
  assert.equal(issueOf(spanOf('working', 'o/r#1'), queued, 'unknown'), 'o/r#1')
  assert.equal(issueOf(spanOf('working', 'o/r#1'), queued, 'identity'), '', 'the agent reads who it is')
  const over = [dispatchOf('1', 'released', 50, 200), dispatchOf('2', 'handed', at - 9, at - 9)]
  assert.equal(issueOf(spanOf('error', 'o/r#1'), over), 'o/r#2', 'the error outlasts its issue')
  assert.equal(issueOf(spanOf('working', null), [dispatchOf('1', 'done', 50, 60)], '1'), '', 'a person goes on with the conversation')
})

test('usage: a sprint adds what it used since its last state', () => {
  const before = {
    worker: 'sprint/h/1',
    issue: 'o/r#1',
    backend: null,
    model: null,
    provider: null,
    turns: 0,
    tokens_in: 0,
    tokens_out: 0,
    cost: null,
  }
  const now = { ...before, backend: 'runner m', model: 'm', turns: 2, tokens_in: 10, tokens_out: 3, cost: 0.5 }
  type Row = Parameters<typeof newSprintUsage>[0]
  assert.deepEqual(newSprintUsage(before as Row, before as Row, 5), [])
  const [first] = newSprintUsage(before as Row, now as Row, hour + 5)
  assert.deepEqual([first?.source, first?.input, first?.cache_read, first?.reported_cost, first?.hour], ['sprint', 10, null, 0.5, hour])
  assert.equal(newSprintUsage(now as Row, { ...now, tokens_in: 20, cost: 0.75 } as Row, 0)[0]?.reported_cost, 0.25)
})
