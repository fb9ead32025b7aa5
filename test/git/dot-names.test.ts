/** Repos whose names begin with a dot, such as `.github`. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { openMirror } from '../../src/git/mirror.ts'
import { listWorkspaces } from '../../src/git/places.ts'
import { addWorkspace } from '../../src/git/workspace.ts'
import { openGitea } from '../../src/forge/gitea.ts'
import { startGitea } from '../stand-ins/gitea/server.ts'
import { clock } from '../support/clock.ts'
import { testFleet, writeIssues } from '../support/fleet.ts'
import { id, openRig } from './rig.ts'

const repo = 'acme/.github'

test('dot names: a mirror and its workspaces', async (t) => {
  const { git, bare, dir } = await openRig(t)
  const mirror = await openMirror(git, { dir, repo, clone_url: bare })
  await addWorkspace(git, mirror, { id: id(1), base: 'main' })
  assert.deepEqual(
    (await listWorkspaces(dir)).map(({ mirror: { repo: name } }) => name),
    [repo],
  )
  for (const bad of ['acme/..', 'acme/.', '../app']) await assert.rejects(openMirror(git, { dir, repo: bad, clone_url: bare }))
})

test('dot names: issues of Gitea and of a folder', async (t) => {
  const server = await startGitea({ check: false, repos: [{ name: repo, writers: ['burn'], issues: [{ title: 'one' }] }] })
  t.after(() => server.close())
  const forge = openGitea({ url: server.url, token: async () => server.token, clock, random: () => 0, branch_prefix: 'burn/' })
  assert.deepEqual(
    (await forge.issues(repo, null)).issues.map(({ ref }) => ref),
    [`${repo}#1`],
  )
  const fleet = testFleet(t, (dir, socket) => {
    const windows = [{ name: 'A', names: ['ANN'], repos: ['.github'] }]
    return { socket, forge: { kind: 'folder', path: dir }, ledger: `sqlite:${join(dir, 'l.db')}`, machines: { box: { windows } } }
  })
  writeIssues(fleet.dir, '.github', [{ title: 'one', body: '' }])
  await fleet.burn('dispatch', '--dry-run')
  const { out } = await fleet.burn('explain', 'local/.github#1')
  assert.match(out, /local\/\.github#1/)
})
