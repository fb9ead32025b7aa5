/** Kills a tmux server while agents work, as a reboot does. Their dispatches must be lost, and each issue assigned again once. */
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

test('tmux: a killed server loses its dispatch; a retry follows', async (t) => {
  const rig = await openRig(t, small)
  writeIssues(rig.fleet.dir, 'app', [{ title: 'one', body: '' }])
  await rig.start()
  await rig.cycle()
  assert.deepEqual(await states(rig), ['handed 1'])
  const pid = server(rig)
  process.kill(pid, 'SIGKILL')
  await until('the server is gone', () => isGone(pid))

  const down = await rig.cycle()
  const later = down.settled.length > 0 ? down : await rig.cycle()
  assert.deepEqual(
    later.settled.map(({ state, state_reason }) => [state, said(state_reason)]),
    [['lost', 'the agent that worked on the issue is gone']],
  )
  assert.deepEqual(later.claimed, [])
  const verdict = said((await rig.session.ledger.issue(issue))?.verdict?.reason)
  assert.match(verdict, /^attempt 1 failed; next attempt after \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ /)
  const report = await rig.status()
  assert.equal(report.machines[0]?.reachable, true, 'the machine answers: it has no session')

  await rig.start()
  await until('it is assigned again', async () => (await rig.cycle(), rig.received(issue) === 2))
  await rig.cycle()
  assert.deepEqual(await states(rig), ['handed 2', 'lost 1'])
  assert.equal(rig.received(issue), 2, 'once by each agent')
  await rig.session.ledger.check()
})

test('tmux: a restarted server has another agent in the pane', async (t) => {
  const rig = await openRig(t, small)
  writeIssues(rig.fleet.dir, 'app', [{ title: 'one', body: '' }])
  await rig.start()
  const pane = () => tmuxOn(rig.fleet.socket, 'list-panes', '-s', '-t', '=T', '-F', '#{pane_id} #{@burn_worker}').trim()
  const before = pane()
  await rig.cycle()
  const pid = server(rig)
  process.kill(pid, 'SIGKILL')
  await until('the server is gone', () => isGone(pid))
  assert.equal((await rig.status()).machines[0]?.reachable, false, 'the connection ended, so the state is not known yet')
  assert.deepEqual(await states(rig), ['handed 1'])
  await rig.start()
  assert.equal(pane(), before, 'the same pane id has the same worker')

  assert.deepEqual(
    (await rig.cycle()).settled.map(({ state }) => state),
    ['lost'],
  )
  await until('it is assigned again', async () => (await rig.cycle(), rig.received(issue) === 2))
  const [again, first] = await rig.dispatches(issue)
  assert.deepEqual([again?.state, first?.state], ['handed', 'lost'])
  assert.equal(again?.incarnation?.split('.')[1], first?.incarnation?.split('.')[1], 'of the same pane')
  assert.notEqual(again?.incarnation, first?.incarnation)
})

test('tmux: another start of the server is another agent', () => {
  const pane = { id: '%0', pid: 4711, agent_pid: 4711, dead: false } as Pane
  assert.notEqual(incarnationOf(pane, 1_795_259_073), incarnationOf(pane, 1_795_262_000))
})
