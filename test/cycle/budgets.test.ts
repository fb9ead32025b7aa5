/** Budgets on a simulated fleet: new work stops until the day ends, and people hear once of an issue over its budget. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { UsageBudget } from '../../src/core/budget.ts'
import type { UsageRecord } from '../../src/core/usage.ts'
import { BurnError } from '../../src/core/errors.ts'
import { readNeeds } from '../../src/observe/needs.ts'
import { issuesOf } from '../simulate/storm.ts'
import { simulatedFleet } from '../support/world.ts'

const hour = 3_600_000

/** Makes a simulated fleet of four workers with a budget. `use` records tokens, as the job `usage` does. */
async function budgetedFleet(t: TestContext, budget: Partial<UsageBudget>) {
  const fleet = await simulatedFleet(t, issuesOf(6))
  Object.assign(fleet.fleet, { budgets: [{ scope: 'fleet', name: 'all', day: null, issue: null, ...budget }] })
  const dispatcher = await fleet.open()
  const use = async (tokens: number, issue = '') => {
    const model = { provider: '', model_asked: 'm', model_answered: 'm', subscription: null }
    const counts = { calls: 1, input: tokens, cache_read: null, cache_write: null, output: 0, reasoning: null, reported_cost: null }
    const at = fleet.clock.now()
    const about = { source: 'pane', worker: 'm1/LANE/W1', incarnation: 'i', issue, agent: 'custom' } as const
    const record: UsageRecord = { ...about, hour: Math.floor(at / hour) * hour, last_at: at, ...model, ...counts }
    await dispatcher.ledger.addUsage([record], [])
  }
  const kinds = async (...wanted: string[]) =>
    (await dispatcher.ledger.events({ kinds: wanted, limit: 100 })).map(({ kind, subject }) => `${kind} ${subject}`)
  return { ...fleet, ...dispatcher, use, kinds }
}

test('budgets: new work stops at 100 % until the day ends', async (t) => {
  const { cycle, use, kinds, pass, ledger } = await budgetedFleet(t, { day: { usd: null, tokens: 100 } })
  await use(85)
  assert.equal((await cycle()).claimed.length, 4)
  await cycle()
  await use(15)
  const live = (await ledger.view()).dispatches.length
  await cycle()
  assert.equal((await ledger.view()).dispatches.length, live, 'running work goes on')
  await cycle()
  assert.deepEqual(await kinds('budget.*', 'fleet.*'), ['budget.warned fleet', 'fleet.held all'])
  await pass(24 * hour)
  await cycle()
  assert.deepEqual(await kinds('budget.*', 'fleet.*'), ['budget.warned fleet', 'fleet.held all', 'fleet.resumed all'])
})

test('budgets: an issue over its budget gets one comment, one label', async (t) => {
  const { cycle, use, kinds, forge, pass, notices, session } = await budgetedFleet(t, { issue: { usd: null, tokens: 100 } })
  const [first] = (await cycle()).claimed
  const issue = first!.issue
  const labels: string[] = []
  const setLabel = forge.addLabel.bind(forge)
  const addLabel = async (ref: string, label: string) => {
    labels.push(`${ref} ${label}`)
    await setLabel(ref, label)
  }
  const comments = async () => (await forge.comments(issue)).filter(({ body }) => body.includes('Over budget'))
  await use(120, issue)

  // The forge loses the answer to the comment, so burn looks for the comment before it writes another one.
  const comment = forge.comment.bind(forge)
  forge.comment = async (...given) => {
    await comment(...given)
    throw new BurnError('forge_unavailable', 'the answer was lost', 'wait')
  }
  await cycle()
  assert.deepEqual([(await comments()).length, await kinds('issue.over_budget')], [1, []])
  assert.ok(notices.some((notice) => notice.includes('the answer was lost')))
  Object.assign(forge, { comment, addLabel })
  await pass(60_000)
  for (let times = 0; times < 3; times++) await cycle()
  assert.match(
    (await comments())[0]?.body ?? '',
    /^<!-- burn:1 fleet=storm note=over-budget -->\nOver budget: .* has used 120 of 100 tokens/,
  )
  assert.deepEqual([(await comments()).length, labels], [1, [`${issue} over-budget`]])
  assert.deepEqual(await kinds('issue.over_budget'), [`issue.over_budget ${issue}`])
  const needed = async () => (await readNeeds(session)).over_budget.map((each) => each.issue)
  assert.deepEqual(await needed(), [issue])
  // A person replaces the label.
  await setLabel(issue, 'allowed')
  await pass(60_000)
  await cycle()
  assert.deepEqual(await needed(), [])
})
