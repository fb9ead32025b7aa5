/** `--alone`, `burn job schedule`, and the checks of `burn doctor` for sprints. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Script } from '../stand-ins/model/replies.ts'
import type { Finding } from '../../src/doctor/findings.ts'
import { secrets, sprintRig, type SprintRig } from './rig.ts'
import { startHere } from './running.ts'

const options = { timeout: 120_000 }
const hangingScript: Script = () => ({ hang: 'at once' })
const windows = [{ name: 'W', names: ['AZOTH'], repos: ['app'] }]

const rigOf = (...[t, more]: [Parameters<typeof sprintRig>[0], object?]) =>
  sprintRig(t, {
    issues: [{ title: 'one' }, { title: 'two' }],
    script: hangingScript,
    windows,
    sprint: { sandbox: { use: 'off' } },
    ...more,
  })

test('alone: a second sprint run does nothing and exits with 0', options, async (t) => {
  const rig = await rigOf(t)
  const first = startHere(t, rig.env, 'sprint', 'run', '--alone', '--json')
  await rig.model.asked()
  const second = await rig.burn('sprint', 'run', '--alone', '--json')
  assert.deepEqual(
    [second.code, second.json()],
    [0, { sprints: [], skipped: 'another burn sprint run --alone is running, so this command did nothing' }],
  )
  assert.match((await rig.burn('sprint', 'run', '--alone')).out, /^another burn sprint run --alone is running/)
  const { sprints } = await rig.ledger((ledger) => ledger.view())
  assert.equal(sprints.length, 1)
  first.stop()
  await first.ended
  assert.deepEqual([...(await rig.ledger((ledger) => ledger.view())).leases.keys()], [])
})

test('alone: a scheduled dispatch exits while another one runs', options, async (t) => {
  const rig = await rigOf(t, { issues: [] })
  const { argv, files } = (await rig.burn('job', 'schedule', 'dispatch', '--json')).json<{
    argv: string[]
    files: Record<string, string>
  }>()
  assert.match(files['crontab'] ?? '', /^\*\/15 \* \* \* \* .* dispatch --alone --spec \S+\/fleet-spec\.json >>/)
  const first = startHere(t, rig.env, 'dispatch', '--alone', '--cycles', '0', '--interval', '1', '--json')
  await first.waitFor(/"cycle":2/)
  const scheduled = await runProgram(argv, rig)
  assert.equal(scheduled.code, 0, scheduled.out)
  assert.match(scheduled.out, /^another burn dispatch --alone is running, so this command did nothing\n$/)
  first.stop()
  await first.ended
  assert.match((await runProgram(argv, rig)).out, /cycle 1: nothing new/)
})

function runProgram([program = '', ...words]: readonly string[], rig: SprintRig): Promise<{ code: number; out: string }> {
  return new Promise((done) => {
    const env = { PATH: process.env['PATH'] ?? '', HOME: rig.env['HOME'] ?? '', NO_COLOR: '1' }
    execFile(program, words, { env, cwd: '/' }, (error, out, err) =>
      done({ code: error === null ? 0 : Number(error.code), out: out + err }),
    )
  })
}

test('schedule: prints each format, and refuses impossible intervals', options, async (t) => {
  const rig = await rigOf(t, { issues: [] })
  for (const words of [
    ['--every', '7m'],
    ['--every', '10s'],
    ['--every', 'often'],
    ['--', '--lane', 'a\nb'],
  ])
    assert.equal((await rig.burn('job', 'schedule', 'sprint', ...words)).code, 2, words.join(' '))
  const systemd = await rig.burn('job', 'schedule', 'sprint', '--format', 'systemd', '--', '--jobs', '4')
  assert.match(systemd.out, /^# burn-sprint\.service\n\[Unit\]\n/)
  assert.match(systemd.out, /^ExecStart=.* "sprint" "run" "--alone" "--spec" ".*" "--jobs" "4"$/m)
  assert.match(systemd.err, /systemctl --user enable --now burn-sprint\.timer/)
  assert.match((await rig.burn('job', 'schedule', 'sprint', '--format', 'launchd')).out, /^<\?xml/)
  const collect = await rig.burn('job', 'schedule', 'collect', '--every', '5m')
  assert.match(collect.out, /^\*\/5 \* \* \* \* .* job run collect --spec \S+ >>\S+\/collect\.log 2>&1\n$/)
})

test('doctor: checks the needs of sprints, with remedies', options, async (t) => {
  const rig = await rigOf(t, { windows: undefined, by: 'clone' })
  const findings = async () =>
    (await rig.burn('doctor', '--json')).json<{ findings: Finding[] }>().findings.filter(({ where }) => where === 'sprint')
  const healthy = await findings()
  // Not every test machine can limit the memory of all processes of a command together.
  const bad = healthy.filter(({ level, what }) => level !== 'ok' && !what.startsWith('the memory of a command'))
  assert.deepEqual(bad, [])
  const waitFor = healthy.map(({ what }) => what).join('\n')
  assert.match(waitFor, /^git version/m)
  assert.match(waitFor, /sprints is writable and private/)
  assert.match(waitFor, /commands run without bubblewrap \("off" in the spec\)/)
  assert.match(waitFor, /^runner stand-in is ready$/m)
  assert.deepEqual(readdirSync(rig.state), [], 'the check leaves no file behind')

  writeFileSync(join(rig.dir, 'model.secret'), 'revoked')
  chmodSync(rig.state, 0o755)
  const failing = await findings()
  const withLevel = (level: string) => failing.filter((finding) => finding.level === level)
  assert.match(withLevel('fail')[0]?.remedy ?? '', /renew the key/)
  assert.match(withLevel('warn')[0]?.remedy ?? '', /^chmod 700 /)
  assert.ok(!JSON.stringify(failing).includes(secrets.model))

  rig.spec({ dir: join(rig.dir, 'fleet-spec.json/below') })
  const nowhere = (await findings()).find(({ what }) => what.includes('cannot be written'))
  assert.equal(nowhere?.level, 'fail')
})
