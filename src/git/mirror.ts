/**
 * Cached bare clones (mirrors), one per repo: `<dir>/mirrors/<owner>/<name>.git`. `refs/remotes/origin/` has the fetched branches, and
 * `refs/heads/` has the branches of workspaces.
 */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { RepoRef } from '../core/nouns.ts'
import type { Mirror } from './places.ts'
import type { Git } from './run.ts'
import { BurnError, ifCode, noSuchPath } from '../core/errors.ts'
import { oneLine } from '../core/text.ts'
import { restoreConfig, writeConfig, type ObjectFormat } from './config.ts'
import { diskError } from './failure.ts'
import { withLock } from './lock.ts'
import { mirrorAt } from './places.ts'
import { unpushedWorkspace } from './pushed.ts'
import { gitFailure, gitOutput, runGit } from './run.ts'

export interface MirrorOptions {
  readonly dir: string
  readonly repo: RepoRef
  readonly clone_url: string
  /** A branch. If it is set, a new mirror has only the newest commit of this branch. */
  readonly snapshot?: string
}

/**
 * Returns the mirror of a repo. Clones the repo if the mirror is missing, or if it lacks its HEAD and no workspace has unpushed work. Finds
 * other damage only when git uses the mirror (`withRepair`). Throws BurnError `git_*`: `git_empty` if the repo has no commits,
 * `git_mirror_damaged` if a new clone would lose work.
 */
export async function openMirror(git: Git, { dir, repo, clone_url, snapshot }: MirrorOptions): Promise<Mirror> {
  if (!/^(?!\.)[\w.-]{1,100}\/(?!\.{1,2}$)[\w.-]{1,100}$/.test(repo))
    throw new BurnError('git_refused', `${JSON.stringify(repo)} is not a valid repo name`, 'write the repo as owner/name')
  // The first pattern also rejects a user name without a password, because the name can be a token.
  if (/^(?:https?:\/\/[^/]*@|[a-z+]+:\/\/[^/]*:[^/]*@|-)/i.test(clone_url) || /[\s\0]/.test(clone_url))
    throw new BurnError(
      'git_refused',
      `the clone URL of ${repo} is not valid, or it contains a login`,
      'remove the login from the URL, and configure it as forge.token in the spec',
    )
  const mirror = mirrorAt(dir, repo, clone_url)
  await mkdir(dirname(mirror.path), { recursive: true, mode: 0o700 }).catch(throwDiskError)
  await withMirrorLock(git, mirror, async () => {
    if (!existsSync(mirror.path)) return clone(git, mirror, snapshot)
    if (!existsSync(join(mirror.path, 'HEAD'))) return cloneAgain(git, mirror)
    await restoreConfig(mirror)
  })
  return mirror
}

/** Runs `act` while this process holds the lock of the mirror. Returns the result of `act`. */
export function withMirrorLock<T>(git: Git, mirror: Mirror, act: () => Promise<T>): Promise<T> {
  return withLock(`${mirror.path}.lock`, git, act)
}

/**
 * Runs `act` and returns its result. If `act` fails because a killed git left a lock file or because the mirror is damaged, repairs the
 * mirror and runs `act` again. The caller must hold the mirror's lock.
 */
export async function withRepair<T>(git: Git, mirror: Mirror, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (thrown) {
    const code = thrown instanceof BurnError ? thrown.code : ''
    if (code === 'git_locked') await removeLocks(mirror.path)
    else if (code === 'git_mirror_damaged' || code === 'git_object_format') await cloneAgain(git, mirror)
    else throw thrown
  }
  return act()
}

/**
 * Fetches a base branch and returns its commit. If `tidy` is true, git may then repack the mirror. The caller must hold the mirror's lock.
 * Throws BurnError `git_*`: `git_no_base` if the branch does not exist, `git_empty` if the repo has no commits.
 */
export async function fetchBase(git: Git, mirror: Mirror, base: string, { tidy }: { readonly tidy: boolean }): Promise<string> {
  const ref = `refs/remotes/origin/${base}`
  if (!/^(?![-/.])(?!.*(?:\.\.|@\{|\/\/|\/\.|\.lock(?:\/|$)))[^\s\0-\x1f\x7f~^:?*[\\]+$/.test(base))
    throw new BurnError(
      'git_no_base',
      `${JSON.stringify(base)} is not a valid branch name`,
      'correct the base branch of the repo in the spec',
    )
  await fetchRef(git, mirror, `+refs/heads/${base}:${ref}`, { git_dir: mirror.path, tidy })
  return commitOf(git, mirror, ref)
}

/** Returns the commit of a ref of the mirror. Reads git's file of the ref if there is one, which costs less than a git process. */
async function commitOf(git: Git, { path }: Mirror, ref: string): Promise<string> {
  const text = await readFile(join(path, ref), 'latin1').catch(ifCode([...noSuchPath, 'EISDIR'], ''))
  const commit = /^([0-9a-f]{40}|[0-9a-f]{64})\n$/.exec(text)?.[1]
  return commit ?? (await gitOutput(git, ['rev-parse', '--verify', `${ref}^{commit}`], { at: { git_dir: path } })).trim()
}

/**
 * Returns the ids of all refs of the mirror, by name. Throws BurnError `git_mirror_damaged` if a ref cannot be read, or names a missing
 * object. Damage in other objects is found only when git uses them.
 */
export async function refsOf(git: Git, mirror: Mirror): Promise<ReadonlyMap<string, string>> {
  const args = ['for-each-ref', '--format=%(objecttype) %(objectname) %(refname)']
  const result = await runGit(git, args, { at: { git_dir: mirror.path } })
  if (result.stopped !== null) throw gitFailure(args, result)
  if (result.code !== 0 || result.stderr !== '')
    throw new BurnError(
      'git_mirror_damaged',
      `git cannot read the refs of ${mirror.path}: ${oneLine(result.stderr)}`,
      'burn clones the repo again if no workspace has unpushed work',
    )
  const lines = result.stdout.split('\n').filter((line) => line !== '')
  return new Map(lines.map((line) => line.split(' ')).map(([, id = '', name = '']) => [name, id]))
}

/** Fetches a branch, and sets the branch of the same name in the mirror to its commit. Throws BurnError `git_*`. */
export async function fetchBranch(git: Git, mirror: Mirror, branch: string): Promise<void> {
  await withMirrorLock(git, mirror, () =>
    withRepair(git, mirror, async () => {
      const commit = await fetchBase(git, mirror, branch, { tidy: true })
      await gitOutput(git, ['update-ref', `refs/heads/${branch}`, commit], { at: { git_dir: mirror.path } })
    }),
  )
}

/**
 * Fetches one commit, unless the mirror has it. A ref keeps the commit in the mirror. If the server does not send single commits, fetches all
 * branches. Throws BurnError `git_*`.
 */
export async function fetchCommit(git: Git, mirror: Mirror, commit: string): Promise<void> {
  const at = { git_dir: mirror.path }
  const ref = `refs/burn/commits/${commit}`
  const exists = async () => (await runGit(git, ['rev-parse', '--verify', '--quiet', `${commit}^{commit}`], { at })).code === 0
  await withMirrorLock(git, mirror, () =>
    withRepair(git, mirror, async () => {
      if (await exists()) return gitOutput(git, ['update-ref', ref, commit], { at })
      const options = { git_dir: mirror.path, tidy: true }
      await fetchRef(git, mirror, `+${commit}:${ref}`, options).catch(async (thrown: unknown) => {
        await fetchRef(git, mirror, '+refs/heads/*:refs/remotes/origin/*', options)
        if (!(await exists())) throw thrown
        await gitOutput(git, ['update-ref', ref, commit], { at })
      })
    }),
  )
}

async function fetchRef(
  git: Git,
  mirror: Mirror,
  refspec: string,
  { git_dir, tidy, depth }: { readonly git_dir: string; readonly tidy: boolean; readonly depth?: number },
): Promise<void> {
  const at = { git_dir }
  const network = { url: mirror.clone_url }
  const options = ['--quiet', '--no-write-fetch-head', '--no-recurse-submodules', ...(tidy ? [] : ['--no-auto-gc'])]
  if (depth !== undefined) options.push(`--depth=${depth}`)
  const fetchWith = (...more: readonly string[]) =>
    gitOutput(git, ['fetch', ...options, ...more, mirror.clone_url, refspec], { at, network })
  try {
    // Git also fetches the tags of the fetched commits. A tag that the mirror cannot store must not prevent the fetch of the branch.
    await fetchWith().catch((thrown: unknown) => {
      if (thrown instanceof BurnError && /refs\/tags\/|some local refs could not be updated/.test(thrown.message))
        return fetchWith('--no-tags')
      throw thrown
    })
  } catch (thrown) {
    if (!(thrown instanceof BurnError) || thrown.code !== 'git_no_base') throw thrown
    const heads = await gitOutput(git, ['ls-remote', '--heads', mirror.clone_url], { at, network })
    if (heads === '') throw new BurnError('git_empty', `${mirror.repo} has no commits`, 'push a first commit to the repo')
    throw thrown
  }
}

/**
 * Clones the default branch into a temporary folder, and renames the folder when the clone is complete. Other base branches are fetched
 * when they are needed.
 */
async function clone(git: Git, mirror: Mirror, snapshot?: string): Promise<void> {
  const prefix = `${mirror.path}.new-`
  for (const name of await readdir(dirname(mirror.path))) {
    const left = join(dirname(mirror.path), name)
    if (left.startsWith(prefix)) await rm(left, { recursive: true, force: true })
  }
  const made = `${prefix}${randomBytes(6).toString('hex')}`
  try {
    await fetchInto(git, mirror, { made, snapshot, format: 'sha1' }).catch(async (thrown: unknown) => {
      if (!(thrown instanceof BurnError) || thrown.code !== 'git_object_format') throw thrown
      await rm(made, { recursive: true, force: true })
      await fetchInto(git, mirror, { made, snapshot, format: 'sha256' })
    })
    await rename(made, mirror.path)
  } catch (thrown) {
    await rm(made, { recursive: true, force: true })
    throw diskError(thrown)
  }
}

interface NewMirror {
  readonly made: string
  readonly snapshot: string | undefined
  readonly format: ObjectFormat
}

async function fetchInto(git: Git, mirror: Mirror, { made, snapshot, format }: NewMirror): Promise<void> {
  await mkdir(made, { mode: 0o700 })
  const options = ['--quiet', '--bare', '--template=', '--initial-branch=none', `--object-format=${format}`]
  await gitOutput(git, ['init', ...options, made], { at: null })
  await writeConfig(made, format)
  const place = { git_dir: made, tidy: false }
  if (snapshot === undefined) await fetchRef(git, mirror, '+HEAD:refs/burn/head', place).catch(ignoreMissingHead)
  else await fetchRef(git, mirror, `+refs/heads/${snapshot}:refs/remotes/origin/${snapshot}`, { ...place, depth: 1 })
}

/** Ignores the error that the HEAD of a repo names a missing branch, because other branches may exist. Throws all other errors. */
function ignoreMissingHead(thrown: unknown): void {
  if (!(thrown instanceof BurnError) || thrown.code !== 'git_no_base') throw thrown
}

/** Clones a damaged mirror again. Throws BurnError `git_mirror_damaged` if that would lose the unpushed work of a workspace. */
async function cloneAgain(git: Git, mirror: Mirror): Promise<void> {
  const unpushed = await unpushedWorkspace(git, mirror)
  if (unpushed !== null)
    throw new BurnError(
      'git_mirror_damaged',
      `the mirror of ${mirror.repo} is damaged, and the workspace ${unpushed} has unpushed work`,
      `copy the files of that workspace to another folder, then remove ${mirror.path}`,
    )
  const aside = `${mirror.path}.damaged`
  await rm(aside, { recursive: true, force: true })
  await rename(mirror.path, aside)
  await clone(git, mirror)
}

/**
 * Removes the lock files that a killed git left in a mirror. The caller holds the mirror's lock, so no other git process is changing the
 * mirror.
 */
async function removeLocks(path: string): Promise<void> {
  const names = await readdir(path, { recursive: true })
  const locks = names.filter((name) => name.endsWith('.lock') && !/^(?:objects|worktrees)\//.test(name))
  for (const name of locks) await rm(join(path, name), { force: true })
}

function throwDiskError(thrown: unknown): never {
  throw diskError(thrown)
}
