/** Tests merges in bare repositories: each method, conflicts, moved branches, and programs that the repository names. */
import assert from 'node:assert/strict'
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openBareGit } from '../../src/git/bare.ts'
import { clock } from '../support/clock.ts'
import { branchIn, commitTo, gitAs, makeBare } from '../stand-ins/gitea/git.ts'

const git = openBareGit({ env: process.env, clock, login: null })

/** Makes a repository: a branch with two commits, and a newer commit on `main` that edits another file. */
function begin(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'burn-bare-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const bare = join(dir, 'app.git')
  makeBare(bare, { 'a.txt': 'one\n', 'b.txt': 'one\n' })
  commitTo(bare, 'topic', { 'a.txt': 'two\n' }, 'main')
  const head = commitTo(bare, 'topic', { 'c.txt': 'é\n' })
  const base = commitTo(bare, 'main', { 'b.txt': 'two\n' })
  return { dir, bare, base, head }
}

const show = (bare: string, commit: string, format: string) => gitAs(bare, 'log', '-1', `--format=${format}`, commit)
test('bare git: each method combines head and base', async (t) => {
  const { bare, base, head } = begin(t)
  const made: string[] = []
  for (const method of ['merge', 'squash', 'rebase_merge'] as const) {
    const commit = (await git.combine(bare, { base, head }, method, 'Merge: é')) ?? ''
    const [author, subject, tree = '', parents = ''] = show(bare, commit, '%an%n%s%n%T%n%P').split('\n')
    assert.deepEqual([author, subject, parents.split(' ').length], ['burn', 'Merge: é', method === 'squash' ? 1 : 2])
    if (method === 'rebase_merge') assert.equal(show(bare, parents.split(' ')[1] ?? '', '%an %s %T'), `ada work ${tree}`)
    made.push(tree)
  }
  assert.equal(new Set(made).size, 1, 'the same files')
  assert.equal(gitAs(bare, 'grep', '-h', '', made[0] ?? ''), 'two\ntwo\né')
  assert.equal(await git.combine(bare, { base, head }, 'fast_forward', ''), null)
  assert.deepEqual([branchIn(bare, 'main'), branchIn(bare, 'topic')], [base, head])
  const squashed = (await git.combine(bare, { base, head }, 'squash', 'once')) ?? ''
  assert.equal(await git.combine(bare, { base: squashed, head }, 'squash', 'again'), squashed)
  assert.equal(await git.combine(bare, { base, head: squashed }, 'fast_forward', ''), squashed)
})

test('bare git: a conflict gives no commit', async (t) => {
  const { bare, head } = begin(t)
  const base = commitTo(bare, 'main', { 'a.txt': 'zwei\n' })
  for (const method of ['merge', 'rebase'] as const) assert.equal(await git.combine(bare, { base, head }, method, ''), null, method)
  assert.deepEqual(await git.compare(bare, { base, head }), { mergeable: 'no', behind: true })
  assert.deepEqual(await git.changedPaths(bare, { base, head }), ['a.txt', 'c.txt'])
  const unrelated = commitTo(bare, 'other', { 'a.txt': 'x\n' }, null)
  assert.equal(await git.combine(bare, { base, head: unrelated }, 'merge', ''), null)
})

test('bare git: deletes scratch directories of killed processes', async (t) => {
  const { bare, base, head } = begin(t)
  const [old, fresh] = [1, 2].map(() => mkdtempSync(join(tmpdir(), 'burn-merge-'))) as [string, string]
  t.after(() => rmSync(fresh, { recursive: true, force: true }))
  writeFileSync(join(old, 'HEAD'), 'x')
  const before = new Date(Date.now() - 2 * 3_600_000)
  utimesSync(old, before, before)
  await git.compare(bare, { base, head })
  assert.deepEqual([existsSync(old), existsSync(fresh)], [false, true])
})

test('bare git: moves a branch only from the expected commit', async (t) => {
  const { bare, base, head } = begin(t)
  assert.equal(await git.moveBranch(bare, 'main', { from: head, to: head }), false)
  assert.equal(await git.moveBranch(bare, 'main', { from: base, to: head }), true)
  assert.equal(await git.moveBranch(bare, 'topic', { from: base, to: null }), false)
  assert.equal(await git.moveBranch(bare, 'topic', { from: head, to: null }), true)
  const names = ['main^', 'topic', 'main', '../main', '-h', 'main\nmain', 'main^{tree}', '']
  const tips = await git.tips(bare, names)
  assert.deepEqual(
    tips.map((tip) => tip?.sha ?? null),
    names.map((name) => (name === 'main' ? head : null)),
  )
  assert.deepEqual(tips[2]?.parents, show(bare, head, '%P').split(' '))
  assert.deepEqual([tips[2]?.committer, (tips[2]?.at ?? 0) > 1e12], ['ada', true])
  assert.deepEqual(await git.tips(join(bare, 'none'), ['main']), [null])
  assert.equal(await git.textOf(bare, head, 'c.txt'), 'é\n')
  assert.equal(await git.textOf(bare, head, '../c.txt'), null)
})

test('bare git: runs no program that the repository names', async (t) => {
  const { dir, bare, head } = begin(t)
  const mark = join(dir, 'ran')
  const base = commitTo(bare, 'main', { 'a.txt': 'zwei\n' })
  appendFileSync(join(bare, 'config'), `[merge]\n\tdefault = evil\n[merge "evil"]\n\tdriver = touch ${mark}\n`)
  appendFileSync(join(bare, 'config'), `[diff "evil"]\n\ttextconv = touch ${mark}\n`)
  mkdirSync(join(bare, 'info'), { recursive: true })
  writeFileSync(join(bare, 'info/attributes'), '* merge=evil diff=evil\n')
  assert.equal(await git.combine(bare, { base, head }, 'merge', ''), null)
  await git.compare(bare, { base, head })
  await git.changedPaths(bare, { base, head })
  assert.equal(existsSync(mark), false)
})
