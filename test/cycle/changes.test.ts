/** A change belongs to an issue by its branch, or by a closing word of an author who may write. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { release } from '../../src/operate/issue.ts'
import { issuesOf } from '../simulate/storm.ts'
import { simulatedFleet } from '../support/world.ts'
import { said } from '../support/reasons.ts'

const minute = 60_000
const one = ['o/a#1']

test("a person's change: blocks its issue while it is open", async (t) => {
  const { open, people, pass } = await simulatedFleet(t, issuesOf(1))
  const { cycle, ledger } = await open()
  people.put('o/a', { name: '#12', closes: one })
  assert.deepEqual((await cycle()).claimed, [])
  const record = await ledger.issue('o/a#1')
  assert.deepEqual([record?.open_change, record?.verdict?.reason], ['#12', { code: 'change_open', change: '#12' }])
  await pass(minute)
  assert.deepEqual((await cycle()).claimed, [])
  people.put('o/a', { name: '#13', closes: one })
  await pass(minute)
  await cycle()
  people.put('o/a', { name: '#12', closes: one, state: 'closed' })
  await pass(minute)
  assert.deepEqual((await cycle()).claimed, [], 'the second one is still open')
  people.put('o/a', { name: '#13', closes: [] })
  await pass(minute)
  assert.deepEqual(
    (await cycle()).claimed.map(({ issue }) => issue),
    one,
    'edited: it no longer closes the issue',
  )
})

test("a stranger's change: never counts, from any branch or fork", async (t) => {
  const { open, people, pass } = await simulatedFleet(t, issuesOf(1))
  const { cycle } = await open()
  people.put('o/a', { name: '#12', closes: one, author: 'eve' })
  people.put('o/a', { name: '#13', closes: one, author: 'eve', fork: true })
  const [dispatch] = (await cycle()).claimed
  assert.equal(dispatch?.issue, 'o/a#1')
  people.put('o/a', { name: '#14', closes: one, author: 'eve', fork: true, dispatch_id: dispatch?.id ?? '' })
  await pass(minute)
  assert.deepEqual((await cycle()).settled, [])
})

test("an agent's change: another branch counts once the agent is idle", async (t) => {
  const { open, people, pass, world } = await simulatedFleet(t, issuesOf(1))
  const { cycle, ledger } = await open()
  const [dispatch] = (await cycle()).claimed
  people.put('o/a', { name: '#12', closes: one, author: 'burn' })
  for (let cycles = 0; cycles < 3; cycles++) {
    await pass(minute)
    assert.deepEqual((await cycle()).settled, [], 'while its agent works, the change may belong to another person')
  }
  const agent = world.agents().find(({ worker }) => worker === dispatch?.worker)
  agent?.die()
  agent?.start(999)
  world.machines.get('m1')?.changed()
  await pass(minute)
  const { settled, claimed } = await cycle()
  assert.deepEqual(
    settled.map(({ id, state, change_url }) => [id, state, change_url]),
    [[dispatch?.id, 'review', 'simulated:o/a#12']],
  )
  await pass(30 * minute)
  const after = await cycle()
  assert.deepEqual([claimed, after.settled, after.claimed], [[], [], []])
  people.put('o/a', { name: '#12', closes: one, author: 'burn', state: 'merged' })
  await pass(minute)
  assert.deepEqual(
    (await cycle()).settled.map(({ state, state_reason }) => [state, said(state_reason)]),
    [['done', 'the change was merged']],
  )
  assert.equal((await ledger.issue('o/a#1'))?.done, true)
})

test("a person's change: closing it gives no second agent the issue", async (t) => {
  const { open, people, pass } = await simulatedFleet(t, issuesOf(1))
  const { cycle } = await open()
  await cycle()
  for (const state of ['open', 'closed'] as const) {
    people.put('o/a', { name: '#12', closes: one, state })
    await pass(3 * minute)
    const { settled, claimed } = await cycle()
    assert.deepEqual([settled, claimed], [[], []])
  }
})

test('a forced release: the open change still blocks the issue', async (t) => {
  const { open, forge, run, pass } = await simulatedFleet(t, issuesOf(1))
  const { cycle, session, ledger } = await open()
  const [dispatch] = (await cycle()).claimed
  forge.change('o/a#1', dispatch?.id ?? '', 'open')
  await pass(minute)
  await cycle()
  await run(release('o/a#1', true, session))
  for (let cycles = 0; cycles < 3; cycles++) {
    await pass(2 * minute)
    assert.deepEqual((await cycle()).claimed, [])
  }
  assert.deepEqual((await ledger.issue('o/a#1'))?.verdict?.reason, { code: 'change_open', change: dispatch?.id })
  forge.change('o/a#1', dispatch?.id ?? '', 'closed')
  await pass(minute)
  assert.deepEqual(
    (await cycle()).claimed.map(({ issue }) => issue),
    one,
  )
})

test('a change for hundreds of issues: blocks them in all repos', async (t) => {
  const issues = issuesOf(900)
  const refs = issues.filter(({ repo }) => repo !== 'o/c').map(({ ref }) => ref)
  const { open, people, pass } = await simulatedFleet(t, issues)
  const { cycle, ledger } = await open()
  await cycle()
  people.put('o/a', { name: '#12', closes: [...refs, 'o/elsewhere#1'].map((ref) => ref.replace('o/b', 'O/B')) })
  await pass(minute)
  await cycle()
  const blocked = (await ledger.openIssues()).filter(({ open_change }) => open_change === '#12')
  assert.deepEqual(blocked.map(({ issue }) => issue.ref).toSorted(), refs.toSorted())
  people.put('o/a', { name: '#12', closes: refs, state: 'merged' })
  await pass(minute)
  await cycle()
  assert.deepEqual(
    (await ledger.openIssues()).filter(({ open_change }) => open_change !== null),
    [],
  )
})
