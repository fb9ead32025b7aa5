/** `burn costs --limits`: accounts, holds and used budgets. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { limitLines } from '../../src/cli/limit-lines.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { standIn, testFleet } from '../support/fleet.ts'

const hour = 3_600_000

test('costs: --limits shows accounts, holds and used budgets', async (t) => {
  const fleet = testFleet(t, (dir, socket) => ({
    name: 'f',
    socket,
    dir: join(dir, 'w'),
    ledger: `sqlite:${dir}/l.db`,
    forge: { kind: 'folder', path: dir, owner: 'me' },
    agent: standIn(dir),
    machines: { box: { windows: [{ name: 'A', names: ['ANN'], repos: ['app'] }] } },
    accounts: { max: { workers: ['ANN'] }, team: { workers: ['nobody'] } },
    budget: { day: { usd: 4, tokens: 1000 }, accounts: { max: { day: { tokens: 500 } } } },
  }))
  assert.match((await fleet.burn('costs', '--limits')).err, /the fleet has no worker, window, lane or machine nobody/)
  fleet.writeSpec({
    name: 'f',
    forge: { kind: 'folder', path: fleet.dir, owner: 'me' },
    ledger: `sqlite:${fleet.dir}/l.db`,
    machines: { box: { windows: [{ name: 'A', names: ['ANN'], repos: ['app'] }] } },
    accounts: { max: { workers: ['ANN'] } },
    budget: { day: { usd: 4, tokens: 1000 }, accounts: { max: { day: { tokens: 500 } } } },
  })
  const ledger = await openLedger(`sqlite:${fleet.dir}/l.db`, { random: Math.random })
  t.after(() => ledger.close())
  const now = Date.now()
  const model = { provider: '', model_asked: 'x', model_answered: '', subscription: null }
  const tokens = { calls: 1, input: 400, cache_read: null, cache_write: null, output: 50, reasoning: null, reported_cost: null }
  const about = { source: 'pane', worker: 'box/A/ANN', incarnation: '', issue: '', agent: 'claude' } as const
  await ledger.addUsage([{ ...about, hour: Math.floor(now / hour) * hour, last_at: now, ...model, ...tokens }], [])
  const reason = { code: 'limit_reached', worker: 'box/A/ANN', evidence: 'limit \u001b[31m', pause: null } as const
  await ledger.saveHolds([{ scope: 'account', name: 'max', code: 'limit', reason, until: now + hour, actor: 'burn' }], now)

  const limit = { worker: 'box/A/ANN', name: '5h', used: 42.5, resets_at: now + 2 * hour + 30_000, at: now - 120_000 }
  await ledger.saveUsageLimits([limit, { ...limit, name: '7d', resets_at: now - 1 }])

  const spent = { usd: null, tokens: 450, unpriced_tokens: 450 }
  const { budgets, accounts } = (await fleet.burn('costs', '--limits', '--json')).json<{
    budgets: object[]
    accounts: { hold: object }[]
  }>()
  assert.deepEqual(budgets, [
    { scope: 'fleet', name: 'all', issue: null, allowed: { usd: 4, tokens: 1000 }, spent, used: 0.45 },
    { scope: 'account', name: 'max', issue: null, allowed: { usd: null, tokens: 500 }, spent, used: 0.9 },
  ])
  assert.equal(accounts.length, 1)
  const { out } = await fleet.burn('costs', '--limits')
  assert.match(out, /^ACCOUNT +WORKERS +STATE\nmax +1 +held until 20\S+Z: box\/A\/ANN reached the usage limit: limit/)
  assert.match(out, /the whole fleet +today +45 % +4\.00 +450 +1\.0K/)
  assert.match(out, /^LOGIN +LIMIT +USED +RESETS IN +REPORTED\nmax +5h +42% +2h00m +2m ago\nmax +7d +has reset +2m ago$/m)
  assert.match(out, /The price of 450 tokens is unknown\./)
  assert.ok(!out.includes('\u001b'), out)
})

test('costs: --limits shows no 0 for an issue without recorded tokens', () => {
  const budget = { scope: 'fleet', name: 'all', allowed: { usd: null, tokens: 1000 } } as const
  const spentOf = (tokens: number) => ({ spent: { usd: null, tokens, unpriced_tokens: 0 }, used: tokens / 1000 })
  const budgets = [
    { ...budget, issue: 'me/app#1', ...spentOf(450) },
    { ...budget, issue: 'me/app#2', ...spentOf(0) },
  ]
  const lines = limitLines({ accounts: [], limits: [], budgets, holds: [] }, 80)
  assert.match(lines.join('\n'), /me\/app#1 +45 % +450 +1\.0K\nburn knows of no tokens of 1 other issue with a budget\.$/)
})
