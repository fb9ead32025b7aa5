/** What is too big, or not there, is said by name, and hides nothing else. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { BurnError } from '../../src/core/errors.ts'
import { openGitea } from '../../src/forge/gitea.ts'
import { clock } from '../support/clock.ts'
import { openConformance } from '../stand-ins/gitea/conformance.ts'
import { startGitea } from '../stand-ins/gitea/server.ts'

const repo = 'acme/app'
/** Opened once: it takes a while. */
const check = openConformance() ?? false
const token = 'tok-0123456789-secret'

function fails(code: string, hint: RegExp = /./) {
  return (thrown: unknown) => thrown instanceof BurnError && thrown.code === code && hint.test(thrown.hint)
}

/** Issues and comments of a forge whose answers are not read beyond 100,000 bytes. */
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

/** One issue, and no limit but the usual ones. */
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
  test(`an issue that is too big is left out by name, and all others are read: pages of ${most_items}`, async (t) => {
    const { server, forge } = await bounded(t, most_items, links)
    const { issues, skipped, cursor } = await forge.issues(repo, null)
    assert.equal(issues.length, 119)
    assert.ok(!issues.some(({ number }) => number === 60))
    assert.deepEqual(skipped, [{ what: `${repo}#60`, why: 'it is too big to be read' }])
    assert.ok(server.log.length < 60, `${server.log.length} requests`)
    const next = await forge.issues(repo, cursor)
    assert.deepEqual([next.issues.length, next.skipped], [0, []], 'what was said once is not read again')
    await assert.rejects(forge.issue(`${repo}#60`), fails('forge_too_big'))
    assert.deepEqual(server.violations, [])
  })

test('of the first page each issue may be too big', async (t) => {
  const { server, forge } = await bounded(t, 4)
  for (const number of [1, 118, 119, 120]) server.state.issue(repo, number).body = 'x'.repeat(150_000)
  const { issues, skipped } = await forge.issues(repo, null)
  assert.equal(issues.length, 115)
  assert.deepEqual(skipped.map(({ what }) => what).toSorted(), [1, 60, 118, 119, 120].map((number) => `${repo}#${number}`).toSorted())
})

test('comments that are too many for one answer are read page by page, and one that is too big alone is no obstacle', async (t) => {
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

test('a long comment is kept as far as its beginning', async (t) => {
  const { server, forge } = await small(t)
  server.state.addComment(repo, 1, 'ann', `<!-- burn:1 -->${'é'.repeat(100_000)}`)
  const [comment] = await forge.comments(`${repo}#1`)
  assert.equal(comment?.body.length, 30_000)
})

test('a pull request that is too big hides no other', async (t) => {
  const { server, forge } = await bounded(t)
  server.state.addPull(repo, { title: 'ours', branch: 'burn/0k00000000001' })
  server.state.addPull(repo, { title: 'huge', branch: 'topic', body: 'x'.repeat(200_000), author: 'stranger' })
  const { changes, skipped } = await forge.changes(repo, 0)
  assert.deepEqual(
    changes.map(({ dispatch_id }) => dispatch_id),
    ['0k00000000001'],
  )
  assert.deepEqual(skipped, [{ what: 'change #122', why: 'it is too big to be read' }])
})

test('an issue longer than any agent can take is left out by name', async (t) => {
  const { server, forge } = await small(t)
  server.state.addIssue(repo, { title: 'long', body: 'x'.repeat(1_000_000) })
  const { issues, skipped } = await forge.issues(repo, null)
  assert.deepEqual([issues.length, skipped[0]?.what], [1, `${repo}#2`])
  assert.match(skipped[0]?.why ?? '', /longer than 1000000 characters/)
})

test('a repo whose issues are disabled is not an empty one, whatever its list answers', async (t) => {
  const { server, forge } = await small(t)
  server.state.repo(repo).has_issues = false
  const off = fails('forge_issues_off', /enable them.*"repos" in the spec/)
  await assert.rejects(forge.issues(repo, null), off)
  for (const status of [404, 410]) {
    server.trouble({ kind: 'status', status }, /\/issues\?/, 1)
    await assert.rejects(forge.issues(repo, null), off)
  }
  assert.deepEqual(await forge.rights(repo), { exists: true, write: true, archived: false, issues: false })
  server.state.repo(repo).has_issues = true
  server.state.close(repo, 1)
  assert.deepEqual((await forge.issues(repo, null)).issues, [], 'an empty one is')
})
