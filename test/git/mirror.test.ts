/** Mirrors: failures of the remote, damage, killed processes, and several processes on one mirror. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import type { Git } from '../../src/git/run.ts'
import { compiled } from '../support/fleet.ts'
import { sourceOptions } from '../support/sources.ts'
import { withLock } from '../../src/git/lock.ts'
import { countCommits } from '../../src/git/count-commits.ts'
import { openMirror } from '../../src/git/mirror.ts'
import { listWorkspaces } from '../../src/git/places.ts'
import { push } from '../../src/git/push.ts'
import { addWorkspace } from '../../src/git/workspace.ts'
import { branchIn, commitTo, gitAs } from '../stand-ins/gitea/git.ts'
import { clock } from '../support/clock.ts'
import { credentialResponse } from '../../src/git/credential.ts'
import { commitAll, committing, fails, id, openRig, twoFiles, repo, token } from './rig.ts'

test('openMirror: each failure has its code and leaves no mirror', async (t) => {
  const { root, dir, git, clone_url, server } = await openRig(t, twoFiles, 'http')
  const url = new URL(clone_url)
  const open = (clone: string, with_: Git = git) => openMirror(with_, { dir, repo, clone_url: clone })
  await assert.rejects(open(clone_url.replace('app', 'none')), fails('git_refused'))
  await assert.rejects(open(join(root, 'none.git')), fails('git_refused'))
  await assert.rejects(open(clone_url, { ...git, login: null }), fails('git_auth'))
  await assert.rejects(
    open(clone_url, { ...git, login: { forge_url: server.url, answer: async () => credentialResponse('burn', 'tok-wrong') } }),
    fails('git_auth'),
  )
  server.trouble({ kind: 'status', status: 502 }, /info\/refs/, 1)
  await assert.rejects(open(clone_url), fails('git_unreachable'))
  server.trouble({ kind: 'cut' }, /POST .*git-upload-pack/)
  await assert.rejects(open(clone_url), fails('git_unreachable'))
  server.calm()
  await assert.rejects(open('ext::sh -c "touch pwned"'), fails('git_refused'))
  await assert.rejects(open('ext::touch'), fails('git_refused'))
  await assert.rejects(open(`http://burn:secret@${url.host}/${repo}.git`), fails('git_refused'))
  await assert.rejects(open(`http://${token}@${url.host}/${repo}.git`), fails('git_refused'))
  await assert.rejects(open('--upload-pack=touch'), fails('git_refused'))
  await assert.rejects(openMirror(git, { dir, repo: '../x', clone_url }), fails('git_refused'))
  await assert.rejects(open(clone_url, { ...git, env: { PATH: root } }), fails('git_missing'))
  await server.close()
  await assert.rejects(open(clone_url), fails('git_unreachable'))
  assert.deepEqual(readdirSync(join(dir, 'mirrors/acme')), [])
})

test('addWorkspace: reports a repo without commits and a missing base', async (t) => {
  const { bare, dir, git, mirror, clone_url } = await openRig(t, {})
  await assert.rejects(mirror(), fails('git_empty'))
  commitTo(bare, 'trunk', { 'a.txt': 'a\n' })
  const made = await mirror()
  await assert.rejects(addWorkspace(git, made, { id: id(1), base: 'main' }), fails('git_no_base'))
  for (const base of ['../main', '-f', 'a..b', '', 'a b', 'HEAD:x', 'x.lock', '@{u}', '*'])
    await assert.rejects(addWorkspace(git, made, { id: id(1), base }), fails('git_no_base'), base)
  assert.deepEqual(await listWorkspaces(dir), [])
  assert.ok(existsSync((await addWorkspace(git, await openMirror(git, { dir, repo, clone_url }), { id: id(1), base: 'trunk' })).path))
})

const damage: readonly (readonly [string, (mirror: string) => void])[] = [
  ['HEAD is missing', (mirror) => rmSync(join(mirror, 'HEAD'))],
  ['objects are missing', (mirror) => rmSync(join(mirror, 'objects'), { recursive: true })],
  ['packs and objects are empty', (mirror) => objectsOf(mirror).forEach((path) => truncateSync(path))],
  ['a ref is malformed', (mirror) => writeFileSync(join(mirror, 'refs/burn/head'), 'what is this\n')],
  ['a ref names a missing object', (mirror) => writeFileSync(join(mirror, 'refs/burn/head'), `${'1'.repeat(40)}\n`)],
  ['the mirror is a file', (mirror) => (rmSync(mirror, { recursive: true }), writeFileSync(mirror, ''))],
]

function objectsOf(mirror: string): string[] {
  const names = readdirSync(join(mirror, 'objects'), { recursive: true, encoding: 'utf8' })
  return names.filter((name) => /(?:^[0-9a-f]{2}\/|\.pack$)/.test(name)).map((name) => join(mirror, 'objects', name))
}

for (const [what, harm] of damage) {
  test(`damaged mirror: is cloned again if ${what}`, async (t) => {
    const { mirror, workspace } = await openRig(t)
    const { path } = await mirror()
    harm(path)
    const made = await workspace()
    assert.equal(readFileSync(join(made.path, 'a.txt'), 'utf8'), 'one\ntwo\n')
    assert.ok(existsSync(`${path}.damaged`))
  })
}

test('damaged mirror: a missing file is noticed and repaired at checkout', async (t) => {
  const { bare, mirror, workspace } = await openRig(t)
  const { path } = await mirror()
  const blob = gitAs(bare, 'rev-parse', 'main:lib/b.txt')
  rmSync(join(path, 'objects', blob.slice(0, 2), blob.slice(2)))
  assert.equal(readFileSync(join((await workspace()).path, 'lib/b.txt'), 'utf8'), 'b\n')
})

test('damaged mirror: stays while a workspace has unpushed work', async (t) => {
  const { dir, git, mirror, workspace } = await openRig(t)
  const made = await workspace()
  writeFileSync(join(made.path, 'a.txt'), 'work\n')
  rmSync(join(made.mirror.path, 'HEAD'))
  await assert.rejects(mirror(), fails('git_mirror_damaged'))
  assert.equal(readFileSync(join(made.path, 'a.txt'), 'utf8'), 'work\n')
  assert.deepEqual(await listWorkspaces(dir), [made])
  await commitAll(git, made, { message: 'work', committing })
  await assert.rejects(mirror(), fails('git_mirror_damaged'))
  await push(git, made)
  assert.ok(existsSync(join((await mirror()).path, 'HEAD')))
})

test('killed git: its lock files and unfinished clones are removed', async (t) => {
  const { bare, dir, mirror, workspace } = await openRig(t)
  const first = await workspace(1)
  const { path } = await mirror()
  for (const name of ['packed-refs.lock', 'HEAD.lock', 'config.lock', 'refs/remotes/origin/main.lock']) writeFileSync(join(path, name), '')
  mkdirSync(`${path}.new-0123`)
  const newest = commitTo(bare, 'main', { 'new.txt': 'new\n' })
  assert.equal((await workspace(2)).base_commit, newest)
  assert.deepEqual((await listWorkspaces(dir))[0], first)
  assert.equal(existsSync(`${path}.damaged`), false)
  renameSync(path, `${path}.new-4567`)
  await mirror()
  assert.deepEqual(readdirSync(join(dir, 'mirrors/acme')), ['app.git'], 'an unfinished clone is removed')
})

test('openMirror: restores the configuration of the mirror', async (t) => {
  const { mirror } = await openRig(t)
  const { path } = await mirror()
  const before = readFileSync(join(path, 'config'), 'utf8')
  writeFileSync(join(path, 'config'), `${before}[filter "x"]\n\tclean = touch pwned\n`)
  await mirror()
  assert.equal(readFileSync(join(path, 'config'), 'utf8'), before)
})

test('addWorkspace: processes that start together share one clone', async (t) => {
  const { dir, clone_url, home } = await openRig(t, twoFiles, 'http')
  const numbers = [1, 2, 3]
  const children = numbers.map((n) => {
    const args = [join(import.meta.dirname, 'add-workspace.ts'), dir, repo, clone_url, id(n), token]
    return spawn(process.execPath, [...sourceOptions, ...args], {
      env: { PATH: process.env['PATH'], HOME: home, NODE_COMPILE_CACHE: compiled, BURN_STRIPPED: process.env['BURN_STRIPPED'] },
    })
  })
  const outputs = children.map(async (child) => [await text(child.stdout), await text(child.stderr)])
  await Promise.all(children.map((child) => once(child.stdout, 'readable')))
  for (const child of children) child.stdin.write('go\n')
  assert.deepEqual(
    await Promise.all(outputs),
    numbers.map((n) => [`ready\n${join(dir, 'work', id(n))}\n`, '']),
  )
  assert.equal((await listWorkspaces(dir)).length, 3)
  assert.deepEqual(readdirSync(join(dir, 'mirrors/acme')), ['app.git'])
})

test('workspaces: one process can work in several at once', async (t) => {
  const { bare, git, workspace } = await openRig(t)
  const made = await Promise.all([1, 2, 3, 4].map((n) => workspace(n)))
  await Promise.all(
    made.map(async (each) => {
      writeFileSync(join(each.path, 'a.txt'), each.id)
      await commitAll(git, each, { message: 'work', committing })
      assert.equal(await push(git, each), branchIn(bare, each.branch))
    }),
  )
})

test('withLock: breaks the lock of a dead process, never admits two', async (t) => {
  const { root } = await openRig(t, {})
  const path = join(root, 'some.lock')
  const gone = spawn('true')
  await once(gone, 'exit')
  let inside = 0
  for (const left of [`${gone.pid} - x\n`, `${process.pid} 1 x\n`, 'nonsense', '']) {
    writeFileSync(path, left)
    writeFileSync(`${path}.break`, left)
    const done = Array.from({ length: 8 }, () =>
      withLock(path, { clock }, async () => {
        inside += 1
        await new Promise(setImmediate)
        assert.equal(inside, 1)
        inside -= 1
      }),
    )
    await Promise.all(done)
    assert.deepEqual([existsSync(path), existsSync(`${path}.break`)], [false, false])
  }
  const living = spawn('cat')
  let now = 0
  const quick = { now: () => now, sleep: async () => void (now += 600_000) }
  writeFileSync(path, `${living.pid} - x\n`)
  await assert.rejects(
    withLock(path, { clock: quick }, async () => {}),
    fails('git_busy'),
  )
  living.stdin.end()
  await once(living, 'exit')
  await withLock(path, { clock: quick }, async () => {})
})

test('tags: those of the base branch are in the mirror', async (t) => {
  const { bare, workspace, mirror } = await openRig(t)
  gitAs(bare, 'tag', 'a', 'main')
  const { path } = await mirror()
  const tags = () => gitAs(path, 'tag', '--list')
  await workspace(1)
  assert.equal(tags(), 'a')
  gitAs(bare, 'tag', '-d', 'a')
  gitAs(bare, 'tag', 'a/b', 'main')
  commitTo(bare, 'main', { 'a.txt': 'newer\n' })
  const { base_commit } = await workspace(2)
  assert.equal(base_commit, branchIn(bare, 'main'), 'a tag that the mirror cannot store does not prevent the fetch')
})

test('countCommits: counts a mirror, and is unknown without one', async (t) => {
  const { dir, bare, git, mirror, workspace } = await openRig(t)
  assert.equal(await countCommits(git, dir, 'o/none'), null)
  await workspace()
  const { path, repo, dir: own } = await mirror()
  assert.equal(await countCommits(git, own, repo), Number(gitAs(bare, 'rev-list', '--count', '--all')))
  rmSync(join(path, 'objects'), { recursive: true })
  assert.equal(await countCommits(git, own, repo), null, 'git fails')
})
