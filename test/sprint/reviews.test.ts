/** Fleets with sprints only notice that a change was merged, also if no sprint begins. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { markerOf } from '../../src/core/marker.ts'
import { CommentWriter } from '../../src/sprint/comment-writer.ts'
import { whileSettlingReviews } from '../../src/sprint/reviews.ts'
import { runSprints } from '../../src/sprint/run.ts'
import { until } from '../support/fleet.ts'
import { brainOf } from './brain.ts'
import { inside } from './inside.ts'
import { repo, sprintRig, type SprintRig } from './rig.ts'

const script = brainOf(() => 'plain', { conflict: () => {}, taken_branch: () => {} })

/** Merges the change of an issue, and returns a function that returns its states in the ledger and in its comment. */
function merge({ forge, ledger }: SprintRig, number: number) {
  const pull = [...forge.state.repo(repo).items.values()].find(({ body, pull }) => pull !== null && body.includes(`Closes #${number}\n`))
  forge.state.merge(repo, pull?.number ?? 0)
  return async () => {
    const [dispatch] = await ledger((each) => each.dispatches({ issue: `${repo}#${number}` }))
    return [dispatch?.state, markerOf(forge.state.issue(repo, number).comments[0]?.body ?? '')?.state]
  }
}

test('sprint: notices merges while no sprint begins', async (t) => {
  const issues = [1, 2, 3, 4].map((n) => ({ title: `Number ${n}`, body: 'In notes, please.' }))
  const rig = await sprintRig(t, { issues, script, sprint: { sandbox: { use: 'off' } }, more: () => ({ dispatch: { interval: '1s' } }) })
  const { context, run } = await inside(t, rig)
  assert.equal((await run({ count: 4 })).filter(({ outcome }) => outcome === 'change').length, 4)
  const done = ['done', 'done']

  await t.test('if no backend is ready', async () => {
    const states = merge(rig, 1)
    const options = { repos: [repo], issue: null, count: 1, jobs: 1, now: false }
    await assert.rejects(runSprints(options, { ...context, backends: [] }, new AbortController().signal), /no backend/)
    assert.deepEqual(await states(), done)
  })
  await t.test('if no issue is left', async () => {
    const states = merge(rig, 2)
    assert.deepEqual(await run(), [])
    assert.deepEqual(await states(), done)
  })
  await t.test('while another sprint runs', async () => {
    const states = merge(rig, 3)
    const noticed = () => until('the merge is noticed', async () => (await states()).join() === done.join())
    await whileSettlingReviews(new CommentWriter(context.session), context.session, noticed)
  })
  await t.test('with burn dispatch', async () => {
    const states = merge(rig, 4)
    const ran = await rig.burn('dispatch')
    assert.equal(ran.code, 0, ran.err)
    assert.deepEqual(await states(), done)
  })
})
