/** The contract of the port `PaneHost`. The host over tmux and the simulated host must both pass it. */
import assert from 'node:assert/strict'
import { after, before, describe, test, type TestContext } from 'node:test'
import type { PaneHost, SnapshotWithScreens } from '../../src/core/pane-host.ts'
import type { Pane } from '../../src/core/panes.ts'
import { incarnationOf } from '../../src/core/incarnation.ts'
import { lineOf, overTmux, promptLine, simulatedHost, untilSeen, type Rig } from './pane-host.ts'

const enter = '\r'
const panesIn = ({ snapshot }: SnapshotWithScreens): readonly Pane[] => (snapshot.state === 'up' ? snapshot.panes : [])
const targetOf = ({ id: pane, pid: agent_pid }: Pane) => ({ pane, agent_pid })
const serverOf = ({ snapshot }: SnapshotWithScreens): number => (snapshot.state === 'up' ? snapshot.server_started : 0)

/** Starts an agent in each pane that has none, and waits until both agents are idle. */
async function withAgents(rig: Rig): Promise<{ host: PaneHost; sample: SnapshotWithScreens; panes: readonly [Pane, Pane] }> {
  const [host] = await rig.machines.open([rig.machine])
  assert.ok(host !== undefined && host.state === 'up')
  const withoutAgent = panesIn(await host.snapshotWithScreens()).filter(({ dead, pid, agent_pid }) => dead || pid !== agent_pid)
  assert.deepEqual(
    await host.start(withoutAgent.map(rig.launch)),
    withoutAgent.map(() => true),
  )
  const idle = (sample: SnapshotWithScreens) => panesIn(sample).every((pane) => screenOf(rig, sample, pane).reading.state === 'idle')
  const sample = await untilSeen(rig, host, 'both agents are idle', idle)
  const [first, second] = panesIn(sample)
  assert.ok(first !== undefined && second !== undefined)
  return { host, sample, panes: [first, second] }
}

const screenOf = (rig: Rig, { screens }: SnapshotWithScreens, pane: Pane) => rig.kind.parseScreen(screens.get(pane.id) ?? [], pane)
const draftIn = (rig: Rig, pane: Pane) => (sample: SnapshotWithScreens) => screenOf(rig, sample, pane).draft

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

    test('snapshot: has every worker, its live agent and its screen', async () => {
      const { host, sample, panes } = await withAgents(rig)
      const workers = rig.machine.windows.flatMap((window) => window.workers.map(({ id }) => id))
      assert.deepEqual(panes.map(({ worker }) => worker).sort(), [...workers].sort())
      for (const pane of panes) {
        assert.ok(incarnationOf(pane, serverOf(sample)) !== null)
        assert.equal(screenOf(rig, sample, pane).composer, 'empty')
      }
      const alone = await host.snapshot()
      assert.deepEqual(
        panesIn({ snapshot: alone, screens: new Map() }).map(({ id, pid }) => [id, pid]),
        panes.map(({ id, pid }) => [id, pid]),
      )
    })

    test('capture: has the rows and the place of every pane', async () => {
      const { host, panes } = await withAgents(rig)
      const { snapshot, panes: captured } = await host.capture(10)
      assert.equal(snapshot.state, 'up')
      assert.deepEqual([...captured.keys()].sort(), panes.map(({ id }) => id).sort())
      for (const { id, height } of panes) {
        const { left, top, rows } = captured.get(id) ?? { left: NaN, top: NaN, rows: [] }
        assert.ok(left >= 0 && top >= 0)
        assert.ok(rows.some((row) => row.trim() !== '') && rows.length <= height + 10)
      }
      assert.equal(new Set([...captured.values()].map(({ left, top }) => `${left},${top}`)).size, 2)
    })

    test('type: places a whole text in one pane and submits it', async () => {
      const { host, sample, panes } = await withAgents(rig)
      const [pane] = panes
      const line = await lineOf(host, 'Do it.\nThen say so.\n')
      const screen = screenOf(rig, sample, pane)
      assert.deepEqual(await host.type([{ target: targetOf(pane), id: 'a', place: rig.kind.place(line, screen) }]), [
        { outcome: 'done', why: '' },
      ])
      const compact = (text: string) => text.replaceAll(/\s/g, '')
      const placed = await untilSeen(rig, host, 'the line', (now) => compact(draftIn(rig, pane)(now)) === compact(line))
      assert.equal(draftIn(rig, panes[1])(placed), '', 'nothing is placed in the other pane')
      assert.deepEqual(rig.received(), [], 'a placed text is not submitted')
      assert.deepEqual(await host.type([{ target: targetOf(pane), id: 'a', submit: enter }]), [{ outcome: 'done', why: '' }])
      await untilSeen(rig, host, 'an empty composer', (now) => draftIn(rig, pane)(now) === '' && rig.received().length > 0)
      const [text = ''] = rig.received()
      assert.ok(rig.received().length === 1 && text.includes('Do it.\nThen say so.\n'), text)
    })

    test('type: types the text of an id at most once', async () => {
      const { host, panes } = await withAgents(rig)
      const [, pane] = panes
      const now = async () => panesIn(await host.snapshotWithScreens()).find(({ id }) => id === pane.id)?.last_text
      const after = (await now()) ?? assert.fail()
      const type = (id: string, after: string) => ({ target: targetOf(pane), id, place: [{ type: 'x' }], after })
      const typed = await host.type([type('t1', after), type('t1', after), type('t2', after), type('t2', 't1')])
      assert.deepEqual(
        typed.map(({ outcome }) => outcome),
        ['done', 'refused', 'refused', 'done'],
      )
      assert.match(typed[1]?.why ?? '', /another text/)
      assert.equal(await now(), 't2')
      await untilSeen(rig, host, 'the texts', (sample) => draftIn(rig, pane)(sample) === 'xx')
      await host.type([{ target: targetOf(pane), id: 't3', submit: enter }])
    })

    test('type: refuses a pane with another agent or with none', async () => {
      const { host, panes } = await withAgents(rig)
      const [pane, other] = panes
      const place = [{ paste: promptLine }]
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

    test('start: replaces only the process that the snapshot had', async () => {
      const { host, sample, panes } = await withAgents(rig)
      const [pane, other] = panes
      const [ended, living] = panes.map((each) => incarnationOf(each, serverOf(sample)) ?? '')
      rig.end(pane)
      const after = await untilSeen(rig, host, 'its end', (now) => panesIn(now).some(({ id, dead }) => id === pane.id && dead))
      const liveness = await rig.machines.liveness(rig.machine, [ended ?? '', living ?? ''])
      assert.deepEqual([[...(liveness?.ended ?? [])], [...(liveness?.living.keys() ?? [])]], [[ended], [living]])
      const stale = rig.launch({ ...other, pid: other.pid + 1 })
      assert.deepEqual(await host.start([stale, ...panesIn(after).map(rig.launch)]), [false, true, true])
      const again = await withAgents(rig)
      for (const each of again.panes) assert.ok(![ended, living, null].includes(incarnationOf(each, serverOf(again.sample))))
    })

    test('history: returns the rows above the screen only', async () => {
      const { host, panes } = await withAgents(rig)
      const [pane] = panes
      await host.type([{ target: targetOf(pane), id: 'e', place: [{ type: 'a draft that a person has just typed' }] }])
      await untilSeen(rig, host, 'the draft', (now) => draftIn(rig, pane)(now).includes('just typed'))
      const above = await host.history(panes, 200)
      assert.deepEqual(
        [...above.keys()],
        panes.map(({ id }) => id),
      )
      assert.ok(![...above.values()].some((rows) => rows.join('\n').includes('just typed')))
    })

    test('type: throws if the machine is lost', async () => {
      const { host, panes } = await withAgents(rig)
      rig.endServer()
      await assert.rejects(host.type([{ target: targetOf(panes[0]), id: 'a', submit: enter }]))
      assert.notEqual((await host.snapshotWithScreens()).snapshot.state, 'up')
    })
  })
}

contract('over tmux', overTmux)
contract('simulated', simulatedHost)
