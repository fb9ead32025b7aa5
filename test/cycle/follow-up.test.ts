/** Texts about a change in review. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applyMoves } from '../../src/cycle/apply.ts'
import { issuesOf } from '../simulate/storm.ts'
import { because } from '../support/reasons.ts'
import { simulatedFleet } from '../support/world.ts'

test('follow-up: precedes new work and reopens the dispatch in review', async (t) => {
  const fleet = await simulatedFleet(t, issuesOf(9))
  const { cycle, ledger, session } = await fleet.open()
  const first = (await cycle()).claimed.find(({ issue }) => issue === 'o/a#1')
  assert.ok(first !== undefined)
  const { id, issue, worker } = first
  const now = fleet.clock.now()
  await ledger.moveDispatches([{ id, from: ['handed'], to: 'review', reason: because('a change is open'), change_url: 'u' }], now)
  const text = { id: 'followup1', kind: 'follow_up', worker, text: 'its tests fail', about: { dispatch: id, issue } } as const
  await ledger.planDeliveries([text], session.owner, now + 30_000, now)
  const { claimed } = await cycle()
  assert.deepEqual(
    claimed.filter((each) => each.worker === worker),
    [],
  )
  assert.equal((await ledger.dispatches({ issue }))[0]?.state, 'handed')
  assert.notEqual((await ledger.deliveries({ about: [id] }))[0]?.state, 'planned')
  // Another dispatcher decided before the follow-up reached the agent, and was suspended. It must not end the new turn.
  const old = {
    do: 'move',
    id,
    kind: 'work',
    issue,
    worker,
    from: ['handed'],
    to: 'review',
    reason: { code: 'change_for_review' },
  } as const
  assert.deepEqual(await applyMoves([{ ...old, handed_at: first.handed_at }], { changes_at: new Map() }, session), [])
})
