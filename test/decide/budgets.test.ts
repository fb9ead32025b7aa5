/** Budgets: the usage that counts, warnings, holds until the day ends, and escalations. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UsageBudget } from '../../src/core/budget.ts'
import type { Hold } from '../../src/core/ledger/holds.ts'
import type { Fleet } from '../../src/core/nouns.ts'
import type { UsageRecord } from '../../src/core/usage.ts'
import { budgets, budgetUses, usedPart } from '../../src/decide/budgets.ts'
import { recordCost } from '../../src/decide/costs.ts'
import { settle } from '../../src/decide/settle.ts'
import { said } from '../support/reasons.ts'
import { dispatchOf, now, stateOf } from '../support/state.ts'

const hour = 3_600_000
const day = 24 * hour
const base = stateOf().fleet
const [window] = base.machines[0]!.windows
const fleet: Fleet = {
  ...base,
  machines: [
    {
      ...base.machines[0]!,
      windows: [
        { ...window!, name: 'A', lane: 'bugs', workers: [{ ...window!.workers[0]!, id: 'm1/A/ANN', lane: 'bugs' }] },
        { ...window!, name: 'B', lane: 'bugs', workers: [] },
        { ...window!, name: 'C', lane: 'docs', workers: [{ ...window!.workers[0]!, id: 'm1/C/CAT', lane: 'docs' }] },
      ],
    },
  ],
  accounts: [{ name: 'max', workers: ['m1/C/CAT'] }],
}

function used(worker: string, tokens: number, more: Partial<UsageRecord> = {}): UsageRecord {
  const model = { provider: '', model_asked: 'm', model_answered: 'm', subscription: null }
  const counts = { calls: 1, input: tokens, cache_read: null, cache_write: null, output: 0, reasoning: null, reported_cost: null }
  return {
    source: 'pane',
    worker,
    incarnation: 'i',
    issue: 'o/r#1',
    agent: 'claude',
    hour: now,
    last_at: now,
    ...model,
    ...counts,
    ...more,
  }
}

/** A million tokens of the model `m` cost 10 USD; the price of other models is unknown. */
const prices = [{ model: 'm', price: { in: 10, out: 10, cache_read: 0, cache_write: 0 } }]
const costFor = (record: UsageRecord) => recordCost(record, prices, () => null)
const million = 1_000_000
const dispatch = dispatchOf({ issue: 'o/r#1', worker: 'm1/A/ANN' })

const all = (more: Partial<UsageBudget>): UsageBudget => ({ scope: 'fleet', name: 'all', day: null, issue: null, ...more })

/** Returns what the decider does, one line for each action. */
function decided(
  own: readonly UsageBudget[],
  records: readonly UsageRecord[],
  { holds = [], at = now }: { holds?: readonly Hold[]; at?: number } = {},
) {
  const whole = { ...fleet, budgets: own }
  const uses = budgetUses(whole, { today: records, issues: records, dispatches: [dispatch], costFor })
  return budgets(stateOf({ fleet: whole, budgets: uses, dispatches: [dispatch], holds, now: at })).map((action) => {
    if (action.do === 'note') return `${action.event.kind} ${action.event.subject} since ${action.since}`
    if (action.do === 'escalate') return `escalate ${action.issue}: ${said(action.reason)}`
    return `${action.do} ${action.scope} ${action.name}${action.do === 'hold' ? ` until ${action.until - now}: ${said(action.reason)}` : ''}`
  })
}

test('budgets: burn warns at 80 % and stops new work at 100 %', () => {
  const own = [all({ day: { usd: 50, tokens: null } })]
  assert.deepEqual(decided(own, [used('m1/A/ANN', 3.9 * million)]), [])
  assert.deepEqual(decided(own, [used('m1/A/ANN', 4 * million)]), [`budget.warned fleet since ${now}`])
  assert.deepEqual(decided(own, [used('m1/A/ANN', 3 * million), used('sprint/h/1', 2 * million, { source: 'sprint' })]), [
    `hold fleet all until ${day}: the whole fleet has used 50.00 of 50.00 USD today (budget)`,
  ])
})

test('budgets: tokens count if the price is unknown', () => {
  const unknown = { model_asked: 'x', model_answered: 'x' }
  const both = [all({ day: { usd: 1, tokens: 2 * million } })]
  assert.deepEqual(decided(both, [used('m1/A/ANN', million, unknown)]), [])
  assert.deepEqual(decided(both, [used('m1/A/ANN', 2 * million, unknown)]), [
    `hold fleet all until ${day}: the whole fleet has used 2000000 of 2000000 tokens today (budget)`,
  ])
  assert.deepEqual(decided([all({ day: { usd: 1, tokens: null } })], [used('m1/A/ANN', 99 * million, unknown)]), [])
  const spent = { usd: null, tokens: 5, unpriced_tokens: 5 }
  assert.equal(usedPart({ allowed: { usd: 1, tokens: 10 }, spent }).part, 0.5)
})

test('budgets: a subscription costs no money', () => {
  const own = [all({ day: { usd: 1, tokens: null } })]
  const plan = (record: UsageRecord) => recordCost({ ...record, subscription: true }, [], () => 99)
  const [use] = budgetUses({ ...fleet, budgets: own }, { today: [used('m1/A/ANN', million)], issues: [], dispatches: [], costFor: plan })
  assert.deepEqual(use?.spent, { usd: null, tokens: million, unpriced_tokens: 0 })
})

test('budgets: a lane and an account count their own workers', () => {
  const lane: UsageBudget = { scope: 'lane', name: 'bugs', day: { usd: null, tokens: 10 }, issue: null }
  const account: UsageBudget = { scope: 'account', name: 'max', day: { usd: null, tokens: 10 }, issue: null }
  const hold = `until ${day}: `
  assert.deepEqual(decided([lane, account], [used('m1/A/ANN', 9), used('m1/C/CAT', 12)]), [
    `hold account max ${hold}account max has used 12 of 10 tokens today (budget)`,
    `budget.warned lane bugs since ${now}`,
  ])
  const spent = 'lane bugs has used 10 of 10 tokens today (budget)'
  assert.deepEqual(decided([lane], [used('m1/A/ANN', 10)]), [`hold lane m1/A ${hold}${spent}`, `hold lane m1/B ${hold}${spent}`])
})

test('budgets: the hold begins once, and ends with the day', () => {
  const own = [all({ day: { usd: null, tokens: 10 } })]
  const reason = { code: 'prose', text: '' } as const
  const hold: Hold = { scope: 'fleet', name: 'all', code: 'budget', reason, until: now + day, actor: 'burn', created_at: 5 }
  assert.deepEqual(decided(own, [used('m1/A/ANN', 11)], { holds: [hold] }), [])
  assert.deepEqual(decided(own, [], { holds: [hold], at: now + day }), ['end_hold fleet all'])
  assert.deepEqual(decided([], [], { holds: [hold] }), ['end_hold fleet all'], 'the spec no longer has the budget')
  assert.deepEqual(decided(own, [used('m1/A/ANN', 1)], { holds: [{ ...hold, code: 'person' }] }), [])
})

test('budgets: an issue over its budget is escalated', () => {
  const own = [
    all({ issue: { usd: null, tokens: 100 } }),
    { scope: 'lane', name: 'bugs', day: null, issue: { usd: null, tokens: 50 } } as const,
  ]
  assert.deepEqual(decided(own, [used('m1/A/ANN', 30), used('m1/C/CAT', 12)]), ['budget.warned o/r#1 since 0'])
  assert.deepEqual(decided(own, [used('m1/A/ANN', 30), used('m1/C/CAT', 40)]), ['escalate o/r#1: o/r#1 has used 70 of 50 tokens (budget)'])
  assert.deepEqual(decided(own, [used('m1/A/ANN', 130)]), ['escalate o/r#1: o/r#1 has used 130 of 50 tokens (budget)'])
})

test('budgets: a used budget leaves texts about running work', () => {
  const own = [all({ day: { usd: null, tokens: 10 } })]
  const uses = budgetUses({ ...fleet, budgets: own }, { today: [used('m1/A/ANN', 11)], issues: [], dispatches: [], costFor })
  const workers = [
    {
      worker: fleet.machines[0]!.windows[0]!.workers[0]!,
      reading: { state: 'idle', detail: null, evidence: '' },
      incarnation: 'i',
    } as const,
  ]
  const record = {
    id: 'm1/A/ANN',
    drawn: false,
    used_at: now,
    state: 'idle',
    state_since: now,
    start_seen: true,
    error_at: now,
    provision: null,
  } as const
  const state = stateOf({ fleet: { ...fleet, budgets: own }, budgets: uses, workers, records: [record] })
  const running = { ...dispatch, incarnation: 'i', handed_at: now - hour }
  const at = {
    now: now + hour,
    dispatches: [running],
    incarnations: new Map([['m1/A/ANN', 'i']]),
    states: new Map([['m1/A/ANN', { state: 'idle' as const, since: now + hour }]]),
  }
  assert.deepEqual(
    settle({ ...state, ...at }).actions.map((action) => action.do),
    ['hold', 'tell'],
  )
})

test('budgets: a sprint counts for its backend and its lane', () => {
  const sprint = (agent: string) => used('sprint/box/1', million, { source: 'sprint', agent })
  const day = { usd: null, tokens: 4 * million }
  const own = (scope: 'lane' | 'account', name: string): UsageBudget => ({ scope, name, day, issue: null })
  const accounts = [{ name: 'max', workers: ['m1/C/CAT'], backends: ['cli claude'] }]
  const today = [sprint('cli claude'), sprint('cli codex'), used('m1/C/CAT', million)]
  const budgetsOf = [own('account', 'max'), own('lane', 'sprint'), own('lane', 'docs')]
  const uses = budgetUses({ ...fleet, accounts, budgets: budgetsOf }, { today, issues: [], dispatches: [], costFor })
  assert.deepEqual(
    uses.map(({ spent }) => spent.tokens / million),
    [2, 2, 1],
  )
  const each = { ...own('account', 'max'), day: null, issue: day }
  const run = dispatchOf({ issue: 'o/r#1', worker: 'sprint/box/1' })
  const spentOn = (agent: string) =>
    budgetUses({ ...fleet, accounts, budgets: [each] }, { today: [], issues: [sprint(agent)], dispatches: [run], costFor }).length
  assert.deepEqual([spentOn('cli claude'), spentOn('cli codex')], [1, 0])
})
