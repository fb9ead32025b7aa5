/** The paths of mirrors and workspaces, and the records of workspaces. A model in a sandbox cannot write to the folders of the records. */
import { existsSync } from 'node:fs'
import { readFile, readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { RepoRef } from '../core/nouns.ts'
import type { GitPlace } from './command.ts'
import { defaultBranchPrefix, idPattern } from '../core/ids.ts'

/** The cached bare clone of one repo. */
export interface Mirror {
  readonly repo: RepoRef
  readonly clone_url: string
  /** The path of the bare repository. */
  readonly path: string
  /** The folder that contains all mirrors and workspaces. */
  readonly dir: string
}

/** The folder in which one dispatch works: a git worktree of the mirror, on its own branch. */
export interface Workspace {
  /** The id of the dispatch. */
  readonly id: string
  readonly mirror: Mirror
  /** The path of the folder. Its content is untrusted, because a model can write to it. */
  readonly path: string
  /** The worktree's git directory, which is inside the mirror. */
  readonly git_dir: string
  readonly branch: string
  /** The base branch: the workspace starts from this branch, and the change will be merged into this branch. */
  readonly base: string
  /** The commit of the base branch from which the workspace was created. */
  readonly base_commit: string
}

const recordName = 'burn.json'

/** Returns the paths of a repo's mirror below `dir`. The mirror need not exist. */
export function mirrorAt(dir: string, repo: RepoRef, clone_url: string): Mirror {
  return { repo, clone_url, dir, path: join(dir, 'mirrors', `${repo}.git`) }
}

/** Returns the paths of a dispatch's workspace. The workspace need not exist. */
export function workspaceAt(mirror: Mirror, { id, ...refs }: Pick<Workspace, 'id' | 'branch' | 'base' | 'base_commit'>): Workspace {
  const { dir, path } = mirror
  return { id, mirror, path: join(dir, 'work', id), git_dir: join(path, 'worktrees', id), ...refs }
}

/** Returns the git directory and the folder of a workspace, so that git does not search the folder for its repository. */
export function worktreeOf({ git_dir, path }: Workspace): GitPlace {
  return { git_dir, work_tree: path }
}

/** Returns the path of burn's index of the files in the folder. It keeps their times, so that git need not read them again. */
export function folderIndexOf({ git_dir }: Workspace): string {
  return join(git_dir, 'burn-folder-index')
}

/** Returns the path of the index that burn commits. The agent uses a different index, so its `git add` has no effect on burn. */
export function indexOf({ git_dir }: Workspace): string {
  return join(git_dir, 'burn-index')
}

/** Returns the absolute paths that a sandbox must mount read-only, so that git commands work in the workspace. */
export function gitDirsOf({ git_dir, mirror }: Workspace): readonly string[] {
  return [mirror.path, git_dir]
}

/** Returns the path and the text of a workspace's record. burn writes the record last, so it marks a complete workspace. */
export function recordOf({ git_dir, id, branch, base, base_commit, mirror }: Workspace): { readonly path: string; readonly text: string } {
  return {
    path: join(git_dir, recordName),
    text: JSON.stringify({ id, repo: mirror.repo, clone_url: mirror.clone_url, branch, base, base_commit }),
  }
}

/** Returns the complete workspaces of all mirrors, including those whose folder was deleted. */
export async function listWorkspaces(dir: string): Promise<readonly Workspace[]> {
  const found: Workspace[] = []
  for (const owner of await namesIn(join(dir, 'mirrors'))) {
    for (const name of (await namesIn(join(dir, 'mirrors', owner))).filter((each) => each.endsWith('.git')))
      found.push(...(await workspacesOf(dir, `${owner}/${basename(name, '.git')}`)))
  }
  return found
}

/** Returns the complete workspaces of a repo, including those whose folder was deleted. */
export async function workspacesOf(dir: string, repo: RepoRef): Promise<readonly Workspace[]> {
  const worktrees = join(mirrorAt(dir, repo, '').path, 'worktrees')
  const found = await Promise.all((await namesIn(worktrees)).map((id) => readRecord(dir, repo, id, join(worktrees, id, recordName))))
  return found.filter((workspace) => workspace !== null)
}

/** Reads a workspace from its record. Returns null if the record is missing or incomplete. */
async function readRecord(dir: string, repo: RepoRef, id: string, path: string): Promise<Workspace | null> {
  if (!idPattern.test(id) || !existsSync(path)) return null
  // Earlier versions of burn wrote no `branch`.
  // `addWorkspace` wrote this record, in a folder that a sandboxed model cannot write to, so its fields can be trusted.
  const record = JSON.parse(await readFile(path, 'utf8')) as Record<string, string>
  // Earlier versions of burn wrote no `branch`.
  const { clone_url, branch = `${defaultBranchPrefix}${id}`, base, base_commit } = record
  if (clone_url === undefined || base === undefined || base_commit === undefined) return null
  return workspaceAt(mirrorAt(dir, repo, clone_url), { id, branch, base, base_commit })
}

async function namesIn(folder: string): Promise<string[]> {
  return existsSync(folder) ? (await readdir(folder)).toSorted() : []
}
