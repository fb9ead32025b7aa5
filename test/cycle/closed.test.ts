/** Issues that a person closes while an agent works on them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { issuesOf } from '../simulate/storm.ts'
import { simulatedFleet } from '../support/world.ts'

test('a closed issue: its agent is told before its next issue', async (t) => {
  const { open, forge, world, pass } = await simulatedFleet(t, issuesOf(12))
  const { cycle, ledger } = await open()
  const [first] = (await cycle()).claimed
  const agent = world.agents().find(({ worker }) => worker === first?.worker)
  assert.equal(agent?.queue.length, 1)
  forge.close(first?.issue ?? '')
  await pass(60_000)
  const { settled, deliveries, claimed } = await cycle()
  assert.deepEqual(
    settled.map(({ state }) => state),
    ['done'],
  )
  const [next] = claimed
  assert.equal(next?.worker, first?.worker)
  assert.deepEqual(
    deliveries.map(({ kind, dispatch, state, worker }) => [kind, dispatch, state, worker]),
    [
      ['follow_up', first?.id, 'seen', first?.worker],
      ['work', next?.id, 'seen', first?.worker],
    ],
  )
  assert.deepEqual(
    agent?.queue.map(({ issue }) => issue),
    [first?.issue, '', next?.issue],
    'the agent reads the text when its turn ends',
  )
  await pass(60_000)
  assert.deepEqual((await cycle()).deliveries, [])
  assert.equal((await ledger.events({ issue: first?.issue ?? '' })).filter(({ kind }) => kind === 'dispatch.done').length, 1)
})

test('a closed issue: burn does not tell a restarted agent', async (t) => {
  const { open, forge, world, pass } = await simulatedFleet(t, issuesOf(1))
  const { cycle } = await open()
  const [first] = (await cycle()).claimed
  const agent = world.agents().find(({ worker }) => worker === first?.worker)
  agent?.die()
  agent?.start(999)
  world.machines.get('m1')?.changed()
  forge.close('o/a#1')
  await pass(60_000)
  const { settled, deliveries } = await cycle()
  assert.deepEqual([settled.map(({ state }) => state), deliveries], [['done'], []])
})

test('a closed issue: burn tells an agent once it is reachable', async (t) => {
  const { open, forge, world, pass } = await simulatedFleet(t, issuesOf(1))
  const { cycle } = await open()
  await cycle()
  const machine = world.machines.get('m1')
  assert.ok(machine !== undefined)
  machine.reachable = false
  forge.close('o/a#1')
  await pass(60_000)
  assert.deepEqual(
    (await cycle()).settled.map(({ state }) => state),
    ['done'],
  )
  machine.reachable = true
  await pass(60_000)
  assert.deepEqual(
    (await cycle()).deliveries.map(({ kind, state }) => `${kind} ${state}`),
    ['follow_up seen'],
  )
})
