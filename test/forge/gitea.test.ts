/** Tests the Gitea adapter against the stand-in: the contract of all forges, and the behaviour of Gitea alone. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Issue } from '../../src/core/nouns.ts'
import { BurnError } from '../../src/core/errors.ts'
import { changeTitle } from '../../src/decide/sprint-texts.ts'
import { openGitea } from '../../src/forge/gitea.ts'
import { rememberLogin } from '../../src/forge/remember-login.ts'
import { clock } from '../support/clock.ts'
import { openConformance } from '../stand-ins/gitea/conformance.ts'
import { commitTo, makeBare } from '../stand-ins/gitea/git.ts'
import { startGitea, type GiteaStandIn, type GiteaStandInOptions } from '../stand-ins/gitea/server.ts'
import { forgeContract } from './contract.ts'
import { code, type ForgeFixture } from './fixture.ts'
import { giteaFixture } from './gitea-fixture.ts'

const repo = 'acme/app'
/** Loaded once, because it takes longer than most tests. */
const check = openConformance() ?? false
const budget = { request_ms: 5_000, backoff_ms: 5 }

function connect(server: GiteaStandIn) {
  return openGitea({ url: server.url, token: async () => server.token, clock, random: () => 0.5, budget, recheck_ms: [5, 5] })
}

async function closeChecked(server: GiteaStandIn): Promise<void> {
  await server.close()
  assert.deepEqual(server.violations, [])
}

/** Starts a stand-in with one repo. At the end of the test its exchanges must match Gitea's description of the API. */
async function serve(t: TestContext, options: GiteaStandInOptions = { repos: [{ name: repo, writers: ['burn'] }] }) {
  const server = await startGitea({ check, ...options })
  t.after(() => closeChecked(server))
  return { server, forge: connect(server), state: server.state }
}

forgeContract('gitea', async (): Promise<ForgeFixture> => {
  const git = mkdtempSync(join(tmpdir(), 'burn-gitea-'))
  const server = await startGitea({ check, git, repos: [{ name: repo, writers: ['burn'] }] })
  return {
    ...giteaFixture(server, repo, join(git, `${repo}.git`)),
    forge: connect(server),
    async close() {
      rmSync(git, { recursive: true, force: true })
      await closeChecked(server)
    },
  }
})

test('gitea: an administrator gets the same errors', async (t) => {
  const { forge, state } = await serve(t, { admins: ['burn'], repos: [{ name: repo, writers: ['burn'] }] })
  const ref = `${repo}#${state.addIssue(repo, { title: 'work' }).number}`
  await assert.rejects(forge.assign(ref, [], ['nobody']), code('forge_unassignable'))
  for (const missing of [forge.comment(`${repo}#99`, 'x'), forge.comments(`${repo}#99`)])
    await assert.rejects(missing, code('forge_not_found'))
})

test('gitea: openChange needs two existing, different branches', async (t) => {
  const git = mkdtempSync(join(tmpdir(), 'burn-gitea-'))
  t.after(() => rmSync(git, { recursive: true, force: true }))
  const { forge } = await serve(t, { git, repos: [{ name: repo, writers: ['burn'] }] })
  makeBare(join(git, `${repo}.git`), { 'README.md': 'app\n' })
  const change = { branch: 'burn/0k00000000001', base: 'main', title: 'work', body: 'Closes #1', issue: `${repo}#1` }
  const refused = (code: string) => (thrown: unknown) => thrown instanceof BurnError && thrown.code === code
  await assert.rejects(forge.openChange(repo, change), refused('forge_not_found'))
  commitTo(join(git, `${repo}.git`), change.branch, { 'a.txt': 'a\n' }, 'main')
  await assert.rejects(forge.openChange(repo, { ...change, base: 'gone' }), refused('forge_not_found'))
  await assert.rejects(forge.openChange(repo, { ...change, base: change.branch }), refused('forge_refused'))
  assert.equal((await forge.openChange(repo, change)).state, 'open')
})

test('gitea: the change of a sprint is no draft', async (t) => {
  const { forge, state } = await serve(t)
  for (const [index, title] of ['WIP: x', '[WIP] x', ' wip:x', '[wip]x'].entries()) {
    const issue = { title, number: index + 1 } as Issue
    const branch = `burn/0k0000000000${index}`
    await forge.openChange(repo, { branch, base: 'main', title: changeTitle(issue), body: 'Closes #1', issue: `${repo}#1` })
    assert.equal(state.merge(repo, Math.max(...state.repo(repo).items.keys())).state, 'closed')
  }
  const draft = state.addPull(repo, { title: '[WIP] by a person', branch: 'topic' })
  assert.throws(() => state.merge(repo, draft.number), /draft/)
  assert.match(forge.access(repo, 'main').open_change, /WIP:/)
})

test('gitea: sends a new change once, and can look it up', async (t) => {
  const { server, forge, state } = await serve(t)
  const change = (n: number) => ({ branch: `burn/0k0000000000${n}`, base: 'main', title: 'work', body: 'Closes #1', issue: `${repo}#1` })
  const troubles = [
    { kind: 'status', status: 500 },
    { kind: 'failed_answer', status: 500 },
    { kind: 'lost_answer' },
    { kind: 'cut' },
  ] as const
  for (const [n, trouble] of troubles.entries()) {
    server.trouble(trouble, /^POST/, 1)
    const before = server.log.length
    await assert.rejects(forge.openChange(repo, change(n)), BurnError)
    assert.equal(server.log.length - before, 1)
    assert.equal((await forge.changeOf(repo, change(n).branch, 'main'))?.state, trouble.kind === 'status' ? undefined : 'open')
  }
  assert.equal(state.repo(repo).items.size, 3)
})

test('gitea: finds a rebased change; a fork counts only from writers', async (t) => {
  const { forge, state } = await serve(t)
  state.addRepo({ name: 'stranger/app' })
  state.addPull(repo, { title: 'moved', branch: 'burn/0k00000000001', base: 'next', author: 'burn' })
  state.addPull(repo, { title: 'trust me', branch: 'burn/0k00000000002', from: 'stranger/app', author: 'stranger' })
  for (let n = 0; n < 60; n++) state.addPull(repo, { title: 'newer', branch: `topic-${n}` })
  assert.equal((await forge.changeOf(repo, 'burn/0k00000000001', 'main'))?.state, 'open')
  assert.equal(await forge.changeOf(repo, 'burn/0k00000000002', 'main'), null)
})

test("stand-in: compares exchanges with Gitea's description of the API", async (t) => {
  const { server, forge } = await serve(t)
  if (!server.checked) return t.skip("Gitea's description of its API is not on this machine")
  const headers = { authorization: `token ${server.token}` }
  await fetch(`${server.url}/api/v1/repos/acme/app/issues?stat=open`, { headers })
  assert.match(server.violations.join(), /no query parameter stat/)
  server.violations.length = 0
  await fetch(`${server.url}/api/v1/repos/acme/app/issues`, { headers, method: 'POST', body: '{"titel":"x"}' })
  assert.match(server.violations.join(), /title/)
  server.violations.length = 0
  await forge.whoami()
  assert.deepEqual(server.violations, [])
})

test('gitea: asks for its own login once an hour', async (t) => {
  const { server, forge } = await serve(t)
  let now = 0
  const remembered = rememberLogin(forge, { now: () => now, sleep: async () => {} })
  for (let times = 0; times < 3; times++) assert.equal((await remembered.whoami()).login, 'burn')
  assert.equal(server.log.length, 1)
  now += 3_600_000
  await remembered.whoami()
  assert.equal(server.log.length, 2)
})

test('gitea: a cycle without news takes two requests', async (t) => {
  const issues = Array.from({ length: 180 }, (_, n) => ({
    title: `issue ${n}`,
    updated_at: '2026-01-31T10:00:00Z',
    created_at: '2026-01-01T00:00:00Z',
  }))
  const { server, forge, state } = await serve(t, { repos: [{ name: repo, writers: ['burn'], issues }] })
  const first = await forge.issues(repo, null)
  assert.equal(first.issues.length, 180)
  assert.equal(server.log.length, 4)
  for (let n = 0; n < 60; n++)
    state.addPull(repo, { title: 'old', branch: `topic-${n}` }).updated = Date.parse('2026-01-31T10:00:00Z') / 1000
  const before = forge.requests()
  const second = await forge.issues(repo, first.cursor)
  assert.deepEqual([second.issues, second.complete], [[], false])
  await forge.changes(repo, Date.now() + 600_000)
  assert.equal(forge.requests() - before, 2)
  assert.deepEqual((await forge.issues(repo, second.cursor)).issues, [])
  const changed = state.close(repo, 7)
  assert.deepEqual(
    (await forge.issues(repo, second.cursor)).issues.map((issue) => [issue.number, issue.state]),
    [[changed.number, 'closed']],
  )
})

test('gitea: a new milestone date counts within five minutes', async (t) => {
  const issues = [{ title: 'soon', due: '2026-12-24T00:00:00Z' }, { title: 'later' }]
  const { server, state } = await serve(t, { repos: [{ name: repo, writers: ['burn'], issues }] })
  let now = Date.now()
  const forge = openGitea({
    url: server.url,
    token: async () => server.token,
    clock: { ...clock, now: () => now },
    random: () => 0.5,
    budget,
  })
  let { cursor } = await forge.issues(repo, null)
  const listed = async () => {
    const page = await forge.issues(repo, cursor)
    cursor = page.cursor
    return page.complete ? page.issues.find(({ number }) => number === 1)?.due_at : null
  }
  state.issue(repo, 1).due = '2026-12-01T00:00:00Z'
  assert.equal(await listed(), null)
  now += 5 * 60_000
  assert.equal(await listed(), Date.parse('2026-12-01T00:00:00Z'))
  assert.equal(await listed(), null, 'burn lists all issues once')
  now += 5 * 60_000
  const before = forge.requests()
  assert.deepEqual([await listed(), forge.requests() - before], [null, 2])
})

test('gitea: ignores a cursor of another server', async (t) => {
  const [one, other] = [await serve(t), await serve(t)]
  one.state.addIssue(repo, { title: 'one' })
  other.state.addIssue(repo, { title: 'other', updated_at: '2020-01-01T00:00:00Z', created_at: '2020-01-01T00:00:00Z' })
  const { cursor } = await one.forge.issues(repo, null)
  const page = await other.forge.issues(repo, cursor)
  assert.deepEqual([page.complete, page.issues.length], [true, 1])
  for (const text of ['', '{}', '1 settled x y z', 'null']) assert.equal((await other.forge.issues(repo, text)).complete, true)
})

test('gitea: reads again the seconds before a fresh change', async (t) => {
  const { forge, state } = await serve(t)
  const late = state.addIssue(repo, { title: 'late', state: 'closed' })
  state.addIssue(repo, { title: 'fresh' })
  const { cursor } = await forge.issues(repo, null)
  late.state = 'open'
  late.updated -= 8
  assert.ok((await forge.issues(repo, cursor)).issues.some(({ number }) => number === late.number))
})

test('gitea: finds an issue that moves to an earlier page', async (t) => {
  const issues = Array.from({ length: 120 }, (_, n) => ({ title: `issue ${n}` }))
  const { server, forge } = await serve(t, { repos: [{ name: repo, issues }] })
  server.trouble({ kind: 'changed', change: (json) => (json as unknown[]).slice(1) }, /page=2/, 1)
  assert.equal((await forge.issues(repo, null)).issues.length, 120)
})

test('gitea: skips malformed objects, and reports them', async (t) => {
  const { server, forge, state } = await serve(t)
  const good = state.addIssue(repo, { title: 'good', labels: ['a'], assignees: ['burn'] })
  const pull = { ...server.state.addPull(repo, { title: 'pull', branch: 'x' }), pull_request: { merged: false } }
  const strange = [null, 7, 'x', [], {}, { number: 0, title: 'x' }, { number: 5, title: 7 }, { number: 6, title: 'no state', body: 'x' }]
  server.trouble({
    kind: 'changed',
    change: (json) => [
      ...(json as object[]),
      ...(json as object[]).map((issue) => ({ ...issue, number: 9, updated_at: 'soon' })),
      pull,
      ...strange,
    ],
  })
  const page = await forge.issues(repo, null)
  assert.deepEqual(
    page.issues.map((issue) => [issue.number, issue.labels, issue.assignees]),
    [[good.number, ['a'], ['burn']]],
  )
  assert.equal(page.skipped.length, strange.length + 1)
  assert.ok(page.skipped.some(({ what, why }) => what === `${repo}#9` && /time is missing/.test(why)))
})

test('gitea: a migrated issue has no author among the writers', async (t) => {
  const { forge, state } = await serve(t)
  state.addIssue(repo, { title: 'from elsewhere', author: 'acme', original_author: 'burn' })
  const [issue] = (await forge.issues(repo, null)).issues
  assert.equal((await forge.writers(repo)).includes(issue?.author ?? ''), false)
})

test("gitea: a stranger's fork hides no change of the repo", async (t) => {
  const { forge, state } = await serve(t)
  state.addRepo({ name: 'stranger/app' })
  state.addPull(repo, { title: 'ours', branch: 'burn/0k00000000001', author: 'burn' })
  state.addPull(repo, { title: 'trust me', branch: 'burn/0k00000000001', from: 'stranger/app', author: 'stranger' })
  assert.deepEqual((await forge.changes(repo, 0)).changes.map(({ dispatch_id, author, fork }) => [dispatch_id, author, fork]).toSorted(), [
    ['0k00000000001', 'burn', false],
    ['0k00000000001', 'stranger', true],
  ])
  assert.equal((await forge.changeOf(repo, 'burn/0k00000000001', 'main'))?.author, 'burn')
})

test('gitea: readers are not writers if the token can tell', async (t) => {
  const seed = { name: repo, writers: ['burn'], readers: ['reader'] }
  const { forge: other } = await serve(t, { repos: [seed], tokens: { any: 'burn' } })
  assert.deepEqual(await other.writers(repo), ['acme', 'burn', 'reader'])
  const { forge: owner } = await serve(t, { repos: [seed], tokens: { any: 'acme' } })
  assert.deepEqual(await owner.writers(repo), ['acme', 'burn'])
})

test('gitea: finds a renamed repo under its old name', async (t) => {
  const { forge, state } = await serve(t)
  state.addIssue(repo, { title: 'moved' })
  state.rename(repo, 'acme/renamed')
  assert.deepEqual(
    (await forge.issues(repo, null)).issues.map(({ ref }) => ref),
    [`${repo}#1`],
  )
  assert.equal((await forge.comment(`${repo}#1`, 'still here')).body, 'still here')
})
