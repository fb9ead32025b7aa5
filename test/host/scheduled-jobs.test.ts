/** Jobs of real schedulers' files and outputs, read by the script that runs on a machine. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { jobsScript, parseScheduledJobs } from '../../src/host/scheduled-jobs.ts'
import { scratch } from '../support/fleet.ts'

/** Makes the database of Hermes 0.19 with an old failed run of job 1, and two runs of job 2. */
const executions = `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("create table executions (id text primary key, job_id text, status text, claimed_at text, started_at text, finished_at text, error text)")
db.executemany("insert into executions values (?, ?, ?, ?, ?, null, 'sk-secret')", [
    ("a", "1", "failed", "2026-11-26T07:00:00+00:00", "2026-11-26T07:00:01+00:00"),
    ("b", "2", "completed", "2026-11-27T07:30:00+00:00", "2026-11-27T07:30:00+00:00"),
    ("c", "2", "claimed", "2026-11-27T09:00:00+01:00", None)])
db.commit()`

const times = { next: 1_795_800_000_000_000, left: 1, last: 1_795_796_400_000_000, passed: 1 }
const never = { next: null, left: null, last: 0, passed: 0 }
const timer = (name: string, more: object) => ({ ...more, unit: `${name}.timer`, activates: `${name}.service` })
const user = [timer('a', times), timer('b', never), timer('c', { ...times, next: null })]
const system = [timer('apt-daily', never), timer('x\\x2dy', times)]

/** The properties of units in the form of systemd 252, which leaves out those that a kind of unit does not have. */
const ofUser = `Result=success
Id=a.timer
ActiveState=active

Result=exit-code
ExecStart={ path=/bin/false ; argv[]=/bin/false ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }
WorkingDirectory=
Id=a.service
ActiveState=failed

TimersMonotonic={ OnUnitActiveUSec=1h 30min ; next_elapse=3h 32min 22.024305s }
TimersMonotonic={ OnActiveUSec=1s ; next_elapse=29min 14.571528s }
Result=success
Id=c.timer
ActiveState=inactive

Result=success
Id=c.service
ActiveState=inactive`
const ofSystem = `Result=success
ExecStart={ path=/usr/lib/apt/apt.systemd.daily ; argv[]=/usr/lib/apt/apt.systemd.daily update ; ignore_errors=no ; pid=0 ; status=0/0 }
WorkingDirectory=
Id=apt-daily.service
ActiveState=inactive

TimersMonotonic={ OnUnitActiveUSec=10s ; next_elapse=29min 57.618671s }
Result=success
Id=x\\x2dy.timer
ActiveState=active

Result=success
ExecStart={ path=/bin/true ; argv[]=/bin/true ; ignore_errors=no ; pid=216 ; code=exited ; status=0 }
WorkingDirectory=
User=${userInfo().username}
Id=x\\x2dy.service
ActiveState=inactive`.replace(/^User=root$/m, 'WorkingDirectory=/opt/burn-fleet')
const systemctl = [
  ['*--user*list-timers*', JSON.stringify(user)],
  ['*--system*list-timers*', JSON.stringify(system)],
  [`*--user*show*'-- a.timer a.service b.timer b.service c.timer c.service'`, ofUser],
  [`*--system*show*'-- apt-daily.timer apt-daily.service x\\x2dy.timer x\\x2dy.service'`, ofSystem],
]

test('jobsScript: reads a crontab, timers and the jobs of Hermes', (t) => {
  const dir = scratch(t)
  mkdirSync(join(dir, 'bin'))
  const program = (name: string, text: string) => writeFileSync(join(dir, 'bin', name), `#!/bin/sh\n${text}`, { mode: 0o755 })
  program('crontab', `cat <<'END'\n# a comment\nPATH=/bin\nMAILTO = ""\n*/15 * * * *  cd /x && backup --all\n@daily tidy\n\nEND`)
  program('systemctl', `case "$*" in ${systemctl.map(([words, answer]) => `${words}) cat <<'END'\n${answer}\nEND\n;;`).join(' ')} esac`)
  const jobs = [
    {
      id: '1',
      name: 'digest',
      enabled: true,
      schedule: { kind: 'cron', expr: '0 7 * * *' },
      next_run_at: '2026-11-28T07:00:00Z',
      last_run_at: '2026-11-27T07:00:02Z',
      last_status: 'ok',
    },
    {
      id: '2',
      name: 'poll',
      enabled: true,
      schedule: { kind: 'interval', minutes: 30 },
      next_run_at: null,
      last_run_at: null,
      last_error: 'sk-secret',
    },
    { id: '3', name: 'off', enabled: false, schedule: { kind: 'cron', expr: '* * * * *' } },
  ]
  mkdirSync(join(dir, '.hermes/profiles/p/cron'), { recursive: true })
  writeFileSync(join(dir, '.hermes/profiles/p/cron/jobs.json'), JSON.stringify({ jobs }))
  const python = existsSync('/usr/bin/python3')
  if (python) execFileSync('/usr/bin/python3', ['-c', executions, join(dir, '.hermes/profiles/p/cron/executions.db')])
  const output = execFileSync('sh', ['-c', jobsScript], { env: { HOME: dir, PATH: `${dir}/bin:/usr/bin:/bin` }, encoding: 'utf8' })
  assert.doesNotMatch(JSON.stringify(parseScheduledJobs(output)), /sk-secret/)
  assert.deepEqual(parseScheduledJobs(output)?.jobs, [
    { scheduler: 'cron', name: 'cd /x && backup --all', schedule: { cron: '*/15 * * * *' }, next: null, last: 'unknown' },
    { scheduler: 'cron', name: 'tidy', schedule: { cron: '@daily' }, next: null, last: 'unknown' },
    {
      scheduler: 'systemd',
      name: 'a.timer',
      schedule: null,
      next: 1_795_800_000_000,
      last: { started: 1_795_796_400_000, ok: false, result: 'exit-code' },
    },
    { scheduler: 'systemd', name: 'b.timer', schedule: null, next: null, last: 'none' },
    {
      scheduler: 'systemd',
      name: 'c.timer',
      schedule: { every: 5_400_000 },
      next: null,
      last: { started: 1_795_796_400_000, ok: true, result: '' },
    },
    {
      scheduler: 'systemd',
      name: 'x\\x2dy.timer (system)',
      schedule: { every: 10_000 },
      next: 1_795_800_000_000,
      last: { started: 1_795_796_400_000, ok: true, result: '' },
    },
    {
      scheduler: 'hermes',
      name: '.hermes/profiles/p digest',
      schedule: { cron: '0 7 * * *' },
      next: Date.UTC(2026, 10, 28, 7),
      last: { started: Date.UTC(2026, 10, 27, 7, 0, 2), ok: true, result: '' },
    },
    // The job has not ended, so only the database shows its run.
    {
      scheduler: 'hermes',
      name: '.hermes/profiles/p poll',
      schedule: { every: 1_800_000 },
      next: null,
      last: python ? { started: Date.UTC(2026, 10, 27, 8), ok: null, result: '' } : 'none',
    },
  ])
})

test("parseScheduledJobs: leaves out the operating system's own jobs", () => {
  const tab = `SHELL=/bin/sh
17 * * * * root cd / && run-parts /etc/cron.hourly
*/5 * * * * ann /usr/bin/mine --x
@daily root /usr/bin/claude -p hi
0 1 * * * ben /usr/bin/his
`
  const jobs = parseScheduledJobs(`part person\nann\n/home/ann\npart system cron\n${tab}part end\n`)?.jobs
  assert.deepEqual(jobs, [
    { ...cron('/usr/bin/mine --x', '*/5 * * * *'), command: '/usr/bin/mine --x' },
    { ...cron('/usr/bin/claude -p hi', '@daily'), command: '/usr/bin/claude -p hi' },
  ])
})

const cron = (command: string, expression: string) => ({
  scheduler: 'cron',
  name: `${command} (system)`,
  schedule: { cron: expression },
  next: null,
  last: 'unknown',
})

test('parseScheduledJobs: incomplete or foreign output is unknown', () => {
  assert.equal(parseScheduledJobs('part zone\nEtc/UTC\npart cron\n* * * * * x\n'), null)
  assert.deepEqual(parseScheduledJobs('part zone\n\npart timers\n{"half":\npart hermes .hermes\n{"jobs":[{"id":\npart end\n'), {
    zone: null,
    jobs: [],
  })
})
