/** Dispatchers that lose their leases during a delivery: suspended, as by closing a laptop, or with clocks that differ by hours. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { openSession } from '../../src/cli/wire.ts'
import { cycle } from '../../src/cycle/cycle.ts'
import { clock } from '../support/clock.ts'
import { command, compiled, standIn, until, writeIssues } from '../support/fleet.ts'
import { openRig } from './rig.ts'

const working = resolve(import.meta.dirname, '../stand-ins/agent/working.mjs')
/** Returns a spec whose agents never end an issue, and show a prompt late. */
function fleetOf(names: readonly string[]) {
  return (dir: string): object => ({
    dispatch: { depth: 1, trust: { authors: 'anyone' } },
    forge: { kind: 'folder', path: dir },
    agent: { ...standIn(dir, '--turn', working, '--echo-ms', '1500'), hooks: false },
    machines: { box: { windows: [{ name: 'W', names, repos: ['app'] }] } },
  })
}

/** Whether a process is writing to the database. */
function isLocked(file: string): boolean {
  const database = new DatabaseSync(file, { timeout: 0 })
  try {
    database.exec('begin immediate; rollback')
    return false
  } catch {
    return true
  } finally {
    database.close()
  }
}

const issue = 'local/app#1'
/** Time ahead of the second dispatcher (ms): longer than a lease. */
const asleep = 40_000

test('suspend: a text arrives once, and the woken dispatcher ends', async (t) => {
  const other = { now: () => clock.now() + asleep, sleep: clock.sleep }
  const rig = await openRig(t, fleetOf(['ONE']), other)
  await rig.start()
  writeIssues(rig.fleet.dir, 'app', [{ title: 'one', body: '' }])
  const env = {
    PATH: process.env['PATH'],
    HOME: join(rig.fleet.dir, 'home'),
    BURN_SPEC: join(rig.fleet.dir, 'fleet-spec.json'),
    NODE_COMPILE_CACHE: compiled,
  }
  const laptop = spawn(process.execPath, [command, 'dispatch'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(laptop, 'close')
  t.after(() => laptop.kill('SIGKILL'))
  let output = ''
  for (const stream of [laptop.stdout, laptop.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  await until('Enter was pressed', async () => (await rig.session.ledger.view()).deliveries.some(({ presses }) => presses > 0))
  await until('it is suspended, but not during a write', () => {
    laptop.kill('SIGSTOP')
    if (!isLocked(join(rig.fleet.dir, 'l.db'))) return true
    laptop.kill('SIGCONT')
    return false
  })
  await until('another dispatcher completed the delivery', async () => {
    await rig.cycle()
    return (await rig.session.ledger.deliveries({ worker: 'box/W/ONE', kind: 'work' }))[0]?.state === 'seen'
  })
  laptop.kill('SIGCONT')
  const late = AbortSignal.timeout(10_000)
  await Promise.race([ended, once(late, 'abort')])
  assert.equal(late.aborted, false, `it did not end: ${output}`)
  assert.equal(laptop.exitCode, 0, output)
  assert.equal(rig.received(issue), 1)
  assert.deepEqual(
    (await rig.dispatches(issue)).map(({ state }) => state),
    ['handed'],
  )
  const events = await rig.session.ledger.events({ issue })
  assert.equal(events.filter(({ kind }) => kind === 'delivery.taken_over').length, 1)
  await rig.session.ledger.check()
})

test('suspend: clocks six hours apart deliver no text twice', async (t) => {
  const rig = await openRig(t, fleetOf(['ONE', 'TWO']))
  await rig.start()
  const ahead = { now: () => clock.now() + 6 * 3_600_000, sleep: clock.sleep }
  const wiring = { clock: ahead, env: {}, home: join(rig.fleet.dir, 'home'), cwd: rig.fleet.dir, notify: () => {} }
  const { session, close } = await openSession({ spec: join(rig.fleet.dir, 'fleet-spec.json') }, wiring)
  t.after(close)
  const issues = [
    { title: 'one', body: '' },
    { title: 'two', body: '' },
  ]
  writeIssues(rig.fleet.dir, 'app', issues)
  const stop = new AbortController().signal
  // The other dispatcher runs a whole cycle between the first comment and its text, when the lease has expired by its clock.
  const { forge } = rig.session
  const comment = forge.comment.bind(forge)
  let hasRun = false
  Object.assign(forge, {
    comment: async (ref: string, body: string) => {
      const written = await comment(ref, body)
      if (!hasRun) {
        hasRun = true
        await cycle(session.fleet.machines, session, stop)
      }
      return written
    },
  })
  await rig.cycle()
  await until('both are at work', async () => {
    await Promise.all([rig.cycle(), cycle(session.fleet.machines, session, stop)])
    return rig.fleet.received().filter(({ text }) => text.includes('You have one issue')).length >= 2
  })
  await rig.cycle()
  for (const each of [issue, 'local/app#2']) {
    assert.equal(rig.received(each), 1)
    assert.equal((await rig.dispatches(each)).filter(({ state }) => state === 'handed').length, 1)
  }
  const taken = (await rig.session.ledger.events({})).filter(({ kind }) => kind === 'delivery.taken_over').length
  t.diagnostic(`leases changed hands ${taken} times`)
  assert.ok(taken > 0)
  await rig.session.ledger.check()
})
