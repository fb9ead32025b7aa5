/** The loop of a change in review: failed checks and reviews come back to the agent, and burn merges by the rules. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { ChangePolicy } from '../../src/core/change-stages.ts'
import type { ChangeState } from '../../src/core/change-state.ts'
import { BurnError } from '../../src/core/errors.ts'
import { changeOf, checkOf, protection, reviewOf } from '../support/changes.ts'
import { issuesOf } from '../simulate/storm.ts'
import { simulatedFleet } from '../support/world.ts'

/** Dispatches one issue, opens its change, and returns the fleet with a change whose facts the test sets. */
async function changeInReview(t: TestContext, rules: Partial<ChangePolicy> = {}) {
  const fleet = await simulatedFleet(t, issuesOf(1))
  const dispatcher = await fleet.open()
  const { session } = dispatcher
  Object.assign(session.fleet, { changes: { ...session.fleet.changes, ...rules } })
  const [given] = (await dispatcher.cycle()).claimed
  assert.ok(given !== undefined)
  const { id, issue, worker } = given
  const merges: string[] = []
  let facts: Partial<ChangeState> = {}
  const change = () =>
    ({ name: `#${id}`, author: 'burn', dispatch_id: id, closes: [issue], state: merges.length > 0 ? 'merged' : 'open' }) as const
  const set = (next: Partial<ChangeState>) => {
    facts = { ...facts, ...next }
    fleet.people.put('o/a', change())
  }
  fleet.forge.changeState = async (ref) => {
    const state = changeOf({ ref, pushed: { login: 'burn', at: 0 }, ...facts })
    return { ...state, change: { ...state.change, ...change(), dispatch_id: id } }
  }
  Object.assign(fleet.forge, {
    checks: async () => facts.checks ?? [],
    protection: async () => protection,
    changedPaths: async () => ['a.ts'],
    logTail: async () => ({ text: 'boom at line 7\n[31mred', truncated: true }),
    merge: async (_: string, { sha }: { readonly sha: string }) => {
      merges.push(sha)
      fleet.people.put('o/a', change())
      return { result: 'merged' }
    },
  })
  const received: string[] = []
  const { received: receive } = fleet.world
  fleet.world.received = (agent, prompt, text) => {
    received.push(text)
    return receive.call(fleet.world, agent, prompt, text)
  }
  set({})
  await dispatcher.cycle()
  const state = async () => (await session.ledger.dispatches({ issue }))[0]
  const agent = () => fleet.world.agents().find((each) => each.worker === worker)
  /** Ends the turn of the agent. */
  const endTurn = async () => {
    await fleet.pass(101 * 3_600_000)
    await dispatcher.cycle()
    await fleet.pass(61_000)
    await dispatcher.cycle()
  }
  return { ...fleet, ...dispatcher, id, issue, worker, set, state, merges, received, agent, endTurn }
}

const stage = async ({ ledger }: Awaited<ReturnType<typeof changeInReview>>) => (await ledger.reviewView()).dispatches[0]?.watched?.stage

test('change loop: a red check reaches the agent within one cycle', async (t) => {
  const fleet = await changeInReview(t, { merge: 'green' })
  await fleet.endTurn()
  assert.equal((await fleet.state())?.state, 'review')
  fleet.set({ checks: [checkOf('unit tests', 'failed')] })
  await fleet.cycle()
  assert.equal((await fleet.state())?.state, 'handed')
  assert.match(fleet.received.at(-1) ?? '', /check: unit tests[^]*boom at line 7/)
  assert.doesNotMatch(fleet.received.at(-1) ?? '', /\x1b/)
  await fleet.cycle()
  assert.equal(await stage(fleet), 'at_work')
  await fleet.endTurn()
  await fleet.cycle()
  assert.deepEqual([(await fleet.state())?.state, await stage(fleet)], ['review', 'no_push'])
  fleet.set({ sha: 'head2', checks: [checkOf('unit tests', 'passed')] })
  await fleet.cycle()
  assert.deepEqual(fleet.merges, ['head2'])
  await fleet.cycle()
  assert.equal((await fleet.state())?.state, 'done')
  const steps = (await fleet.ledger.events({ issue: fleet.issue, kinds: ['change.*'] })).length
  assert.ok(steps > 3, 'the events tell the story')
})

test('change loop: two dispatchers tell a review once', async (t) => {
  const fleet = await changeInReview(t)
  await fleet.endTurn()
  const other = await fleet.open(fleet.ledger)
  fleet.set({ reviews: [reviewOf({ id: '1', state: 'changes_requested', author: 'ann', body: 'rename the function' })] })
  const before = fleet.received.length
  await fleet.cycle()
  await other.cycle()
  await fleet.cycle()
  assert.equal(fleet.received.length - before, 1)
  assert.match(fleet.received.at(-1) ?? '', /review by: ann[^]*rename the function/)
})

test('change loop: a forge that hides our login fails no cycle', async (t) => {
  const fleet = await changeInReview(t)
  await fleet.endTurn()
  const { whoami } = fleet.forge
  fleet.forge.whoami = () => Promise.reject(new BurnError('forge_failed', 'the forge is down', 'wait'))
  fleet.set({ checks: [checkOf('unit tests', 'failed')] })
  await fleet.cycle()
  assert.equal((await fleet.state())?.state, 'review')
  fleet.forge.whoami = whoami
  fleet.set({})
  await fleet.cycle()
  assert.equal((await fleet.state())?.state, 'handed')
})

test('change loop: another worker of the lane continues the change', async (t) => {
  const fleet = await changeInReview(t)
  await fleet.endTurn()
  fleet.agent()?.die()
  fleet.set({ checks: [checkOf('unit tests', 'failed')] })
  await fleet.cycle()
  const now = await fleet.state()
  assert.equal(now?.state, 'handed')
  assert.notEqual(now?.worker, fleet.worker)
  assert.match(fleet.received.at(-1) ?? '', /Another agent made it/)
})
