/** Jobs of launchd, read by the script that runs on a Mac. Python stands in for plutil, and reads real property lists. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { ScheduledJob } from '../../src/core/scheduled-job.ts'
import { launchdPlist } from '../../src/decide/schedule.ts'
import { launchdJobs } from '../../src/host/launchd-jobs.ts'
import { jobsScript, parseScheduledJobs } from '../../src/host/scheduled-jobs.ts'
import { scratch } from '../support/fleet.ts'

const python = '/usr/bin/python3'
const skip = existsSync(python) ? false : 'Python is not installed, which stands in for plutil'
const person = { user: 'ann', home: '/Users/ann' }

/** What `launchctl print` shows of a job. Lines of nested parts begin with two tabs. */
const printed = (target: string, lines: readonly string[]) => `${target} = {
	active count = 0
	path = /Users/ann/Library/LaunchAgents/x.plist
	type = LaunchAgent
	arguments = {
		/bin/sh
	}

	event triggers = {
		x.268435480 => {
			state = 1
			descriptor = {
				"Minute" => 30
			}
		}
	}
${lines.map((line) => `\t${line}\n`).join('')}	resource coalition = {
		state = active
		last exit code = 1
	}
}
`

/** Makes a home with property lists, and programs like those of a Mac. launchctl knows a job only in its domain. */
function mac(t: TestContext, answers: Readonly<Record<string, readonly string[]>>): { dir: string; read: () => readonly ScheduledJob[] } {
  const dir = scratch(t)
  for (const folder of ['bin', 'Library/LaunchAgents', 'printed']) mkdirSync(join(dir, folder), { recursive: true })
  const program = (name: string, text: string) => writeFileSync(join(dir, 'bin', name), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
  program('uname', 'echo Darwin')
  program('id', '[ "$1" = -u ] && echo 501 || echo ann')
  program(
    'plutil',
    `exec ${python} -c 'import json, plistlib, sys; print(json.dumps(plistlib.load(open(sys.argv[1], "rb")), separators=(",", ":")).replace("/", "\\\\/"))' "$5"`,
  )
  program('launchctl', `cat "${dir}/printed/$(printf '%s' "$2" | tr / -)" 2>/dev/null || exit 113`)
  for (const [target, lines] of Object.entries(answers))
    writeFileSync(join(dir, 'printed', target.replaceAll('/', '-')), printed(target, lines))
  const env = { HOME: dir, PATH: `${dir}/bin:/usr/bin:/bin` }
  const jobs = () => parseScheduledJobs(execFileSync('sh', ['-c', jobsScript], { env, encoding: 'utf8' }))?.jobs ?? []
  return { dir, read: () => jobs().filter(({ scheduler }) => scheduler === 'launchd') }
}

test('launchd: reads XML and binary property lists', { skip }, (t) => {
  const { dir, read } = mac(t, {
    'gui/501/burn-dispatch': ['state = not running', 'runs = 3', 'last exit code = 78: EX_CONFIG'],
    'user/501/com.ann.night': ['state = not running', 'runs = 9', 'last terminating signal = Killed: 9'],
  })
  const argv = ['/bin/burn', 'dispatch', '--alone', '--spec', "/a & b/ann's.json"]
  const plist = launchdPlist({ name: 'burn-dispatch', argv, every: 600_000, variables: { LANG: 'C' }, log: '/l' })
  const agents = join(dir, 'Library/LaunchAgents')
  for (const name of ['burn-dispatch', 'other']) writeFileSync(join(agents, `${name}.plist`), plist.replace('burn-dispatch', name))
  const binary = `import plistlib, sys
hour = lambda h: {"Hour": h, "Minute": 5}
job = {"Label": "com.ann.night", "ProgramArguments": ["/opt/homebrew/bin/hermes", "cron"], "StartCalendarInterval": [hour(2), hour(14)]}
plistlib.dump(job, open(sys.argv[1], "wb"), fmt=plistlib.FMT_BINARY)
del job["ProgramArguments"]
plistlib.dump({**job, "Program": "/Applications/Chess.app"}, open(sys.argv[2], "wb"), fmt=plistlib.FMT_BINARY)`
  execFileSync(python, ['-c', binary, join(agents, 'night.plist'), join(agents, 'chess.plist')])
  const burn = { next: null, command: `/bin/burn dispatch --alone --spec '/a & b/ann'\\''s.json'`, schedule: { every: 600_000 } }
  assert.deepEqual(read(), [
    { scheduler: 'launchd', name: 'burn-dispatch', last: { started: null, ok: false, result: 'exit code 78' }, ...burn },
    {
      scheduler: 'launchd',
      name: 'com.ann.night',
      schedule: { cron: '5 2,14 * * *' },
      next: null,
      last: { started: null, ok: false, result: 'signal 9 (Killed)' },
      command: '/opt/homebrew/bin/hermes cron',
    },
    // launchd has not loaded this job.
    { scheduler: 'launchd', name: 'other', last: 'unknown', ...burn },
  ])
})

const folder = '/Users/ann/Library/LaunchAgents'
const read = (list: object, facts: readonly string[] = [], path = `${folder}/burn-x.plist`) =>
  launchdJobs(path, `${JSON.stringify(list)}\n${facts.join('\n')}\n`, person)

test('launchd: tells failed runs from others', () => {
  const lastOf = (...facts: string[]) => {
    const last = read({ Label: 'burn-x' }, facts)[0]?.last
    return typeof last === 'object' ? last.result : last
  }
  assert.deepEqual(
    [
      lastOf('state=not running', 'last exit code=0'),
      lastOf('state=not running', 'last exit code=(never exited)'),
      lastOf('state=running', 'last exit code=1'),
      lastOf('state=spawn scheduled', 'last exit code=1'),
      lastOf('last exit code=(never exited)', 'last terminating signal=Segmentation fault: 11'),
      lastOf('last terminating signal=Terminated: 15'),
      lastOf('state=not running', 'last exit reason=OS_REASON_CODESIGNING'),
      lastOf('last exit reason=JETSAM_REASON_MEMORY_IDLE_EXIT'),
      lastOf(),
    ],
    [
      'unknown',
      'unknown',
      'unknown',
      'exit code 1',
      'signal 11 (Segmentation fault)',
      'unknown',
      'OS_REASON_CODESIGNING',
      'unknown',
      'unknown',
    ],
  )
})

test('launchd: turns calendar entries into one cron expression', () => {
  const scheduleOf = (StartCalendarInterval: unknown) => read({ Label: 'burn-x', StartCalendarInterval })[0]?.schedule
  assert.deepEqual(scheduleOf({ Hour: 4, Minute: 0 }), { cron: '0 4 * * *' })
  assert.deepEqual(scheduleOf({ Weekday: 7, Month: 1, Minute: 3 }), { cron: '3 * * 1 7' })
  assert.deepEqual(
    scheduleOf([
      { Hour: 0, Minute: 0 },
      { Hour: 6, Minute: 0 },
    ]),
    { cron: '0 0,6 * * *' },
  )
  assert.equal(
    scheduleOf([
      { Hour: 0, Minute: 0 },
      { Hour: 6, Minute: 30 },
    ]),
    null,
    'two expressions',
  )
  for (const none of [undefined, [], 'daily']) assert.equal(scheduleOf(none), null)
})

test('launchd: leaves out jobs that do not belong to the fleet', () => {
  const every = { StartInterval: 60 }
  const namesOf = (list: object, path: string) => read(list, [], path).map(({ name }) => name)
  assert.deepEqual(namesOf({ ...every, Label: 'com.chess', Program: '/Users/ann/chess' }, `${folder}/c.plist`), [])
  assert.deepEqual(namesOf({ Label: 'ai.hermes', ProgramArguments: ['/bin/hermes', 'gateway'] }, `${folder}/h.plist`), [], 'a service')
  const daemon = '/Library/LaunchDaemons/d.plist'
  assert.deepEqual(namesOf({ ...every, Label: 'd', UserName: 'ann', Program: '/bin/x' }, daemon), ['d (system)'])
  assert.deepEqual(namesOf({ ...every, Label: 'd', Program: '/bin/x' }, daemon), [])
  assert.deepEqual(namesOf({ ...every, Label: 'burn-x', Disabled: true }, `${folder}/burn-x.plist`), [])
  // plutil could not read the list, but launchd had loaded it.
  const [unread] = read({}, ['state=not running', 'run interval=900 seconds'])
  assert.deepEqual([unread?.name, unread?.schedule], ['burn-x', { every: 900_000 }])
})
