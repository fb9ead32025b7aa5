/** Which jobs of a whole machine belong to the fleet. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFleetJob } from '../../src/decide/fleet-jobs.ts'

const person = { user: 'ann', home: '/home/ann' }
const isOurs = (job: { readonly name?: string; readonly command?: string; readonly user?: string }, who = person) =>
  isFleetJob({ name: 'x.timer', command: '/bin/true', user: '', ...job }, who)

test('isFleetJob: takes jobs of the person, of burn and of agents', () => {
  assert.equal(isOurs({ user: 'ann' }), true)
  assert.equal(isOurs({ name: 'burn-collect.timer' }), true)
  for (const command of [
    '/home/ann/bin/backup',
    'cd /home/ann; make',
    'burn job run collect',
    '/usr/bin/node /usr/lib/burn-fleet/dist/start.mjs dispatch',
    'SHELL=/bin/sh /opt/burn/bin/start',
    "sh -c 'hermes cron'",
    '{ path=/usr/local/bin/claude ; argv[]=/usr/local/bin/claude -p hi ; }',
    '/usr/bin/pi',
  ])
    assert.equal(isOurs({ command }), true, command)
})

test('isFleetJob: leaves out jobs of the system and of other people', () => {
  for (const command of [
    '/usr/lib/apt/apt.systemd.daily update',
    '/home/anna/bin/backup',
    '/usr/bin/sunburn',
    '/usr/bin/burn-in --disk',
    '/home/pi/clean',
    'echo codex-log',
  ])
    assert.equal(isOurs({ command }), false, command)
  assert.equal(isOurs({ user: 'ben' }), false)
  // Most jobs of the system run as root.
  assert.equal(isOurs({ user: 'root' }, { user: 'root', home: '/root' }), false)
  assert.equal(isOurs({ command: '/bin/x' }, { user: '', home: '/' }), false)
})
