/**
 * Runs the contract against a real Gitea or Forgejo, in repos that it creates and deletes. Set BURN_TEST_GITEA_URL and
 * BURN_TEST_GITEA_TOKEN.
 */
import { randomBytes } from 'node:crypto'
import { openGitea } from '../../src/forge/gitea.ts'
import { clock } from '../support/clock.ts'
import { forgeContract } from './contract.ts'
import type { ForgeFixture } from './fixture.ts'

const { BURN_TEST_GITEA_URL: url = '', BURN_TEST_GITEA_TOKEN: token = '' } = process.env
const unset = url === '' || token === ''
const mergeTries = 40

/** Sends a request as a person's program would. */
async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers = { authorization: `token ${token}`, 'content-type': 'application/json' }
  const response = await fetch(`${url}/api/v1${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return (text === '' ? null : JSON.parse(text)) as T
}

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

async function openReal(): Promise<ForgeFixture> {
  const name = `burn-test-${randomBytes(5).toString('hex')}`
  const { login } = await ask<{ login: string }>('GET', '/user')
  await ask('POST', '/user/repos', { name, auto_init: true, private: true, default_branch: 'main' })
  const repo = `${login}/${name}`
  const labels = new Map<string, number>()
  const labelled = async (label: string) => {
    const id = labels.get(label) ?? (await ask<{ id: number }>('POST', `/repos/${repo}/labels`, { name: label, color: '#00aabb' })).id
    labels.set(label, id)
    return id
  }
  const push = async (branch: string) => {
    const work = { content: Buffer.from(branch).toString('base64'), message: 'work', branch: 'main', new_branch: branch }
    await ask('POST', `/repos/${repo}/contents/${branch.replace('/', '-')}.txt`, work)
  }
  return {
    forge: openGitea({ url, token: async () => token, clock, random: Math.random }),
    repo,
    person: login,
    missing: `${login}/${name}-none`,
    async addIssue({ title, body = '', labels: wanted = [] }) {
      const ids = []
      for (const label of wanted) ids.push(await labelled(label))
      return (await ask<{ number: number }>('POST', `/repos/${repo}/issues`, { title, body, labels: ids })).number
    },
    closeIssue: async (number) => void (await ask('PATCH', `/repos/${repo}/issues/${number}`, { state: 'closed' })),
    push,
    async openChange(issue, branch, body = `Closes #${issue}`) {
      await push(branch)
      const pull = { title: `for ${issue}`, body, head: branch, base: 'main' }
      return (await ask<{ number: number }>('POST', `/repos/${repo}/pulls`, pull)).number
    },
    editChange: async (number, body) => void (await ask('PATCH', `/repos/${repo}/pulls/${number}`, { body })),
    async endChange(number, how) {
      const path = `/repos/${repo}/pulls/${number}`
      await (how === 'merged' ? merge(path) : ask('PATCH', path, { state: 'closed' }))
    },
    close: async () => void (await ask('DELETE', `/repos/${repo}`)),
  }
}

const skip = unset && 'set BURN_TEST_GITEA_URL and BURN_TEST_GITEA_TOKEN to run it against your own forge'
forgeContract('a real gitea', openReal, { skip })
