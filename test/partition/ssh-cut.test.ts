/** Kills the ssh server of a machine during a delivery. Its workers must keep their issues, and other machines must go on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until, writeIssues } from '../support/fleet.ts'
import { farIs, issues, living, noSshd, twoMachines } from './two-machines.ts'

test('ssh cut: nothing is lost or assigned again', async (t) => {
  const both = await twoMachines(t)
  if (both === null) return t.skip(noSshd)
  const { sshd, rig } = both
  const { dir } = rig.fleet
  writeIssues(dir, 'far', issues(2))
  assert.deepEqual(
    (await rig.cycle()).deliveries.map(({ state }) => state),
    ['seen', 'seen'],
  )
  const before = living(rig)

  writeIssues(dir, 'late', issues(1))
  const running = rig.cycle()
  await until('Enter was pressed on the third text', async () => {
    const [delivery] = (await rig.session.ledger.view()).deliveries
    return delivery?.worker === 'far/LATE/THREE' && delivery.presses > 0
  })
  sshd.cut()
  assert.deepEqual((await running).settled, [])
  const cut = await farIs(rig)
  assert.deepEqual([cut.reachable, new Set(cut.states)], [false, new Set(['unreachable'])])
  assert.match(cut.reason ?? '', /far is unreachable: (the machine refused the ssh connection|.*closed|.*reset)/i)

  writeIssues(dir, 'far', issues(4))
  writeIssues(dir, 'near', issues(1))
  const apart = await rig.cycle()
  assert.deepEqual(apart.settled, [], 'unreachable is not dead')
  assert.deepEqual(
    apart.claimed.map(({ issue }) => issue),
    ['local/near#1'],
    'the other machine goes on, and gets no issue of the first',
  )
  assert.deepEqual(
    (await rig.dispatches('local/far#1')).map(({ state }) => state),
    ['handed'],
  )

  await sshd.start()
  await until('the machine is back', async () => (await rig.cycle(), (await farIs(rig)).reachable))
  assert.equal(living(rig), before, 'the same agents run in the same panes')
  await until('the third text is seen', async () => (await rig.cycle(), (await rig.dispatches('local/late#1'))[0]?.state === 'handed'))
  const [text] = await rig.session.ledger.deliveries({ worker: 'far/LATE/THREE', kind: 'work' })
  assert.equal(text?.state, 'seen')
  for (const issue of ['local/far#1', 'local/far#2', 'local/late#1']) {
    const all = await rig.dispatches(issue)
    assert.deepEqual(
      all.map(({ state, attempt }) => [state, attempt]),
      [['handed', 1]],
      issue,
    )
    assert.equal(rig.received(issue), 1, `${issue} was received once`)
  }
  await rig.session.ledger.check()
})
