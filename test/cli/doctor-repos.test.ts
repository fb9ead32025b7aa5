/** `burn doctor`: whether the git of a machine can read the repos of its workers, and push to them. */
import assert from 'node:assert/strict'
import { chmodSync, chownSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Machine } from '../../src/core/nouns.ts'
import { repoFindings } from '../../src/doctor/repos.ts'
import { complete, specOf } from '../spec/specs.ts'
import { branchIn, commitTo, gitAs, makeBare } from '../stand-ins/gitea/git.ts'
import { startGitea } from '../stand-ins/gitea/server.ts'
import { scratch } from '../support/fleet.ts'

const branch = 'burn/0k30000000001'

/** Returns a machine whose git has no settings but those of `home`. */
function machineIn(home: string): Machine {
  const exec = ['env', '-i', `PATH=${process.env['PATH']}`, `HOME=${home}`, `TMPDIR=${home}`, 'GIT_CONFIG_NOSYSTEM=1']
  const { fleet } = complete(specOf([], { machines: { box: { exec, windows: [{ name: 'A', panes: 1, repos: ['app'] }] } } }))
  return fleet.machines[0] as Machine
}

test('doctor: tests reads and pushes of every repo', async (t) => {
  const dir = scratch(t)
  const bareOf = (name: string) => join(dir, `${name}.git`)
  const names = ['good', 'sha256', 'hooked', 'blocked', 'empty', 'gone']
  for (const name of ['good', 'hooked', 'blocked']) makeBare(bareOf(name), { 'a.txt': 'a\n' })
  makeBare(bareOf('empty'), {})
  gitAs(dir, 'init', '--quiet', '--bare', '--object-format=sha256', '-b', 'main', bareOf('sha256'))
  commitTo(bareOf('sha256'), 'main', { 'a.txt': 'a\n' }, null)
  writeFileSync(join(bareOf('hooked'), 'hooks/pre-receive'), '#!/bin/sh\necho "unknown author" >&2\nexit 1\n')
  chmodSync(join(bareOf('hooked'), 'hooks/pre-receive'), 0o755)
  commitTo(bareOf('blocked'), 'burn', { 'a.txt': 'a\n' }, 'main')
  const repos = names.map((name) => ({ repo: `acme/${name}`, url: bareOf(name) }))
  const findings = await repoFindings(machineIn(dir), repos, branch)
  assert.deepEqual(
    findings.map(({ level, what }) => [level, what.replaceAll(dir, '').split(':')[0]]),
    [
      ['ok', 'git can read 2 repos and push branches to them'],
      ['warn', 'the remote refuses a test commit for acme/hooked'],
      ['fail', "git can't push to /blocked.git"],
      ['fail', 'acme/empty has no commits'],
      ['fail', "git can't read /gone.git"],
    ],
  )
  assert.match(findings[1]?.what ?? '', /unknown author/)
  assert.match(findings[2]?.what ?? '', /'refs\/heads\/burn' exists/)
  assert.deepEqual([branchIn(bareOf('good'), branch), branchIn(bareOf('sha256'), branch)], [null, null], 'no branch stays')
  assert.deepEqual(
    readdirSync(dir).filter((name) => name.startsWith('burn-doctor')),
    [],
    'no folder stays',
  )
})

test('doctor: finds a missing login and a read-only account', async (t) => {
  const dir = scratch(t)
  makeBare(join(dir, 'acme/app.git'), { 'a.txt': 'a\n' })
  const tokens = { 'token-of-agent': 'agent' }
  const server = await startGitea({ check: false, git: dir, repos: [{ name: 'acme/app', writers: [] }], tokens })
  t.after(() => server.close())
  const repos = [{ repo: 'acme/app', url: `${server.url}/acme/app.git` }]
  const check = () => repoFindings(machineIn(dir), repos, branch)
  assert.match((await check())[0]?.what ?? '', /git can't read http.*could not read Username/)
  const { host, hostname } = new URL(server.url)
  assert.ok(host !== '')
  writeFileSync(join(dir, '.netrc'), `machine ${hostname} login agent password token-of-agent\n`, { mode: 0o600 })
  const [refused] = await check()
  assert.match(refused?.what ?? '', /User permission denied for writing/)
  assert.match(refused?.remedy ?? '', /write access to acme\/app/)
  server.state.repo('acme/app').writers.add('agent')
  assert.deepEqual(
    (await check()).map(({ level }) => level),
    ['ok'],
  )
})

test('doctor: tells how to trust the repository of another user', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root can give a repository to another user')
  const dir = scratch(t)
  const bare = join(dir, 'app.git')
  makeBare(bare, { 'a.txt': 'a\n' })
  chownSync(bare, 12345, 12345)
  const [finding] = await repoFindings(machineIn(dir), [{ repo: 'acme/app', url: bare }], branch)
  assert.match(finding?.what ?? '', /git can't read .*dubious ownership/)
  assert.match(finding?.remedy ?? '', new RegExp(`git config --global --add safe\\.directory .*${bare}`))
})
