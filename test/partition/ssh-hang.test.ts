/** A machine whose ssh server stops answering, but closes no connection. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until, writeIssues } from '../support/fleet.ts'
import { farIs, issues, living, noSshd, twoMachines } from './two-machines.ts'

test('ssh hang: is noticed, and later cycles do not wait', async (t) => {
  const both = await twoMachines(t)
  if (both === null) return t.skip(noSshd)
  const { sshd, rig } = both
  const { dir } = rig.fleet
  writeIssues(dir, 'far', issues(1))
  await rig.cycle()
  const before = living(rig)
  const timed = async () => {
    const started = performance.now()
    const { claimed } = await rig.cycle()
    return { claimed, ms: Math.round(performance.now() - started) }
  }

  sshd.freeze()
  writeIssues(dir, 'far', issues(2))
  writeIssues(dir, 'near', issues(1))
  const first = await timed()
  assert.deepEqual(
    first.claimed.map(({ issue }) => issue),
    ['local/near#1'],
  )
  assert.ok(first.ms < 9_000, `the cycle in which it began to hang took ${first.ms} ms`)
  const cycles: number[] = []
  await until('cycles no longer wait for it', async () => {
    cycles.push((await timed()).ms)
    return cycles.filter((ms) => ms < 1_000).length >= 3
  })
  t.diagnostic(`${first.ms} ms, then ${cycles.join(', ')} ms`)
  assert.ok(Math.max(...cycles) < 4_500, 'no later cycle waits for the connect timeout in its view and in its deliveries')
  const far = await farIs(rig)
  assert.equal(far.reachable, false)
  assert.match(far.reason ?? '', /far is unreachable: \S/)

  sshd.thaw()
  await until('the machine is back', async () => (await rig.cycle(), (await farIs(rig)).reachable))
  assert.equal(living(rig), before)
  await until('the waiting issue is assigned', async () => (await rig.cycle(), rig.received('local/far#2') === 1))
  assert.deepEqual(
    (await rig.dispatches('local/far#1')).map(({ state, attempt }) => [state, attempt]),
    [['handed', 1]],
  )
  assert.equal(rig.received('local/far#1'), 1)
})
