/** Jobs of real schedulers' files and outputs, read by the script that runs on a machine. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { launchdPlist } from '../../src/decide/schedule.ts'
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

test('jobsScript: reads a crontab, timers, launchd and the jobs of Hermes', (t) => {
  const dir = scratch(t)
  mkdirSync(join(dir, 'bin'))
  const program = (name: string, text: string) => writeFileSync(join(dir, 'bin', name), `#!/bin/sh\n${text}`, { mode: 0o755 })
  program('crontab', `cat <<'END'\n# a comment\nPATH=/bin\nMAILTO = ""\n*/15 * * * *  cd /x && backup --all\n@daily tidy\n\nEND`)
  // The output of systemd 252, for a user with two timers.
  const list = [
    { next: 1_795_800_000_000_000, left: 1, last: 1_795_796_400_000_000, passed: 1, unit: 'a.timer', activates: 'a.service' },
    { next: null, left: null, last: 0, passed: 0, unit: 'b.timer', activates: 'b.service' },
    // A stopped timer.
    { next: null, left: null, last: 1_795_796_400_000_000, passed: 1, unit: 'c.timer', activates: 'c.service' },
  ]
  program(
    'systemctl',
    `case "$*" in *list-timers*) echo '${JSON.stringify(list)}' ;; *a.service*) printf 'Result=exit-code\\nActiveState=failed\\n' ;; *c.timer*) echo 'TimersMonotonic={ OnUnitActiveUSec=1h 30min ; next_elapse=3h 32min 22.024305s }' ;; *c.service*) printf 'Result=success\\nActiveState=inactive\\n' ;; esac`,
  )
  // The form of launchctl(1) on macOS. A nested line begins with two tabs.
  program('uname', 'echo Darwin')
  program('launchctl', `printf '%s = {\\n\\truns = 3\\n\\tlast exit code = 78: EX_CONFIG\\n\\t\\tlast exit code = 1\\n}\\n' "$2"`)
  mkdirSync(join(dir, 'Library/LaunchAgents'), { recursive: true })
  const argv = ['/bin/burn', 'dispatch', '--alone', '--spec', "/a & b/ann's.json"]
  const plist = launchdPlist({ name: 'burn-dispatch', argv, every: 600_000, variables: { LANG: 'C' }, log: '/l' })
  for (const name of ['burn-dispatch.plist', 'other.plist']) writeFileSync(join(dir, 'Library/LaunchAgents', name), plist)
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
      scheduler: 'launchd',
      name: 'burn-dispatch',
      schedule: { every: 600_000 },
      next: null,
      last: { started: 0, ok: false, result: 'exit code 78' },
      command: `/bin/burn dispatch --alone --spec '/a & b/ann'\\''s.json'`,
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

test('parseScheduledJobs: incomplete or foreign output is unknown', () => {
  assert.equal(parseScheduledJobs('part zone\nEtc/UTC\npart cron\n* * * * * x\n'), null)
  assert.deepEqual(parseScheduledJobs('part zone\n\npart timers\n{"half":\npart hermes .hermes\n{"jobs":[{"id":\npart end\n'), {
    zone: null,
    jobs: [],
  })
})
