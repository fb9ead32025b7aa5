/** Mirrors that tests find already cloned: a copy costs one process of git where a clone costs nine. */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { RepoRef } from '../../src/core/nouns.ts'
import { openMirror } from '../../src/git/mirror.ts'
import { mirrorAt } from '../../src/git/places.ts'
import { clock } from '../support/clock.ts'

type Files = Readonly<Record<string, string>>

/** Mirrors as burn cloned them, by the files of their remote, and the folder they are in until this process ends. */
const cloned = new Map<string, Promise<string>>()
let shelf: string | null = null

/** Puts the mirror of a remote that `makeBare` has just made of these files into `dir`. Has burn clone it if no remote of the same files was cloned before. */
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
  if (shelf === null) {
    const made = mkdtempSync(join(tmpdir(), 'burn-test-mirrors-'))
    process.once('exit', () => rmSync(made, { recursive: true, force: true }))
    shelf = made
  }
  const git = { env: { PATH: process.env['PATH'], HOME: shelf }, login: null, clock }
  const { path } = await openMirror(git, { dir: join(shelf, String(cloned.size)), repo, clone_url: bare })
  return path
}
