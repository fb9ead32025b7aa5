/** A forge that stops answering during a dispatch, and returns. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { markerOf } from '../../src/core/marker.ts'
import { until } from '../support/fleet.ts'
import { all, forgeFleet, names } from './forge-fleet.ts'

test('forge: after an outage each issue has one comment and agent', async (t) => {
  const { forge, rig } = await forgeFleet(t)
  await rig.start()
  forge.trouble({ kind: 'lost_answer' }, /^POST .*\/comments/, 2)
  const first = await rig.cycle()
  assert.equal(first.claimed.length, 4)
  assert.equal(first.deliveries.length, 2, 'burn types no text before its comment is known to be written')
  assert.equal(rig.notices.filter((notice) => /could not write the comment on the issue: .*can't be reached/.test(notice)).length, 2)

  forge.trouble({ kind: 'lost_answer' })
  const out = await rig.cycle()
  assert.deepEqual(
    [...out.state.repos_down.keys()].toSorted(),
    names.map((name) => `timmy/${name}`),
  )
  assert.match(
    out.state.repos_down.get('timmy/app') ?? '',
    /can't be reached: .*\(forge_unavailable: check that forge\.url is right and that the forge is up\)/,
  )
  assert.deepEqual([...out.claimed, ...out.settled], [])
  const left = out.deliveries.map(({ state }) => state)
  assert.deepEqual(
    left,
    ['seen', 'seen'],
    'the comments were found at the end of the cycle before, and a delivery in progress needs no forge',
  )
  const asked = forge.log.length
  const started = performance.now()
  const reasons = []
  for (let count = 0; count < 10; count++) reasons.push((await rig.cycle()).state.repos_down.get('timmy/app') ?? '')
  const ms = Math.round(performance.now() - started)
  t.diagnostic(`10 cycles of an outage: ${forge.log.length - asked} requests, ${ms} ms`)
  assert.ok(forge.log.length - asked <= 5, 'burn sends few requests')
  assert.ok(ms < 5_000, 'cycles do not wait for the forge')
  assert.match(reasons.at(-1) ?? '', /is down, and burn sends no requests to it until \d\d:\d\d:\d\dZ: .*can't be reached/)

  forge.calm()
  const marks = (issue: string) =>
    forge.state.issue(issue.slice(0, issue.indexOf('#')), 1).comments.map(({ body }) => markerOf(body)?.state)
  await until('every comment says that its issue was handed', async () => {
    await rig.cycle()
    return all.every((issue) => marks(issue).includes('handed'))
  })
  for (const issue of all) {
    assert.equal(rig.received(issue), 1, `${issue} reached one agent`)
    assert.deepEqual(
      (await rig.dispatches(issue)).map(({ attempt }) => attempt),
      [1],
    )
    assert.deepEqual(marks(issue), ['handed'], `${issue} has one comment`)
  }
})

test('forge: a deleted comment is reported once', async (t) => {
  const { forge, rig } = await forgeFleet(t)
  await rig.start()
  await rig.cycle()
  const item = forge.state.issue('timmy/app', 1)
  item.comments.length = 0
  forge.state.close('timmy/app', 1)
  await until('the issue is done', async () => (await rig.cycle(), (await rig.dispatches('timmy/app#1'))[0]?.state === 'done'))
  for (let count = 0; count < 3; count++) await rig.cycle()
  assert.deepEqual(rig.notices, ["timmy/app#1: somebody deleted burn's comment"])
  assert.equal(forge.log.filter(({ method, target }) => method === 'PATCH' && target.includes('/timmy/app/')).length, 2)
  assert.deepEqual(item.comments, [], 'it is not written again')
})
