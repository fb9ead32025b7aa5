/**
 * Pushes the branch of a workspace, never by force. Also lists the paths that its commits touch, and checks whether the branch
 * merges into its base.
 */
import type { Workspace } from './places.ts'
import { tipOf } from './changes.ts'
import { restoreConfig } from './config.ts'
import { withMirrorLock, fetchBase, withRepair } from './mirror.ts'
import { remoteTip, pushedRef } from './pushed.ts'
import { gitFailure, gitOutput, decodeUtf8, runGit, encodeUtf8, type Git } from './run.ts'

/**
 * Pushes a commit to the workspace's branch, and returns the commit: `known`, or else the tip of the branch. Pushing the same commit again succeeds. Throws BurnError `git_conflict` if
 * the remote branch has a different history, `git_refused` if a rule of the repo forbids the push, and other `git_*` errors.
 */
export async function push(git: Git, workspace: Workspace, known?: string): Promise<string> {
  const { git_dir, branch, mirror } = workspace
  const at = { git_dir }
  await restoreConfig(mirror)
  const tip = known ?? (await tipOf(git, workspace))
  const args = ['push', '--porcelain', '--no-verify', '--no-follow-tags', '--no-signed', mirror.clone_url, `${tip}:refs/heads/${branch}`]
  const result = await runGit(git, args, { at, network: { url: mirror.clone_url } })
  // If the remote's answer is lost, git pushes again, and the remote rejects the second push. So the tip of the remote branch tells whether
  // the push succeeded.
  if (result.code !== 0 && (await remoteTip(git, workspace)) !== tip) throw gitFailure(args, result)
  await gitOutput(git, ['update-ref', pushedRef(workspace), tip], { at })
  return tip
}

/** The result of a test merge, which changes no branch. */
export interface MergeCheck {
  /** Whether the branch merges without a conflict; null if the installed git is too old to test this. */
  readonly merges: boolean | null
  /** The files that conflict with the base. */
  readonly files: readonly string[]
}

/** Tells whether a commit of the workspace merges into the current base branch of the remote. Throws BurnError `git_*`. */
export async function checkMerge(git: Git, workspace: Workspace, tip: string): Promise<MergeCheck> {
  const { mirror, base } = workspace
  const newest = await withMirrorLock(git, mirror, () => withRepair(git, mirror, () => fetchBase(git, mirror, base, { tidy: false })))
  if (newest === workspace.base_commit) return { merges: true, files: [] }
  const args = ['merge-tree', '--write-tree', '--name-only', '--no-messages', '-z', newest, tip]
  const result = await runGit(git, args, { at: { git_dir: mirror.path } })
  if (result.code === 0) return { merges: true, files: [] }
  // Git before 2.38 does not have this option, and exits with 129.
  if (result.code === 129) return { merges: null, files: [] }
  if (result.code !== 1) throw gitFailure(args, result)
  const names = result.stdout.split('\0').slice(1)
  return { merges: false, files: [...new Set(names.filter((name) => name !== '').map(decodeUtf8))] }
}

const diffOptions = ['--no-renames', '--no-ext-diff', '--no-textconv', '--ignore-submodules=none']

/**
 * Returns all paths that any commit between the base commit and the tip adds, changes or deletes, even if a later commit reverts the change. Throws BurnError
 * `git_*`.
 */
export async function touchedPaths(git: Git, { git_dir, base_commit }: Workspace, tip: string): Promise<string[]> {
  const range = `${base_commit}..${tip}`
  const args = ['log', '-z', '-m', '--format=', '--name-only', ...diffOptions, range, '--']
  const names = (await gitOutput(git, args, { at: { git_dir } })).split('\0')
  return [...new Set(names.map((name) => decodeUtf8(name.replace(/^\n/, ''))))].filter((name) => name !== '')
}

/** Returns the names of the files and folders in the top folder of the base commit. Throws BurnError `git_*`. */
export async function topNames(git: Git, { git_dir, base_commit }: Pick<Workspace, 'git_dir' | 'base_commit'>): Promise<string[]> {
  const names = await gitOutput(git, ['ls-tree', '-z', '--name-only', base_commit], { at: { git_dir } })
  return names
    .split('\0')
    .filter((name) => name !== '')
    .map(decodeUtf8)
}

/** Returns a patch with the changes to these paths between the base commit and the tip. Throws BurnError `git_*`. */
export async function patchOf(git: Git, { git_dir, base_commit }: Workspace, tip: string, paths: readonly string[]): Promise<string> {
  const args = ['--literal-pathspecs', 'diff-tree', '-p', ...diffOptions, base_commit, tip, '--', ...paths.map(encodeUtf8)]
  return decodeUtf8(await gitOutput(git, args, { at: { git_dir } }))
}
