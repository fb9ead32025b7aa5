/** The bundled command: how much it loads, its compile cache and its exit codes. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { globSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { version } from '../../src/cli/command.ts'
import { bundle } from '../../scripts/bundle.ts'
import { burnProcess, scratch } from '../support/fleet.ts'

/** Returns the folder of the bundled command. */
async function built(t: TestContext): Promise<string> {
  const given = process.env['BURN_COMMAND']
  if (given !== undefined) return dirname(given)
  const dir = scratch(t)
  await bundle(dir)
  return dir
}

/** Returns the texts of a module and of its static imports. */
function loadedWith(file: string, seen = new Set<string>()): readonly string[] {
  if (seen.has(file)) return []
  seen.add(file)
  const text = readFileSync(file, 'utf8')
  const imports = [...text.matchAll(/\b(?:from|import)\s*["'`](\.[^"'`]+)["'`]/g)].map(([, name = '']) => join(dirname(file), name))
  return [text, ...imports.flatMap((each) => loadedWith(each, seen))]
}

test('bundle: starts small, and opens a fleet without schemas', async (t) => {
  const dir = await built(t)
  const start = loadedWith(join(dir, 'burn.mjs')).join('')
  assert.ok(start.length > 5_000 && start.length < 30_000, `${start.length} characters for burn --version`)
  const fleet = ['wire', 'status'].flatMap((name) => loadedWith(join(dir, `chunks/${name}.mjs`))).join('')
  // The sum has the shared chunks twice, once for each of the two names.
  assert.ok(fleet.length > 200_000 && fleet.length < 1_800_000, `${fleet.length} characters to open a fleet`)
  for (const other of ['strictObject', 'chat.completions', 'YAMLParseError']) assert.ok(!fleet.includes(other), other)
  for (const name of globSync('chunks/_node_http*.mjs', { cwd: dir }))
    assert.doesNotMatch(readFileSync(join(dir, name), 'utf8'), /CloseEvent/, `${name} makes Node load its client for fetch`)
})

test('bundle: completion loads no fleet', async (t) => {
  const loaded = loadedWith(join(await built(t), 'chunks/complete.mjs')).join('')
  assert.ok(loaded.length > 10_000 && loaded.length < 60_000, `${loaded.length} characters`)
})

test('bundle: has no syntax that the oldest allowed Node lacks', async (t) => {
  const dir = await built(t)
  // Node 22 does not know explicit resource management.
  for (const name of globSync('**/*.mjs', { cwd: dir })) assert.doesNotMatch(readFileSync(join(dir, name), 'utf8'), /\busing [\w$]+=/, name)
})

test('bundle: uses a compile cache, and runs without one', async (t) => {
  const [dir, command] = [scratch(t), await built(t)]
  const run = (file: string, env: Record<string, string>) =>
    execFileSync(process.execPath, [join(command, file), '--version'], { encoding: 'utf8', env }).trim()
  assert.equal(run('start.mjs', { HOME: dir }), version)
  assert.equal(readdirSync(join(dir, '.cache/burn-fleet')).length, 1)
  assert.equal(run('start.mjs', { HOME: '/dev/null' }), version)
  assert.equal(run('start.mjs', {}), version)
  assert.equal(run('burn.mjs', {}), version)
})

test('start: an old Node is told which version burn needs', async (t) => {
  const start = join(await built(t), 'start.mjs')
  const { engines } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as { engines: { node: string } }
  const older = (version: string) =>
    `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'${version}'}})`
  const says = (version: string) => spawnSync(process.execPath, ['--import', older(version), start, '--version'], { encoding: 'utf8' })
  const wanted = engines.node.replace('>=', '')
  for (const version of ['20.20.2', '22.18.0']) {
    const { status, stdout, stderr } = says(version)
    assert.deepEqual([status, stdout], [2, ''])
    assert.ok(stderr.startsWith(`burn: needs Node ${wanted} or newer, and this is Node ${version}\n  hint: `), stderr)
  }
  assert.equal(says(`${wanted}.0`).status, 0)
})

test('start: the compile cache is writable only for its owner', async (t) => {
  const [home, start] = [scratch(t), join(await built(t), 'start.mjs')]
  const umask = (command: string) => execFileSync('sh', ['-c', `umask 0; ${command}`], { env: { HOME: home } })
  umask(`"${process.execPath}" "${start}" --version`)
  const caches = join(home, '.cache/burn-fleet')
  assert.equal(statSync(caches).mode & 0o777, 0o700)
  rmSync(caches, { recursive: true })
  umask(`mkdir "${caches}"; "${process.execPath}" "${start}" --version`)
  assert.deepEqual(readdirSync(caches), [], 'others could have written code there')
})

test('burn: a process has the exit code; errors go to stderr', async (t) => {
  const home = scratch(t)
  const [right, wrong, none] = await Promise.all([
    burnProcess(['spec', 'check', '--spec', join(import.meta.dirname, '../../examples/timmy/fleet-spec.json')], { HOME: home }),
    burnProcess(['spec', 'check', '--jsn'], { HOME: home }),
    burnProcess(['status', '--json'], { HOME: home }),
  ])
  assert.deepEqual([right.code, right.err], [0, ''])
  assert.deepEqual([wrong.code, wrong.out], [2, ''])
  assert.match(wrong.err, /unknown option --jsn \(usage\)\n {2}hint: did you mean --json\?/)
  assert.deepEqual([none.code, none.json<{ error: { code: string } }>().error.code], [2, 'spec_missing'])
})
