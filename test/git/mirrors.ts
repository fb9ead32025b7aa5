/** Ready mirrors for tests: copying one is faster than cloning it. */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { RepoRef } from '../../src/core/nouns.ts'
import { openMirror } from '../../src/git/mirror.ts'
import { mirrorAt } from '../../src/git/places.ts'
import { clock } from '../support/clock.ts'

type Files = Readonly<Record<string, string>>

/** The mirrors that burn cloned, by the files of their remote. */
const cloned = new Map<string, Promise<string>>()
/** The folder of these mirrors until this process ends. */
let templateDir: string | null = null

/**
 * Copies the mirror of a remote that `makeBare` made of these files into `dir`. Clones it first if this process has no mirror of the same
 * files.
 */
export async function placeMirror(
  dir: string,
  remote: { readonly repo: RepoRef; readonly bare: string; readonly files: Files },
): Promise<void> {
  const key = JSON.stringify([remote.repo, remote.files])
  const template = cloned.get(key) ?? cloneTemplate(remote.repo, remote.bare)
  cloned.set(key, template)
  const { path } = mirrorAt(dir, remote.repo, '')
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  cpSync(await template, path, { recursive: true })
}

async function cloneTemplate(repo: RepoRef, bare: string): Promise<string> {
  if (templateDir === null) {
    const made = mkdtempSync(join(tmpdir(), 'burn-test-mirrors-'))
    process.once('exit', () => rmSync(made, { recursive: true, force: true }))
    templateDir = made
  }
  const git = { env: { PATH: process.env['PATH'], HOME: templateDir }, login: null, clock }
  const { path } = await openMirror(git, { dir: join(templateDir, String(cloned.size)), repo, clone_url: bare })
  return path
}
