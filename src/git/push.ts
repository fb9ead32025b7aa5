/** What goes to the remote: one branch, never by force; what its commits touch, and whether it would still merge there. */
import type { Workspace } from './places.ts'
import { tipOf } from './changes.ts'
import { takesLogin } from './command.ts'
import { keepConfig } from './config.ts'
import { withMirrorLock, fetchBase, withRepair } from './mirror.ts'
import { remoteTip, pushedRef } from './pushed.ts'
import { gitFailure, gitOutput, decodeUtf8, runGit, encodeUtf8, type Git } from './run.ts'

/**
 * Pushes the workspace's branch, and gives the commit that is there now. The same commit again is well. Throws BurnError `git_conflict` where
 * the branch has another history there, `git_refused` where a rule of the repo forbids it, and what a network brings.
 */
export async function push(git: Git, workspace: Workspace): Promise<string> {
  const { git_dir, branch, mirror } = workspace
  const at = { git_dir }
  await keepConfig(mirror)
  const tip = await tipOf(git, workspace)
  const words = ['push', '--porcelain', '--no-verify', '--no-follow-tags', '--no-signed', mirror.clone_url, `${tip}:refs/heads/${branch}`]
  const result = await runGit(git, words, { at, network: { login: takesLogin(mirror.clone_url) } })
  // An answer that was lost on its way has git push again, which is then refused.
  if (result.code !== 0 && (await remoteTip(git, workspace)) !== tip) throw gitFailure(words, result)
  await gitOutput(git, ['update-ref', pushedRef(workspace), tip], { at })
  return tip
}

export interface MergeCheck {
  /** Null where this git can't tell. */
  readonly merges: boolean | null
  /** Files with conflicts. */
  readonly files: readonly string[]
}

/** Whether the workspace's branch still merges into its base, as that is on the remote now. Throws BurnError `git_*`. */
export async function checkMerge(git: Git, workspace: Workspace): Promise<MergeCheck> {
  const { mirror, base } = workspace
  const newest = await withMirrorLock(git, mirror, () => withRepair(git, mirror, () => fetchBase(git, mirror, base, { tidy: false })))
  if (newest === workspace.base_commit) return { merges: true, files: [] }
  const words = ['merge-tree', '--write-tree', '--name-only', '--no-messages', '-z', newest, await tipOf(git, workspace)]
  const result = await runGit(git, words, { at: { git_dir: mirror.path } })
  if (result.code === 0) return { merges: true, files: [] }
  // Before 2.38 there is no such option.
  if (result.code === 129) return { merges: null, files: [] }
  if (result.code !== 1) throw gitFailure(words, result)
  const names = result.stdout.split('\0').slice(1)
  return { merges: false, files: [...new Set(names.filter((name) => name !== '').map(decodeUtf8))] }
}

const plain = ['--no-renames', '--no-ext-diff', '--no-textconv', '--ignore-submodules=none']

/** Returns every path that a commit of the branch adds, changes or deletes, also if a later one takes that back. Throws BurnError `git_*`. */
export async function touchedPaths(git: Git, workspace: Workspace): Promise<string[]> {
  const range = `${workspace.base_commit}..${await tipOf(git, workspace)}`
  const words = ['log', '-z', '-m', '--format=', '--name-only', ...plain, range, '--']
  const names = (await gitOutput(git, words, { at: { git_dir: workspace.git_dir } })).split('\0')
  return [...new Set(names.map((name) => decodeUtf8(name.replace(/^\n/, ''))))].filter((name) => name !== '')
}

/** Returns the names in the base commit's top folder. Throws BurnError `git_*`. */
export async function topNames(git: Git, { git_dir, base_commit }: Workspace): Promise<string[]> {
  const names = await gitOutput(git, ['ls-tree', '-z', '--name-only', base_commit], { at: { git_dir } })
  return names
    .split('\0')
    .filter((name) => name !== '')
    .map(decodeUtf8)
}

/** Returns the branch's difference to its base in these paths, as a patch. Throws BurnError `git_*`. */
export async function patchOf(git: Git, workspace: Workspace, paths: readonly string[]): Promise<string> {
  const { git_dir, base_commit } = workspace
  const commits = [base_commit, await tipOf(git, workspace)]
  const words = ['--literal-pathspecs', 'diff-tree', '-p', ...plain, ...commits, '--', ...paths.map(encodeUtf8)]
  return decodeUtf8(await gitOutput(git, words, { at: { git_dir } }))
}
