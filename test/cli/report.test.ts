/** `burn report` on the ledger of a small fleet. */
import assert from 'node:assert/strict'
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { PeriodReport } from '../../src/core/period-report.ts'
import { startReceiver } from '../notify/receivers.ts'
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
  assert.match(readFileSync(file, 'utf8'), /^<!doctype html>[^]*<svg>/)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal((await fleet.burn('report', '--send', '--format', 'html')).code, 2)
  // burn replaces a file that others may read.
  chmodSync(file, 0o644)
  await fleet.burn('report', '--format', 'json', '--output', file)
  assert.deepEqual([statSync(file).mode & 0o777, JSON.parse(readFileSync(file, 'utf8')).fleet], [0o600, 'f'])
  const printed = JSON.parse((await fleet.burn('report', '--format', 'json')).out) as { since: string }
  assert.match(printed.since, /^\d{4}-.*Z$/)
  assert.deepEqual(
    readdirSync(fleet.dir).filter((name) => name.includes('partial')),
    [],
  )
  assert.equal((await fleet.burn('report', '--since', '2999-01-01')).code, 2)
  const wrong = await fleet.burn('report', '--since', 'tomorrow')
  assert.match(wrong.err, /"tomorrow" is not a time or an age[^]*an age such as 8h[^]*20:00[^]*yesterday/)
  const unwritten = await fleet.burn('report', '--output', join(fleet.dir, 'none/r.txt'))
  assert.equal(unwritten.code, 1)
  assert.match(unwritten.err, /cannot write \S*none\/r\.txt: ENOENT.*\(file_unwritable\)/)
})

test('report: --send sends the report to its channels', async (t) => {
  const [good, bad] = [await startReceiver(t), await startReceiver(t)]
  bad.answer = 503
  const fleet = testFleet(t, (dir, socket) => ({
    name: 'f',
    socket,
    ledger: `sqlite:${dir}/l.db`,
    forge: { kind: 'folder', path: dir, owner: 'me' },
    machines: { box: { windows: [{ name: 'W', names: ['ANN'], repos: ['app'] }] } },
    notify: {
      channels: { hook: { kind: 'webhook', url: good.url }, down: { kind: 'webhook', url: bad.url } },
      rules: [],
      report: { channels: ['hook', 'down'] },
    },
  }))
  writeIssues(fleet.dir, 'app', [{ title: 'First', body: 'x' }])
  await fleet.burn('dispatch')
  const sent = await fleet.burn('report', '--send')
  assert.equal(sent.code, 3, sent.err)
  assert.match(sent.out, /^hook: sent\ndown: not sent yet: the receiver of down answered 503 \(notify_refused\)\n$/)
  // The next report waits behind the one that the channel did not accept.
  const again = await fleet.burn('report', '--send')
  assert.deepEqual([again.code, again.out], [3, sent.out])
  const { title, text, events } = JSON.parse(good.received.at(-1)!.body) as { title: string; text: string; events: unknown[] }
  assert.match(title, /^f: report: \d+ need you, /)
  assert.match(text, /^Report of f\n[^]*waiting issue me\/app#\u200b1\n/)
  assert.deepEqual(events, [])
  const [, copied = ''] = /waiting issue (\S+)/.exec(text) ?? []
  assert.equal((await fleet.burn('explain', copied)).code, 0, 'burn understands a name that a person copies from a message')
  assert.equal((await fleet.burn('report', '--send', '--output', 'x')).code, 2)
  // Without `at`, no dispatcher sends reports.
  assert.match((await fleet.burn('job', 'run', 'report')).out, /^report: queued for 2 channels$/m)
  const spec = JSON.parse(readFileSync(join(fleet.dir, 'fleet-spec.json'), 'utf8')) as { notify?: object }
  delete spec.notify
  writeFileSync(join(fleet.dir, 'fleet-spec.json'), JSON.stringify(spec))
  const unset = await fleet.burn('report', '--send')
  assert.deepEqual([unset.code, /notify_unset/.test(unset.err)], [2, true])
})
