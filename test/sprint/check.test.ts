/** burn runs the check as the base commit defines it, even if the change edits that definition. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Workspace } from '../../src/git/places.ts'
import type { Git } from '../../src/git/run.ts'
import type { Sandbox } from '../../src/sandbox/open.ts'
import type { SprintContext } from '../../src/sprint/context.ts'
import type { Script } from '../stand-ins/model/replies.ts'
import { checkFiles, pinnedPackage } from '../../src/decide/check-files.ts'
import { stageChanges } from '../../src/git/changes.ts'
import { findCheck, runCheck } from '../../src/sprint/check.ts'
import { openRig } from '../git/rig.ts'
import { clock } from '../support/clock.ts'
import { inside } from './inside.ts'
import { sprintRig } from './rig.ts'

/** Returns a stand-in for a sandbox that runs commands unconfined. */
const unconfined = ({ path }: Workspace) => {
  const run = async (command: string) => {
    const { status, stdout, stderr } = spawnSync('sh', ['-c', command], { cwd: path, encoding: 'utf8' })
    return { code: status, output: stdout + stderr, stopped: null, notes: [] }
  }
  return { run } as unknown as Sandbox
}

async function stageAndCheck(git: Git, workspace: Workspace, command: string) {
  const { files } = await stageChanges(git, workspace)
  const context = { git, policy: { check_timeout: 60_000 }, session: { clock } } as unknown as SprintContext
  const check = { command, workspace, sandbox: unconfined(workspace), files, note: () => {} }
  return runCheck(check, context, new AbortController().signal)
}

async function setup(t: TestContext, base: Readonly<Record<string, string>>) {
  const { git, workspace } = await openRig(t, base)
  const prepared = await workspace()
  const write = (name: string, text: string) => writeFileSync(join(prepared.path, name), text)
  const read = (name: string) => readFileSync(join(prepared.path, name), 'utf8')
  return { git, prepared, write, read }
}

const base = {
  'package.json': '{ "scripts": { "test": "node --run lint && sh t.sh", "lint": "! grep -n BROKEN code" } }\n',
  Makefile: 'test:\n\t! grep -n BROKEN code\n',
  '.ci/run': '! grep -n BROKEN code\n',
  't.sh': 'true\n',
  code: 'fine\n',
}

test('check: runs the base script that the change replaces', async (t) => {
  const { git, prepared, write, read } = await setup(t, base)
  assert.equal(await findCheck(git, prepared), 'npm test')
  write('code', 'BROKEN\n')
  const ownPackage = '{ "scripts": { "test": "true", "lint": "true" }, "dependencies": { "a": "1" } }'
  write('package.json', ownPackage)
  const result = await stageAndCheck(git, prepared, 'node --run test')
  assert.deepEqual([result.passed, result.pinned, result.changed], [false, ['package.json'], []], result.output)
  assert.equal(read('package.json'), ownPackage, 'the change keeps its own file')
  write('code', 'mended\n')
  assert.equal((await stageAndCheck(git, prepared, 'node --run test')).passed, true)
  assert.equal((await stageChanges(git, prepared)).files.length, 2)
  write('package.json', JSON.stringify({ ...JSON.parse(base['package.json']), dependencies: { a: '1' } }))
  assert.deepEqual((await stageAndCheck(git, prepared, 'node --run test')).pinned, [], 'a dependency does not define the check')
})

test('check: files beside it, or ignored ones, do not weaken it', async (t) => {
  const { git, prepared, write } = await setup(t, base)
  write('code', 'BROKEN\n')
  write('GNUmakefile', 'test:\n\ttrue\n')
  assert.deepEqual((await stageAndCheck(git, prepared, 'make test')).pinned, ['GNUmakefile'])
  assert.equal((await stageAndCheck(git, prepared, 'make test')).passed, false)
  rmSync(join(prepared.path, 'GNUmakefile'))
  write('.npmrc', 'script-shell=/bin/true\n')
  write('.gitignore', '.npmrc\n')
  assert.equal((await stageAndCheck(git, prepared, 'npm test')).passed, false)
  write('.ci/run', 'true\n')
  const ci = await stageAndCheck(git, prepared, 'sh .ci/run')
  assert.deepEqual([ci.passed, ci.pinned], [false, ['.ci/run']], 'a script of the command is pinned')
})

test('check: restores the changed files and follows no link', async (t) => {
  const { git, prepared, write, read } = await setup(t, base)
  const outside = join(prepared.path, '..', 'outside')
  mkdirSync(outside)
  writeFileSync(join(outside, 'Makefile'), 'mine\n')
  write('code', 'BROKEN\n')
  rmSync(join(prepared.path, 'Makefile'))
  symlinkSync(join(outside, 'Makefile'), join(prepared.path, 'Makefile'))
  symlinkSync(outside, join(prepared.path, '.cargo'))
  mkdirSync(join(prepared.path, 'tox.ini'))
  write('tox.ini/file', 'x\n')
  const result = await stageAndCheck(git, prepared, 'make test; code=$?; ls -A; exit $code')
  assert.equal(result.passed, false, result.output)
  assert.doesNotMatch(result.output, /\.cargo/)
  assert.equal(readFileSync(join(outside, 'Makefile'), 'utf8'), 'mine\n')
  assert.equal(readlinkSync(join(prepared.path, 'Makefile')), join(outside, 'Makefile'))
  assert.ok(lstatSync(join(prepared.path, '.cargo')).isSymbolicLink())
  assert.equal(read('tox.ini/file'), 'x\n')
  // The check runs a model's code, which may replace a file by a link.
  rmSync(join(prepared.path, '.cargo'))
  mkdirSync(join(prepared.path, '.cargo'))
  write('.cargo/config.toml', 'x\n')
  writeFileSync(join(outside, 'config.toml'), 'mine\n')
  await stageAndCheck(git, prepared, `ln -s ${outside} .cargo`)
  assert.ok(existsSync(join(outside, 'config.toml')))
  assert.equal(read('.cargo/config.toml'), 'x\n')
})

test('check: uses and reports definitions that only the change has', async (t) => {
  const { git, prepared, write } = await setup(t, { code: 'fine\n' })
  assert.equal(await findCheck(git, prepared), null)
  write('Makefile', 'test:\n\ttrue\n')
  write('package.json', '{ "scripts": { "test": "true" } }')
  const result = await stageAndCheck(git, prepared, 'make test')
  assert.deepEqual([result.passed, result.pinned, result.changed], [true, [], ['Makefile', 'package.json']])
})

test('check: pins scripts that a shell runs, and no tested files', () => {
  const pinned = (command: string) => checkFiles(['.ci/run', 't.sh', 'a.js', 'notes'], command, () => true).pinned
  assert.deepEqual(pinned('.ci/run --fast'), ['.ci/run'])
  assert.deepEqual(pinned('cd x && CI=1 bash -e ./t.sh; ! ./.ci/run'), ['.ci/run', 't.sh'])
  assert.deepEqual(pinned('node --check a.js && ! grep -rn BROKEN notes'), [])
  assert.deepEqual(checkFiles(['a.js'], 'node a.js', () => true).changed, ['a.js'])
})

test('check: pins only the parts of package.json that define it', () => {
  const prepared = (before: object, after: object) => JSON.parse(pinnedPackage(JSON.stringify(before), JSON.stringify(after)) ?? 'null')
  assert.equal(prepared({ scripts: { test: 'a', lint: 'b' } }, { scripts: { lint: 'b', test: 'a' }, version: '2' }), null)
  assert.deepEqual(
    prepared({ scripts: { test: 'a' } }, { scripts: { pretest: 'x', lint: 'b' }, jest: { testMatch: [] }, type: 'module' }),
    {
      type: 'module',
      scripts: { lint: 'b', test: 'a' },
    },
  )
  assert.deepEqual(prepared({ jest: { a: 1 } }, { jest: { a: 2 } }), { jest: { a: 1 }, scripts: {} })
  assert.deepEqual(JSON.parse(pinnedPackage('{"scripts":{"test":"a"}}', 'no JSON') ?? ''), { scripts: { test: 'a' } })
})

test('check: a sprint cannot pass by changing its check', async (t) => {
  const call = (path: string, content: string) => ({ calls: [{ name: 'write_file', args: { path, content } }] })
  const script: Script = (messages) => {
    const done = messages.filter(({ role }) => role === 'tool').length
    const isToldOfPackage = messages.some(({ content }) => (content ?? '').includes('your changes to package.json have no effect'))
    if (done === 0) return call('code', 'BROKEN\n')
    if (done === 1) return call('package.json', '{ "scripts": { "test": "true" } }\n')
    if (isToldOfPackage && done === 2) return call('code', 'mended\n')
    return { text: 'It is done.' }
  }
  const spec = { sandbox: { use: 'off' }, check_retries: 1 }
  const rig = await sprintRig(t, { issues: [{ title: 'x' }], script, files: base, check: 'node --run test', sprint: spec })
  const [row] = await (await inside(t, rig)).run()
  assert.deepEqual([row?.outcome, row?.check_result], ['change', 'passed'], row?.failure_text ?? '')
  const body = rig.changes().get(1)?.[0]?.body ?? ''
  assert.match(
    body,
    /passed after 1 retry\.\nThis change edits the definition of the check: `package\.json`\. burn ran the check as the base/,
  )
})
