/** Checks which members of an organisation's teams count as writers, and that doctor says so. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { teamFindings } from '../../src/doctor/teams.ts'
import { openGitea } from '../../src/forge/gitea.ts'
import { clock } from '../support/clock.ts'
import { openConformance } from '../stand-ins/gitea/conformance.ts'
import { startGitea } from '../stand-ins/gitea/server.ts'

const repo = 'org/app'
const check = openConformance() ?? false
const teams = [
  { name: 'makers', permission: 'write', code: 'write' },
  { name: 'readers', permission: 'read' },
  { name: 'mixed', permission: 'read', code: 'write' },
] as const

/** Starts a forge with a repo of an organisation, and one of a person. The token belongs to `login`. */
async function connect(t: TestContext, login: string) {
  const server = await startGitea({
    check,
    repos: [
      { name: repo, writers: ['ann', 'burn'], readers: ['ray'], teams },
      { name: 'ann/app', writers: ['burn'] },
    ],
    tokens: { token: login },
  })
  t.after(async () => {
    await server.close()
    assert.deepEqual(server.violations, [])
  })
  return { server, forge: openGitea({ url: server.url, token: async () => 'token', clock, random: () => 0.5 }) }
}

test('doctor: reports readers who count as writers', async (t) => {
  const { forge } = await connect(t, 'burn')
  assert.ok((await forge.writers(repo)).includes('ray'))
  const [found, ...others] = await teamFindings(repo, forge)
  assert.deepEqual([found?.level, others], ['warn', []])
  assert.match(found?.what ?? '', /burn counts members of these read-only teams as writers, .* for org\/app: readers$/)
  assert.match(found?.remedy ?? '', /administrator of org\/app, or .*dispatch\.trust\.authors/)
})

test('doctor: names teams that an administrator leaves out', async (t) => {
  const { forge } = await connect(t, 'org')
  assert.ok(!(await forge.writers(repo)).includes('ray'))
  const found = await teamFindings(repo, forge)
  assert.deepEqual(
    found.map(({ level, what }) => [level, what.replace(/.*: /, '')]),
    [
      ['warn', 'mixed'],
      ['ok', 'readers'],
    ],
  )
  assert.match(found[0]?.what ?? '', /burn does not count members of these teams as writers: the teams may push to org\/app/)
})

test('doctor: says when burn cannot see the teams', async (t) => {
  const { forge, server } = await connect(t, 'burn')
  assert.deepEqual(await teamFindings('ann/app', forge), [], 'a repo of a person')
  server.trouble({ kind: 'status', status: 403 }, /\/teams$/)
  assert.match((await teamFindings(repo, forge))[0]?.what ?? '', /may not see the teams of org\/app/)
})
