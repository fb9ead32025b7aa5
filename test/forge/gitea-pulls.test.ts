/** Tests the state and the merge of changes on Gitea: bad answers, refusals, and facts that Gitea tells only in part. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { openGitea } from '../../src/forge/gitea.ts'
import { clock } from '../support/clock.ts'
import type { BranchRule } from '../stand-ins/gitea/change-rows.ts'
import type { Trouble } from '../stand-ins/gitea/troubles.ts'
import { openConformance } from '../stand-ins/gitea/conformance.ts'
import { deleteBranch, headOf, push, review } from '../stand-ins/gitea/people.ts'
import { startGitea, type GiteaStandInOptions } from '../stand-ins/gitea/server.ts'
import { code } from './fixture.ts'

const repo = 'acme/app'
const check = openConformance() ?? false

/** Starts a server with one change by burn, which `acme` may review. */
async function serve(t: TestContext, options: GiteaStandInOptions = {}) {
  const server = await startGitea({ check, repos: [{ name: repo, writers: ['burn'] }], ...options })
  t.after(async () => {
    await server.close()
    assert.deepEqual(server.violations, [])
  })
  const { state } = server
  const row = state.addPull(repo, { title: 'work', branch: 'burn/0k00000000001', author: 'burn' })
  const pull = row.pull!
  const budget = { request_ms: 5_000, backoff_ms: 5 }
  const forge = openGitea({ url: server.url, token: async () => server.token, clock, random: () => 0.5, budget, recheck_ms: [1, 1] })
  const ref = `${repo}!${row.number}`
  const merge = (sha = headOf(state, pull), method: 'merge' | 'squash' = 'merge') => forge.merge(ref, { sha, method, delete_branch: true })
  return { server, forge, state, row, pull, ref, merge }
}

test('gitea: knows who pushed the head, and when it does not', async (t) => {
  const { server, forge, state, row, pull, ref } = await serve(t)
  const pushed = async () => (await forge.changeState(ref))?.pushed
  assert.match(JSON.stringify(await pushed()), /nobody has pushed since/)
  for (let n = 0; n < 60; n++) state.addComment(repo, row.number, 'acme', `comment ${n}`)
  push(state, repo, row.number, 'burn')
  push(state, repo, row.number, 'eve')
  const found = await pushed()
  assert.ok(found !== undefined && 'login' in found)
  assert.deepEqual([found.login, found.at > 1e12], ['eve', true])
  pull.sha = 'f'.repeat(40)
  assert.match(JSON.stringify(await pushed()), /has not recorded who pushed/)
  const before = server.log.length
  await forge.changeState(ref)
  assert.equal(server.log.length - before, 6, 'the change, 3 pages of events, statuses, reviews')
})

test('gitea: lists no change that was not updated since', async (t) => {
  const { forge, row } = await serve(t)
  const listed = async (since: number) => (await forge.changes(repo, since)).changes.map(({ name }) => name)
  const updated = row.updated * 1000
  assert.deepEqual([await listed(updated), await listed(updated + 10 * 60_000)], [[`#${row.number}`], []])
})

test("gitea: reports a conflict only after the forge's test", async (t) => {
  const { forge, row, pull, ref } = await serve(t)
  const mergeable = async () => (await forge.changeState(ref))?.mergeable
  pull.untested = 2
  assert.equal(await mergeable(), 'yes')
  pull.conflicts = true
  assert.equal(await mergeable(), 'unknown')
  row.updated -= 60
  assert.equal(await mergeable(), 'no')
  row.title = 'WIP: work'
  const draft = await forge.changeState(ref)
  assert.deepEqual([draft?.draft, draft?.mergeable], [true, 'unknown'])
})

test('gitea: gives the change of a deleted base another base', async (t) => {
  const { forge, state, ref, row, pull, merge } = await serve(t)
  state.repo(repo).default_branch = 'next'
  assert.equal(await forge.protection(repo, 'main'), null)
  const open = await forge.changeState(ref)
  assert.deepEqual([open?.base_sha, open?.behind, open?.mergeable], [null, null, 'unknown'])
  assert.equal((await forge.updateBranch(ref, pull.sha, 'merge')).result, 'not_mergeable')
  deleteBranch(state, repo, 'main')
  const moved = await forge.changeState(ref)
  assert.deepEqual([moved?.change.state, moved?.base], ['open', 'next'])
  assert.ok((moved?.base_set_at ?? 0) > 1e12, 'earlier approvals are about the earlier base')
  assert.match(JSON.stringify(moved?.pushed), /has not recorded who pushed/, 'not the person who replaced the base')
  push(state, repo, row.number, 'acme')
  const pushed = (await forge.changeState(ref))?.pushed ?? { unknown: '' }
  assert.equal('login' in pushed && pushed.login, 'acme')
  deleteBranch(state, repo, 'next', true)
  assert.equal((await forge.changeState(ref))?.change.state, 'closed')
  assert.equal((await merge()).result, 'ended')
})

test('gitea: reads threads with answers, and skips malformed reviews', async (t) => {
  const { server, forge, state, row, ref } = await serve(t)
  const line = { path: 'a.ts', line: 7 }
  const first = review(state, repo, row.number, {
    author: 'eve',
    state: 'COMMENT',
    lines: [
      { ...line, body: 'Why?' },
      { ...line, body: 'Because.', author: 'burn' },
      { ...line, deleted: true, body: 'Keep it.', resolver: 'acme' },
      { path: 'b.ts', line: 0, body: 'The whole file.' },
    ],
  })
  review(state, repo, row.number, { author: 'acme', state: 'PENDING' })
  review(state, repo, row.number, { author: 'acme', state: 'REQUEST_REVIEW' })
  const state1 = await forge.changeState(ref)
  assert.deepEqual(
    state1?.reviews.map(({ id, author, official }) => [id, author, official]),
    [[String(first.id), 'eve', false]],
  )
  assert.deepEqual(
    state1?.threads.map(({ path, line: at, side, resolved, comments }) => [path, at, side, resolved, comments.map(({ author }) => author)]),
    [
      ['a.ts', 7, 'new', false, ['eve', 'burn']],
      ['a.ts', 7, 'old', true, ['eve']],
      ['b.ts', null, 'new', false, ['eve']],
    ],
  )
  assert.deepEqual(state1?.skipped, [])
  const strange = [null, 7, {}, { id: 9, state: 'APPROVED', user: { login: 'x' } }]
  server.trouble({ kind: 'changed', change: (json) => [...(json as unknown[]), ...strange] }, /reviews\?/)
  server.trouble({ kind: 'changed', change: (json) => [...(json as unknown[]), ...strange] }, /reviews\/\d+\/comments/)
  const state2 = await forge.changeState(ref)
  assert.deepEqual([state2?.reviews.length, state2?.threads.length, state2?.skipped.length], [1, 3, 8])
})

const rules: readonly (readonly [string, BranchRule, Record<string, boolean>, string, RegExp])[] = [
  ['a missing check', { contexts: ['test'] }, {}, 'checks_missing', /required status checks/],
  ['a missing approval', { approvals: 1 }, {}, 'checks_missing', /approvals/],
  ['a token that may not merge', { mergers: ['acme'] }, {}, 'not_allowed', /not allowed to merge/],
  ['a method that the repo forbids', {}, { allow_merge_commits: false }, 'not_allowed', /merge style/],
]

test('gitea: tells why it merges no change', async (t) => {
  for (const [what, rule, settings, result, why] of rules) {
    const { state, merge, forge } = await serve(t)
    state.repo(repo).rules.set('main', rule)
    Object.assign(state.repo(repo).settings, settings)
    const refused = await merge()
    assert.equal(refused.result, result, what)
    assert.match('why' in refused ? refused.why : '', why)
    const known = await forge.protection(repo, 'main')
    assert.deepEqual(
      [known?.required_checks, known?.required_approvals, known?.may_merge, known?.methods.includes('merge')],
      [rule.contexts ?? [], rule.approvals ?? 0, rule.mergers === undefined, settings['allow_merge_commits'] !== false],
    )
  }
})

test('gitea: merges no blocked, merged or drafted change', async (t) => {
  const { server, forge, state, row, ref, merge } = await serve(t, { version: '1.23.8' })
  state.repos.get(repo)!.settings['default_delete_branch_after_merge'] = true
  assert.equal((await forge.protection(repo, 'main'))?.delete_branch, true)
  const blocker = state.addIssue(repo, { title: 'first' })
  row.blockers.push({ repo, number: blocker.number })
  const blocked = await merge()
  assert.deepEqual(blocked, { result: 'checks_missing', why: `${repo}#${blocker.number} blocks the change` })
  state.close(repo, blocker.number)
  state.repo(repo).rules.set('main', { contexts: ['test'] })
  assert.equal((await merge()).result, 'checks_missing')
  state.repo(repo).rules.delete('main')
  row.title = 'WIP: work'
  assert.equal((await merge()).result, 'not_mergeable')
  row.title = 'work'
  assert.equal((await merge('1'.repeat(40))).result, 'head_moved')
  assert.deepEqual(await merge(), { result: 'merged' })
  assert.deepEqual(Object.keys(server.log.at(-1)?.body as object).toSorted(), ['Do', 'delete_branch_after_merge', 'head_commit_id'])
  assert.deepEqual(await merge(), { result: 'ended', why: 'the change is merged' })
  assert.equal((await forge.updateBranch(ref, '1'.repeat(40), 'rebase')).result, 'ended')
})

test('gitea: sends a merge once; a lost answer is an error', async (t) => {
  const troubles: readonly (readonly [Trouble, string, string])[] = [
    [{ kind: 'lost_answer' }, 'forge_unavailable', 'merged'],
    [{ kind: 'status', status: 429 }, 'forge_rate_limited', 'open'],
    [{ kind: 'status', status: 500 }, 'forge_failed', 'open'],
    [{ kind: 'status', status: 423 }, 'forge_archived', 'open'],
    [{ kind: 'html' }, 'forge_not_json', 'open'],
  ]
  for (const [trouble, expected, after] of troubles) {
    const { server, forge, ref, merge } = await serve(t)
    server.trouble(trouble, /^POST/)
    await assert.rejects(merge(), code(expected))
    assert.equal(server.log.filter(({ method }) => method === 'POST').length, 1)
    assert.equal((await forge.changeState(ref))?.change.state, after)
  }
})

test('gitea: a token without the scope may not merge or rerun', async (t) => {
  const { ref, forge, pull, merge } = await serve(t, { scopes: { 'stand-in-token': ['read:repository', 'read:issue', 'write:issue'] } })
  const refused = await merge()
  assert.match(JSON.stringify(refused), /not_allowed.*write:repository/)
  pull.sha = '2'.repeat(40)
  assert.equal((await forge.changeState(ref))?.sha, pull.sha)
  const job = { run: '1', id: '1', rerunnable: true }
  const failed = { name: 'test', state: 'failed', summary: '', url: null, job, updated_at: 0 } as const
  assert.equal((await forge.rerun(repo, failed)).result, 'not_possible')
})

test('gitea: a failure in the middle gives no half state', async (t) => {
  const { server, forge, state, row, ref } = await serve(t)
  review(state, repo, row.number, { author: 'acme', state: 'REQUEST_CHANGES', lines: [{ path: 'a', line: 1, body: 'x' }] })
  for (const on of [/timeline/, /status\?/, /reviews\?/, /comments$/]) {
    server.trouble({ kind: 'status', status: 429 }, on, 4)
    await assert.rejects(forge.changeState(ref), code('forge_rate_limited'), String(on))
    server.calm()
  }
  server.trouble({ kind: 'html' }, /reviews/, 1)
  await assert.rejects(forge.changeState(ref), code('forge_not_json'))
  assert.equal((await forge.changeState(ref))?.threads.length, 1)
})

test('gitea: blockers in other repos, hidden ones, and no dependencies', async (t) => {
  const { forge, state } = await serve(t)
  state.addRepo({ name: 'acme/docs', readers: ['burn'] })
  state.addRepo({ name: 'other/secret' })
  const issue = state.addIssue(repo, { title: 'work' })
  for (const name of ['acme/docs', 'other/secret'])
    issue.blockers.push({ repo: name, number: state.addIssue(name, { title: 'first' }).number })
  const [docs, secret] = await forge.blockers(`${repo}#${issue.number}`)
  assert.deepEqual([docs?.ref, docs?.state], ['acme/docs#1', 'open'])
  assert.deepEqual(secret, { ref: null, title: 'HIDDEN', state: 'unknown', url: null })
  state.repo(repo).settings['dependencies'] = false
  assert.deepEqual(await forge.blockers(`${repo}#${issue.number}`), [])
})
