/** Merges, rebases and squashes commits of a bare repository, without a working tree. */
import { lstat, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CommitPair } from '../core/bare-git.ts'
import type { MergeMethod } from '../core/change-stages.ts'
import type { GitPlace } from './command.ts'
import { ifCode, noSuchPath } from '../core/errors.ts'
import { decodeUtf8, encodeUtf8, gitFailure, gitOutput, runGit, type Git } from './run.ts'

/** A git directory, and the environment of commands in it. */
interface ScratchPlace {
  readonly at: GitPlace
  readonly env: Readonly<Record<string, string>>
}

/** A git directory without settings that has the objects of a bare repository. */
interface Scratch {
  /** New objects are deleted together with the scratch directory. */
  readonly reading: ScratchPlace
  /** New objects go to the bare repository. */
  readonly writing: ScratchPlace
}

const scratchPrefix = 'burn-merge-'
/** A merge takes less than this time (ms), so an older scratch directory belongs to a process that was killed. */
const longestMerge = 60 * 60_000

/** Deletes the scratch directories that killed processes of this user left beside a new one. */
async function deleteAbandoned(own: string): Promise<void> {
  const { uid, mtimeMs: now } = await lstat(own)
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(scratchPrefix))
  for (const path of names.map((name) => join(tmpdir(), name))) {
    const found = await lstat(path).catch(ifCode(noSuchPath, null))
    if (found?.isDirectory() === true && found.uid === uid && now - found.mtimeMs > longestMerge)
      await rm(path, { recursive: true, force: true })
  }
}

/**
 * Runs a task with a scratch directory. A merge runs the programs that the settings of its repository name as merge drivers. Every agent
 * that may push can change the settings of a bare repository, so a merge must not read them. `commit` shows the object format.
 */
export async function withScratch<T>(bare: string, commit: string, task: (scratch: Scratch) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), scratchPrefix))
  try {
    await deleteAbandoned(dir)
    await Promise.all(['objects', 'refs'].map((name) => mkdir(join(dir, name))))
    await writeFile(join(dir, 'HEAD'), 'ref: refs/heads/none\n')
    const format = commit.length === 64 ? '[core]\nrepositoryformatversion = 1\n[extensions]\nobjectformat = sha256\n' : ''
    await writeFile(join(dir, 'config'), format)
    const at = { git_dir: dir }
    const objects = join(bare, 'objects')
    return await task({
      reading: { at, env: { GIT_ALTERNATE_OBJECT_DIRECTORIES: objects } },
      writing: { at, env: { GIT_OBJECT_DIRECTORY: objects } },
    })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** Returns the tree of a merge of two commits; null if they conflict, or have no common ancestor. Needs git 2.38. */
export async function mergeTrees(git: Git, { at, env }: ScratchPlace, one: string, other: string): Promise<string | null> {
  const args = ['merge-tree', '--write-tree', '--no-messages', one, other]
  const result = await runGit(git, args, { at, env })
  if (result.code === 0) return result.stdout.trim()
  if (result.code === 1 || /unrelated histories/.test(result.stderr)) return null
  throw gitFailure(args, result)
}

const committer = { GIT_COMMITTER_NAME: 'burn', GIT_COMMITTER_EMAIL: 'burn@localhost' }
const author = { GIT_AUTHOR_NAME: 'burn', GIT_AUTHOR_EMAIL: 'burn@localhost' }

interface Commit {
  readonly tree: string
  readonly parents: readonly string[]
  /** The message, as a `latin1` string of UTF-8 bytes. */
  readonly message: string
  /** The variables that name the author; burn by default. */
  readonly author?: Readonly<Record<string, string>>
}

async function create(git: Git, { at, env }: ScratchPlace, { tree, parents, message, ...more }: Commit): Promise<string> {
  const args = ['commit-tree', '--no-gpg-sign', ...parents.flatMap((parent) => ['-p', parent]), '-F', '-', tree]
  const identity = { ...author, ...more.author, ...committer }
  return (await gitOutput(git, args, { at, env: { ...env, ...identity }, input: message })).trim()
}

/** Returns a commit with the base and the changes of the head. See `BareGit.combine`. */
export async function combineCommits(
  git: Git,
  bare: string,
  { base, head }: CommitPair,
  { method, message }: { readonly method: MergeMethod; readonly message: string },
): Promise<string | null> {
  if (await isAncestor(git, bare, head, base)) return base
  if (method === 'fast_forward') return (await isAncestor(git, bare, base, head)) ? head : null
  return withScratch(bare, base, async ({ writing }) => {
    const rebased = method === 'rebase' || method === 'rebase_merge' ? await rebase(git, writing, { base, head }) : head
    if (rebased === null || rebased === base || method === 'rebase') return rebased
    const tree = await mergeTrees(git, writing, base, rebased)
    if (tree === null || tree === (await treeOf(git, writing, base))) return tree === null ? null : base
    const parents = method === 'squash' ? [base] : [base, rebased]
    return create(git, writing, { tree, parents, message: encodeUtf8(message) })
  })
}

/** Returns whether the second commit contains the first one. */
export async function isAncestor(git: Git, bare: string, one: string, other: string): Promise<boolean> {
  const args = ['merge-base', '--is-ancestor', one, other]
  const result = await runGit(git, args, { at: { git_dir: bare } })
  if (result.code === 0 || result.code === 1) return result.code === 0
  throw gitFailure(args, result)
}

async function treeOf(git: Git, { at, env }: ScratchPlace, commit: string): Promise<string> {
  return (await gitOutput(git, ['rev-parse', '--verify', `${commit}^{tree}`], { at, env })).trim()
}

/** Applies the commits of the head to the base, one by one, and returns the last one; null if one of them conflicts. Drops merge commits. */
async function rebase(git: Git, place: ScratchPlace, { base, head }: CommitPair): Promise<string | null> {
  let tip = base
  let tree = await treeOf(git, place, base)
  for (const commit of await commitsBetween(git, place, { base, head })) {
    const next = await pick(git, place, commit.sha, tip)
    if (next === null) return null
    if (next === tree) continue
    tip = await create(git, place, { tree: next, parents: [tip], message: commit.message, author: commit.author })
    tree = next
  }
  return tip
}

/** Returns the commits that the head has and the base lacks, oldest first, without merge commits. */
async function commitsBetween(git: Git, { at, env }: ScratchPlace, { base, head }: CommitPair) {
  const format = '--format=%H%x00%an%x00%ae%x00%ad%x00%B%x00'
  const args = ['log', '--reverse', '--topo-order', '--no-merges', '--date=raw', format, `${base}..${head}`]
  // git ends each entry with a newline, which the last field leaves at the beginning of the next entry.
  const fields = (await gitOutput(git, args, { at, env })).split('\0')
  return Array.from({ length: Math.floor(fields.length / 5) }, (_, index) => {
    const [sha = '', name = '', email = '', date = '', message = ''] = fields.slice(index * 5, index * 5 + 5)
    const author = { GIT_AUTHOR_NAME: decodeUtf8(name), GIT_AUTHOR_EMAIL: decodeUtf8(email), GIT_AUTHOR_DATE: date }
    return { sha: sha.trim(), message, author }
  })
}

/**
 * Makes two commits whose merge has the tree of `onto` with the changes of one commit, and returns them. Before version 2.40, git merges
 * trees only with the common ancestor of two commits. So the ancestor of these commits has the tree of the commit's parent.
 */
export async function pickSides(git: Git, place: ScratchPlace, commit: string, onto: string): Promise<readonly [string, string]> {
  const ancestor = await create(git, place, { tree: `${commit}^^{tree}`, parents: [], message: '' })
  const side = (each: string) => create(git, place, { tree: `${each}^{tree}`, parents: [ancestor], message: '' })
  return Promise.all([side(onto), side(commit)])
}

/** Returns the tree of `onto` with the changes of one commit; null if they conflict. */
async function pick(git: Git, place: ScratchPlace, commit: string, onto: string): Promise<string | null> {
  return mergeTrees(git, place, ...(await pickSides(git, place, commit, onto)))
}
