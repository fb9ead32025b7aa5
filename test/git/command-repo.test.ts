/** The repository that commands in the sandbox see as `.git`. */
import assert from 'node:assert/strict'
import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createCommandRepo } from '../../src/git/command-repo.ts'
import { commitTo, gitAs } from '../stand-ins/gitea/git.ts'
import { openRig } from './rig.ts'

test('command repo: has the object format of a SHA-256 repo', async (t) => {
  const { root, bare, workspace } = await openRig(t, {})
  rmSync(bare, { recursive: true })
  gitAs(root, 'init', '--quiet', '--bare', '--object-format=sha256', '-b', 'main', bare)
  const tip = commitTo(bare, 'main', { 'a.txt': 'a\n' }, null)
  const made = await workspace()
  const { link } = await createCommandRepo(made)
  copyFileSync(link, join(made.path, '.git'))
  assert.equal(gitAs(made.path, 'rev-parse', 'HEAD'), tip)
  assert.equal(gitAs(made.path, 'status', '--short'), '')
})
