/** Files that git would track are recognised in every kind of work tree. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../src/cli/clock.ts'
import { trackedBy } from '../../src/git/tracked.ts'
import { scratch } from '../support/fleet.ts'

test('tracked: follows links, linked work trees and ignore rules', async (t) => {
  const dir = scratch(t)
  const repo = join(dir, 'repo')
  const git = (...words: string[]) => execFileSync('git', ['-C', repo, '-c', 'user.name=a', '-c', 'user.email=a@b', ...words])
  mkdirSync(join(repo, 'inside'), { recursive: true })
  git('init', '-q')
  writeFileSync(join(repo, '.gitignore'), 'ignored/\n')
  git('commit', '-q', '--allow-empty', '-m', 'first')
  git('worktree', 'add', '-q', join(dir, 'linked'))
  symlinkSync(join(repo, 'inside'), join(dir, 'link'))
  const rootOf = (path: string) => trackedBy({ env: process.env, clock: systemClock, login: null }, join(dir, path, 'snapshot.json'))
  assert.equal(await rootOf('repo'), repo)
  assert.equal(await rootOf('repo/not/there'), repo)
  assert.equal(await rootOf('link/new'), repo)
  assert.equal(await rootOf('linked/new'), join(dir, 'linked'))
  assert.equal(await rootOf('repo/.git/new'), repo, 'a failure of git counts as tracked')
  assert.equal(await rootOf('repo/ignored/new'), null)
  assert.equal(await rootOf('outside/new'), null)
})
