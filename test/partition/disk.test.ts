/** Fills the disk of the ledger at each write of a delivery, and frees it again. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { BurnError } from '../../src/core/errors.ts'
import type { Ledger } from '../../src/core/ledger.ts'
import { standIn, until, writeIssues } from '../support/fleet.ts'
import { openRig, type Rig } from './rig.ts'

interface SmallDisk {
  readonly rig: Rig
  /** Fills the disk to the last byte. */
  fill(): void
  free(): void
}

/** Starts a fleet whose ledger is on a disk of 4 MB. Returns the reason if this machine does not let a test mount one. */
async function smallDisk(t: TestContext): Promise<SmallDisk | string> {
  const disk = mkdtempSync(join(tmpdir(), 'burn-disk-'))
  t.after(() => {
    // The ledger may still be open, so unmount lazily.
    spawnSync('umount', ['-l', disk])
    rmSync(disk, { recursive: true, force: true })
  })
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk], { encoding: 'utf8' })
  if (status !== 0) return `no small file system can be mounted here: ${stderr.trim()}`
  const rig = await openRig(t, (dir) => ({
    ledger: `sqlite:${disk}/l.db`,
    forge: { kind: 'folder', path: dir },
    dispatch: { depth: 4, trust: { authors: 'anyone' } },
    agent: { ...standIn(dir, '--turn-ms', '10'), hooks: false },
    machines: { box: { windows: [{ name: 'W', names: ['ONE'], repos: ['app'] }] } },
  }))
  const ballast = join(disk, 'ballast')
  const fill = () => {
    for (const size of [65_536, 4_096, 1]) while (appended(ballast, size));
  }
  return { rig, fill, free: () => rmSync(ballast, { force: true }) }
}

function appended(file: string, size: number): boolean {
  try {
    appendFileSync(file, Buffer.alloc(size))
    return true
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOSPC') return false
    throw thrown
  }
}

const issues = (count: number) => Array.from({ length: count }, (_, index) => ({ title: `issue ${index}`, body: 'b'.repeat(20_000) }))

test('full disk: burn reports it, writes nothing, and continues later', async (t) => {
  const small = await smallDisk(t)
  if (typeof small === 'string') return t.skip(small)
  const { rig, fill, free } = small
  writeIssues(rig.fleet.dir, 'app', issues(1))
  await rig.start()
  await rig.cycle()
  const [worker] = rig.session.fleet.machines.flatMap(({ windows }) => windows.flatMap(({ workers }) => workers))
  assert.ok(worker !== undefined)
  // Save a wrong state, so that status has a new one to save.
  await rig.session.ledger.saveReadings([{ worker: worker.id, state: 'unreachable' }], Date.now())
  fill()
  writeIssues(rig.fleet.dir, 'app', issues(40))
  const events = (await rig.session.ledger.events({})).length
  const once = await rig.fleet.burn('dispatch', '--json')
  assert.equal(once.code, 1, once.out + once.err)
  const { error } = once.json<{ error: { code: string; message: string; hint: string } }>()
  assert.equal(error.code, 'ledger_full')
  assert.match(error.message, /the ledger \S+ has no space left on its disk/)
  assert.match(error.hint, /^The failed transaction wrote nothing, and earlier data is safe\. Free disk space/)
  const long = await rig.fleet.burn('dispatch', '--cycles', '2', '--interval', '0')
  assert.equal(long.code, 3, 'a long run continues, and reports that cycles failed')
  assert.equal(long.err.match(/^cycle \d: the ledger \S+ has no space left .*Free disk space/gm)?.length, 2, long.err)
  assert.equal((await rig.session.ledger.events({})).length, events)
  await rig.session.ledger.check()
  const status = await rig.fleet.burn('status')
  assert.equal(status.code, 0, 'status shows the workers nevertheless')
  assert.match(status.out, /ONE/)
  assert.match(status.err, /burn could not store the states of the workers: .*no space left/)

  free()
  await until('every issue is at work', async () => (await rig.cycle(), rig.received('local/app#4') > 0))
  await rig.session.ledger.check()
})

test('full disk: a text arrives once, whichever write fails', async (t) => {
  const small = await smallDisk(t)
  if (typeof small === 'string') return t.skip(small)
  const { rig, fill, free } = small
  await rig.start()
  const { ledger } = rig.session
  const move = ledger.moveDeliveries.bind(ledger)
  let left = Infinity
  const ledgerWithTrouble: Pick<Ledger, 'moveDeliveries'> = {
    moveDeliveries: async (...given) => {
      left -= 1
      if (left === 0) fill()
      return move(...given)
    },
  }
  Object.assign(ledger, ledgerWithTrouble)
  const found: string[] = []
  for (let write = 1; write <= 3; write++) {
    writeIssues(rig.fleet.dir, 'app', issues(write))
    left = write
    const failed = await rig.cycle().then(
      () => null,
      (thrown: BurnError) => thrown.code,
    )
    found.push(`${failed ?? 'continued'}: ${rig.received(`local/app#${write}`)}`)
    free()
    await until('it is seen', async () => {
      await rig.cycle()
      const [dispatch] = await rig.dispatches(`local/app#${write}`)
      return dispatch?.state === 'handed'
    })
    assert.equal(rig.received(`local/app#${write}`), 1)
    const [delivery] = await ledger.deliveries({ ids: (await rig.dispatches(`local/app#${write}`)).map(({ id }) => id) })
    assert.equal(delivery?.state, 'seen')
  }
  t.diagnostic(found.join(', '))
  assert.deepEqual(
    found.map((each) => each.split(':')[0]),
    ['ledger_full', 'ledger_full', 'ledger_full'],
  )
  await ledger.check()
})
