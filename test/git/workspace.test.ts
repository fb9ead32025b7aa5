/** Workspaces: creation from a mirror, changes, commits, pushes and removal. Some tests use HTTP as with a real forge. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { stageChanges } from '../../src/git/changes.ts'
import { gitDirsOf, listWorkspaces } from '../../src/git/places.ts'
import { checkMerge, push } from '../../src/git/push.ts'
import { isPushed } from '../../src/git/pushed.ts'
import { pruneWorkspaces, removeWorkspace } from '../../src/git/workspace.ts'
import { branchIn, commitTo, gitAs, makeBare } from '../stand-ins/gitea/git.ts'
import { commitAll, committing, fails, id, openRig, twoFiles, repo } from './rig.ts'

const commit = { message: 'Fix it\n\nCloses #1\n', committing }

test('workspace: changes are counted, committed and pushed', async (t) => {
  const { bare, git, workspace, dir } = await openRig(t, twoFiles, 'http')
  const made = await workspace()
  assert.equal(made.path, join(dir, 'work', id(1)))
  assert.equal(readFileSync(join(made.path, 'a.txt'), 'utf8'), 'one\ntwo\n')
  for (const path of [join(dir, 'mirrors'), join(dir, 'work'), made.mirror.path]) assert.equal(statSync(path).mode & 0o777, 0o700, path)
  assert.deepEqual(gitDirsOf(made), [made.mirror.path, join(made.mirror.path, 'worktrees', id(1))])
  assert.deepEqual(await stageChanges(git, made), { files: [], left_out: [], empty: true })
  assert.equal(await commitAll(git, made, commit), made.base_commit)
  assert.equal(await isPushed(git, made), true)
  writeFileSync(join(made.path, 'a.txt'), 'one\n2\nthree\n')
  unlinkSync(join(made.path, 'lib/b.txt'))
  writeFileSync(join(made.path, 'ünï\ncode.txt'), 'x\n')
  writeFileSync(join(made.path, 'picture'), Buffer.from([0, 1, 2, 255]))
  writeFileSync(join(made.path, '.gitignore'), 'built\n')
  mkdirSync(join(made.path, 'built'))
  writeFileSync(join(made.path, 'built/out'), 'x\n')
  const expected = [
    { path: '.gitignore', added: 1, removed: 0 },
    { path: 'a.txt', added: 2, removed: 1 },
    { path: 'lib/b.txt', added: 0, removed: 1 },
    { path: 'picture', added: null, removed: null },
    { path: 'ünï\ncode.txt', added: 1, removed: 0 },
  ]
  const { files, empty } = await stageChanges(git, made)
  assert.deepEqual([files.toSorted((a, b) => (a.path < b.path ? -1 : 1)), empty], [expected, false])
  assert.equal(await isPushed(git, made), false)
  const tip = await commitAll(git, made, commit)
  assert.equal(await isPushed(git, made), false)
  assert.equal(await commitAll(git, made, commit), tip)
  assert.equal((await stageChanges(git, made)).files.length, 5)
  assert.equal(gitAs(made.path, 'status', '--porcelain'), '')
  assert.equal(await push(git, made), tip)
  assert.equal(await push(git, made), tip)
  assert.equal(branchIn(bare, made.branch), tip)
  assert.equal(gitAs(bare, 'log', '-1', '--format=%an %ae %cn%n%B', tip), `burn burn@example.com burn\n${commit.message}`.trim())
  assert.equal(gitAs(bare, 'rev-parse', `${tip}^`), made.base_commit)
  assert.equal(await isPushed(git, made), true)
})

test('commit: keeps the bytes of a name that is not UTF-8', async (t) => {
  const { bare, git, workspace } = await openRig(t)
  const made = await workspace()
  const name = Buffer.concat([Buffer.from(`${made.path}/`), Buffer.from([0x66, 0xff, 0xfe])])
  writeFileSync(name, 'x\n')
  await commitAll(git, made, commit)
  const tip = await push(git, made)
  assert.match(gitAs(bare, '-c', 'core.quotePath=true', 'ls-tree', '--name-only', tip), /"f\\377\\376"/)
})

test('addWorkspace: starts from the newest commit of the given base', async (t) => {
  const { bare, workspace } = await openRig(t)
  const first = await workspace(1)
  const newer = commitTo(bare, 'main', { 'new.txt': 'new\n' })
  commitTo(bare, 'release/1.0', { 'old.txt': 'old\n' }, 'main')
  const second = await workspace(2)
  assert.notEqual(second.base_commit, first.base_commit)
  assert.equal(second.base_commit, newer)
  assert.ok(existsSync(join((await workspace(3, 'release/1.0')).path, 'old.txt')))
})

test('push: does not overwrite a branch with commits by others', async (t) => {
  const { bare, git, workspace } = await openRig(t)
  const made = await workspace()
  writeFileSync(join(made.path, 'a.txt'), 'ours\n')
  await commitAll(git, made, commit)
  const theirs = commitTo(bare, made.branch, { 'a.txt': 'theirs\n' }, 'main')
  await assert.rejects(push(git, made), fails('git_conflict'))
  assert.equal(branchIn(bare, made.branch), theirs)
  assert.equal(await isPushed(git, made), false)
})

test('push: reports refusals and outages, and survives a lost answer', async (t) => {
  const { bare, git, workspace, server } = await openRig(t, twoFiles, 'http')
  const made = await workspace()
  writeFileSync(join(made.path, 'a.txt'), 'ours\n')
  await commitAll(git, made, commit)
  writeFileSync(join(bare, 'hooks/pre-receive'), '#!/bin/sh\necho "not on my watch" >&2\nexit 1\n', { mode: 0o755 })
  await assert.rejects(push(git, made), fails('git_refused'))
  rmSync(join(bare, 'hooks/pre-receive'))
  server.state.repo(repo).writers.delete('burn')
  await assert.rejects(push(git, made), fails('git_refused'))
  server.state.repo(repo).writers.add('burn')
  server.trouble({ kind: 'status', status: 503 }, /git-receive-pack/)
  await assert.rejects(push(git, made), fails('git_unreachable'))
  server.calm()
  assert.equal(branchIn(bare, made.branch), null)
  server.trouble({ kind: 'lost_answer' }, /POST .*git-receive-pack/, 1)
  const tip = await push(git, made)
  assert.equal(tip, branchIn(bare, made.branch), 'the push arrived, and burn asks the remote')
})

test('checkMerge: uses the newest commit of the base', async (t) => {
  const { bare, git, workspace } = await openRig(t)
  const made = await workspace()
  writeFileSync(join(made.path, 'a.txt'), 'one\nours\n')
  const tip = await commitAll(git, made, commit)
  assert.deepEqual(await checkMerge(git, made, tip), { merges: true, files: [] })
  commitTo(bare, 'main', { 'lib/b.txt': 'elsewhere\n' })
  assert.deepEqual(await checkMerge(git, made, tip), { merges: true, files: [] })
  commitTo(bare, 'main', { 'a.txt': 'one\ntheirs\n' })
  assert.deepEqual(await checkMerge(git, made, tip), { merges: false, files: ['a.txt'] })
})

test('removeWorkspace: refuses unpushed work without force', async (t) => {
  const { git, workspace, dir, server, mirror } = await openRig(t, twoFiles, 'http')
  const [idle, dirty, committed, done] = [await workspace(1), await workspace(2), await workspace(3), await workspace(4)]
  writeFileSync(join(dirty.path, 'new.txt'), 'x\n')
  for (const made of [committed, done]) {
    writeFileSync(join(made.path, 'new.txt'), 'x\n')
    await commitAll(git, made, commit)
  }
  await push(git, done)
  await server.close()
  assert.deepEqual(await listWorkspaces(dir), [idle, dirty, committed, done])
  const answers = [idle, dirty, committed, done].map((made) => isPushed(git, made))
  assert.deepEqual(await Promise.all(answers), [true, false, false, true], 'the answers need no forge')
  for (const made of [dirty, committed]) await assert.rejects(removeWorkspace(git, made, { force: false }), fails('git_unpushed'))
  for (const made of [idle, done]) await removeWorkspace(git, made, { force: false })
  await removeWorkspace(git, dirty, { force: true })
  assert.deepEqual(await listWorkspaces(dir), [committed])
  assert.equal(existsSync(idle.path) || existsSync(dirty.path) || existsSync(done.path), false)
  assert.deepEqual(
    gitAs((await mirror()).path, 'for-each-ref', '--format=%(refname)', 'refs/heads', 'refs/burn/pushed'),
    `refs/heads/${committed.branch}`,
  )
})

test('missing folder: the workspace is pruned, or checked out again', async (t) => {
  const { git, workspace, dir, mirror } = await openRig(t)
  const [idle, worked] = [await workspace(1), await workspace(2)]
  writeFileSync(join(worked.path, 'new.txt'), 'x\n')
  const tip = await commitAll(git, worked, commit)
  for (const { path } of [idle, worked]) rmSync(path, { recursive: true })
  await pruneWorkspaces(git, await mirror())
  assert.deepEqual(await listWorkspaces(dir), [worked])
  const again = await workspace(2)
  assert.deepEqual([again, readFileSync(join(again.path, 'new.txt'), 'utf8')], [worked, 'x\n'])
  assert.equal(await commitAll(git, again, commit), tip)
  await assert.rejects(workspace(2), fails('git_workspace_exists'))
})

test('addWorkspace: replaces an unfinished workspace of a killed process', async (t) => {
  const { workspace, mirror } = await openRig(t)
  const made = await workspace()
  rmSync(join(made.git_dir, 'burn.json'))
  writeFileSync(join(made.git_dir, 'locked'), 'initializing')
  unlinkSync(join(made.path, 'a.txt'))
  const again = await workspace()
  assert.deepEqual([again, existsSync(join(again.path, 'a.txt'))], [made, true])
  // burn does not remove a folder that is not a worktree of this mirror.
  rmSync(join((await mirror()).path, 'worktrees'), { recursive: true })
  await assert.rejects(workspace(), fails('git_workspace_exists'))
})

test('workspace: survives a killed git, and fails without its mirror', async (t) => {
  const { git, workspace } = await openRig(t)
  const made = await workspace()
  const { path } = made.mirror
  mkdirSync(join(path, 'refs/burn/pushed'), { recursive: true })
  for (const name of [`refs/heads/${made.branch}`, `refs/burn/pushed/${made.id}`, `worktrees/${made.id}/burn-index`])
    writeFileSync(join(path, `${name}.lock`), '')
  writeFileSync(join(made.path, 'new.txt'), 'x\n')
  const tip = await commitAll(git, made, commit)
  assert.equal(await push(git, made), tip)
  renameSync(path, `${path}.away`)
  assert.equal(await isPushed(git, made), false)
  await assert.rejects(commitAll(git, made, commit), fails('git_mirror_damaged'))
  await assert.rejects(push(git, made), fails('git_mirror_damaged'))
})

test('submodules: are neither fetched nor changed', async (t) => {
  const { bare, root, git, workspace } = await openRig(t)
  const inner = join(root, 'inner.git')
  makeBare(inner, { 'i.txt': 'i\n' })
  gitAs(root, 'clone', '--quiet', bare, 'clone')
  gitAs(join(root, 'clone'), '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner, 'sub')
  gitAs(join(root, 'clone'), 'commit', '--quiet', '-m', 'sub')
  gitAs(join(root, 'clone'), 'push', '--quiet', 'origin', 'main')
  const made = await workspace()
  assert.equal(existsSync(join(made.path, 'sub/i.txt')), false)
  gitAs(root, 'clone', '--quiet', inner, join(made.path, 'sub'))
  assert.deepEqual(await stageChanges(git, made), { files: [], left_out: [], empty: true })
  gitAs(join(made.path, 'sub'), 'commit', '--quiet', '--allow-empty', '-m', 'moved')
  assert.deepEqual(await stageChanges(git, made), { files: [], left_out: ['sub'], empty: true })
  rmSync(join(made.path, 'sub'), { recursive: true })
  assert.deepEqual((await stageChanges(git, made)).files, [])
  writeFileSync(join(made.path, 'sub'), 'a file instead\n')
  assert.deepEqual(await stageChanges(git, made), { files: [], left_out: ['sub'], empty: true })
})

test('commit: folders, files and links may replace each other', async (t) => {
  const { bare, git, workspace } = await openRig(t)
  const made = await workspace()
  renameSync(join(made.path, 'lib'), join(made.path, 'moved'))
  symlinkSync('moved', join(made.path, 'lib'))
  unlinkSync(join(made.path, 'a.txt'))
  mkdirSync(join(made.path, 'a.txt'))
  writeFileSync(join(made.path, 'a.txt/deep'), 'x\n')
  await commitAll(git, made, commit)
  const tip = await push(git, made)
  assert.equal(
    gitAs(bare, 'ls-tree', '-r', '--format=%(objectmode) %(path)', tip),
    ['100644 a.txt/deep', '120000 lib', '100644 moved/b.txt'].join('\n'),
  )
})
