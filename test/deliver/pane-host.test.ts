/** What deliveries need of a machine's panes, held by the host over tmux and by the simulated one. */
import assert from 'node:assert/strict'
import { after, before, describe, test, type TestContext } from 'node:test'
import type { PaneHost, SnapshotWithScreens } from '../../src/core/pane-host.ts'
import type { Pane } from '../../src/core/panes.ts'
import { incarnationOf } from '../../src/core/incarnation.ts'
import { lineOf, overTmux, said, simulatedHost, untilSeen, type Rig } from './pane-host.ts'

const enter = '\r'
const panesIn = ({ snapshot: sight }: SnapshotWithScreens): readonly Pane[] => (sight.state === 'up' ? sight.panes : [])
const targetOf = ({ id: pane, pid: agent_pid }: Pane) => ({ pane, agent_pid })
const serverOf = ({ snapshot: sight }: SnapshotWithScreens): number => (sight.state === 'up' ? sight.server_started : 0)

/** Starts an agent wherever none lives, and waits until both are idle. */
async function awake(rig: Rig): Promise<{ host: PaneHost; sample: SnapshotWithScreens; panes: readonly [Pane, Pane] }> {
  const [host] = await rig.machines.open([rig.machine])
  assert.ok(host !== undefined && host.state === 'up')
  const asleep = panesIn(await host.snapshotWithScreens()).filter(({ dead, pid, agent_pid }) => dead || pid !== agent_pid)
  assert.deepEqual(
    await host.start(asleep.map(rig.launch)),
    asleep.map(() => true),
  )
  const idle = (sample: SnapshotWithScreens) => panesIn(sample).every((pane) => lookAt(rig, sample, pane).reading.state === 'idle')
  const sample = await untilSeen(rig, host, 'both agents are idle', idle)
  const [first, second] = panesIn(sample)
  assert.ok(first !== undefined && second !== undefined)
  return { host, sample, panes: [first, second] }
}

const lookAt = (rig: Rig, { screens }: SnapshotWithScreens, pane: Pane) => rig.kind.parseScreen(screens.get(pane.id) ?? [], pane)
const draftIn = (rig: Rig, pane: Pane) => (sample: SnapshotWithScreens) => lookAt(rig, sample, pane).draft

/** The tests of a host share one machine, and run in this order. */
function contract(name: string, open: (t: Pick<TestContext, 'after'>) => Promise<Rig>): void {
  describe(`pane host, ${name}`, () => {
    const ends: (() => unknown)[] = []
    let rig: Rig
    before(async () => {
      rig = await open({ after: (end) => void ends.unshift(end as () => unknown) })
    })
    after(async () => {
      for (const end of ends) await end()
    })

    test('a look has every worker, its live agent and its screen', async () => {
      const { host, sample, panes } = await awake(rig)
      const workers = rig.machine.windows.flatMap((window) => window.workers.map(({ id }) => id))
      assert.deepEqual(panes.map(({ worker }) => worker).sort(), [...workers].sort())
      for (const pane of panes) {
        assert.ok(incarnationOf(pane, serverOf(sample)) !== null)
        assert.equal(lookAt(rig, sample, pane).composer, 'empty')
      }
      const alone = await host.snapshot()
      assert.deepEqual(
        panesIn({ snapshot: alone, screens: new Map() }).map(({ id, pid }) => [id, pid]),
        panes.map(({ id, pid }) => [id, pid]),
      )
    })

    test('a text is placed whole, submitted once, and reaches its own pane', async () => {
      const { host, sample, panes } = await awake(rig)
      const [pane] = panes
      const line = await lineOf(host, 'Do it.\nThen say so.\n')
      const look = lookAt(rig, sample, pane)
      assert.deepEqual(await host.type([{ target: targetOf(pane), id: 'a', place: rig.kind.place(line, look) }]), [
        { outcome: 'done', why: '' },
      ])
      const compact = (text: string) => text.replaceAll(/\s/g, '')
      const placed = await untilSeen(rig, host, 'the line', (now) => compact(draftIn(rig, pane)(now)) === compact(line))
      assert.equal(draftIn(rig, panes[1])(placed), '', 'nothing is placed beside it')
      assert.deepEqual(rig.received(), [], 'a placed text is not submitted')
      assert.deepEqual(await host.type([{ target: targetOf(pane), id: 'a', submit: enter }]), [{ outcome: 'done', why: '' }])
      await untilSeen(rig, host, 'an empty composer', (now) => draftIn(rig, pane)(now) === '' && rig.received().length > 0)
      const [text = ''] = rig.received()
      assert.ok(rig.received().length === 1 && text.includes('Do it.\nThen say so.\n'), text)
    })

    test('nothing reaches a pane whose agent is another, is gone or never was', async () => {
      const { host, panes } = await awake(rig)
      const [pane, other] = panes
      const place = [{ paste: said }]
      const typed = await host.type([
        { target: { ...targetOf(pane), agent_pid: other.pid }, id: 'a', place },
        { target: { ...targetOf(pane), pane: '%999' }, id: 'b', place },
        { target: targetOf(other), id: 'c', place },
      ])
      assert.deepEqual(
        typed.map(({ outcome }) => outcome),
        ['refused', 'refused', 'done'],
      )
      rig.end(pane)
      await untilSeen(rig, host, 'its end', (now) => panesIn(now).some(({ id, dead }) => id === pane.id && dead))
      const [late] = await host.type([{ target: targetOf(pane), id: 'd', place }])
      assert.equal(late?.outcome, 'refused')
      assert.notEqual(late?.why, '')
    })

    test('an agent is started in place of the process that was seen, as a new incarnation, and of no other', async () => {
      const { host, sample, panes } = await awake(rig)
      const [pane, other] = panes
      const [ended, living] = panes.map((each) => incarnationOf(each, serverOf(sample)) ?? '')
      rig.end(pane)
      const over = await untilSeen(rig, host, 'its end', (now) => panesIn(now).some(({ id, dead }) => id === pane.id && dead))
      const census = await rig.machines.liveness(rig.machine, [ended ?? '', living ?? ''])
      assert.deepEqual([[...(census?.ended ?? [])], [...(census?.living.keys() ?? [])]], [[ended], [living]])
      const stale = rig.launch({ ...other, pid: other.pid + 1 })
      assert.deepEqual(await host.start([stale, ...panesIn(over).map(rig.launch)]), [false, true, true])
      const again = await awake(rig)
      for (const each of again.panes) assert.ok(![ended, living, null].includes(incarnationOf(each, serverOf(again.sample))))
    })

    test('history has the rows above the screen, and none of the screen', async () => {
      const { host, panes } = await awake(rig)
      const [pane] = panes
      await host.type([{ target: targetOf(pane), id: 'e', place: [{ type: 'what a person has just typed' }] }])
      await untilSeen(rig, host, 'the draft', (now) => draftIn(rig, pane)(now).includes('just typed'))
      const above = await host.history(panes, 200)
      assert.deepEqual(
        [...above.keys()],
        panes.map(({ id }) => id),
      )
      assert.ok(![...above.values()].some((rows) => rows.join('\n').includes('just typed')))
    })

    test('a machine that is lost is told from one whose answer is known', async () => {
      const { host, panes } = await awake(rig)
      rig.fall()
      await assert.rejects(host.type([{ target: targetOf(panes[0]), id: 'a', submit: enter }]))
      assert.notEqual((await host.snapshotWithScreens()).snapshot.state, 'up')
    })
  })
}

contract('over tmux', overTmux)
contract('simulated', simulatedHost)
