/** What is in a workspace: seen, counted and committed without running anything of it. */
import { existsSync } from 'node:fs'
import { copyFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Workspace } from './places.ts'
import { unusableWorkspaceError } from '../host/untrusted-tree.ts'
import { asWorkspaceError, removeSpecialFiles, refuseLarge } from './unsafe-files.ts'
import { keepConfig } from './config.ts'
import { diskError } from './failure.ts'
import { indexOf, worktreeOf } from './places.ts'
import { encodeUtf8, gitFailure, gitOutput, decodeUtf8, runGit, type Git, type GitRun } from './run.ts'

export interface FileChange {
  readonly path: string
  /** Lines; null for what is not text. */
  readonly added: number | null
  readonly removed: number | null
}

export interface WorkspaceChanges {
  /** Against the commit that the workspace began from, committed or not. */
  readonly files: readonly FileChange[]
  /** Repositories of their own, in which git is never asked, and names that git refuses: nothing of them is committed. */
  readonly left_out: readonly string[]
  readonly empty: boolean
}

const gitlink = '160000'
const gone = '000000'

/** Throws BurnError `git_*`. */
export async function stageChanges(git: Git, workspace: Workspace): Promise<WorkspaceChanges> {
  const left_out = await stage(git, workspace)
  const words = ['diff-index', '--cached', '--numstat', '-z', '--no-renames', '--no-ext-diff', '--no-textconv', workspace.base_commit, '--']
  const files = (await gitOutput(git, words, staged(workspace)))
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
 * Commits to the workspace's branch what `changesIn` last saw, and nothing that came since: what a check leaves behind is nobody's work. Gives the branch's
 * commit, which is a new one only where something is. Throws BurnError `git_*`.
 */
export async function commitIndex(
  git: Git,
  workspace: Workspace,
  { message, author }: { readonly message: string; readonly author: { readonly name: string; readonly email: string } },
): Promise<string> {
  const at = { git_dir: workspace.git_dir }
  // Git reads a file again that is as new as its index, and the attributes of it: a check may have left a pipe there.
  await removeSpecialFiles(workspace)
  const tree = (await asWorkspaceError(workspace, () => gitOutput(git, ['write-tree'], staged(workspace)))).trim()
  const { tip, tree: known } = await tipAndTree(git, workspace)
  const before = known ?? (await gitOutput(git, ['rev-parse', '--verify', `${tip}^{tree}`], { at })).trim()
  const { name, email } = author
  const env = { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email, GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email }
  const commit =
    tree === before
      ? tip
      : (await gitOutput(git, ['commit-tree', '--no-gpg-sign', '-p', tip, '-F', '-', tree], { at, env, input: encodeUtf8(message) })).trim()
  await gitOutput(git, ['update-ref', '--no-deref', `refs/heads/${workspace.branch}`, commit], { at })
  await showCommitted(workspace)
  return commit
}

/** Returns the branch's commit if everything in the workspace is in it, else null. Throws BurnError `git_*`. */
export async function committedTip(git: Git, workspace: Workspace): Promise<string | null> {
  const left_out = await stage(git, workspace)
  const tip = await tipOf(git, workspace)
  const { code } = await runGit(git, ['diff-index', '--cached', '--quiet', tip, '--'], staged(workspace))
  return code === 0 && left_out.length === 0 ? tip : null
}

/** Returns `tip` of `tipAndTree`. Throws BurnError `git_*`. */
export async function tipOf(git: Git, workspace: Workspace): Promise<string> {
  return (await tipAndTree(git, workspace)).tip
}

/**
 * Returns the branch's commit and its tree. If an agent removed the branch, or gave it another history, these are the commit that the workspace began from, and
 * null. Throws BurnError `git_*` if neither is known.
 */
async function tipAndTree(git: Git, { git_dir, branch, base_commit }: Workspace): Promise<{ tip: string; tree: string | null }> {
  const asks = async (words: readonly string[]): Promise<string | null> => {
    const result = await runGit(git, words, { at: { git_dir } })
    if (result.code !== 0 && result.code !== 1) throw gitFailure(words, result)
    return result.code === 0 ? result.stdout : null
  }
  const ref = `refs/heads/${branch}`
  const said = (await asks(['for-each-ref', '--format=%(refname) %(objectname) %(tree) %(parent)', ref])) ?? ''
  const [, tip, tree, ...parents] =
    said
      .split('\n')
      .map((line) => line.split(' '))
      .find(([name]) => name === ref) ?? []
  if (tip === undefined || tree === undefined) return { tip: base_commit, tree: null }
  // The commit that burn makes lies on the base commit: one process less.
  const follows =
    tip === base_commit || parents.includes(base_commit) || (await asks(['merge-base', '--is-ancestor', base_commit, tip])) !== null
  return follows ? { tip, tree } : { tip: base_commit, tree: null }
}

function staged(workspace: Workspace, input?: string): GitRun {
  return { at: worktreeOf(workspace), env: { GIT_INDEX_FILE: indexOf(workspace) }, ...(input === undefined ? {} : { input }) }
}

/**
 * Makes our index say what the folder says; gives what is left out: repositories in it, and names that git takes from nobody (`.git ` and the
 * like). `git add` would ask each repository for its state, and so run what its configuration names; this asks for names and kinds only.
 */
function stage(git: Git, workspace: Workspace): Promise<string[]> {
  return asWorkspaceError(workspace, () => stageAll(git, workspace))
}

async function stageAll(git: Git, workspace: Workspace): Promise<string[]> {
  if (!existsSync(workspace.path)) throw unusableWorkspaceError(`the workspace ${workspace.id} has no folder`)
  await removeSpecialFiles(workspace)
  await keepConfig(workspace.mirror)
  // Whoever works in a workspace does so alone: a lock is what a killed git left.
  const refs = [`heads/${workspace.branch}`, `burn/pushed/${workspace.id}`].map((ref) => join(workspace.mirror.path, 'refs', ref))
  for (const path of [indexOf(workspace), ...refs]) await rm(`${path}.lock`, { force: true })
  if (!existsSync(indexOf(workspace))) await gitOutput(git, ['read-tree', workspace.base_commit], staged(workspace))
  const { added, removed, nested } = await diffWorkspace(git, workspace)
  refuseLarge(workspace, added)
  const update = async (option: string, paths: readonly string[]) => {
    const words = ['update-index', '-z', ...option.split(' '), '--stdin']
    const result = await runGit(git, words, staged(workspace, paths.map((path) => `${path}\0`).join('')))
    if (result.code !== 0) throw gitFailure(words, result)
    return /^Ignoring path /m.test(result.stdout + result.stderr)
  }
  if (removed.length > 0) await update('--force-remove', removed)
  const ignored = added.length > 0 && (await update('--add --replace', added)) ? (await diffWorkspace(git, workspace)).added : []
  return [...nested, ...ignored].map((path) => decodeUtf8(path).replace(/\/$/, ''))
}

interface WorkspaceDiff {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  /** Repositories of their own, and what took the place of a submodule. */
  readonly nested: readonly string[]
}

/** How the folder and our index differ. A submodule stays as it was, whatever lies in its place. */
async function diffWorkspace(git: Git, workspace: Workspace): Promise<WorkspaceDiff> {
  // Of a submodule only its HEAD is read; whether it is clean would be asked of itself.
  const raw = ['diff-files', '--raw', '-z', '--no-renames', '--ignore-submodules=dirty']
  const fields = (await gitOutput(git, raw, staged(workspace))).split('\0')
  const others = (await gitOutput(git, ['ls-files', '-z', '--others', '--exclude-standard'], staged(workspace))).split('\0')
  const [added, removed, nested]: [string[], string[], string[]] = [[], [], []]
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [before = '', after = ''] = (fields[at] ?? '').slice(1).split(' ')
    const path = fields[at + 1] ?? ''
    if ((before === gitlink || after === gitlink) && after !== gone) nested.push(path)
    if (before !== gitlink) (after === gitlink || after === gone ? removed : added).push(path)
  }
  for (const path of others.filter((each) => each !== '')) (path.endsWith('/') ? nested : added).push(path)
  return { added, removed, nested }
}

/** An agent's own index follows, or `git status` would tell it that the commit was undone. */
async function showCommitted(workspace: Workspace): Promise<void> {
  const index = join(workspace.git_dir, 'index')
  try {
    await copyFile(indexOf(workspace), `${index}.new`)
    await rename(`${index}.new`, index)
  } catch (thrown) {
    throw diskError(thrown)
  }
}
