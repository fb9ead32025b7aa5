/** Where mirrors and workspaces are on this machine, and what is remembered of each: nothing of it lies in a folder that a model writes to. */
import { existsSync } from 'node:fs'
import { readFile, readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { RepoRef } from '../core/nouns.ts'
import type { GitPlace } from './command.ts'
import { idPattern } from '../core/ids.ts'

export interface Mirror {
  readonly repo: RepoRef
  readonly clone_url: string
  /** The bare repository. */
  readonly path: string
  /** What mirrors and workspaces are below. */
  readonly dir: string
}

/** One dispatch's folder: a worktree of its repo's mirror, on a branch of its own. */
export interface Workspace {
  /** The dispatch's. */
  readonly id: string
  readonly mirror: Mirror
  /** The folder. Whatever is in it is a model's. */
  readonly path: string
  /** Its git directory, in the mirror. */
  readonly git_dir: string
  readonly branch: string
  /** The branch that it began from, and that its change goes against. */
  readonly base: string
  /** The commit that it began from. */
  readonly base_commit: string
}

const recordName = 'burn.json'

export function mirrorAt(dir: string, repo: RepoRef, clone_url: string): Mirror {
  return { repo, clone_url, dir, path: join(dir, 'mirrors', `${repo}.git`) }
}

export function workspaceAt(mirror: Mirror, id: string, base: string, base_commit: string): Workspace {
  const { dir, path } = mirror
  return { id, mirror, path: join(dir, 'work', id), git_dir: join(path, 'worktrees', id), branch: `burn/${id}`, base, base_commit }
}

/** Where git looks for a workspace's files and everything else, never asking the workspace. */
export function worktreeOf({ git_dir, path }: Workspace): GitPlace {
  return { git_dir, work_tree: path }
}

/** The index that only this program uses: what an agent stages in its own says nothing. */
export function indexOf({ git_dir }: Workspace): string {
  return join(git_dir, 'burn-index')
}

/** What a sandbox shows read-only beside the workspace, so that git can be asked in it: absolute paths. */
export function gitDirsOf({ git_dir, mirror }: Workspace): readonly string[] {
  return [mirror.path, git_dir]
}

/** Kept beside the worktree's HEAD: with it a workspace is complete. */
export function recordOf({ git_dir, id, base, base_commit, mirror }: Workspace): { readonly path: string; readonly text: string } {
  return {
    path: join(git_dir, recordName),
    text: JSON.stringify({ id, repo: mirror.repo, clone_url: mirror.clone_url, base, base_commit }),
  }
}

/** Every workspace of every mirror, whether its folder is still there or not. */
export async function listWorkspaces(dir: string): Promise<readonly Workspace[]> {
  const found: Workspace[] = []
  for (const owner of await namesIn(join(dir, 'mirrors'))) {
    for (const name of (await namesIn(join(dir, 'mirrors', owner))).filter((each) => each.endsWith('.git')))
      found.push(...(await workspacesOf(dir, `${owner}/${basename(name, '.git')}`)))
  }
  return found
}

export async function workspacesOf(dir: string, repo: RepoRef): Promise<readonly Workspace[]> {
  const worktrees = join(mirrorAt(dir, repo, '').path, 'worktrees')
  const found = await Promise.all((await namesIn(worktrees)).map((id) => readRecord(dir, repo, id, join(worktrees, id, recordName))))
  return found.filter((workspace) => workspace !== null)
}

/** Null for what was never completed. */
async function readRecord(dir: string, repo: RepoRef, id: string, path: string): Promise<Workspace | null> {
  if (!idPattern.test(id) || !existsSync(path)) return null
  // `addWorkspace` wrote it, in a folder that a model cannot reach.
  const { clone_url, base, base_commit } = JSON.parse(await readFile(path, 'utf8')) as Record<string, string>
  if (clone_url === undefined || base === undefined || base_commit === undefined) return null
  return workspaceAt(mirrorAt(dir, repo, clone_url), id, base, base_commit)
}

async function namesIn(folder: string): Promise<string[]> {
  return existsSync(folder) ? (await readdir(folder)).toSorted() : []
}
