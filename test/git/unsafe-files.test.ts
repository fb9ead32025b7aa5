/** Files of a model that would block git or that git cannot read: burn removes them, or the workspace is unusable. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ErrorCode } from '../../src/core/error-codes.ts'
import { BurnError } from '../../src/core/errors.ts'
import { withFiles } from '../../src/git/base.ts'
import { asWorkspaceError } from '../../src/git/unsafe-files.ts'
import { stageChanges, commitIndex } from '../../src/git/changes.ts'
import { withLock } from '../../src/git/lock.ts'
import { isPushed } from '../../src/git/pushed.ts'
import { clock } from '../support/clock.ts'
import { committing, fails, openRig } from './rig.ts'

const unusable = fails('workspace_unusable')
const pipe = (...paths: string[]) => assert.equal(spawnSync('mkfifo', paths).status, 0)

test('pipes: no command on a workspace waits for one', async (t) => {
  const { git, workspace } = await openRig(t, { 'a.txt': 'a\n', '.gitignore': 'b\n', '.gitattributes': '* text\n' })
  const made = await workspace()
  const rules = [join(made.path, '.gitignore'), join(made.path, '.gitattributes')]
  const makePipes = () => {
    for (const path of rules) rmSync(path, { force: true })
    pipe(...rules)
  }
  writeFileSync(join(made.path, 'a.txt'), 'b\n')
  // The file is newer than git's index, so git reads it again when it writes a tree.
  utimesSync(join(made.path, 'a.txt'), new Date(), new Date(Date.now() + 3_600_000))
  makePipes()
  assert.equal(await isPushed(git, made), false)
  makePipes()
  assert.deepEqual((await stageChanges(git, made)).files.map(({ path }) => path).toSorted(), ['.gitattributes', '.gitignore', 'a.txt'])
  await withFiles(git, made, new Map([['a.txt', null]]), async () => makePipes())
  makePipes()
  await commitIndex(git, made, { message: 'work', committing })
  makePipes()
  assert.deepEqual((await stageChanges(git, made)).left_out, [])
})

test('stageChanges: refuses changes and rules that are too large', async (t) => {
  const { git, workspace } = await openRig(t)
  const made = await workspace()
  const large = join(made.path, 'large')
  writeFileSync(large, '')
  truncateSync(large, 300 * 2 ** 20)
  await assert.rejects(stageChanges(git, made), unusable)
  writeFileSync(join(made.path, '.gitignore'), 'large\n')
  assert.equal((await stageChanges(git, made)).files.length, 1)
  truncateSync(join(made.path, '.gitignore'), 2 ** 21)
  await assert.rejects(stageChanges(git, made), unusable)
  rmSync(made.path, { recursive: true })
  await assert.rejects(stageChanges(git, made), unusable)
})

test('asWorkspaceError: checks the disk itself before it reports a full one', async (t) => {
  const { workspace } = await openRig(t)
  const made = await workspace()
  const failing = (code: ErrorCode) =>
    asWorkspaceError(made, () => Promise.reject(new BurnError(code, 'open("No space left on device")', 'x')))
  for (const code of ['git_disk_full', 'git_failed', 'git_unreachable', 'git_refused'] as const)
    await assert.rejects(failing(code), unusable)
  for (const code of ['git_stopped', 'git_missing', 'git_mirror_damaged'] as const) await assert.rejects(failing(code), fails(code))
})

test('withLock: a wait ends when the signal is aborted', async (t) => {
  const { dir } = await openRig(t)
  const path = join(dir, 'lock')
  const stop = new AbortController()
  await withLock(path, { clock }, async () => {
    const waiting = withLock(path, { clock, signal: stop.signal }, async () => assert.fail('two at a time'))
    stop.abort()
    await assert.rejects(waiting, fails('git_stopped'))
  })
})
