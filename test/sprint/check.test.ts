/** The check that judges a change is the base commit's, whatever the change makes of its definition. */
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

/** Commands run as they are: walls have tests of their own. */
const open = ({ path }: Workspace) => {
  const run = async (command: string) => {
    const { status, stdout, stderr } = spawnSync('sh', ['-c', command], { cwd: path, encoding: 'utf8' })
    return { code: status, output: stdout + stderr, stopped: null, notes: [] }
  }
  return { run } as unknown as Sandbox
}

async function checked(git: Git, workspace: Workspace, command: string) {
  const { files } = await stageChanges(git, workspace)
  const context = { git, policy: { check_timeout: 60_000 }, session: { clock } } as unknown as SprintContext
  const check = { command, workspace, sandbox: open(workspace), files, note: () => {} }
  return runCheck(check, context, new AbortController().signal)
}

async function rigged(t: TestContext, base: Readonly<Record<string, string>>) {
  const { git, workspace } = await openRig(t, base)
  const made = await workspace()
  const write = (name: string, text: string) => writeFileSync(join(made.path, name), text)
  const read = (name: string) => readFileSync(join(made.path, name), 'utf8')
  return { git, made, write, read }
}

const base = {
  'package.json': '{ "scripts": { "test": "node --run lint && sh t.sh", "lint": "! grep -n BROKEN code" } }\n',
  Makefile: 'test:\n\t! grep -n BROKEN code\n',
  '.ci/run': '! grep -n BROKEN code\n',
  't.sh': 'true\n',
  code: 'fine\n',
}

test('check: a script that the change empties still judges it', async (t) => {
  const { git, made, write, read } = await rigged(t, base)
  assert.equal(await findCheck(git, made), 'npm test')
  write('code', 'BROKEN\n')
  const own = '{ "scripts": { "test": "true", "lint": "true" }, "dependencies": { "a": "1" } }'
  write('package.json', own)
  const red = await checked(git, made, 'node --run test')
  assert.deepEqual([red.passed, red.pinned, red.changed], [false, ['package.json'], []], red.output)
  assert.equal(read('package.json'), own, 'the change is as it was')
  write('code', 'mended\n')
  assert.equal((await checked(git, made, 'node --run test')).passed, true)
  assert.equal((await stageChanges(git, made)).files.length, 2)
  write('package.json', JSON.stringify({ ...JSON.parse(base['package.json']), dependencies: { a: '1' } }))
  assert.deepEqual((await checked(git, made, 'node --run test')).pinned, [], 'a dependency defines no check')
})

test('check: files beside its definition, or hidden from git, do not weaken it', async (t) => {
  const { git, made, write } = await rigged(t, base)
  write('code', 'BROKEN\n')
  write('GNUmakefile', 'test:\n\ttrue\n')
  assert.deepEqual((await checked(git, made, 'make test')).pinned, ['GNUmakefile'])
  assert.equal((await checked(git, made, 'make test')).passed, false)
  rmSync(join(made.path, 'GNUmakefile'))
  write('.npmrc', 'script-shell=/bin/true\n')
  write('.gitignore', '.npmrc\n')
  assert.equal((await checked(git, made, 'npm test')).passed, false)
  write('.ci/run', 'true\n')
  const ci = await checked(git, made, 'sh .ci/run')
  assert.deepEqual([ci.passed, ci.pinned], [false, ['.ci/run']], 'a script that the command runs')
})

test('check: what the change puts in place of a definition is written back, and no link is followed', async (t) => {
  const { git, made, write, read } = await rigged(t, base)
  const outside = join(made.path, '..', 'outside')
  mkdirSync(outside)
  writeFileSync(join(outside, 'Makefile'), 'mine\n')
  write('code', 'BROKEN\n')
  rmSync(join(made.path, 'Makefile'))
  symlinkSync(join(outside, 'Makefile'), join(made.path, 'Makefile'))
  symlinkSync(outside, join(made.path, '.cargo'))
  mkdirSync(join(made.path, 'tox.ini'))
  write('tox.ini/file', 'x\n')
  const red = await checked(git, made, 'make test; code=$?; ls -A; exit $code')
  assert.equal(red.passed, false, red.output)
  assert.doesNotMatch(red.output, /\.cargo/)
  assert.equal(readFileSync(join(outside, 'Makefile'), 'utf8'), 'mine\n')
  assert.equal(readlinkSync(join(made.path, 'Makefile')), join(outside, 'Makefile'))
  assert.ok(lstatSync(join(made.path, '.cargo')).isSymbolicLink())
  assert.equal(read('tox.ini/file'), 'x\n')
  // A check is a model's code: it may put a link where a file is to be taken out.
  rmSync(join(made.path, '.cargo'))
  mkdirSync(join(made.path, '.cargo'))
  write('.cargo/config.toml', 'x\n')
  writeFileSync(join(outside, 'config.toml'), 'mine\n')
  await checked(git, made, `ln -s ${outside} .cargo`)
  assert.ok(existsSync(join(outside, 'config.toml')))
  assert.equal(read('.cargo/config.toml'), 'x\n')
})

test('check: what the base does not define is used as the change has it, and said', async (t) => {
  const { git, made, write } = await rigged(t, { code: 'fine\n' })
  assert.equal(await findCheck(git, made), null)
  write('Makefile', 'test:\n\ttrue\n')
  write('package.json', '{ "scripts": { "test": "true" } }')
  const first = await checked(git, made, 'make test')
  assert.deepEqual([first.passed, first.pinned, first.changed], [true, [], ['Makefile', 'package.json']])
})

test('check: scripts of a command are pinned if a shell runs them; tested files are not', () => {
  const pinned = (command: string) => checkFiles(['.ci/run', 't.sh', 'a.js', 'notes'], command, () => true).pinned
  assert.deepEqual(pinned('.ci/run --fast'), ['.ci/run'])
  assert.deepEqual(pinned('cd x && CI=1 bash -e ./t.sh; ! ./.ci/run'), ['.ci/run', 't.sh'])
  assert.deepEqual(pinned('node --check a.js && ! grep -rn BROKEN notes'), [])
  assert.deepEqual(checkFiles(['a.js'], 'node a.js', () => true).changed, ['a.js'])
})

test('check: a package.json is pinned in what defines a check', () => {
  const made = (before: object, after: object) => JSON.parse(pinnedPackage(JSON.stringify(before), JSON.stringify(after)) ?? 'null')
  assert.equal(made({ scripts: { test: 'a', lint: 'b' } }, { scripts: { lint: 'b', test: 'a' }, version: '2' }), null)
  assert.deepEqual(made({ scripts: { test: 'a' } }, { scripts: { pretest: 'x', lint: 'b' }, jest: { testMatch: [] }, type: 'module' }), {
    type: 'module',
    scripts: { lint: 'b', test: 'a' },
  })
  assert.deepEqual(made({ jest: { a: 1 } }, { jest: { a: 2 } }), { jest: { a: 1 }, scripts: {} })
  assert.deepEqual(JSON.parse(pinnedPackage('{"scripts":{"test":"a"}}', 'no JSON') ?? ''), { scripts: { test: 'a' } })
})

test('check: a sprint whose model makes its own check pass is red, and one that mends it says what it changed', async (t) => {
  const call = (path: string, content: string) => ({ calls: [{ name: 'write_file', args: { path, content } }] })
  const script: Script = (messages) => {
    const done = messages.filter(({ role }) => role === 'tool').length
    const scolded = messages.some(({ content }) => (content ?? '').includes('your changes to package.json do not count'))
    if (done === 0) return call('code', 'BROKEN\n')
    if (done === 1) return call('package.json', '{ "scripts": { "test": "true" } }\n')
    if (scolded && done === 2) return call('code', 'mended\n')
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
