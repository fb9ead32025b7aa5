/** The paths of mirrors and workspaces, and the records of workspaces. Records are in folders that a model in a sandbox cannot write to. */
import { existsSync } from 'node:fs'
import { readFile, readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { RepoRef } from '../core/nouns.ts'
import type { GitPlace } from './command.ts'
import { idPattern } from '../core/ids.ts'

/** The cached bare clone of a repo. */
export interface Mirror {
  readonly repo: RepoRef
  readonly clone_url: string
  /** The path of the bare repository. */
  readonly path: string
  /** The folder that has all mirrors and workspaces. */
  readonly dir: string
}

/** The folder of one dispatch: a worktree of its repo's mirror, on its own branch. */
export interface Workspace {
  /** The id of the dispatch. */
  readonly id: string
  readonly mirror: Mirror
  /** The path of the folder. A model may have written anything in it. */
  readonly path: string
  /** The worktree's git directory, which is in the mirror. */
  readonly git_dir: string
  readonly branch: string
  /** The branch from which the workspace was made, and into which its change is to be merged. */
  readonly base: string
  /** The commit from which the workspace was made. */
  readonly base_commit: string
}

const recordName = 'burn.json'

/** Returns the mirror of a repo below `dir`. It may not exist yet. */
export function mirrorAt(dir: string, repo: RepoRef, clone_url: string): Mirror {
  return { repo, clone_url, dir, path: join(dir, 'mirrors', `${repo}.git`) }
}

/** Returns the workspace of a dispatch. It may not exist yet. */
export function workspaceAt(mirror: Mirror, id: string, base: string, base_commit: string): Workspace {
  const { dir, path } = mirror
  return { id, mirror, path: join(dir, 'work', id), git_dir: join(path, 'worktrees', id), branch: `burn/${id}`, base, base_commit }
}

/** Returns the repository of a workspace for a git command, so that git does not search for it in the folder. */
export function worktreeOf({ git_dir, path }: Workspace): GitPlace {
  return { git_dir, work_tree: path }
}

/** Returns the path of burn's index. An agent has its own, so what the agent stages does not matter. */
export function indexOf({ git_dir }: Workspace): string {
  return join(git_dir, 'burn-index')
}

/** Returns the absolute paths that a sandbox needs read-only, so that git commands work in the workspace. */
export function gitDirsOf({ git_dir, mirror }: Workspace): readonly string[] {
  return [mirror.path, git_dir]
}

/** Returns the path and the text of a workspace's record. A workspace is complete when its record exists. */
export function recordOf({ git_dir, id, base, base_commit, mirror }: Workspace): { readonly path: string; readonly text: string } {
  return {
    path: join(git_dir, recordName),
    text: JSON.stringify({ id, repo: mirror.repo, clone_url: mirror.clone_url, base, base_commit }),
  }
}

/** Returns the complete workspaces of all mirrors, also those whose folder is gone. */
export async function listWorkspaces(dir: string): Promise<readonly Workspace[]> {
  const found: Workspace[] = []
  for (const owner of await namesIn(join(dir, 'mirrors'))) {
    for (const name of (await namesIn(join(dir, 'mirrors', owner))).filter((each) => each.endsWith('.git')))
      found.push(...(await workspacesOf(dir, `${owner}/${basename(name, '.git')}`)))
  }
  return found
}

/** Returns the complete workspaces of a repo, also those whose folder is gone. */
export async function workspacesOf(dir: string, repo: RepoRef): Promise<readonly Workspace[]> {
  const worktrees = join(mirrorAt(dir, repo, '').path, 'worktrees')
  const found = await Promise.all((await namesIn(worktrees)).map((id) => readRecord(dir, repo, id, join(worktrees, id, recordName))))
  return found.filter((workspace) => workspace !== null)
}

/** Returns a workspace from its record; null if there is no complete record. */
async function readRecord(dir: string, repo: RepoRef, id: string, path: string): Promise<Workspace | null> {
  if (!idPattern.test(id) || !existsSync(path)) return null
  // `addWorkspace` wrote the record, in a folder that a model cannot write to.
  const { clone_url, base, base_commit } = JSON.parse(await readFile(path, 'utf8')) as Record<string, string>
  if (clone_url === undefined || base === undefined || base_commit === undefined) return null
  return workspaceAt(mirrorAt(dir, repo, clone_url), id, base, base_commit)
}

async function namesIn(folder: string): Promise<string[]> {
  return existsSync(folder) ? (await readdir(folder)).toSorted() : []
}
