/** burn reports repos that it can't read, and never takes them for empty. */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { BurnError } from '../../src/core/errors.ts'
import { loop } from '../../src/sprint/loop.ts'
import { brainOf } from './brain.ts'
import { inside } from './inside.ts'
import { secrets, sprintRig } from './rig.ts'

const script = brainOf(() => 'plain', { conflict: () => {}, taken_branch: () => {} })
const issue = { title: 'Write it down', body: 'In notes, please.' }
const bothRepos = ['acme/app', 'acme/lib']

function isUnreadError(reason: RegExp) {
  return (thrown: unknown) => {
    assert.ok(thrown instanceof BurnError && thrown.code === 'forge_unread' && thrown.exit === 1, String(thrown))
    assert.match(thrown.message, reason)
    return true
  }
}

test('sprint run: reports why it could read none of the repos', async (t) => {
  const rig = await sprintRig(t, { issues: [], also: [], script, sprint: { repos: ['app', 'lib'], sandbox: { use: 'off' } } })
  const { forge } = rig
  const runFails = async (reason: RegExp) => {
    const sprints = await inside(t, rig)
    await assert.rejects(sprints.run({ repos: bothRepos }), isUnreadError(reason))
  }
  forge.trouble({ kind: 'status', status: 503 })
  await runFails(/none of 2 repos could be read: acme\/app: .*503/)
  forge.calm()
  for (const repo of bothRepos) forge.state.repo(repo).has_issues = false
  await runFails(/issues are disabled in acme\/app/)
  const repos = [...forge.state.repos]
  forge.state.repos.clear()
  await runFails(/acme\/app: .*404/)
  for (const [name, repo] of repos) forge.state.repos.set(name, repo)
  for (const repo of bothRepos) forge.state.repo(repo).has_issues = true
  const secret = join(rig.dir, 'forge.secret')
  writeFileSync(secret, 'wrong')
  await runFails(/acme\/app: .*401.*does not accept the token/)
  rmSync(secret)
  await runFails(/acme\/app: .*forge\.secret/)
  const ran = await rig.burn('sprint', 'run')
  assert.equal(ran.code, 1)
  assert.match(ran.err, /none of 2 repos could be read/)
  assert.equal(ran.out, '')
  writeFileSync(secret, secrets.forge, { mode: 0o600 })
  assert.deepEqual(await (await inside(t, rig)).run({ repos: bothRepos }), [])
})

test('sprint run: reports each unread repo once', async (t) => {
  const rig = await sprintRig(t, {
    issues: [],
    also: [issue],
    script,
    sprint: { repos: ['app', 'lib'], sandbox: { use: 'off' } },
    windows: [{ name: 'W', names: ['ONE'], repos: ['app', 'lib'] }],
  })
  rig.forge.trouble({ kind: 'status', status: 404 }, /\/acme\/lib(\/|$)/)
  const dry = await rig.burn('sprint', 'run', '--dry-run', '--json')
  assert.equal(dry.code, 3)
  assert.deepEqual(
    dry.json<{ unread: { repo: string }[] }>().unread.map(({ repo }) => repo),
    ['acme/lib'],
  )
  const ran = await rig.burn('sprint', 'run')
  assert.equal(ran.code, 3, ran.err)
  assert.match(ran.out, /Nothing to do in the repos that could be read; 1 repo could not be read/)
  assert.match(ran.err, /acme\/lib: burn could not read the repo: .*404/)

  const sprints = await inside(t, rig)
  const worker = sprints.context.session.fleet.machines[0]?.windows[0]?.workers[0]
  assert.ok(worker !== undefined)
  const stop = new AbortController()
  let pauses = 0
  const onPause = (why: string) => {
    assert.match(why, /404/)
    if (++pauses === 3) stop.abort()
  }
  await loop({ worker, count: 1, interval: 20, skip_for: 1000, onEnd: () => {}, onPause }, sprints.context, stop.signal)
  assert.deepEqual(sprints.messages.filter((text) => text.includes('could not read the repo')).length, 1, 'a loop reports it once')
})
