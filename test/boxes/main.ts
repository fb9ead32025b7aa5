/**
 * `npm run test:boxes [-- --issues 70 | --only-timers]`: builds the box of examples/allegro without a registry, raises 14 panes in it through `exec`, and
 * lets burn assign issues while the box is killed, paused, unhealthy and out of memory. Another box has systemd as process 1 and real timers.
 * `--only-timers` runs only that box. Exit codes: 0 all is right, 1 a violation, 77 this machine cannot run boxes.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Engine, obstacle } from './engine.ts'
import { Faults } from './faults.ts'
import { BoxFleet } from './fleet.ts'
import { judgeEnd } from './judge.ts'
import { TimerBox } from './timers.ts'

const panes = 14
const skipped = 77

const { values } = parseArgs({
  options: { issues: { type: 'string', default: '70' }, 'only-timers': { type: 'boolean', default: false } },
})
const reason = obstacle()
if (reason !== null) {
  console.log(`SKIPPED: ${reason}`)
  process.exit(skipped)
}
const dir = mkdtempSync(join(tmpdir(), 'burn-boxes-'))
const engine = new Engine(join(dir, 'engine'))
const fleet = new BoxFleet(dir, engine)
const timers = new TimerBox(dir, engine)
const faults = new Faults(fleet, panes)
const violations: string[] = []

/** Runs a phase, and prints its time, its findings and its violations. */
async function phase(name: string, work: () => Promise<readonly string[]>): Promise<void> {
  const from = performance.now()
  const found = await work()
  violations.push(...found)
  console.log(`${name}: ${((performance.now() - from) / 1000).toFixed(0)} s, ${found.length} violations`)
  for (const violation of found.slice(0, 20)) console.log(`  VIOLATION ${violation}`)
}

/** Checks the Dockerfile, if hadolint is installed. */
function lint(): string[] {
  const { status, stdout, error } = spawnSync('hadolint', [resolve(import.meta.dirname, '../../examples/allegro/Dockerfile')], {
    encoding: 'utf8',
  })
  if (error !== undefined) console.log('  SKIPPED: hadolint is not installed, so nothing checked the Dockerfile')
  return error !== undefined || status === 0 ? [] : stdout.trim().split('\n')
}

/** Checks the box itself: its first process, its health, its secret and its file systems. */
function inspectBox(): string[] {
  const secret = fleet.inBox('cat /run/secrets/git-login')
  return [
    ...(engine.podman('healthcheck', 'run', 'allegro').code === 0 ? [] : ['the new box is not healthy']),
    ...(fleet.inBox('cat /proc/1/comm') === 'tini' ? [] : ['process 1 is not tini']),
    ...(secret.includes('secret-of-the-box') ? [] : ['the box cannot read its secret']),
    ...(engine.must('inspect', 'allegro').includes('secret-of-the-box') ? ['podman inspect shows the secret'] : []),
    ...(fleet.inBox('touch /x 2>&1').includes('Read-only file system') ? [] : ['the root of the box is writable']),
  ]
}

/** Raises the fleet, and lets `burn doctor` judge the whole spec with 44 agents. */
async function raise(): Promise<string[]> {
  const tooSmall = /44 agents need about 9\.0 GB of memory \(210 MB each\), but its memory limit is 8\.0 GB/
  const doctor = await fleet.burn(['doctor'], 'whole')
  console.log(`  ${tooSmall.exec(doctor.out)?.[0] ?? ''}`)
  return [
    ...(tooSmall.test(doctor.out) ? [] : [`doctor does not say that the memory is too small: ${doctor.out}`]),
    ...(await faults.raise()),
  ]
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    fleet.close()
    process.exit(130)
  })

/** Kills, pauses and fills the box of the example, while burn assigns its issues. */
async function runAllegro(issues: number): Promise<void> {
  await phase('box allegro', async () => (fleet.startBox(), inspectBox()))
  await phase('raised', raise)
  const dispatcher = fleet.start(['dispatch', '--cycles', '0'])
  dispatcher.stdout?.resume()
  dispatcher.stderr?.resume()
  await phase('killed and started', () => faults.kill())
  await phase('paused', () => faults.pause())
  await phase('unhealthy', () => faults.hang())
  await phase('restarted by its policy', () => faults.endServer())
  await phase('out of memory', () => faults.eatMemory(issues + 1))
  await phase('all issues have a change', async () => {
    await fleet.until('each issue has a change', () => fleet.changes().length >= issues + 1, 300_000)
    await fleet
      .until('each dispatch is in review', async () => (await fleet.dispatches()).every(({ state }) => state === 'review'), 60_000)
      .catch(() => {
        // `judgeEnd` names the dispatches that are in another state.
      })
    const end = await judgeEnd(fleet, issues + 1)
    console.log(`  ${end.figures}`)
    return end.violations
  })
  await phase('removed', () => faults.remove())
  dispatcher.kill('SIGTERM')
}

try {
  const issues = Number(values.issues)
  await phase('base system and fleet', async () => {
    engine.buildBase()
    await fleet.make(Array.from({ length: issues }, (_, index) => `Add file ${index + 1}`))
    return lint()
  })
  await phase('box with systemd', async () => (await timers.start(fleet.program), []))
  if (!values['only-timers']) await runAllegro(issues)
  await phase('timers', async () => {
    const { violations: found, evidence } = await timers.judge((words) => fleet.burn(words))
    for (const line of evidence) console.log(`  ${line}`)
    return found
  })
  console.log(`${violations.length} violations`)
  process.exitCode = violations.length === 0 ? 0 : 1
} finally {
  fleet.close()
}
