/** Finds, counts and commits the changes in a workspace. Runs no program and uses no configuration that the workspace contains. */
import { copyFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Workspace } from './places.ts'
import { asWorkspaceError, removeSpecialFiles } from './unsafe-files.ts'
import { leaveOutBaseline } from './baseline.ts'
import { commitTree, type Committing } from './commit.ts'
import { diskError } from './failure.ts'
import { readFolder, withIndex } from './folder.ts'
import { indexOf } from './places.ts'
import { gitFailure, gitOutput, decodeUtf8, runGit, type Git, type GitRun } from './run.ts'

/** A file that the workspace adds, changes or deletes. */
export interface FileChange {
  readonly path: string
  /** The number of added lines; null if the file is not text. */
  readonly added: number | null
  readonly removed: number | null
}

/** All changes in a workspace since its base commit, without its baseline. */
export interface WorkspaceChanges {
  /** The files that differ from the base commit, whether or not the changes are committed. */
  readonly files: readonly FileChange[]
  /** Paths that burn never commits: nested repositories, because burn runs no git in them, and names that git rejects. */
  readonly left_out: readonly string[]
  readonly empty: boolean
}

/**
 * Adds all changes in the workspace to burn's index, without the baseline, and returns these changes. Throws BurnError `git_*`, or `workspace_unusable` if git
 * cannot read the workspace.
 */
export async function stageChanges(git: Git, workspace: Workspace): Promise<WorkspaceChanges> {
  const left_out = await stage(git, workspace)
  const args = ['diff-index', '--cached', '--numstat', '-z', '--no-renames', '--no-ext-diff', '--no-textconv', workspace.base_commit, '--']
  const files = (await gitOutput(git, args, staged(workspace)))
    .split('\0')
    .filter((line) => line !== '')
    .map((line): FileChange => {
      const [added = '', removed = '', ...path] = line.split('\t')
      const count = (text: string) => (text === '-' ? null : Number(text))
      return { path: decodeUtf8(path.join('\t')), added: count(added), removed: count(removed) }
    })
  return { files, left_out, empty: files.length === 0 }
}

/**
 * Commits to the workspace's branch the changes that the last `stageChanges` found. Files that a check created later are not committed.
 * Returns the tip of the branch, which is a new commit only if there are changes. Throws BurnError `git_*`.
 */
export async function commitIndex(
  git: Git,
  workspace: Workspace,
  { message, committing }: { readonly message: string; readonly committing: Committing },
): Promise<string> {
  const at = { git_dir: workspace.git_dir }
  // Git reads files and attributes again if they are as new as its index. A check may have left a named pipe in the workspace, which would
  // block git.
  await removeSpecialFiles(workspace)
  const tree = (await asWorkspaceError(workspace, () => gitOutput(git, ['write-tree'], staged(workspace)))).trim()
  const { tip, tree: tipTree } = await tipAndTree(git, workspace)
  const before = tipTree ?? (await gitOutput(git, ['rev-parse', '--verify', `${tip}^{tree}`], { at })).trim()
  const commit = tree === before ? tip : await commitTree(git, at, { tree, parents: [tip], message }, committing)
  await gitOutput(git, ['update-ref', '--no-deref', `refs/heads/${workspace.branch}`, commit], { at })
  await updateOwnIndex(workspace)
  return commit
}

/** Returns the tip of the branch if it contains all files of the workspace; otherwise null. Throws BurnError `git_*`. */
export async function committedTip(git: Git, workspace: Workspace): Promise<string | null> {
  const left_out = await stage(git, workspace)
  const tip = await tipOf(git, workspace)
  const { code } = await runGit(git, ['diff-index', '--cached', '--quiet', tip, '--'], staged(workspace))
  return code === 0 && left_out.length === 0 ? tip : null
}

/**
 * Returns the tip of the workspace's branch. If an agent removed the branch or replaced its history, returns the base commit. Throws
 * BurnError `git_*`.
 */
export async function tipOf(git: Git, workspace: Workspace): Promise<string> {
  return (await tipAndTree(git, workspace)).tip
}

/**
 * Returns the commit of `tipOf`, and the commit's tree. The tree is null if the branch cannot be used and the commit is the base commit.
 * Throws BurnError `git_*`.
 */
async function tipAndTree(git: Git, { git_dir, branch, base_commit }: Workspace): Promise<{ tip: string; tree: string | null }> {
  const query = async (args: readonly string[]): Promise<string | null> => {
    const result = await runGit(git, args, { at: { git_dir } })
    if (result.code !== 0 && result.code !== 1) throw gitFailure(args, result)
    return result.code === 0 ? result.stdout : null
  }
  const ref = `refs/heads/${branch}`
  const output = (await query(['for-each-ref', '--format=%(refname) %(objectname) %(tree) %(parent)', ref])) ?? ''
  const [, tip, tree, ...parents] =
    output
      .split('\n')
      .map((line) => line.split(' '))
      .find(([name]) => name === ref) ?? []
  if (tip === undefined || tree === undefined) return { tip: base_commit, tree: null }
  // The parent of burn's own commit is usually the base commit. Checking this first saves a git process.
  const follows =
    tip === base_commit || parents.includes(base_commit) || (await query(['merge-base', '--is-ancestor', base_commit, tip])) !== null
  return follows ? { tip, tree } : { tip: base_commit, tree: null }
}

function staged(workspace: Workspace): GitRun {
  return withIndex(workspace, indexOf(workspace))
}

/** Updates burn's index from the folder, without the baseline. Returns the paths that git cannot commit. */
function stage(git: Git, workspace: Workspace): Promise<string[]> {
  return asWorkspaceError(workspace, async () => leaveOutBaseline(git, workspace, await readFolder(git, workspace, { store: true })))
}

/** Copies burn's index to the index that the agent uses. Otherwise `git status` would tell the agent that its changes were undone. */
async function updateOwnIndex(workspace: Workspace): Promise<void> {
  const index = join(workspace.git_dir, 'index')
  try {
    await copyFile(indexOf(workspace), `${index}.new`)
    await rename(`${index}.new`, index)
  } catch (thrown) {
    throw diskError(thrown)
  }
}
