/** Tests the checks of Gitea by version: the ids of jobs, the ends of their logs, and reruns. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Check } from '../../src/core/change-state.ts'
import type { GiteaVersion, ServedFile } from '../stand-ins/gitea/calls.ts'
import { openGitea } from '../../src/forge/gitea.ts'
import { clock } from '../support/clock.ts'
import { openConformance } from '../stand-ins/gitea/conformance.ts'
import { fileOf, headOf, logOf, report, run } from '../stand-ins/gitea/people.ts'
import { startGitea } from '../stand-ins/gitea/server.ts'
import { code } from './fixture.ts'

const repo = 'acme/app'
const check = openConformance() ?? false
const failing = fileOf('## Test\nFAIL test/app.test.ts\nexit code 1\n')

/** Starts a server of a version with one change, whose head has a failed job with this log, and a status of another service. */
async function serve(t: TestContext, version: GiteaVersion, log: ServedFile | null = failing) {
  const server = await startGitea({ check, version, repos: [{ name: repo, writers: ['burn'] }] })
  t.after(async () => {
    await server.close()
    assert.deepEqual(server.violations, [])
  })
  const { state } = server
  const pull = state.addPull(repo, { title: 'work', branch: 'topic' }).pull!
  const sha = headOf(state, pull)
  const ids = version === '1.26.0'
  run(state, repo, sha, { name: 'build', conclusion: 'success', log: failing, ids })
  const job = run(state, repo, sha, { name: 'test', conclusion: 'failure', log, ids })
  report(state, repo, sha, { context: 'woodpecker', state: 'error', target_url: 'https://ci.example.com/acme/app/actions/runs/1/jobs/0' })
  const forge = openGitea({ url: server.url, token: async () => server.token, clock, random: () => 0.5, budget: { backoff_ms: 5 } })
  const checks = await forge.checks(repo, sha)
  return { server, forge, sha, job, checks, failed: named(checks, 'test'), other: named(checks, 'woodpecker') }
}

const named = (checks: readonly Check[], part: string) => checks.find(({ name }) => name.includes(part))!

const versions = [
  ['1.23.8', null, /Gitea 1\.23 has no API for logs/, false],
  ['1.24.6', null, /Gitea 1\.24 does not tell the ids of jobs/, false],
  ['1.25.2', 'job', null, false],
  ['1.26.0', 'job', null, true],
  ['15.0.0+gitea-1.22.0', null, /Forgejo 15\.0 has no API for logs/, false],
] as const

for (const [version, found, reason, rerunnable] of versions) {
  test(`gitea ${version}: logs and reruns of a failed job`, async (t) => {
    const { server, forge, sha, job, failed, other } = await serve(t, version)
    assert.deepEqual([failed.state, other.state, failed.summary], ['failed', 'failed', 'Failing after 2s'])
    assert.equal(failed.job?.id ?? null, found === null ? null : String(job.id))
    const log = await forge.logTail(repo, failed, 1000)
    if (reason === null) assert.deepEqual(log, { text: '## Test\nFAIL test/app.test.ts\nexit code 1\n', truncated: false })
    else assert.match('unknown' in log ? log.unknown : '', reason)
    const foreign = await forge.logTail(repo, other, 1000)
    assert.match('unknown' in foreign ? foreign.unknown : '', /another service/)
    const rerun = await forge.rerun(repo, failed)
    assert.equal(rerun.result, rerunnable ? 'started' : 'not_possible')
    if (!rerunnable) return
    assert.equal(job.conclusion, null)
    assert.match(JSON.stringify(await forge.rerun(repo, failed)), /not done/)
    const before = server.log.length
    await forge.checks(repo, sha)
    assert.equal(server.log.length - before, 1, 'one request, because the address of a job has its id')
  })
}

test('gitea: reads only the end of a huge log', async (t) => {
  let sent = 0
  const { size, part } = logOf(500_000_000)
  const counted: ServedFile = { size, part: (from, to) => ((sent += to - from), part(from, to)) }
  const { server, forge, failed } = await serve(t, '1.25.2', counted)
  const log = await forge.logTail(repo, failed, 65_536)
  assert.ok('text' in log && log.truncated && log.text.length <= 65_536)
  assert.match(log.text, /^line 781\d* /)
  assert.match(log.text, /line 7812499 \.+\n$/)
  server.trouble({ kind: 'no_ranges' })
  const refused = await forge.logTail(repo, failed, 65_536)
  assert.match('unknown' in refused ? refused.unknown : '', /sends the whole file/)
  assert.ok(sent < size / 10, `${sent} bytes`)
})

test('gitea: reads the end of a log without ranges', async (t) => {
  const { server, forge, failed } = await serve(t, '1.25.2', logOf(300_000))
  server.trouble({ kind: 'no_ranges' })
  const log = await forge.logTail(repo, failed, 1_000)
  assert.ok('text' in log && log.truncated && log.text.length <= 1_000)
  assert.match(log.text, /^line \d+ \.+\n/)
})

test('gitea: a deleted log is unknown, a login page an error', async (t) => {
  const { server, forge, failed } = await serve(t, '1.25.2', null)
  const log = await forge.logTail(repo, failed, 1_000)
  assert.match('unknown' in log ? log.unknown : '', /deleted its log/)
  server.trouble({ kind: 'html' })
  await assert.rejects(forge.logTail(repo, failed, 1_000), code('forge_not_json'))
  await assert.rejects(forge.checks(repo, 'a'.repeat(40)), code('forge_not_json'))
})

test('gitea: a cancelled job has not failed', async (t) => {
  const { server, forge, sha } = await serve(t, '1.25.2')
  run(server.state, repo, sha, { name: 'slow', conclusion: 'cancelled', log: null, ids: false })
  run(server.state, repo, sha, { name: 'next', conclusion: null, log: null, ids: false })
  const states = Object.fromEntries((await forge.checks(repo, sha)).map(({ name, state }) => [name.split(' ')[2], state]))
  assert.deepEqual([states['slow'], states['next']], ['cancelled', 'pending'])
})

test('gitea: reads all checks of a commit, whatever the count says', async (t) => {
  const { server, forge, sha } = await serve(t, '1.26.0')
  for (let n = 0; n < 120; n++) report(server.state, repo, sha, { context: `check ${n}`, state: 'success' })
  assert.equal((await forge.checks(repo, sha)).length, 123)
})
