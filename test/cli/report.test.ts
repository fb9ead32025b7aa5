/** `burn report` on the ledger of a small fleet. */
import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { PeriodReport } from '../../src/core/period-report.ts'
import { testFleet, writeIssues } from '../support/fleet.ts'

test('report: prints every format, and writes a private file', async (t) => {
  const fleet = testFleet(t, (dir, socket) => ({
    name: 'f',
    socket,
    ledger: `sqlite:${dir}/l.db`,
    forge: { kind: 'folder', path: dir, owner: 'me' },
    machines: { box: { windows: [{ name: 'W', names: ['ANN'], repos: ['app'] }] } },
  }))
  writeIssues(fleet.dir, 'app', [{ title: 'First', body: 'x' }])
  await fleet.burn('dispatch')
  await fleet.burn('job', 'run', 'collect')
  const text = await fleet.burn('report')
  assert.equal(text.code, 0, text.err)
  assert.match(text.out, /^Report of f\n.* UTC, health: /)
  assert.match(text.out, /NEEDS YOU[^]*COUNTS\n {2}0 under way before \+ 0 claimed = /)
  const { oldest, workers } = (await fleet.burn('report', '--json')).json<PeriodReport>()
  assert.equal(oldest.waiting?.issue, 'me/app#1')
  assert.equal(workers[0]?.worker, 'box/W/ANN')
  assert.match((await fleet.burn('report', '--format', 'md', '--since', 'yesterday')).out, /^# Report of f\n/)
  const file = join(fleet.dir, 'r.html')
  assert.match((await fleet.burn('report', '--format', 'html', '--output', file, '--since', '00:00')).out, /^wrote .*r\.html\n$/)
  assert.match(readFileSync(file, 'utf8'), /^<!doctype html>[^]*<svg /)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal((await fleet.burn('report', '--since', '2999-01-01')).code, 2)
})
