import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { crontabLine, launchdPlist, systemdUnits, type ScheduledRun } from '../../src/decide/schedule.ts'
import { scratch } from '../support/fleet.ts'

const minute = 60_000
const hostile = ['/opt/my node/bin/node', `it's "so" <&> 100%`, '$HOME', '$(id)', '`id`', 'back\\slash', '-a=b;c|d', 'é', '']

const run = (changes: Partial<ScheduledRun> = {}): ScheduledRun => ({
  name: 'burn-sprint',
  argv: ['/usr/bin/node', ...hostile],
  every: 15 * minute,
  variables: { PATH: '/usr/bin:/bin:/opt/100% mine' },
  log: '/nowhere/state/sprint.log',
  ...changes,
})

/** Returns the command as cron passes it to a shell. cron unescapes percent signs, and a bare one ends the command. */
function cronCommand(line: string): string {
  const command = line.split(' ').slice(5).join(' ').trimEnd()
  assert.doesNotMatch(command, /(?<!\\)%/, 'a bare percent sign ends the command')
  return command.replaceAll('\\%', '%')
}

test('schedule: a crontab line runs the words and logs the output', (t) => {
  const dir = scratch(t)
  const log = join(dir, "new folder's 50%", 'x.log')
  const show = [process.execPath, '-e', 'process.stdout.write(JSON.stringify([process.argv.slice(1), process.env.PATH]))', '--', ...hostile]
  const command = cronCommand(crontabLine(run({ argv: show, log })))
  execFileSync('/bin/sh', ['-c', command], { env: {} })
  execFileSync('/bin/sh', ['-c', command], { env: {} })
  const once = JSON.stringify([hostile, run().variables['PATH']])
  assert.equal(execFileSync('cat', [log], { encoding: 'utf8' }), once + once)
})

test('schedule: passes all variables to each scheduler', (t) => {
  const log = join(scratch(t), 'x.log')
  const variables = { PATH: '/usr/bin:/bin', TMUX_TMPDIR: "/run/my 'tmux' 100%" }
  const command = cronCommand(crontabLine(run({ argv: ['printenv', 'TMUX_TMPDIR'], log, variables })))
  execFileSync('/bin/sh', ['-c', command], { env: {} })
  assert.equal(execFileSync('cat', [log], { encoding: 'utf8' }).trim(), variables.TMUX_TMPDIR)
  const service = systemdUnits(run({ variables })).get('burn-sprint.service') ?? ''
  assert.match(service, /^Environment="PATH=.*"\nEnvironment="TMUX_TMPDIR=\/run\/my 'tmux' 100%%"$/m)
  assert.match(launchdPlist(run({ variables })), /<key>TMUX_TMPDIR<\/key>\s*<string>\/run\/my 'tmux' 100%<\/string>/)
})

test('schedule: refuses intervals that cron cannot express', () => {
  const every = (ms: number) =>
    crontabLine(run({ every: ms }))
      .split(' ')
      .slice(0, 5)
      .join(' ')
  assert.deepEqual(
    [1, 15, 60, 6 * 60, 24 * 60].map((minutes) => every(minutes * minute)),
    ['* * * * *', '*/15 * * * *', '7 * * * *', '7 */6 * * *', '7 3 * * *'],
  )
  for (const minutes of [0.5, 7, 90, 5 * 60, 48 * 60]) assert.throws(() => every(minutes * minute), { code: 'schedule_every', exit: 2 })
  assert.throws(() => crontabLine(run({ variables: { PATH: '/x'.repeat(500) } })), { code: 'schedule_long', exit: 2 })
})

test('schedule: all three formats refuse control characters', () => {
  for (const write of [crontabLine, systemdUnits, launchdPlist])
    for (const changes of [{ argv: ['a', 'b\n* * * * * evil'] }, { variables: { PATH: '/bin\u0000' } }, { log: '/x\r\n' }])
      assert.throws(() => write(run(changes)), { code: 'schedule_words', exit: 2 })
})

/** Returns the quoted words of a line as systemd reads them. Source: systemd.syntax(7). */
function systemdWords(line: string, command: boolean): string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word = '']) => {
    const plain = word.replaceAll(/\\(.)/g, '$1').replaceAll('%%', '%')
    return command ? plain.replaceAll('$$', () => '$') : plain
  })
}

test('schedule: systemd reads the words back unchanged', () => {
  const units = systemdUnits(run({ variables: { PATH: '/a$b:/100%' } }))
  assert.deepEqual([...units.keys()], ['burn-sprint.service', 'burn-sprint.timer'])
  const service = units.get('burn-sprint.service') ?? ''
  const value = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(service)?.[1] ?? ''
  assert.deepEqual(systemdWords(value('ExecStart'), true), run().argv)
  assert.doesNotMatch(value('ExecStart').replaceAll('$$', ''), /\$/, 'it contains no variable')
  assert.deepEqual(systemdWords(value('Environment'), false), ['PATH=/a$b:/100%'])
  assert.match(units.get('burn-sprint.timer') ?? '', /^OnUnitActiveSec=900$/m)
})

test('schedule: a service restarts after a failure, and keeps tmux', () => {
  const service = run({ name: 'burn-start', every: null })
  const units = systemdUnits(service)
  assert.deepEqual([...units.keys()], ['burn-start.service'])
  const unit = units.get('burn-start.service') ?? ''
  for (const line of ['Type=simple', 'Restart=on-failure', 'SuccessExitStatus=3', 'KillMode=process', 'WantedBy=default.target'])
    assert.ok(unit.split('\n').includes(line), line)
  const job = launchdPlist(service)
  assert.match(job, /<key>SuccessfulExit<\/key>\s*<false\/>[^]*<key>AbandonProcessGroup<\/key>\s*<true\/>/)
  assert.doesNotMatch(job, /StartInterval/)
  assert.match(crontabLine(service), /^@reboot mkdir -p /)
})

const analyze = '/usr/bin/systemd-analyze'
test('schedule: systemd-analyze accepts the units', { skip: existsSync(analyze) ? false : 'systemd is not installed' }, (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'units-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const argv = ['/bin/sh', ...hostile]
  const units = new Map([...systemdUnits(run({ argv })), ...systemdUnits(run({ name: 'burn-sprint-service', argv, every: null }))])
  for (const [name, text] of units) writeFileSync(join(dir, name), text)
  const files = [...units.keys()].map((name) => join(dir, name))
  const said = execFileSync('/bin/sh', ['-c', `${analyze} --user --man=no verify "$@" 2>&1`, 'sh', ...files], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', XDG_RUNTIME_DIR: dir, HOME: dir },
  })
  assert.doesNotMatch(said, /burn-sprint/, said)
})

test('schedule: a launchd job is well-formed and keeps the words', () => {
  const text = launchdPlist(run())
  const parse = 'import json, plistlib, sys; print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))'
  const strings = [...text.matchAll(/<string>([^<]*)<\/string>/g)].map(([, word = '']) => unescaped(word))
  assert.deepEqual(strings, ['burn-sprint', ...run().argv, run().variables['PATH'], run().log, run().log])
  assert.match(text, /<key>StartInterval<\/key>\s*<integer>900<\/integer>/)
  if (!existsSync('/usr/bin/python3')) return
  const read = JSON.parse(execFileSync('/usr/bin/python3', ['-c', parse], { input: text, encoding: 'utf8' })) as Record<string, unknown>
  assert.deepEqual(read['ProgramArguments'], run().argv)
  assert.deepEqual(read['EnvironmentVariables'], run().variables)
})

function unescaped(text: string): string {
  assert.doesNotMatch(text, /&(?!amp;|lt;|gt;)/)
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
}
