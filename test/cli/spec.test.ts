/** `burn spec check`, `schema` and `docs`. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import type { SpecFinding } from '../../src/spec/findings.ts'
import { burn, scratch } from '../support/fleet.ts'

const root = resolve(import.meta.dirname, '../..')

test('spec check: counts a valid spec, and creates no ledger', async (t) => {
  const home = scratch(t)
  const file = join(root, 'examples/timmy/fleet-spec.json')
  const ran = await burn(['spec', 'check', '--spec', file], { HOME: home })
  assert.equal(ran.out, `${file} is valid: 2 machines, 10 windows, 112 panes (96 worker, 12 council, 4 sentinel)\n`)
  const { out } = await burn(['spec', 'check', '--json'], { HOME: home, BURN_SPEC: file })
  const roles = { worker: 96, council: 12, sentinel: 4 }
  assert.deepEqual(JSON.parse(out), { file, ok: true, machines: 2, windows: 10, panes: 112, roles })
  assert.throws(() => readFileSync(join(home, '.local/state/burn-fleet/timmy.db')), /ENOENT/)
})

test('spec check: exits with 2 and prints findings by line', async (t) => {
  const home = scratch(t)
  const file = join(home, 'fleet-spec.json')
  writeFileSync(file, '{\n  "forge": { "kind": "gitae" },\n  "machines": {}\n}')
  const ran = await burn(['spec', 'check'], { HOME: home })
  assert.deepEqual([ran.code, ran.out], [2, ''])
  assert.match(ran.err, /fleet-spec\.json:2:22: forge\.kind .* Did you mean "gitea"\?/)
  const listed = await burn(['spec', 'check', '--json'], { HOME: home })
  assert.equal(listed.code, 2)
  const { ok, findings } = listed.json<{ ok: boolean; findings: SpecFinding[] }>()
  assert.deepEqual([ok, findings[0]?.line, findings[0]?.column], [false, 2, 22])
})

test('spec: schema and docs print the files of the repository', async (t) => {
  const home = scratch(t)
  const printed = async (word: string) => (await burn(['spec', word], { HOME: home })).out.trim()
  assert.deepEqual(JSON.parse(await printed('schema')), JSON.parse(readFileSync(join(root, 'fleet-spec.schema.json'), 'utf8')))
  assert.equal(await printed('docs'), readFileSync(join(root, 'docs/reference/spec-reference.md'), 'utf8').trim())
})
