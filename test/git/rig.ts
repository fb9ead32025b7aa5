/** A test rig: a stand-in forge that serves git, a folder for mirrors, and git with burn's settings. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Workspace } from '../../src/git/places.ts'
import type { Git } from '../../src/git/run.ts'
import { stageChanges, commitIndex } from '../../src/git/changes.ts'
import { credentialResponse, asksForForge } from '../../src/git/credential.ts'
import { BurnError } from '../../src/core/errors.ts'
import { openMirror } from '../../src/git/mirror.ts'
import { addWorkspace } from '../../src/git/workspace.ts'
import { makeBare } from '../stand-ins/gitea/git.ts'
import { startGitea } from '../stand-ins/gitea/server.ts'
import { clock } from '../support/clock.ts'
import { placeMirror } from './mirrors.ts'

export const repo = 'acme/app'
const author = { name: 'burn', email: 'burn@example.com' }
export const committing = { author, committer: author, signing_key: null }
export const token = 'tok-9f8e7d6c5b4a-secret'
export const id = (n: number) => `0k${String(n).padStart(11, '0')}`

export const twoFiles = { 'a.txt': 'one\ntwo\n', 'lib/b.txt': 'b\n' }

/**
 * Opens a forge with one repo. `files` are the files of its first commit; without files it has no commits. A clone by path is faster than
 * over HTTP, and then the mirror exists already.
 */
export async function openRig(t: TestContext, files: Readonly<Record<string, string>> = twoFiles, by: 'http' | 'path' = 'path') {
  const root = mkdtempSync(join(tmpdir(), 'burn-git-'))
  const [forgeDir, dir, home] = [join(root, 'forge'), join(root, 'data'), join(root, 'home')]
  for (const each of [forgeDir, dir, home]) mkdirSync(each)
  const bare = join(forgeDir, `${repo}.git`)
  makeBare(bare, files)
  if (by === 'path' && Object.keys(files).length > 0) await placeMirror(dir, { repo, bare, files })
  const seed = { name: repo, writers: ['burn'] }
  const server = await startGitea({ check: false, git: forgeDir, repos: [seed], tokens: { [token]: 'burn' } })
  t.after(async () => {
    await server.close()
    rmSync(root, { recursive: true, force: true })
  })
  const login = {
    forge_url: server.url,
    answer: async (question: string) => (asksForForge(question, server.url) ? credentialResponse('burn', token) : ''),
  }
  const git: Git = { env: { PATH: process.env['PATH'], HOME: home }, login, clock }
  const clone_url = by === 'http' ? `${server.url}/${repo}.git` : bare
  const mirror = () => openMirror(git, { dir, repo, clone_url })
  const workspace = async (n = 1, base = 'main') => addWorkspace(git, await mirror(), { id: id(n), base })
  return { root, dir, home, bare, server, git, clone_url, mirror, workspace }
}

/** Commits all changes of the workspace. */
export async function commitAll(git: Git, workspace: Workspace, what: Parameters<typeof commitIndex>[2]): Promise<string> {
  await stageChanges(git, workspace)
  return commitIndex(git, workspace, what)
}

/** Returns a check for `assert.rejects`: a BurnError with this code, with a hint and without the token. */
export const fails = (code: string) => (thrown: unknown) => {
  if (!(thrown instanceof BurnError)) return false
  if (thrown.code !== code) throw new Error(`${thrown.code}, not ${code}: ${thrown.message}`)
  return thrown.hint !== '' && !`${thrown.message}${thrown.hint}`.includes(token)
}
