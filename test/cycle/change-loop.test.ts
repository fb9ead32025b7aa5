/** The loop of a change in review: failed checks and reviews come back to the agent, and burn merges by the rules. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BurnError } from '../../src/core/errors.ts'
import { status } from '../../src/observe/state.ts'
import { changeInReview } from '../support/change-in-review.ts'
import { checkOf, protection, reviewOf } from '../support/changes.ts'

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

test('change loop: a change that may merge is read each cycle', async (t) => {
  const fleet = await changeInReview(t, { merge: 'green' })
  let may_merge = false
  fleet.forge.protection = async () => ({ ...protection, may_merge })
  await fleet.endTurn()
  fleet.set({ checks: [checkOf('unit tests', 'passed')] })
  await fleet.cycle()
  // The forge lists the change once more, because listings overlap by a moment.
  await fleet.pass(61_000)
  await fleet.cycle()
  assert.equal(await stage(fleet), 'ready')
  const { needs_you } = await fleet.run(status(fleet.fleet.machines, fleet.session))
  assert.deepEqual(
    needs_you.map(({ kind, subject }) => [kind, subject]),
    [['change', fleet.issue]],
    'a person must merge it',
  )
  // A person runs the check again, which changes no date of the change.
  may_merge = true
  fleet.setUnlisted({ checks: [checkOf('unit tests', 'failed')] })
  await fleet.cycle()
  assert.deepEqual([fleet.merges, (await fleet.state())?.state], [[], 'handed'])
})

test('change loop: reads a change again after a turn', async (t) => {
  const fleet = await changeInReview(t, { merge: 'green' })
  await fleet.endTurn()
  fleet.set({ checks: [checkOf('unit tests', 'failed')] })
  await fleet.cycle()
  fleet.set({ checks: [checkOf('unit tests', 'passed')] })
  await fleet.cycle()
  // The forge lists the change once more, because listings overlap by a moment.
  await fleet.pass(61_000)
  await fleet.cycle()
  assert.deepEqual([fleet.merges, await stage(fleet)], [[], 'at_work'])
  fleet.setUnlisted({ checks: [checkOf('lint', 'failed')] })
  fleet.agent()?.die()
  fleet.world.machines.get('m1')?.changed()
  await fleet.cycle()
  await fleet.cycle()
  assert.deepEqual(fleet.merges, [], 'lint failed in the meantime')
})

test('change loop: merges no file that a CI definition calls', async (t) => {
  const fleet = await changeInReview(t, { merge: 'green' })
  let called: () => Promise<readonly string[]> = () => Promise.reject(new BurnError('git_unreachable', 'no route', 'wait'))
  Object.assign(fleet.session, { calledByCi: () => called() })
  await fleet.endTurn()
  fleet.set({ checks: [checkOf('unit tests', 'passed')] })
  const reason = async () => (await fleet.ledger.reviewView()).dispatches[0]?.watched?.reason
  await fleet.cycle()
  assert.equal((await reason())?.code, 'paths_unknown')
  called = async () => ['a.ts']
  fleet.set({})
  await fleet.cycle()
  assert.deepEqual([await reason(), fleet.merges], [{ code: 'merge_protected', paths: ['a.ts'] }, []])
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

test('change loop: records each approval once, also if people merge', async (t) => {
  const fleet = await changeInReview(t, { merge: 'never' })
  await fleet.endTurn()
  const other = await fleet.open(fleet.ledger)
  const first = reviewOf({ id: '1', state: 'approved', author: 'ann' })
  const approvals = async () => {
    await Promise.all([fleet.cycle(), other.cycle()])
    const events = await fleet.ledger.events({ issue: fleet.issue, kinds: ['change.approved'] })
    return events.map(({ payload }) => ('by' in payload ? payload.by : ''))
  }
  fleet.set({ checks: [checkOf('unit tests', 'pending')], reviews: [first, reviewOf({ id: '2', state: 'approved', author: 'stranger' })] })
  assert.deepEqual(await approvals(), ['ann'])
  fleet.set({ checks: [checkOf('unit tests', 'passed')] })
  assert.deepEqual(await approvals(), ['ann'])
  fleet.set({ reviews: [first, reviewOf({ id: '3', state: 'approved', author: 'ann' })] })
  assert.deepEqual([await approvals(), fleet.merges], [['ann', 'ann'], []])
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
