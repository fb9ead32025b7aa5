/** `burn change`: the order of the list, and what burn says before a merge. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listChanges, mergeWarnings, readChange, updateChange } from '../../src/operate/change.ts'
import { changeInReview } from '../support/change-in-review.ts'
import { changeOf, checkOf, protection, reviewOf, threadOf } from '../support/changes.ts'
import { said } from '../support/reasons.ts'

test('change merge: names what speaks against it', () => {
  const warningsOf = (facts: Parameters<typeof changeOf>[0]) => {
    return mergeWarnings({ repo: 'o/r', ref: 'o/r!1', state: changeOf(facts), protection, method: 'merge' }).map(said)
  }
  assert.deepEqual(warningsOf({}), [])
  assert.deepEqual(
    warningsOf({
      draft: true,
      mergeable: 'no',
      behind: true,
      checks: [checkOf('unit', 'failed')],
      reviews: [reviewOf({ id: '1', state: 'changes_requested' })],
      threads: [threadOf({ id: '7' })],
    }),
    [
      'the change is a draft',
      'the change conflicts with main',
      '1 check failed: unit',
      'ann asked for changes (1 open thread)',
      'main has moved since the checks ran',
    ],
  )
})

test('change update: waits for the agent, and reports an updated branch', async (t) => {
  const fleet = await changeInReview(t)
  const { session, issue, run, set } = fleet
  await fleet.endTurn()
  Object.assign(fleet.forge, { updateBranch: async () => ({ result: 'up_to_date' }) })
  const order = await run(readChange(issue, null, session))
  assert.equal(await run(updateChange(order, session)), false)
  set({ checks: [checkOf('unit', 'failed')] })
  await fleet.cycle()
  assert.equal((await fleet.state())?.state, 'handed')
  const [listed] = await listChanges(session)
  assert.equal(listed?.watched?.stage, 'needs_work')
  await assert.rejects(run(readChange(issue, null, session)), { code: 'change_blocked', message: / works on o\/a!/ })
})
