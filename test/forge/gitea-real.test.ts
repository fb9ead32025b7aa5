/**
 * Runs the contract against a real Gitea or Forgejo, in repos that it creates and deletes. Set BURN_TEST_GITEA_URL and
 * BURN_TEST_GITEA_TOKEN. With BURN_TEST_GITEA_REVIEWER_TOKEN, the token of another account, it also tests reviews.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { Check } from '../../src/core/change-state.ts'
import { openGitea } from '../../src/forge/gitea.ts'
import { clock } from '../support/clock.ts'
import { forgeContract } from './contract.ts'
import { openRunner, runnerLabel } from './gitea-runner.ts'
import type { ForgeFixture, WorkFixture } from './fixture.ts'

const { BURN_TEST_GITEA_URL: url = '', BURN_TEST_GITEA_TOKEN: token = '', BURN_TEST_GITEA_REVIEWER_TOKEN: reviewerToken = '' } = process.env
const unset = url === '' || token === ''
const mergeTries = 40

/** Sends a request as a person's program would. Returns null for a status in `absent`. */
async function ask<T>(method: string, path: string, body?: unknown, absent: readonly number[] = [], by = token): Promise<T> {
  const headers = { authorization: `token ${by}`, 'content-type': 'application/json' }
  const response = await fetch(`${url}/api/v1${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
  const text = await response.text()
  if (absent.includes(response.status)) return null as T
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return (text === '' ? null : JSON.parse(text)) as T
}

const reviewerLogin = reviewerToken === '' ? null : (await ask<{ login: string }>('GET', '/user', undefined, [], reviewerToken)).login

/** Merges a pull request. Gitea finds out in the background whether it can be merged, so the request may fail at first. */
async function merge(path: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask('POST', `${path}/merge`, { Do: 'merge', delete_branch_after_merge: true })
    } catch (thrown) {
      if (tries === mergeTries) throw thrown
      await clock.sleep(250)
    }
  }
}

/** Returns the head of a change, once the forge has recorded it. A review of a head that is not recorded yet counts as stale. */
async function recordedHead(repoPath: string, change: number): Promise<string> {
  for (;;) {
    const { head } = await ask<{ head: { sha: string } }>('GET', `${repoPath}/pulls/${change}`)
    const refs = await ask<{ object: { sha: string } } | readonly { object: { sha: string } }[]>(
      'GET',
      `${repoPath}/git/refs/pull/${change}/head`,
    )
    if ([refs].flat().some(({ object }) => object.sha === head.sha)) return head.sha
    await clock.sleep(250)
  }
}

/** Returns the people and the CI of the contract. The reviewer has a token, too, because nobody may approve their own changes. */
function workOn(repo: string, branches: Set<string>): WorkFixture {
  const at = `/repos/${repo}`
  return {
    reviewer: reviewerLogin,
    async commit(branch, files) {
      let sha = ''
      for (const [path, text] of Object.entries(files)) {
        const isNew = branch !== 'main' && !branches.has(branch)
        const before = await ask<{ sha: string } | null>('GET', `${at}/contents/${path}?ref=${isNew ? 'main' : branch}`, undefined, [404])
        const place = isNew ? { branch: 'main', new_branch: branch } : { branch }
        const body = {
          content: Buffer.from(text).toString('base64'),
          message: 'work',
          ...place,
          ...(before === null ? {} : { sha: before.sha }),
        }
        const made = await ask<{ commit: { sha: string } }>(before === null ? 'POST' : 'PUT', `${at}/contents/${path}`, body)
        branches.add(branch)
        sha = made.commit.sha
      }
      return sha
    },
    deleteBranch: async (branch) => void (await ask('DELETE', `${at}/branches/${branch}`)),
    setBase: async (change, base) => void (await ask('PATCH', `${at}/pulls/${change}`, { base })),
    async check(sha, name, state) {
      const status = { pending: 'pending', passed: 'success', failed: 'failure' }[state]
      await ask('POST', `${at}/statuses/${sha}`, { context: name, state: status, description: 'by the contract' })
    },
    async review(change, { state, body, lines = [] }) {
      const event = { approved: 'APPROVED', changes_requested: 'REQUEST_CHANGES', commented: 'COMMENT' }[state]
      const comments = lines.map(({ path, line, deleted, body: text }) => ({
        path,
        body: text,
        ...(deleted === true ? { old_position: line } : { new_position: line }),
      }))
      const commit_id = await recordedHead(at, change)
      await ask('POST', `${at}/pulls/${change}/reviews`, { event, body, comments, commit_id }, [], reviewerToken)
    },
    async dismiss(change) {
      const reviews = await ask<readonly { id: number }[]>('GET', `${at}/pulls/${change}/reviews`)
      await ask('POST', `${at}/pulls/${change}/reviews/${reviews.at(-1)?.id}/dismissals`, { message: 'no longer' })
    },
    async protect(branch, { checks, approvals }) {
      const rule = { rule_name: branch, enable_status_check: true, status_check_contexts: checks, required_approvals: approvals }
      await ask('POST', `${at}/branch_protections`, rule)
    },
    async block(issue, blocker) {
      const [owner, name] = repo.split('/')
      await ask('POST', `${at}/issues/${issue}/dependencies`, { owner, repo: name, index: blocker })
    },
    async reactions(_, comment) {
      const found = await ask<readonly { content: string }[]>('GET', `${at}/issues/comments/${comment}/reactions`)
      return found.map(({ content }) => content)
    },
  }
}

async function openReal(): Promise<ForgeFixture> {
  const name = `burn-test-${randomBytes(5).toString('hex')}`
  const { login } = await ask<{ login: string }>('GET', '/user')
  await ask('POST', '/user/repos', { name, auto_init: true, private: true, default_branch: 'main' })
  const repo = `${login}/${name}`
  if (reviewerLogin !== null) await ask('PUT', `/repos/${repo}/collaborators/${reviewerLogin}`, { permission: 'write' })
  const labels = new Map<string, number>()
  const labelled = async (label: string) => {
    const id = labels.get(label) ?? (await ask<{ id: number }>('POST', `/repos/${repo}/labels`, { name: label, color: '#00aabb' })).id
    labels.set(label, id)
    return id
  }
  const branches = new Set<string>()
  const push = async (branch: string) => {
    const work = { content: Buffer.from(branch).toString('base64'), message: 'work', branch: 'main', new_branch: branch }
    await ask('POST', `/repos/${repo}/contents/${branch.replace('/', '-')}.txt`, work)
    branches.add(branch)
  }
  return {
    forge: openGitea({ url, token: async () => token, clock, random: Math.random }),
    repo,
    person: login,
    missing: `${login}/${name}-none`,
    async addIssue({ title, body = '', labels: wanted = [], due }) {
      const ids = []
      for (const label of wanted) ids.push(await labelled(label))
      return (await ask<{ number: number }>('POST', `/repos/${repo}/issues`, { title, body, labels: ids, due_date: due })).number
    },
    closeIssue: async (number) => void (await ask('PATCH', `/repos/${repo}/issues/${number}`, { state: 'closed' })),
    push,
    async openChange(issue, branch, body = `Closes #${issue}`) {
      if (!branches.has(branch)) await push(branch)
      const pull = { title: `for ${issue}`, body, head: branch, base: 'main' }
      return (await ask<{ number: number }>('POST', `/repos/${repo}/pulls`, pull)).number
    },
    editChange: async (number, body) => void (await ask('PATCH', `/repos/${repo}/pulls/${number}`, { body })),
    async endChange(number, how) {
      const path = `/repos/${repo}/pulls/${number}`
      await (how === 'merged' ? merge(path) : ask('PATCH', path, { state: 'closed' }))
    },
    work: workOn(repo, branches),
    close: async () => void (await ask('DELETE', `/repos/${repo}`)),
  }
}

const skip = unset && 'set BURN_TEST_GITEA_URL and BURN_TEST_GITEA_TOKEN to run it against your own forge'
forgeContract('a real gitea', openReal, { skip })

test('a real gitea: an issue is due with its milestone', { skip }, async (t) => {
  const { forge, repo, addIssue, close } = await openReal()
  t.after(close)
  const number = await addIssue({ title: 'work', due: '2026-12-24T00:00:00Z' })
  const milestone = await ask<{ id: number }>('POST', `/repos/${repo}/milestones`, { title: 'soon', due_on: '2026-11-30T00:00:00Z' })
  await ask('PATCH', `/repos/${repo}/issues/${number}`, { milestone: milestone.id })
  const dayOf = (time: number | undefined) => time && new Date(time).toISOString().slice(0, 10)
  const [listed] = (await forge.issues(repo, null)).issues
  assert.deepEqual(
    [listed, await forge.issue(`${repo}#${number}`)].map((issue) => dayOf(issue?.due_at)),
    ['2026-11-30', '2026-11-30'],
  )
})

/** A workflow with two jobs. Gitea and Forgejo read it from this path. */
const workflow = {
  '.gitea/workflows/ci.yml': `on: push\njobs:\n  build:\n    runs-on: ${runnerLabel}\n    steps:\n      - run: make\n`,
}

test('a real gitea: logs and reruns a failed job', { skip }, async (t) => {
  const { forge, repo, work, close } = await openReal()
  t.after(close)
  await ask('PATCH', `/repos/${repo}`, { has_actions: true })
  const endJob = await openRunner(url, repo, ask)
  const sha = await work.commit('topic', workflow)
  // The forge reads workflows, and reports their results, a moment after it has answered.
  const checkIn = async (state: Check['state']): Promise<Check> => {
    for (let tries = 1; ; tries++) {
      const check = (await forge.checks(repo, sha)).find(({ name }) => name.includes('build'))
      if (check?.state === state) return check
      assert.ok(tries < 20, `${JSON.stringify(check)} is not ${state}`)
      await clock.sleep(500)
    }
  }
  await checkIn('pending')
  await endJob({ result: 'RESULT_FAILURE', log: ['## Test', 'FAIL test/app.test.ts'] })
  const failed = await checkIn('failed')
  const log = await forge.logTail(repo, failed, 1000)
  const rerun = await forge.rerun(repo, failed)
  const { version } = await ask<{ version: string }>('GET', '/version')
  t.diagnostic(`${version}: ${JSON.stringify({ failed, log, rerun })}`)
  if (failed.job === null) assert.match('unknown' in log ? log.unknown : '', /has no API for logs|does not tell the ids/)
  else assert.match('text' in log ? log.text : JSON.stringify(log), /FAIL test\/app\.test\.ts/)
  if (rerun.result === 'not_possible') return assert.match(rerun.why, /not a job of the forge|has no API to rerun/)
  await checkIn('pending')
  await endJob({ result: 'RESULT_SUCCESS', log: ['ok'] })
  await checkIn('passed')
})
