/** Tests that agents that redraw their screens at the same moment are no alarm. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Clock } from '../../src/core/ports.ts'
import { openSession } from '../../src/cli/wire.ts'
import { bringUp } from '../../src/operate/up-down.ts'
import { readMachines, status } from '../../src/observe/state.ts'
import { readWorkers } from '../../src/observe/readings.ts'
import { redrawTime_ms, SteadyScreens } from '../../src/observe/steady-screens.ts'
import { clock } from '../support/clock.ts'
import { newLedger } from '../support/ledger.ts'
import { scratch, until } from '../support/fleet.ts'
import { privateSocket, tmuxOn } from '../support/tmux.ts'

const rule = '─'.repeat(100)
const clear = '\u001b[2J\u001b[H'
const idle = `${clear}● hello\r\n\r\n ☤ stub │ 1% │ 4s │ ⏲ 1s\r\n${rule}\r\n❯ \r\n${rule}\r\n`
const redrawing = `${clear}● hello\r\n\r\nanother text\r\n`

test('screens: agents that redraw at the same moment are no alarm', async (t) => {
  const [dir, socket] = [scratch(t), privateSocket(t)]
  const agent = { kind: 'hermes', hooks: false, command: ['cat'] }
  const machines = { box: { windows: [{ name: 'W', panes: 4, repos: ['app'] }] } }
  const forge = { kind: 'folder', path: dir, owner: 'me' }
  const spec = { name: 'f', session: 'F', socket, dir, ledger: `sqlite:${dir}/l.db`, forge, agent, machines }
  writeFileSync(join(dir, 'spec.json'), JSON.stringify(spec))
  await newLedger(join(dir, 'l.db'))
  /** Runs while burn waits for the second snapshot. */
  const redraw: { run: () => Promise<void> } = { run: async () => {} }
  const ownClock: Clock = { now: clock.now, sleep: (ms, signal) => (ms === redrawTime_ms ? redraw.run() : clock.sleep(ms, signal)) }
  const wiring = { clock: ownClock, env: {}, home: dir, cwd: dir, notify: () => {} }
  const { session, close } = await openSession({ spec: join(dir, 'spec.json') }, wiring)
  t.after(close)
  const fleet = session.fleet.machines
  await bringUp(fleet, session, { dryRun: false, prune: false })
  const [host] = await session.machines.open(fleet)
  const snapshot = await host?.snapshot()
  assert.ok(host && snapshot?.state === 'up')
  tmuxOn(socket, 'resize-window', '-t', '=F:', '-x', '100', '-y', '80')
  await host.start(
    snapshot.panes.map((pane) => ({ id: '1m7y6ewdbs30w', pane, argv: ['cat'], env: {}, dir, queues: false, without_hooks: null })),
  )
  /** Draws a screen in all panes, and waits until tmux shows the screen. */
  const draw = async (text: string, sign: string) => {
    const ttys = tmuxOn(socket, 'list-panes', '-s', '-t', '=F', '-F', '#{pane_tty}').trim().split('\n')
    for (const tty of ttys) writeFileSync(tty, text)
    const shows = (rows: readonly string[]) => rows.some((row) => row.includes(sign))
    await until(sign, async () => {
      const { screens } = await host.snapshotWithScreens()
      return screens.size === 4 && [...screens.values()].every(shows)
    })
  }
  await draw(idle, '❯')
  assert.equal((await status(fleet, session)).totals.idle, 4)

  const steady = new SteadyScreens(session.kindOf, { now: () => now })
  let now = 0
  const statesAt = async (time: number) => {
    now = time
    const snapshots = new Map([[host.machine.name, await host.snapshotWithScreens()]])
    return readWorkers(fleet, steady.of(fleet, snapshots), session.kindOf).map(({ reading }) => reading.state)
  }
  assert.deepEqual(await statesAt(0), Array(4).fill('idle'))
  await draw(redrawing, 'another')
  assert.deepEqual(await statesAt(10), Array(4).fill('idle'), 'the agents may be redrawing')
  assert.equal(steady.replaced, true)
  assert.deepEqual(await statesAt(5_000), Array(4).fill('unknown'))

  redraw.run = async () => draw(idle, '❯')
  assert.equal((await status(fleet, session)).totals.idle, 4, 'a second snapshot shows the composers')
  await draw(redrawing, 'another')
  redraw.run = async () => {}
  const readings = readWorkers(fleet, await readMachines(fleet, session), session.kindOf)
  assert.deepEqual(
    readings.map(({ reading }) => reading.state),
    Array(4).fill('unknown'),
  )
})
