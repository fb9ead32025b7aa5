/** Texts that reach their agent truncated or changed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apply } from '../../src/cycle/apply.ts'
import { stateOf } from '../support/state.ts'
import { issuesOf } from '../simulate/storm.ts'
import { simulatedFleet } from '../support/world.ts'
import { said } from '../support/reasons.ts'

test('mangled: its issue is free once the agent has the correction', async (t) => {
  const { open, world, pass } = await simulatedFleet(t, issuesOf(4).slice(0, 1))
  const { cycle, ledger, notices } = await open()
  for (const agent of world.agents()) agent.mangles = true
  const [delivery] = (await cycle()).deliveries
  assert.deepEqual([delivery?.state, delivery?.proof, delivery?.typed], ['mangled', null, null])
  assert.match(said(delivery?.evidence), /another text under this id/)
  const states = async () => (await ledger.dispatches({ issue: 'o/a#1' })).map(({ state }) => state)
  assert.deepEqual(await states(), ['handed'])
  // The correction is truncated, too, so burn sends another one.
  await pass(60_000)
  const second = await cycle()
  assert.deepEqual(
    second.deliveries.map(({ kind, state }) => `${kind} ${state}`),
    ['correction mangled'],
  )
  assert.deepEqual([second.claimed, await states()], [[], ['handed']])
  assert.match(notices.join(), /reached .* changed, so burn tells .* to disregard it/)
  for (const agent of world.agents()) agent.mangles = false
  await pass(60_000)
  assert.deepEqual(
    (await cycle()).deliveries.map(({ kind, state, proof }) => `${kind} ${state} ${proof}`),
    ['correction seen text'],
  )
  assert.deepEqual(await states(), ['handed'])
  await pass(60_000)
  const { settled, claimed } = await cycle()
  assert.deepEqual(
    settled.map(({ state, state_reason }) => [state, said(state_reason)]),
    [['released', 'the text arrived changed, and burn told the agent to disregard it']],
  )
  assert.deepEqual(
    claimed.map(({ issue, attempt }) => [issue, attempt]),
    [['o/a#1', 1]],
    'burn dispatches the issue again and counts no attempt',
  )
  assert.deepEqual((await cycle()).settled, [])
})

test('mangled: after three unproven corrections the issue waits for a person', async (t) => {
  const { open, world, pass } = await simulatedFleet(t, issuesOf(1))
  const { cycle, ledger } = await open()
  for (const agent of world.agents()) agent.mangles = true
  for (let i = 0; i < 7; i++) {
    await cycle()
    await pass(60_000)
  }
  const [first] = await ledger.dispatches({ issue: 'o/a#1' })
  assert.equal(first?.state, 'handed')
  assert.equal((await ledger.deliveries({ about: [first?.id ?? ''] })).length, 3)
})

test('mangled: the dispatch is lost if its agent ends', async (t) => {
  const { open, world, pass } = await simulatedFleet(t, issuesOf(1))
  const { cycle } = await open()
  for (const agent of world.agents()) agent.mangles = true
  const [first] = (await cycle()).claimed
  const agent = world.agents().find(({ worker }) => worker === first?.worker)
  agent?.die()
  world.machines.get('m1')?.changed()
  await pass(60_000)
  assert.deepEqual(
    (await cycle()).settled.map(({ state }) => state),
    ['lost'],
  )
})

test('mangled: only a correction causes a notice', async (t) => {
  const { open, run, fleet } = await simulatedFleet(t, issuesOf(1))
  const { cycle, session, notices } = await open()
  const [first] = (await cycle()).claimed
  assert.ok(first !== undefined)
  const { id, issue, worker } = first
  const tell = (kind: 'follow_up' | 'correction') => {
    const text = { text: 'more', before: 0, incarnation: null, reason: { code: 'disregard', worker } } as const
    return { do: 'tell', kind, dispatch: id, issue, worker, ...text } as const
  }
  for (const kind of ['follow_up', 'correction'] as const) {
    const before = notices.length
    await run(
      apply({ actions: [tell(kind)], state: stateOf() }, fleet.machines, session, {
        stop: AbortSignal.abort(),
        drain: AbortSignal.abort(),
      }),
    )
    assert.equal(notices.length - before, Number(kind === 'correction'), kind)
  }
})
