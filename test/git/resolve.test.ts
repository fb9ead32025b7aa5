/** burn resolves conflicts of a change that git can resolve, and never overwrites another push. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Conflict } from '../../src/git/resolve.ts'
import { resolveConflict } from '../../src/git/resolve.ts'
import { referencedInBase } from '../../src/sprint/protect.ts'
import { branchIn, commitTo, gitAs, moveBranch } from '../stand-ins/gitea/git.ts'
import { committing, fails, openRig } from './rig.ts'

const branch = 'burn/0k00000000001'

/** Opens a repo with a branch of one commit, and a base that moved. By default the two edit different files. */
async function openConflict(t: TestContext, base: Readonly<Record<string, string>> = { 'lib/b.txt': 'B\n' }) {
  const rig = await openRig(t)
  const sha = commitTo(rig.bare, branch, { 'a.txt': 'one\nTWO\n' }, 'main')
  const onto = commitTo(rig.bare, 'main', base)
  const resolve = async (more: Partial<Conflict> = {}) =>
    resolveConflict(rig.git, await rig.mirror(), { branch, base: 'main', sha, method: 'merge', committing, ...more })
  const show = (...args: readonly string[]) => gitAs(rig.bare, ...args)
  return { ...rig, sha, onto, resolve, show }
}

test('resolveConflict: merges the base into the branch', async (t) => {
  const { bare, sha, onto, resolve, show } = await openConflict(t)
  assert.equal(await resolve(), null)
  assert.equal(show('show', '-s', '--format=%P|%an|%s', branch), `${sha} ${onto}|burn|Merge branch 'main' into ${branch}`)
  assert.equal(show('show', `${branch}:a.txt`) + show('show', `${branch}:lib/b.txt`), 'one\nTWOB')
  assert.equal(branchIn(bare, 'main'), onto)
})

test('resolveConflict: rebases each commit, and keeps its author', async (t) => {
  const { bare, onto, resolve, show } = await openConflict(t)
  commitTo(bare, branch, { 'lib/b.txt': 'B\n' })
  const sha = commitTo(bare, branch, { 'c.txt': 'c\n' })
  assert.equal(await resolve({ sha, method: 'rebase' }), null)
  const log = show('log', '--format=%an|%cn|%s', `${onto}..${branch}`).split('\n')
  assert.deepEqual(log, ['ada|burn|work', 'ada|burn|work'], 'the base has the changes of the second commit')
  assert.equal(show('merge-base', 'main', branch), onto)
})

test('resolveConflict: names the files of a real conflict, and pushes nothing', async (t) => {
  const { bare, sha, resolve } = await openConflict(t, { 'a.txt': 'one\nzwei\n' })
  for (const method of ['merge', 'rebase'] as const) assert.equal(await resolve({ method }), 'conflicts in a.txt')
  assert.equal(branchIn(bare, branch), sha)
})

test('resolveConflict: never overwrites another push', async (t) => {
  const { bare, sha, resolve } = await openConflict(t)
  assert.equal(await resolve({ sha: '1'.repeat(40) }), `the branch moved to ${sha}`)
  let pushed = ''
  const racing = {
    ...committing,
    /** Somebody rewrites the branch after burn has fetched it, while burn makes the merge commit. */
    get author() {
      moveBranch(bare, branch, null)
      pushed = commitTo(bare, branch, { 'x.txt': 'x\n' }, 'main')
      return committing.author
    },
  }
  await assert.rejects(resolve({ committing: racing }), fails('git_conflict'))
  assert.equal(branchIn(bare, branch), pushed)
})

test('resolveConflict: reports a base or a branch that was deleted', async (t) => {
  const { bare, sha, resolve } = await openConflict(t)
  await assert.rejects(resolve({ base: 'gone' }), fails('git_no_base'))
  moveBranch(bare, branch, null)
  await assert.rejects(resolve(), fails('git_no_base'))
  assert.equal(branchIn(bare, branch), null, sha)
})

test('referencedInBase: finds what CI definitions call, in a bare mirror', async (t) => {
  const { bare, git, mirror, onto } = await openConflict(t, {
    '.gitea/workflows/ci.yml': 'jobs:\n  a:\n    uses: ./ci/reusable.yml\n  b:\n    steps:\n      - uses: ./tools/setup\n',
    'tools/setup/action.yml': 'runs:\n  steps:\n    - uses: ./tools/inner\n',
  })
  assert.equal(branchIn(bare, 'main'), onto)
  const opened = await mirror()
  gitAs(opened.path, 'fetch', '-q', bare, 'main')
  const found = await referencedInBase(git, { git_dir: opened.path, base_commit: onto })
  const expected = ['ci/reusable.yml', 'tools/inner', 'tools/setup']
  assert.deepEqual(found.filter((glob) => !glob.endsWith('/**')).toSorted(), expected)
})
