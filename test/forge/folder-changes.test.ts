/** Tests the checks, reviews, rules and merges of a folder forge, which people and scripts write as files. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openFolder } from '../../src/forge/folder.ts'
import { openBareGit } from '../../src/git/bare.ts'
import { clock } from '../support/clock.ts'
import { branchIn, commitTo, makeBare, moveBranch } from '../stand-ins/gitea/git.ts'
import { code } from './fixture.ts'

const repo = 'local/app'
const ref = `${repo}!7`

/** Makes a folder with issue 7, its change, and a bare repository in which the change edits the second line of a file. */
async function begin(t: TestContext) {
  const root = await mkdtemp(join(tmpdir(), 'burn-folder-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  const put = async (path: string, text: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
  const read = (path: string) => readFile(join(root, path), 'utf8')
  const bare = join(root, 'app.git')
  makeBare(bare, { 'story.txt': 'one\ntwo\nthree\n' })
  const base = branchIn(bare, 'main') ?? ''
  const head = commitTo(bare, 'topic', { 'story.txt': 'one\nTWO\nthree\n' }, 'main')
  await put('issues/app/7.md', '---\ntitle: work\nstate: open\n---\nText.\n')
  await put('reviews/app/7.md', '---\nbranch: topic\nissue: 7\nauthor: ann\nstate: open\ntitle: Shout\n---\nCloses #7\n')
  const forge = openFolder({ root, owner: 'local', clock, git: async () => openBareGit({ env: process.env, clock, login: null }) })
  const merge = (sha = head, method: 'merge' | 'squash' = 'merge') => forge.merge(ref, { sha, method, delete_branch: false })
  return { root, bare, base, head, forge, put, read, merge }
}

test("folder: reads a huge log's end, and follows no link", async (t) => {
  const { root, head, forge, put } = await begin(t)
  const dir = `checks/app/${head}`
  await put(`${dir}/test.md`, '---\nname: unit tests\nstate: failed\nurl: https://ci.example.com/7\n---\n3 of 90 tests failed\n')
  await put(`${dir}/test.log`, '')
  await truncate(join(root, dir, 'test.log'), 500_000_000)
  await writeFile(join(root, dir, 'test.log'), '\nnot ok 1\nnot ok 2\n', { flag: 'a' })
  await put(`${dir}/link.md`, '---\nstate: failed\n---\n')
  await symlink('/etc/passwd', join(root, dir, 'link.log'))
  await put(`${dir}/bad.md`, '---\nstate: green\n---\n')
  await put(`${dir}/a b.md`, '---\nstate: passed\n---\n')
  const checks = await forge.checks(repo, head)
  assert.deepEqual(
    checks.map(({ name, state }) => [name, state]),
    [
      ['a b', 'unknown'],
      ['bad', 'unknown'],
      ['link', 'failed'],
      ['unit tests', 'failed'],
    ],
  )
  const [, bad, link, failed] = checks
  assert.match(bad?.summary ?? '', /bad\.md:2: .*green/)
  assert.deepEqual([failed?.summary, failed?.url], ['3 of 90 tests failed', 'https://ci.example.com/7'])
  assert.deepEqual(await forge.logTail(repo, failed!, 65_536), { text: 'not ok 1\nnot ok 2\n', truncated: true })
  for (const check of [bad!, link!]) assert.ok('unknown' in (await forge.logTail(repo, check, 100)))
})

test('folder: asks the script of a check to run it again', async (t) => {
  const { head, forge, put, read } = await begin(t)
  await put(`checks/app/${head}/test.md`, '---\nstate: failed\nrerun: allowed\n---\nflaky\n')
  const [check] = await forge.checks(repo, head)
  assert.equal(check?.job?.rerunnable, true)
  assert.deepEqual(await forge.rerun(repo, check), { result: 'started' })
  assert.equal(await read(`checks/app/${head}/test.md`), '---\nstate: pending\nrerun: requested\n---\nflaky\n')
  assert.equal((await forge.rerun(repo, check)).result, 'not_possible')
})

test('folder: quotes the lines of threads, with their answers', async (t) => {
  const { base, forge, put } = await begin(t)
  const dir = 'reviews/app/7'
  await put(`${dir}/threads/1.md`, '---\nauthor: bob\npath: story.txt\nline: 2\n---\nWhy?\n')
  await put(`${dir}/threads/1-2.md`, '---\nauthor: ann\n---\nBecause.\n')
  await put(`${dir}/threads/2.md`, '---\nauthor: bob\npath: story.txt\nline: 2\nside: old\nresolved: true\n---\nBetter.\n')
  await put(`${dir}/threads/3.md`, `---\nauthor: bob\npath: ../../etc/passwd\nline: 900\ncommit: ${base}\n---\nWhat?\n`)
  await put(`${dir}/threads/4.md`, '---\nauthor: bob\n---\nNo path.\n')
  await put(`${dir}/reviews/1.md`, '---\nauthor: bob\nstate: rejected\n---\n')
  const state = await forge.changeState(ref)
  assert.deepEqual(
    state?.threads.map(({ hunk, resolved, comments }) => [hunk, resolved, comments.map(({ author }) => author)]),
    [
      ['one\nTWO', false, ['bob', 'ann']],
      ['one\ntwo', true, ['bob']],
      ['', false, ['bob']],
    ],
  )
  assert.deepEqual([state?.reviews.length, state?.skipped.length], [0, 2])
})

test('folder: the committer is the pusher only if writers names them', async (t) => {
  const { forge, put } = await begin(t)
  assert.ok('unknown' in ((await forge.changeState(ref))?.pushed ?? {}))
  await put('writers', 'ada\n')
  const pushed = (await forge.changeState(ref))?.pushed
  assert.ok(pushed !== undefined && 'login' in pushed && pushed.login === 'ada' && pushed.at > 1e12)
})

test('folder: a merge closes the issues, and finishes after a crash', async (t) => {
  const { bare, head, forge, read, merge } = await begin(t)
  moveBranch(bare, 'main', head)
  assert.deepEqual(await merge(), { result: 'merged' })
  assert.equal(branchIn(bare, 'main'), head, 'no second commit')
  assert.match(await read('issues/app/7.md'), /^state: closed$/m)
  assert.match(await read('reviews/app/7.md'), new RegExp(`^head: ${head}$`, 'm'))
  assert.equal((await forge.issues(repo, null)).issues.length, 0)
  assert.equal((await merge()).result, 'ended')
})

test('folder: obeys the rules of the repo', async (t) => {
  const { bare, head, forge, put, merge } = await begin(t)
  await put('writers', 'bob\ncas\n')
  await put('rules/app.md', '---\nmethods: squash\nrequired_approvals: 1\n---\n')
  const refused = async (method: 'merge' | 'squash') => {
    const result = await merge(head, method)
    return 'why' in result ? `${result.result}: ${result.why}` : result.result
  }
  assert.match(await refused('merge'), /^not_allowed: .*merge/)
  const review = (n: number, author: string, state: string, more = '') =>
    put(`reviews/app/7/reviews/${n}.md`, `---\nauthor: ${author}\nstate: ${state}\n${more}---\n`)
  await review(1, 'stranger', 'approved')
  assert.match(await refused('squash'), /^checks_missing: 0 of 1/)
  await review(2, 'bob', 'approved', `commit: ${branchIn(bare, 'main')}\n`)
  assert.match(await refused('squash'), /^checks_missing: 0 of 1/, 'a stale approval')
  await review(3, 'bob', 'approved', `commit: ${head}\n`)
  await review(4, 'cas', 'changes_requested')
  assert.match(await refused('squash'), /^checks_missing: cas requests changes/)
  await review(4, 'cas', 'changes_requested', 'dismissed: true\n')
  assert.equal(await refused('squash'), 'merged')
  await put('rules/app.md', '---\nmethods: octopus\n---\n')
  await assert.rejects(forge.protection(repo, 'main'), code('forge_malformed'))
})

test('folder: merges no draft, and nothing into a deleted base', async (t) => {
  const { bare, head, forge, put, merge } = await begin(t)
  await put('reviews/app/7.md', '---\nbranch: topic\nissue: 7\ndraft: true\n---\n')
  const draft = await forge.changeState(ref)
  assert.deepEqual([draft?.draft, draft?.mergeable, (await merge()).result], [true, 'unknown', 'not_mergeable'])
  await put('reviews/app/7.md', '---\nbranch: topic\nissue: 7\nbase: next\n---\n')
  const state = await forge.changeState(ref)
  assert.deepEqual([state?.base, state?.base_sha, state?.mergeable, (await merge()).result], ['next', null, 'unknown', 'not_mergeable'])
  moveBranch(bare, 'topic', null)
  const gone = await forge.changeState(ref)
  assert.deepEqual([gone?.sha, gone?.branch, await forge.changedPaths(ref), (await merge(head)).result], ['', null, null, 'ended'])
})

test('folder: reads depends_on, and reports a malformed reference', async (t) => {
  const { forge, put } = await begin(t)
  await put('issues/app/8.md', '---\ntitle: more\ndepends_on: 7, docs#1, local/docs#2, "#7", elsewhere/app#1\n---\n')
  await put('issues/docs/1.md', '---\ntitle: first\nstate: closed\n---\n')
  assert.deepEqual(
    (await forge.blockers(`${repo}#8`)).map(({ ref: blocker, state }) => [blocker, state]),
    [
      [`${repo}#7`, 'open'],
      ['local/docs#1', 'closed'],
      ['local/docs#2', 'unknown'],
      ['elsewhere/app#1', 'unknown'],
    ],
  )
  await put('issues/app/8.md', '---\ntitle: more\ndepends_on:\n  - the parser\n---\n')
  await assert.rejects(forge.blockers(`${repo}#8`), code('forge_malformed'))
})
