/** Sets a dispatcher's clock hours ahead or back during a delivery. Each text must arrive once, and nobody may wait for hours. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Clock } from '../../src/core/ports.ts'
import { clock } from '../support/clock.ts'
import { standIn, until, writeIssues } from '../support/fleet.ts'
import { tmuxOn } from '../support/tmux.ts'
import { openRig } from './rig.ts'

const working = resolve(import.meta.dirname, '../stand-ins/agent/working.mjs')
const hours = 3_600_000
const issue = 'local/app#1'

/** Returns a clock that the test can set ahead or back (ms). */
function settableClock(): { readonly clock: Clock; ahead: number } {
  const set = { ahead: 0, clock: { now: () => clock.now() + set.ahead, sleep: clock.sleep } }
  return set
}

async function oneWorker(t: TestContext) {
  const time = settableClock()
  const rig = await openRig(
    t,
    (dir) => ({
      dispatch: { depth: 1, trust: { authors: 'anyone' } },
      forge: { kind: 'folder', path: dir },
      agent: { ...standIn(dir, '--turn', working, '--echo-ms', '700'), hooks: false },
      machines: { box: { windows: [{ name: 'W', names: ['ONE'], repos: ['app'] }] } },
    }),
    time.clock,
  )
  writeIssues(rig.fleet.dir, 'app', [])
  await rig.start()
  return { rig, time }
}

type Rigged = Awaited<ReturnType<typeof oneWorker>>

/** Checks that the text arrives once, after this number of dispatches. */
async function assertArrivesOnce({ rig }: Rigged, dispatches: number): Promise<void> {
  await until('the text is seen', async () => {
    await rig.cycle()
    const [last] = await rig.session.ledger.deliveries({ worker: 'box/W/ONE', kind: 'work', limit: 1 })
    return last?.state === 'seen'
  })
  assert.equal(rig.received(issue), 1)
  const all = await rig.dispatches(issue)
  assert.equal(all.length, dispatches)
  assert.equal(all[0]?.state, 'handed')
  assert.equal(readdirSync(join(rig.fleet.dir, 'comments/app/1')).length, dispatches, 'one comment per dispatch')
  await rig.session.ledger.check()
}

for (const [way, jump] of [
  ['ahead', 6 * hours],
  ['back', -6 * hours],
] as const) {
  test(`clock: set six hours ${way} while a text awaits its echo`, async (t) => {
    const both = await oneWorker(t)
    const { rig, time } = both
    writeIssues(rig.fleet.dir, 'app', [{ title: 'one', body: '' }])
    const running = rig.cycle()
    await until('Enter was pressed', async () => (await rig.session.ledger.view()).deliveries.some(({ presses }) => presses > 0))
    time.ahead = jump
    const started = performance.now()
    await running
    assert.ok(performance.now() - started < 8_000, 'the cycle ends in time')
    await rig.cycle()
    time.ahead = 0
    await assertArrivesOnce(both, 1)
  })

  test(`clock: set six hours ${way} while a text awaits a draft`, async (t) => {
    const both = await oneWorker(t)
    const { rig, time } = both
    tmuxOn(rig.fleet.socket, 'send-keys', '-t', '=T:', '-l', 'my own words')
    await until('the draft shows', () => tmuxOn(rig.fleet.socket, 'capture-pane', '-p', '-t', '=T:').includes('my own words'))
    writeIssues(rig.fleet.dir, 'app', [{ title: 'one', body: '' }])
    const running = rig.cycle()
    await until('it is planned', async () => (await rig.session.ledger.view()).deliveries.length === 1)
    time.ahead = jump
    const started = performance.now()
    await running
    assert.ok(performance.now() - started < 8_000, 'the cycle ends in time')
    assert.equal(rig.received(issue), 0)
    assert.match(tmuxOn(rig.fleet.socket, 'capture-pane', '-p', '-t', '=T:'), /my own words/)
    // By the wrong clock the text waited six hours or an unknown time, so its dispatch is released, and the issue is assigned again.
    assert.deepEqual(
      (await rig.dispatches(issue)).map(({ state }) => state),
      ['released'],
    )
    tmuxOn(rig.fleet.socket, 'send-keys', '-t', '=T:', 'C-u')
    await assertArrivesOnce(both, 2)
  })
}
