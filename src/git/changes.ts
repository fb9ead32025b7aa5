/** Finds, counts and commits the changes in a workspace. Runs no program and uses no configuration that the workspace contains. */
import { existsSync } from 'node:fs'
import { copyFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Workspace } from './places.ts'
import { unusableWorkspaceError } from '../host/untrusted-tree.ts'
import { asWorkspaceError, removeSpecialFiles, refuseLargeChange } from './unsafe-files.ts'
import { restoreConfig } from './config.ts'
import { diskError } from './failure.ts'
import { indexOf, worktreeOf } from './places.ts'
import { encodeUtf8, gitFailure, gitOutput, decodeUtf8, runGit, type Git, type GitRun } from './run.ts'

/** A file that the workspace adds, changes or deletes. */
export interface FileChange {
  readonly path: string
  /** The number of added lines; null if the file is not text. */
  readonly added: number | null
  readonly removed: number | null
}

/** All changes in a workspace since its base commit. */
export interface WorkspaceChanges {
  /** The files that differ from the base commit, whether or not the changes are committed. */
  readonly files: readonly FileChange[]
  /** Paths that burn never commits: nested repositories, because burn runs no git in them, and names that git rejects. */
  readonly left_out: readonly string[]
  readonly empty: boolean
}

/** Git's file modes for a submodule and for a missing file. */
const gitlink = '160000'
const noFile = '000000'

/**
 * Adds all changes in the workspace to burn's index, and returns these changes. Throws BurnError `git_*`, or `workspace_unusable` if git
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
  { message, author }: { readonly message: string; readonly author: { readonly name: string; readonly email: string } },
): Promise<string> {
  const at = { git_dir: workspace.git_dir }
  // Git reads files and attributes again if they are as new as its index. A check may have left a named pipe in the workspace, which would
  // block git.
  await removeSpecialFiles(workspace)
  const tree = (await asWorkspaceError(workspace, () => gitOutput(git, ['write-tree'], staged(workspace)))).trim()
  const { tip, tree: tipTree } = await tipAndTree(git, workspace)
  const before = tipTree ?? (await gitOutput(git, ['rev-parse', '--verify', `${tip}^{tree}`], { at })).trim()
  const { name, email } = author
  const env = { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email, GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email }
  const commit =
    tree === before
      ? tip
      : (await gitOutput(git, ['commit-tree', '--no-gpg-sign', '-p', tip, '-F', '-', tree], { at, env, input: encodeUtf8(message) })).trim()
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

function staged(workspace: Workspace, input?: string): GitRun {
  return { at: worktreeOf(workspace), env: { GIT_INDEX_FILE: indexOf(workspace) }, ...(input === undefined ? {} : { input }) }
}

/**
 * Updates burn's index from the folder. Returns the paths that it leaves out: nested repositories, and names that git rejects, such as
 * `GIT~1`. It does not use `git add`, because `git add` would query each nested repository, and so run programs that the repository's
 * configuration names. It reads only names and file types.
 */
function stage(git: Git, workspace: Workspace): Promise<string[]> {
  return asWorkspaceError(workspace, () => stageAll(git, workspace))
}

async function stageAll(git: Git, workspace: Workspace): Promise<string[]> {
  if (!existsSync(workspace.path)) throw unusableWorkspaceError(`the folder of the workspace ${workspace.id} does not exist`)
  await removeSpecialFiles(workspace)
  await restoreConfig(workspace.mirror)
  // Only one process works in a workspace, so an existing lock file was left by a git process that was killed.
  const refs = [`heads/${workspace.branch}`, `burn/pushed/${workspace.id}`].map((ref) => join(workspace.mirror.path, 'refs', ref))
  for (const path of [indexOf(workspace), ...refs]) await rm(`${path}.lock`, { force: true })
  if (!existsSync(indexOf(workspace))) await gitOutput(git, ['read-tree', workspace.base_commit], staged(workspace))
  const { added, removed, nested } = await diffWorkspace(git, workspace)
  refuseLargeChange(workspace, added)
  const update = async (option: string, paths: readonly string[]) => {
    const args = ['update-index', '-z', ...option.split(' '), '--stdin']
    const result = await runGit(git, args, staged(workspace, paths.map((path) => `${path}\0`).join('')))
    if (result.code !== 0) throw gitFailure(args, result)
    return /^Ignoring path /m.test(result.stdout + result.stderr)
  }
  if (removed.length > 0) await update('--force-remove', removed)
  const ignored = added.length > 0 && (await update('--add --replace', added)) ? (await diffWorkspace(git, workspace)).added : []
  return [...nested, ...ignored].map((path) => decodeUtf8(path).replace(/\/$/, ''))
}

interface WorkspaceDiff {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  /** Nested repositories, and files or folders that replaced a submodule. */
  readonly nested: readonly string[]
}

/** Returns the differences between the folder and burn's index. A submodule counts as unchanged, even if something else replaced it. */
async function diffWorkspace(git: Git, workspace: Workspace): Promise<WorkspaceDiff> {
  // `dirty` makes git read only the HEAD of a submodule. Otherwise git would run inside the submodule to check whether it is clean.
  const raw = ['diff-files', '--raw', '-z', '--no-renames', '--ignore-submodules=dirty']
  const fields = (await gitOutput(git, raw, staged(workspace))).split('\0')
  const others = (await gitOutput(git, ['ls-files', '-z', '--others', '--exclude-standard'], staged(workspace))).split('\0')
  const [added, removed, nested]: [string[], string[], string[]] = [[], [], []]
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [before = '', after = ''] = (fields[at] ?? '').slice(1).split(' ')
    const path = fields[at + 1] ?? ''
    if ((before === gitlink || after === gitlink) && after !== noFile) nested.push(path)
    if (before !== gitlink) (after === gitlink || after === noFile ? removed : added).push(path)
  }
  for (const path of others.filter((each) => each !== '')) (path.endsWith('/') ? nested : added).push(path)
  return { added, removed, nested }
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
