/** Dispatchers that lose their leases in the middle: suspended, as a laptop's lid does it, or with clocks that are hours apart. */
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
/** Agents that never end an issue, and show a prompt late. */
function fleetOf(names: readonly string[]) {
  return (dir: string): object => ({
    dispatch: { depth: 1, trust: { authors: 'anyone' } },
    forge: { kind: 'folder', path: dir },
    agent: { ...standIn(dir, '--turn', working, '--echo-ms', '1500'), hooks: false },
    machines: { box: { windows: [{ name: 'W', names, repos: ['app'] }] } },
  })
}

/** Somebody is in the middle of a write. */
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
/** Longer than a lease. */
const asleep = 40_000

test('a dispatcher is suspended longer than its lease: its text arrives once, and it ends by itself when it wakes', async (t) => {
  const other = { now: () => clock.now() + asleep, sleep: clock.sleep }
  const rig = await openRig(t, fleetOf(['ONE']), other)
  await rig.raise()
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
  let said = ''
  for (const stream of [laptop.stdout, laptop.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  await until('Enter was pressed', async () => (await rig.session.ledger.view()).deliveries.some(({ presses }) => presses > 0))
  await until('it sleeps, and not in the middle of a write', () => {
    laptop.kill('SIGSTOP')
    if (!isLocked(join(rig.fleet.dir, 'l.db'))) return true
    laptop.kill('SIGCONT')
    return false
  })
  await until('another dispatcher saw it through', async () => {
    await rig.cycle()
    return (await rig.session.ledger.deliveries({ worker: 'box/W/ONE', kind: 'work' }))[0]?.state === 'seen'
  })
  laptop.kill('SIGCONT')
  const late = AbortSignal.timeout(10_000)
  await Promise.race([ended, once(late, 'abort')])
  assert.equal(late.aborted, false, `it did not end: ${said}`)
  assert.equal(laptop.exitCode, 0, said)
  assert.equal(rig.received(issue), 1)
  assert.deepEqual(
    (await rig.dispatches(issue)).map(({ state }) => state),
    ['handed'],
  )
  const events = await rig.session.ledger.events({ issue })
  assert.equal(events.filter(({ kind }) => kind === 'delivery.taken_over').length, 1)
  await rig.session.ledger.check()
})

test('two dispatchers whose clocks are six hours apart take each other’s leases, and no text arrives twice', async (t) => {
  const rig = await openRig(t, fleetOf(['ONE', 'TWO']))
  await rig.raise()
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
  // Between the first comment and its text the other runs a whole cycle: then it does find a lease that by its clock ran out.
  const { forge } = rig.session
  const comment = forge.comment.bind(forge)
  let beside = false
  Object.assign(forge, {
    comment: async (ref: string, body: string) => {
      const written = await comment(ref, body)
      if (!beside) {
        beside = true
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
