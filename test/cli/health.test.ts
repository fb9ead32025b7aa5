/** `burn health` on a ledger with and without samples. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { testFleet, writeIssues } from '../support/fleet.ts'

test('health: exit codes are those of monitoring plug-ins', async (t) => {
  const fleet = testFleet(t, (dir, socket) => ({
    name: 'f',
    socket,
    ledger: `sqlite:${dir}/l.db`,
    forge: { kind: 'folder', path: dir, owner: 'me' },
    machines: { box: { windows: [{ name: 'W', names: ['ANN'], repos: ['app'] }] } },
  }))
  writeIssues(fleet.dir, 'app', [])
  const before = await fleet.burn('health')
  assert.equal(before.code, 3)
  assert.match(before.out, /^unknown +dispatcher +the ledger has no record of a dispatcher/m)
  assert.match(before.out, /\nunknown: 3 ok, 0 warn, 0 fail, \d+ unknown\n$/)
  assert.equal(before.out.match(/keep "burn dispatch/g)?.length, 1, 'rules with the same remedy share a line')
  await fleet.burn('dispatch')
  await fleet.burn('job', 'run', 'collect')
  const after = await fleet.burn('health', '--json')
  const { status, rules } = after.json<{ status: string; rules: { rule: string; status: string; evidence: string }[] }>()
  const statusOf = (rule: string) => rules.find((each) => each.rule === rule)?.status
  assert.deepEqual(['dispatcher', 'forge', 'disk', 'machines'].map(statusOf), ['ok', 'ok', 'ok', 'ok'])
  assert.equal(statusOf('sprints'), 'ok')
  assert.equal(after.code, { ok: 0, warn: 1, fail: 2, unknown: 3 }[status])
  writeFileSync(join(fleet.dir, 'fleet-spec.json'), '{')
  assert.equal((await fleet.burn('health')).code, 3, 'an invalid spec is unknown, not a failure')
  assert.equal((await fleet.burn('status')).code, 2)
})
