import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { version } from '../../src/cli/command.ts'
import { bundle } from '../../scripts/bundle.ts'
import { burnProcess, scratch } from '../support/fleet.ts'

test('the command that ships keeps what was compiled in the caches of its user, and runs without any', async (t) => {
  const dir = scratch(t)
  const given = process.env['BURN_COMMAND']
  if (given === undefined) await bundle(dir)
  const built = given === undefined ? dir : dirname(given)
  const run = (file: string, env: Record<string, string>) =>
    execFileSync(process.execPath, [join(built, file), '--version'], { encoding: 'utf8', env }).trim()
  assert.equal(run('start.mjs', { HOME: dir }), version)
  assert.equal(readdirSync(join(dir, '.cache/burn-fleet')).length, 1)
  assert.equal(run('start.mjs', { HOME: '/dev/null' }), version)
  assert.equal(run('start.mjs', {}), version)
  assert.equal(run('burn.mjs', {}), version)
})

test('burn as a process: ends with the exit code of its command, errors on standard error', async (t) => {
  const home = scratch(t)
  const [right, wrong, none] = await Promise.all([
    burnProcess(['spec', 'check', '--spec', join(import.meta.dirname, '../../examples/timmy/fleet-spec.json')], { HOME: home }),
    burnProcess(['spec', 'check', '--jsn'], { HOME: home }),
    burnProcess(['status', '--json'], { HOME: home }),
  ])
  assert.deepEqual([right.code, right.err], [0, ''])
  assert.deepEqual([wrong.code, wrong.out], [2, ''])
  assert.match(wrong.err, /unknown option --jsn\n {2}hint: did you mean --json\?/)
  assert.deepEqual([none.code, none.json<{ error: { code: string } }>().error.code], [2, 'spec_missing'])
})
