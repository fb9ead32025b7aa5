/** A person who uses a pane during a delivery. No other worker may wait for them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { send } from '../../src/operate/send.ts'
import { standIn, until, writeIssues } from '../support/fleet.ts'
import { endServer, privateSocket, tmuxOn } from '../support/tmux.ts'
import { openRig } from './rig.ts'
import { said } from '../support/reasons.ts'

test('person: between text and Enter, burn waits and others work', async (t) => {
  const rig = await openRig(t, (dir) => ({
    dispatch: { depth: 1, trust: { authors: 'anyone' } },
    forge: { kind: 'folder', path: dir },
    agent: { ...standIn(dir, '--turn-ms', '50'), hooks: false },
    machines: {
      box: {
        windows: [
          { name: 'LATE', names: ['ONE'], repos: ['late'], agent: { ...standIn(dir, '--lag-ms', '1500'), hooks: false } },
          { name: 'QUICK', names: ['TWO'], repos: ['quick'] },
        ],
      },
    },
  }))
  for (const repo of ['late', 'quick']) writeIssues(rig.fleet.dir, repo, [])
  await rig.start()
  writeIssues(rig.fleet.dir, 'late', [{ title: 'one', body: '' }])
  const running = rig.cycle()
  await until('its text is being placed', async () => (await rig.session.ledger.view()).deliveries[0]?.state === 'placing')
  const person = privateSocket(t)
  tmuxOn(rig.fleet.socket, 'select-window', '-t', '=T:LATE')
  tmuxOn(person, 'new-session', '-d', '-x', '120', '-y', '40', `env TMUX= tmux -L ${rig.fleet.socket} attach -t =T`)
  const started = performance.now()
  const { deliveries } = await running
  assert.ok(performance.now() - started < 10_000, 'the cycle does not wait until they leave')
  assert.deepEqual(
    deliveries.map(({ state, presses }) => [state, presses]),
    [['placed', 0]],
  )
  writeIssues(rig.fleet.dir, 'quick', [{ title: 'one', body: '' }])
  await rig.cycle()
  assert.equal(rig.received('local/quick#1'), 1, 'the other worker gets its issue meanwhile')
  assert.equal(rig.received('local/late#1'), 0)
  endServer(person)
  await until('Enter was pressed', async () => (await rig.cycle(), rig.received('local/late#1') > 0))
  await rig.cycle()
  assert.equal(rig.received('local/late#1'), 1)
})

test('person: a text waits while panes are synchronized or disabled', async (t) => {
  const rig = await openRig(t, (dir) => ({
    forge: { kind: 'folder', path: dir },
    agent: { ...standIn(dir, '--turn-ms', '50'), hooks: false },
    machines: { box: { windows: [{ name: 'W', names: ['ONE', 'TWO'], repos: ['app'] }] } },
  }))
  await rig.start()
  const tmux = (...words: string[]) => tmuxOn(rig.fleet.socket, ...words)
  const worker = rig.session.fleet.machines[0]?.windows[0]?.workers[0] ?? assert.fail()
  const sent = async () => (await send([{ worker, text: 'hello there' }], rig.session, new AbortController().signal, { timeout: 300 }))[0]
  const pane = tmux('list-panes', '-a', '-f', '#{m:*/ONE,#{@burn_worker}}', '-F', '#{pane_id}').trim()
  tmux('set-option', '-w', '-t', pane, 'synchronize-panes', 'on')
  const synchronized = await sent()
  assert.deepEqual([synchronized?.state, /: synchronize-panes is on in the pane/.test(said(synchronized?.evidence))], ['refused', true])
  tmux('set-option', '-w', '-t', pane, 'synchronize-panes', 'off')
  tmux('select-pane', '-d', '-t', pane)
  const disabled = await sent()
  assert.deepEqual([disabled?.state, /: input to the pane is disabled/.test(said(disabled?.evidence))], ['refused', true])
  tmux('select-pane', '-e', '-t', pane)
  assert.equal((await sent())?.state, 'seen')
  assert.equal(rig.fleet.received().filter(({ text }) => text.includes('hello there')).length, 1)
})
