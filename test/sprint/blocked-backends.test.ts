/** The backends that no sprint may use because of budgets and holds. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UsageBudget } from '../../src/core/budget.ts'
import type { Hold } from '../../src/core/ledger/holds.ts'
import type { UsageRecord } from '../../src/core/usage.ts'
import { blockedBackends } from '../../src/sprint/blocked-backends.ts'
import { now, stateOf } from '../support/state.ts'

const [claude, codex] = ['cli claude', 'cli codex']
const accounts = [{ name: 'max', workers: [], backends: [claude] }]

async function blocked(budgets: readonly UsageBudget[], holds: readonly Hold[] = []): Promise<string[]> {
  const model = { provider: '', model_asked: 'm', model_answered: 'm', subscription: null, agent: codex, hour: now, last_at: now }
  const counts = { calls: 1, input: 100, cache_read: null, cache_write: null, output: 0, reasoning: null, reported_cost: null }
  const record: UsageRecord = { source: 'sprint', worker: 'sprint/box/1', incarnation: '', issue: 'o/r#1', ...model, ...counts }
  const ledger = { holds: () => Promise.resolve(holds), usage: () => Promise.resolve([record]) }
  const fleet = { ...stateOf().fleet, accounts, budgets }
  const clock = { now: () => now, sleep: () => Promise.resolve() }
  const found = await blockedBackends([claude, codex], 'sprint', { fleet, ledger, clock })
  return [...found].map(([name, { class: cause, reason }]) => `${name}: ${cause}: ${reason}`)
}

const budget = (scope: UsageBudget['scope'], name: string): UsageBudget => ({ scope, name, day: { usd: null, tokens: 100 }, issue: null })

test('sprints: a budget that is used up blocks backends', async () => {
  const why = (of: string) => `budget: the budget of ${of} is used up for today`
  const both = (of: string) => [claude, codex].map((name) => `${name}: ${why(of)}`)
  assert.deepEqual(await blocked([budget('fleet', 'all')]), both('the whole fleet'))
  assert.deepEqual(await blocked([budget('lane', 'sprint')]), both('lane sprint'))
  assert.deepEqual(await blocked([budget('lane', 'bugs'), budget('account', 'max')]), [], 'another lane and account')
})

test('sprints: a hold on an account blocks its backends', async () => {
  const reason = { code: 'limit_reached', worker: 'm/W/A', evidence: 'limit', pause: null } as const
  const hold: Hold = { scope: 'account', name: 'max', code: 'limit', reason, until: now + 1, actor: 'burn', created_at: 0 }
  assert.match((await blocked([], [hold])).join(), /^cli claude: rate_limited: account max is held: /)
  assert.deepEqual(await blocked([], [{ ...hold, until: now }]), [])
})
