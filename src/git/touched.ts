/** What a workspace's branch would bring to the remote, commit by commit. */
import type { Workspace } from './places.ts'
import { tipOf } from './changes.ts'
import { bytesOf, mustGit, readable, type Git } from './run.ts'

const plain = ['--no-renames', '--no-ext-diff', '--no-textconv', '--ignore-submodules=none']

/** Returns every path that a commit of the branch adds, changes or deletes, also if a later one takes that back. Throws BurnError `git_*`. */
export async function touchedPaths(git: Git, workspace: Workspace): Promise<string[]> {
  const range = `${workspace.base_commit}..${await tipOf(git, workspace)}`
  const words = ['log', '-z', '-m', '--format=', '--name-only', ...plain, range, '--']
  const names = (await mustGit(git, words, { at: { git_dir: workspace.git_dir } })).split('\0')
  return [...new Set(names.map((name) => readable(name.replace(/^\n/, ''))))].filter((name) => name !== '')
}

/** Returns the names in the base commit's top folder. Throws BurnError `git_*`. */
export async function topNames(git: Git, { git_dir, base_commit }: Workspace): Promise<string[]> {
  const names = await mustGit(git, ['ls-tree', '-z', '--name-only', base_commit], { at: { git_dir } })
  return names
    .split('\0')
    .filter((name) => name !== '')
    .map(readable)
}

/** Returns the branch's difference to its base in these paths, as a patch. Throws BurnError `git_*`. */
export async function patchOf(git: Git, workspace: Workspace, paths: readonly string[]): Promise<string> {
  const { git_dir, base_commit } = workspace
  const commits = [base_commit, await tipOf(git, workspace)]
  const words = ['--literal-pathspecs', 'diff-tree', '-p', ...plain, ...commits, '--', ...paths.map(bytesOf)]
  return readable(await mustGit(git, words, { at: { git_dir } }))
}
