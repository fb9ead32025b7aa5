/** Checks that burn names an object that is too large or missing, and still reads all others. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { BurnError } from '../../src/core/errors.ts'
import { openGitea } from '../../src/forge/gitea.ts'
import { clock } from '../support/clock.ts'
import { openConformance } from '../stand-ins/gitea/conformance.ts'
import { startGitea } from '../stand-ins/gitea/server.ts'

const repo = 'acme/app'
/** Loaded once, because it takes a while. */
const check = openConformance() ?? false
const token = 'tok-0123456789-secret'

function fails(code: string, hint: RegExp = /./) {
  return (thrown: unknown) => thrown instanceof BurnError && thrown.code === code && hint.test(thrown.hint)
}

/** Starts a forge with 120 issues, one of them too large. burn reads at most 100,000 bytes of an answer. */
async function bounded(t: TestContext, most_items = 50, links = true) {
  const old = { created_at: '2026-01-01T00:00:00Z', updated_at: '2026-01-01T00:00:00Z' }
  const issues = Array.from({ length: 120 }, (_, n) => ({ ...old, title: `issue ${n + 1}`, body: n === 59 ? 'x'.repeat(200_000) : 'y' }))
  const server = await startGitea({
    repos: [{ name: repo, writers: ['burn'], issues }],
    tokens: { [token]: 'burn' },
    most_items,
    links,
    check,
  })
  t.after(() => server.close())
  const budget = { max_bytes: 100_000 }
  const forge = openGitea({ url: server.url, token: async () => token, clock, random: () => 0.5, budget })
  return { server, forge }
}

/** Starts a forge with one issue and the default limits. */
async function small(t: TestContext) {
  const server = await startGitea({
    check: false,
    repos: [{ name: repo, writers: ['burn'], issues: [{ title: 'one' }] }],
    tokens: { [token]: 'burn' },
  })
  t.after(() => server.close())
  const forge = openGitea({ url: server.url, token: async () => token, clock, random: () => 0.5 })
  return { server, forge }
}

for (const [most_items, links] of [
  [50, true],
  [30, false],
  [47, true],
] as const)
  test(`gitea: names a too large issue, with pages of ${most_items}`, async (t) => {
    const { server, forge } = await bounded(t, most_items, links)
    const { issues, skipped, cursor } = await forge.issues(repo, null)
    assert.equal(issues.length, 119)
    assert.ok(!issues.some(({ number }) => number === 60))
    assert.deepEqual(skipped, [{ what: `${repo}#60`, why: 'the issue is too large for burn to read' }])
    assert.ok(server.log.length < 60, `${server.log.length} requests`)
    const next = await forge.issues(repo, cursor)
    assert.deepEqual([next.issues.length, next.skipped], [0, []], 'a skipped issue is not read again')
    await assert.rejects(forge.issue(`${repo}#60`), fails('forge_too_big'))
    assert.deepEqual(server.violations, [])
  })

test('gitea: skips each too large issue on the first page', async (t) => {
  const { server, forge } = await bounded(t, 4)
  for (const number of [1, 118, 119, 120]) server.state.issue(repo, number).body = 'x'.repeat(150_000)
  const { issues, skipped } = await forge.issues(repo, null)
  assert.equal(issues.length, 115)
  assert.deepEqual(skipped.map(({ what }) => what).toSorted(), [1, 60, 118, 119, 120].map((number) => `${repo}#${number}`).toSorted())
})

test('gitea: reads many comments page by page, without too large ones', async (t) => {
  const { server, forge } = await bounded(t)
  const mark = '<!-- burn:1 fleet=other dispatch=0k30000000001 state=claimed -->\nClaimed.'
  for (let n = 0; n < 70; n++) server.state.addComment(repo, 1, 'ann', 'z'.repeat(9_000))
  server.state.addComment(repo, 1, 'ann', 'z'.repeat(300_000))
  server.state.addComment(repo, 1, 'ann', mark)
  const comments = await forge.comments(`${repo}#1`)
  assert.equal(comments.length, 71)
  assert.equal(comments.at(-1)?.body, mark)
  assert.deepEqual(server.violations, [])
})

test('gitea: keeps only the beginning of a long comment', async (t) => {
  const { server, forge } = await small(t)
  server.state.addComment(repo, 1, 'ann', `<!-- burn:1 -->${'é'.repeat(100_000)}`)
  const [comment] = await forge.comments(`${repo}#1`)
  assert.equal(comment?.body.length, 30_000)
})

test('gitea: a too large pull request hides no other', async (t) => {
  const { server, forge } = await bounded(t)
  server.state.addPull(repo, { title: 'ours', branch: 'burn/0k00000000001' })
  server.state.addPull(repo, { title: 'huge', branch: 'topic', body: 'x'.repeat(200_000), author: 'stranger' })
  const { changes, skipped } = await forge.changes(repo, 0)
  assert.deepEqual(
    changes.map(({ dispatch_id }) => dispatch_id),
    ['0k00000000001'],
  )
  assert.deepEqual(skipped, [{ what: 'change #122', why: 'the pull request is too large for burn to read' }])
})

test('gitea: skips an issue that is too long for any agent', async (t) => {
  const { server, forge } = await small(t)
  server.state.addIssue(repo, { title: 'long', body: 'x'.repeat(1_000_000) })
  const { issues, skipped } = await forge.issues(repo, null)
  assert.deepEqual([issues.length, skipped[0]?.what], [1, `${repo}#2`])
  assert.match(skipped[0]?.why ?? '', /longer than 1000000 characters/)
})

test('gitea: reports disabled issues, not a missing issue', async (t) => {
  const { server, forge } = await small(t)
  server.state.repo(repo).has_issues = false
  const off = fails('forge_issues_off', /enable .*"repos" in the spec/)
  await assert.rejects(forge.issue(`${repo}#1`), off)
  await assert.rejects(forge.comments(`${repo}#1`), off)
  await assert.rejects(forge.comment(`${repo}#1`, 'x'), off)
  assert.equal(await forge.issue('acme/none#1'), null)
})

test('gitea: says what to do about an archived repo', async (t) => {
  const { server, forge } = await small(t)
  server.state.repo(repo).archived = true
  const archived = fails('forge_archived', /unarchive the repo, or remove it from "repos" in the spec/)
  await assert.rejects(forge.comment(`${repo}#1`, 'x'), archived)
  server.trouble({ kind: 'status', status: 403, message: 'repo is archived' }, /^POST/)
  await assert.rejects(forge.comment(`${repo}#1`, 'x'), archived)
})

test('gitea: tells disabled issues from an empty repo', async (t) => {
  const { server, forge } = await small(t)
  server.state.repo(repo).has_issues = false
  const off = fails('forge_issues_off', /enable .*"repos" in the spec/)
  await assert.rejects(forge.issues(repo, null), off)
  for (const status of [404, 410]) {
    server.trouble({ kind: 'status', status }, /\/issues\?/, 1)
    await assert.rejects(forge.issues(repo, null), off)
  }
  assert.equal((await forge.rights(repo)).issues, false)
  server.state.repo(repo).has_issues = true
  server.state.close(repo, 1)
  assert.deepEqual((await forge.issues(repo, null)).issues, [], 'an empty list is valid')
})
