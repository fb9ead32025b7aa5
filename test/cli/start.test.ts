import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { version } from '../../src/cli/version.ts'
import { bundle } from '../../scripts/bundle.ts'
import { scratch } from '../support/fleet.ts'

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
