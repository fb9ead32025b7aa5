/** A tmux server that is killed with issues at work, as a reboot does it: what its agents held is lost, and is given again once. */
import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import type { Pane } from '../../src/core/panes.ts'
import { incarnationOf } from '../../src/core/incarnation.ts'
import { standIn, until, writeIssues } from '../support/fleet.ts'
import { tmuxOn } from '../support/tmux.ts'
import { openRig, type Rig } from './rig.ts'
import { said } from '../support/reasons.ts'

const working = resolve(import.meta.dirname, '../stand-ins/agent/working.mjs')
const issue = 'local/app#1'

function small(dir: string): object {
  return {
    dispatch: { depth: 1, retry_after: 1 },
    forge: { kind: 'folder', path: dir },
    agent: { ...standIn(dir, '--turn', working), hooks: false },
    machines: { box: { windows: [{ name: 'W', names: ['ONE'], repos: ['app'] }] } },
  }
}

const server = ({ fleet }: Rig) => Number(tmuxOn(fleet.socket, 'display-message', '-p', '#{pid}').trim())
const states = async (rig: Rig) => (await rig.dispatches(issue)).map(({ state, attempt }) => `${state} ${attempt}`)

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch {
    return true
  }
}

test('a tmux server is killed: what it held is lost, up and christen raise all again, and the issue is given again once, after a pause', async (t) => {
  const rig = await openRig(t, small)
  writeIssues(rig.fleet.dir, 'app', [{ title: 'one', body: '' }])
  await rig.raise()
  await rig.cycle()
  assert.deepEqual(await states(rig), ['handed 1'])
  const pid = server(rig)
  process.kill(pid, 'SIGKILL')
  await until('the server is gone', () => isGone(pid))

  const down = await rig.cycle()
  const later = down.settled.length > 0 ? down : await rig.cycle()
  assert.deepEqual(
    later.settled.map(({ state, state_reason }) => [state, said(state_reason)]),
    [['lost', 'the agent that held it is gone']],
  )
  assert.deepEqual(later.claimed, [])
  const verdict = said((await rig.session.ledger.issue(issue))?.verdict?.reason)
  assert.match(verdict, /^attempt 1 failed; next attempt after \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ /)
  const report = await rig.status()
  assert.equal(report.machines[0]?.reachable, true, 'the machine answers: it has no session')

  await rig.raise()
  await until('it is given again', async () => (await rig.cycle(), rig.received(issue) === 2))
  await rig.cycle()
  assert.deepEqual(await states(rig), ['handed 2', 'lost 1'])
  assert.equal(rig.received(issue), 2, 'once by each agent')
  await rig.session.ledger.check()
})

test('a server is started anew before anybody looked: the same pane of the same worker holds another agent, and the first one is lost', async (t) => {
  const rig = await openRig(t, small)
  writeIssues(rig.fleet.dir, 'app', [{ title: 'one', body: '' }])
  await rig.raise()
  const pane = () => tmuxOn(rig.fleet.socket, 'list-panes', '-s', '-t', '=T', '-F', '#{pane_id} #{@burn_worker}').trim()
  const before = pane()
  await rig.cycle()
  const pid = server(rig)
  process.kill(pid, 'SIGKILL')
  await until('the server is gone', () => isGone(pid))
  assert.equal((await rig.status()).machines[0]?.reachable, false, 'the channel was cut: nothing is known at that moment')
  assert.deepEqual(await states(rig), ['handed 1'])
  await rig.raise()
  assert.equal(pane(), before, 'the same pane id, for the same worker')

  assert.deepEqual(
    (await rig.cycle()).settled.map(({ state }) => state),
    ['lost'],
  )
  await until('it is given again', async () => (await rig.cycle(), rig.received(issue) === 2))
  const [again, first] = await rig.dispatches(issue)
  assert.deepEqual([again?.state, first?.state], ['handed', 'lost'])
  assert.equal(again?.incarnation?.split('.')[1], first?.incarnation?.split('.')[1], 'of the same pane')
  assert.notEqual(again?.incarnation, first?.incarnation)
})

test('the same pane id and pid under a server that was started at another time are another agent', () => {
  const pane = { id: '%0', pid: 4711, agent_pid: 4711, dead: false } as Pane
  assert.notEqual(incarnationOf(pane, 1_795_259_073), incarnationOf(pane, 1_795_262_000))
})
